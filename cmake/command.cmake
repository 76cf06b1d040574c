# The command, linked with the static library so that one file is all of it, and what it can print about itself: man pages
# and completion, both made from its own tables of commands.

file(GLOB cli_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cli/*.c)
if(EXISTS ${PROJECT_SOURCE_DIR}/cli/main.c)
    foreach(asset style:html.css script:html.js)                # what a page brings along
        string(REGEX REPLACE ":.*" "" name ${asset})
        string(REGEX REPLACE ".*:" "" file ${asset})
        add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/html_${name}.c
            COMMAND ${CMAKE_COMMAND} -D FROM=${PROJECT_SOURCE_DIR}/cli/${file} -D NAME=html_${name} -D INTO=${PROJECT_BINARY_DIR}/html_${name}.c
                    -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
            DEPENDS ${PROJECT_SOURCE_DIR}/cli/${file} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake VERBATIM)
        list(APPEND cli_sources ${PROJECT_BINARY_DIR}/html_${name}.c)
    endforeach()
    add_executable(command ${cli_sources})
    target_link_libraries(command PRIVATE house reckon_static)
    target_include_directories(command PRIVATE ${PROJECT_SOURCE_DIR}/cli)
    target_compile_options(command PRIVATE -Wmissing-prototypes)
    set_target_properties(command PROPERTIES OUTPUT_NAME reckon RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})

    if(NOT CMAKE_CROSSCOMPILING)
        add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/docs/made
            COMMAND ${CMAKE_COMMAND} -D COMMAND=$<TARGET_FILE:command> -D INTO=${PROJECT_BINARY_DIR}/docs
                    -P ${PROJECT_SOURCE_DIR}/cmake/docs.cmake
            DEPENDS command ${PROJECT_SOURCE_DIR}/cmake/docs.cmake VERBATIM COMMENT "man pages and completion")
        add_custom_target(docs ALL DEPENDS ${PROJECT_BINARY_DIR}/docs/made)
    endif()
endif()
