# The tests of the CUDA back end: tests/cuda/test_NAME.c, each built twice.
#
#   cuda-host/NAME   the back end's own text on the stand-in of tests/cuda_host: no device, no toolkit, but a C++ compiler
#   cuda/NAME        as it is built for a device, with RECKON_CUDA; skipped where there is no device
#
# tests/cuda_host/test_NAME.c are tests on the stand-in alone; and for tests/cuda/test_NAME.sh there is the command on it.

file(GLOB cuda_tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/cuda/test_*.c)
file(GLOB cuda_scripts CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/cuda/test_*.sh)

function(cuda_test kind source)             # libraries and objects follow
    string(REGEX REPLACE ".*/test_(.*)\\.c$" "\\1" name ${source})
    string(REPLACE - _ target ${kind}_${name})
    add_executable(${target} ${source})
    target_link_libraries(${target} PRIVATE ${ARGN} harness)
    target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/cuda)
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/${kind} OUTPUT_NAME ${name} LINKER_LANGUAGE C)
    reckon_test(${kind}/${name} ${source} ${kind} $<TARGET_FILE:${target}>)
    add_dependencies(${kind} ${target})
    set(target ${target} PARENT_SCOPE)
endfunction()

# --- on a device ---

if(RECKON_CUDA)
    add_custom_target(cuda)                 # what tools/device-check needs, besides the command
    foreach(source IN LISTS cuda_tests)
        cuda_test(cuda ${source})
    endforeach()
    foreach(script IN LISTS cuda_scripts)
        string(REGEX REPLACE ".*/test_(.*)\\.sh$" "\\1" name ${script})
        reckon_test(cuda/${name} ${script} cuda sh ${script})
    endforeach()
endif()

option(RECKON_STAND_IN "tests of the CUDA back end on a stand-in for a device" ON)
if(NOT RECKON_STAND_IN)
    return()
endif()

# --- on the host. Kernels are C++, compiled by the C compiler's own sibling: sanitizers of two makers do not go together. ---

if(NOT CMAKE_CXX_COMPILER AND NOT DEFINED ENV{CXX})
    get_filename_component(compiler_name ${CMAKE_C_COMPILER} NAME)
    get_filename_component(compiler_folder ${CMAKE_C_COMPILER} DIRECTORY)
    string(REGEX REPLACE "gcc" "g++" compiler_name ${compiler_name})
    string(REGEX REPLACE "clang" "clang++" compiler_name ${compiler_name})
    string(REGEX REPLACE "^cc$" "c++" compiler_name ${compiler_name})
    find_program(RECKON_CXX ${compiler_name} HINTS ${compiler_folder} DOC "the C++ compiler beside the C compiler")
    if(RECKON_CXX)
        set(CMAKE_CXX_COMPILER ${RECKON_CXX})
    endif()
endif()
include(CheckLanguage)
check_language(CXX)
if(NOT CMAKE_CXX_COMPILER)
    foreach(source IN LISTS cuda_tests cuda_scripts)
        string(REGEX REPLACE ".*/test_(.*)\\.(c|sh)$" "\\1" name ${source})
        reckon_test(cuda-host/${name} "" cuda-host sh -c "echo 'skipped: there is no C++ compiler here (Debian: g++)'; exit 77")
    endforeach()
    return()
endif()
enable_language(CXX)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1 -fno-omit-frame-pointer")

function(cuda_host_library name)            # what is compiled for the stand-in: everything is seen, as kernels compiled at run time must see it
    add_library(${name} SHARED EXCLUDE_FROM_ALL ${ARGN})
    target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/cuda_host ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
    target_compile_definitions(${name} PRIVATE RECKON_CUDA_HOST=1)
    target_compile_options(${name} PRIVATE -ffp-contract=off -fno-math-errno -Wall -Wextra -Wno-unknown-pragmas
        $<$<CXX_COMPILER_ID:Clang>:-Wno-pass-failed>)          # to unroll is a wish for the device
    if(RECKON_WERROR AND NOT RECKON_SANITIZE)
        target_compile_options(${name} PRIVATE -Werror)
    endif()
    if(RECKON_SANITIZE)
        target_compile_options(${name} PRIVATE -fsanitize=${RECKON_SANITIZE} -fno-sanitize-recover=all ${plain_frames})
        target_link_options(${name} PRIVATE -fsanitize=${RECKON_SANITIZE})
    endif()
    set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/cuda-host)
endfunction()

file(GLOB stand_in CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/cuda_host/host_*.cpp)
set(host_shared ${CMAKE_CURRENT_SOURCE_DIR}/cuda_host/host_shared.cpp)
list(REMOVE_ITEM stand_in ${host_shared})
cuda_host_library(stand_in_runtime ${stand_in})
target_compile_definitions(stand_in_runtime PRIVATE CUDA_HOST_COMPILER="${CMAKE_CXX_COMPILER}")
target_link_libraries(stand_in_runtime PRIVATE ${CMAKE_DL_LIBS} Threads::Threads)

file(GLOB host_kernels CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/backend/cuda/*.cu ${CMAKE_CURRENT_SOURCE_DIR}/cuda_host/*.cu)
set_source_files_properties(${host_kernels} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "-x;c++")
cuda_host_library(stand_in_kernels ${host_shared} ${host_kernels})         # that one first: see there
target_link_libraries(stand_in_kernels PRIVATE stand_in_runtime)
if(RECKON_SANITIZE)                         # optimising checked templates costs more than it saves in the tests
    target_compile_options(stand_in_kernels PRIVATE -O0)
endif()

# The back end's C, with the stand-in's headers in the toolkit's place; and the door of src/device_cuda.c open.
file(GLOB host_backend CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/backend/cuda/*.c)
add_library(stand_in_backend OBJECT EXCLUDE_FROM_ALL ${host_backend} ${PROJECT_SOURCE_DIR}/src/device_cuda.c)
target_link_libraries(stand_in_backend PRIVATE house)
target_include_directories(stand_in_backend BEFORE PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/cuda_host ${PROJECT_SOURCE_DIR}/src)
target_compile_definitions(stand_in_backend PRIVATE RECKON_CUDA=1 RECKON_CUDA_HOST=1 RECKON_CUDA_HOST_LIBRARY="$<TARGET_FILE:stand_in_runtime>")
target_compile_options(stand_in_backend PRIVATE -Wmissing-prototypes)
set(on_host $<TARGET_OBJECTS:stand_in_backend> stand_in_kernels stand_in_runtime)

add_custom_target(cuda-host)
foreach(source IN LISTS cuda_tests)
    cuda_test(cuda-host ${source} ${on_host})
endforeach()

file(GLOB host_tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/cuda_host/test_*.c)
foreach(source IN LISTS host_tests)         # they call kernels themselves, on memory that is the host's
    cuda_test(cuda-host ${source} ${on_host})
    target_include_directories(${target} BEFORE PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/cuda_host)
endforeach()

if(TARGET command)
    add_executable(stand_in_command $<TARGET_OBJECTS:command>)
    target_link_libraries(stand_in_command PRIVATE house ${on_host} reckon_static)
    set_target_properties(stand_in_command PROPERTIES OUTPUT_NAME reckon RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/cuda-host LINKER_LANGUAGE C)
    add_dependencies(cuda-host stand_in_command)
    foreach(script IN LISTS cuda_scripts)
        string(REGEX REPLACE ".*/test_(.*)\\.sh$" "\\1" name ${script})
        reckon_test(cuda-host/${name} ${script} cuda-host ${CMAKE_COMMAND} -E env RECKON_COMMAND=$<TARGET_FILE:stand_in_command> sh ${script})
    endforeach()
endif()
