# What can be chosen, and what every file is compiled with.
#
#   RECKON_PAR       openmp | tbb | pthreads: the body of par_for. Also USE_OPENMP=0|1 and USE_TBB=0|1.
#   RECKON_WERROR    warnings are errors (the tests and the CI say so; a user's newer compiler may warn about new things)
#   RECKON_SANITIZE  address,undefined | thread | ...: passed to -fsanitize=
#   RECKON_FUZZ      build the fuzz targets on libFuzzer (clang) instead of the small driver of tests/fuzz
#   FUZZ_SECONDS     how long each fuzz target runs as a test
#   RECKON_BLAS      the BLAS library that makes the products where nobody names one at run time: openblas, blis, mkl, onednn, own,
#                    a file, or nothing (the winner of a race). Also BLAS=NAME.
#   RECKON_CUDA      the CUDA back end, which needs the CUDA toolkit where it is built (nvcc, the runtime, headers of NVRTC and cuBLASLt), and where it
#                    runs a driver, libcublasLt.so and libnvrtc.so, which it opens. Also CUDA=1.
#   RECKON_CUDA_ARCHITECTURES   what its kernels are compiled for, as nvcc says it: 80;90a. The first is kept as PTX too, for newer devices.
#
# The last word counts: the cache of a build folder keeps RECKON_PAR, RECKON_BLAS and RECKON_CUDA, never their other names, and nothing that was refused.
# Nothing is linked with a BLAS: it is opened at run time, so the same build runs with any and without one.

option(RECKON_WERROR "warnings are errors" OFF)
set(RECKON_SANITIZE "" CACHE STRING "sanitizers, as for -fsanitize=")
option(RECKON_FUZZ "fuzz targets on libFuzzer (needs clang)" OFF)
set(RECKON_BLAS "" CACHE STRING "BLAS library to use where none is named at run time (empty: the winner of a race)")
set(blas "${RECKON_BLAS}")
if(DEFINED BLAS)
    set(blas "${BLAS}")
    unset(BLAS CACHE)
endif()
if(blas AND NOT blas MATCHES "/|\\.so")          # a name: one of those that the table has
    file(STRINGS ${PROJECT_SOURCE_DIR}/src/backend/blas/blas_rows.c blas_names REGEX "^    { \\.name = \"")
    list(TRANSFORM blas_names REPLACE "^[^\"]*\"([a-z]*)\".*" "\\1")
    string(TOLOWER "${blas}" blas_wanted)
    if(NOT blas_wanted IN_LIST blas_names AND NOT blas_wanted STREQUAL "own")
        list(JOIN blas_names ", " blas_names)
        message(FATAL_ERROR "BLAS is \"${blas}\"; it may be ${blas_names}, own, or a file such as libopenblas.so.0")
    endif()
endif()
set(RECKON_BLAS "${blas}" CACHE STRING "" FORCE)
option(RECKON_CUDA "the CUDA back end (needs the CUDA toolkit)" OFF)
set(RECKON_CUDA_ARCHITECTURES "80;90a" CACHE STRING "what the CUDA back end is compiled for, as nvcc says it")
if(DEFINED CUDA)
    set(RECKON_CUDA "${CUDA}" CACHE BOOL "" FORCE)
    unset(CUDA CACHE)
endif()
set(FUZZ_SECONDS 0.5 CACHE STRING "seconds for each fuzz target as a test")

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Release or Debug" FORCE)
endif()
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")           # lines for backtraces and profiles; where variables are takes a third of the kernels' compilation
set(CMAKE_C_FLAGS_DEBUG "-O1 -g -fno-omit-frame-pointer")
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# The usage requirements of our own code; nothing of it reaches a customer.
add_library(house INTERFACE)
target_compile_definitions(house INTERFACE _GNU_SOURCE)
target_include_directories(house INTERFACE ${PROJECT_SOURCE_DIR}/include)
target_compile_options(house INTERFACE
    -fvisibility=hidden -fno-math-errno
    -ffp-contract=off                       # a product and a sum stay two roundings unless a kernel says fma itself
    -Wall -Wextra -Wshadow -Wconversion)
if(RECKON_WERROR AND NOT RECKON_SANITIZE)   # gcc sees truncations and gaps in instrumented code that are not there
    target_compile_options(house INTERFACE -Werror)
endif()
if(RECKON_SANITIZE)
    target_compile_options(house INTERFACE -fsanitize=${RECKON_SANITIZE} -fno-sanitize-recover=all -g1)     # lines for reports; variables take long
    target_link_options(house INTERFACE -fsanitize=${RECKON_SANITIZE})
endif()
if(RECKON_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID MATCHES Clang)
        message(FATAL_ERROR "RECKON_FUZZ needs clang: configure with -DCMAKE_C_COMPILER=clang (tools/setup --dev installs it)")
    endif()
    target_compile_options(house INTERFACE -fsanitize=fuzzer-no-link)
endif()

# Threads. USE_OPENMP and USE_TBB are other words for RECKON_PAR; 0 takes away what was chosen before.
set(RECKON_PAR pthreads CACHE STRING "threads: pthreads (our own pool), openmp or tbb")
set_property(CACHE RECKON_PAR PROPERTY STRINGS pthreads openmp tbb)
set(par "${RECKON_PAR}")
if(USE_OPENMP AND USE_TBB)
    unset(USE_OPENMP CACHE)
    unset(USE_TBB CACHE)
    message(FATAL_ERROR "USE_OPENMP and USE_TBB were both asked for: threads come from one of them")
endif()
foreach(name openmp tbb)
    string(TOUPPER "USE_${name}" use)
    if(${use})
        set(par ${name})
    elseif(NOT "${${use}}" STREQUAL "" AND par STREQUAL "${name}")
        set(par pthreads)
    endif()
    unset(${use} CACHE)
endforeach()
if(NOT par MATCHES "^(openmp|tbb|pthreads)$")
    message(FATAL_ERROR "RECKON_PAR is \"${par}\"; it may be openmp, tbb or pthreads")
endif()

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
if(par STREQUAL "openmp")
    find_package(OpenMP QUIET COMPONENTS C)
    if(NOT OpenMP_C_FOUND)
        message(FATAL_ERROR "OpenMP was asked for and ${CMAKE_C_COMPILER} has none (clang: the package libomp-dev)")
    endif()
endif()
if(par STREQUAL "tbb")
    get_filename_component(beside "${CMAKE_C_COMPILER}" DIRECTORY)
    find_program(cxx NAMES c++ g++ clang++ HINTS "${beside}" NO_CACHE)
    if(cxx OR CMAKE_CXX_COMPILER OR DEFINED ENV{CXX})   # else CMake would end with words of its own
        enable_language(CXX)
        set(CMAKE_CXX_STANDARD 17)
        find_package(TBB QUIET)
    endif()
    if(NOT TBB_FOUND)
        message(FATAL_ERROR "oneTBB was asked for and is not here (Debian: the packages libtbb-dev and g++)")
    endif()
endif()
set(RECKON_PAR ${par} CACHE STRING "" FORCE)
if(RECKON_CUDA)
    include(cmake/cuda.cmake)
endif()
