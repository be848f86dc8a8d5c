#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# build.sh: libdotori_jni.so for Android's target (aarch64-linux-android26) without the NDK, into build/android. The compiler, the flags, the
# page size and the interface of the C library are Android's; the C++ library is replaced by runtime.cc. So this shows that the
# sources compile and link for Android and what they need there; what is shipped is built with the NDK (preset android-arm64).
# Needs clang-19, lld-19, llvm-19 and a JDK (scripts/packages.sh: PACKAGES_ANDROID).
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -eq 0 ] || { sed -n '3,6s/^# //p' "$0"; [ "$1" = --help ] && exit 0 || exit 2; }
root=$PWD/build/android
mkdir -p "$root"

# Headers: C++ of libc++, C of another C library (declarations are alike where this project looks; structures and numbers that
# differ from Android's, such as pthread_mutex_t and sysconf's, are not used). Unpacked, not installed.
packages="amd64/libc++-19-dev arm64/musl-dev"
if [ ! -f "$root/packages/complete" ] || [ "$(cat "$root/packages/complete")" != "$packages" ]; then
  rm -rf "$root/packages"
  for package in $packages; do
    arch=${package%%/*} work=$root/apt
    rm -rf "$work"
    mkdir -p "$work"/{lists/partial,cache/archives/partial,packages} "$root/packages"
    : >"$work/status"
    apt=(apt-get -qq -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o Dir::State="$work" -o Dir::State::lists="$work/lists"
         -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none)
    "${apt[@]}" update || { echo "android: cannot reach Debian's packages" >&2; exit 1; }
    (cd "$work/packages" && "${apt[@]}" download "${package#*/}") || { echo "android: cannot download $package" >&2; exit 1; }
    dpkg-deb -x "$work"/packages/*.deb "$root/packages"
  done
  rm -rf "$root/apt"
  echo "$packages" >"$root/packages/complete"
fi

# Libraries: names without code, so that the linker finds what a phone has and nothing more. Unversioned, so that the result can
# also be run over another C library.
mkdir -p "$root/stubs"
for library in c m dl log; do
  awk -v l="$library" '$1 == l { print ".globl " $2 "\n.type " $2 ", %function\n" $2 ":" } END { print "ret" }' tests/android/bionic_symbols.txt \
    >"$root/stubs/$library.s"
  clang-19 --target=aarch64-linux-android26 -fuse-ld=lld -nostdlib -shared -Wl,-soname,"lib$library.so" -o "$root/stubs/lib$library.so" \
    "$root/stubs/$library.s"
done

[ -f "$root/lib/build.ninja" ] ||
  cmake -S tests/android -B "$root/lib" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_TOOLCHAIN_FILE="$PWD/tests/android/toolchain.cmake" \
    -DDOTORI_ANDROID_ROOT="$root" >/dev/null
cmake --build "$root/lib" --target dotori_jni
llvm-strip-19 --strip-unneeded -o "$root/libdotori_jni.so" "$root/lib/libdotori_jni.so"
echo "built build/android/libdotori_jni.so, $(stat -c %s "$root/libdotori_jni.so") bytes stripped"
