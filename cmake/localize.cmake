# Makes the installed ARCHIVE keep the promise that the shared library keeps by its visibility: a customer's program sees
# rk_ names only, and may have a str_add of its own. All objects become one, whose hidden names become local. Run when
# installing, with LD, OBJCOPY and AR; where one of them fails, the archive stays as it was built.
set(object ${ARCHIVE}.o)
execute_process(COMMAND ${LD} -r --whole-archive ${ARCHIVE} -o ${object} RESULT_VARIABLE joined ERROR_QUIET)
if(joined STREQUAL "0")
    execute_process(COMMAND ${OBJCOPY} --localize-hidden ${object} RESULT_VARIABLE localized ERROR_QUIET)
    if(localized STREQUAL "0")
        file(REMOVE ${ARCHIVE})
        execute_process(COMMAND ${AR} qcs ${ARCHIVE} ${object} COMMAND_ERROR_IS_FATAL ANY)
    endif()
endif()
if(NOT localized STREQUAL "0")
    message("the static library keeps its inner names: ${LD} or ${OBJCOPY} could not hide them")
endif()
file(REMOVE ${object})
