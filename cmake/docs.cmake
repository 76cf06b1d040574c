# Asks the command for its man pages and its completion. Run as a script: COMMAND is the command, INTO the folder. A command
# that cannot answer costs only these files: the installation goes on without them.
file(REMOVE_RECURSE ${INTO})
file(MAKE_DIRECTORY ${INTO}/man1)
execute_process(COMMAND ${COMMAND} help --man ${INTO}/man1 RESULT_VARIABLE man OUTPUT_QUIET ERROR_VARIABLE man_words)
if(NOT man STREQUAL "0")
    message("no man pages: ${man_words}")
    file(REMOVE_RECURSE ${INTO}/man1)
endif()
foreach(shell bash zsh fish)
    execute_process(COMMAND ${COMMAND} help --completion ${shell} RESULT_VARIABLE completion OUTPUT_FILE ${INTO}/reckon.${shell}
        ERROR_VARIABLE completion_words)
    if(NOT completion STREQUAL "0")
        message("no completion for ${shell}: ${completion_words}")
        file(REMOVE ${INTO}/reckon.${shell})
    endif()
endforeach()
file(TOUCH ${INTO}/made)
