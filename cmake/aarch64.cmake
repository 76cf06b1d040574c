# A toolchain file: reckon for AArch64 by Debian's cross compiler (gcc-aarch64-linux-gnu, g++-aarch64-linux-gnu), its programs run by qemu-user.
#
#   cmake -B build-aarch64 -DCMAKE_TOOLCHAIN_FILE=cmake/aarch64.cmake
#   cmake --build build-aarch64 --target command unit_cpu_int8 law_cpu        (any program of tests/: KIND_NAME)
#   qemu-aarch64 -L /usr/aarch64-linux-gnu build-aarch64/tests/law/cpu
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
