# SPDX-License-Identifier: Apache-2.0
# Static cross build for aarch64 Linux; tests run under qemu-aarch64 as a Cortex-A72.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -cpu cortex-a72)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
