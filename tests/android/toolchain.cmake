# SPDX-License-Identifier: Apache-2.0
# Android's target without the NDK: clang for aarch64-linux-android26, libc++'s headers, a C library's headers and stubs of
# Android's libraries, all put together by tests/android/build.sh (DOTORI_ANDROID_ROOT). For checking the build, not for shipping.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER clang-19)
set(CMAKE_CXX_COMPILER clang++-19)
set(CMAKE_AR llvm-ar-19)
set(CMAKE_RANLIB llvm-ranlib-19)
set(CMAKE_C_COMPILER_TARGET aarch64-linux-android26)
set(CMAKE_CXX_COMPILER_TARGET aarch64-linux-android26)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES DOTORI_ANDROID_ROOT)
set(root ${DOTORI_ANDROID_ROOT})
set(c_headers "-isystem ${CMAKE_CURRENT_LIST_DIR}/include -isystem ${root}/packages/usr/include/aarch64-linux-musl")
set(CMAKE_C_FLAGS_INIT "-nostdlibinc ${c_headers} -mno-outline-atomics -fPIC")
set(CMAKE_CXX_FLAGS_INIT "-nostdinc++ -nostdlibinc -isystem ${root}/packages/usr/lib/llvm-19/include/c++/v1 ${c_headers} \
-D_LIBCPP_DISABLE_EXTERN_TEMPLATE -D_LIBCPP_HAS_NO_FILESYSTEM -D_LIBCPP_PROVIDES_DEFAULT_RUNE_TABLE -mno-outline-atomics -fPIC")
# No start files and no run-time library: the stubs stand for all that a phone has.
set(CMAKE_SHARED_LINKER_FLAGS_INIT "-fuse-ld=lld -nostdlib -L${root}/stubs -Wl,-z,defs -Wl,-z,max-page-size=16384")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
# As the NDK's toolchain file has it.
set(CMAKE_FIND_ROOT_PATH ${root})
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
