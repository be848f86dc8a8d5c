#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run_aarch64.sh BUILD: SelfCheck on this machine's JVM and on an aarch64 JVM under qemu as a Cortex-A72, with JNI checked.
# libdotori_jni.so is cross-built in build/java-aarch64. BUILD was configured with DOTORI_JAVA=ON and has the target java_tests.
set -euo pipefail
build=$(cd "${1:?usage: run_aarch64.sh BUILD}" && pwd)
cd "$(dirname "$0")/../.."
work=$build/tests/java/aarch64
rm -rf "$work"
mkdir -p "$work/models" "$work/classes"
"$build/make_java_models" "$work/models"
javac --release 8 -encoding UTF-8 -Xlint:all,-options -Werror -cp "$build/dotori.jar" -d "$work/classes" tests/java/SelfCheck.java

# A warning of -Xcheck:jni is a failure too.
check() { # NAME COMMAND...
  local name=$1
  shift
  "$@" -Xcheck:jni -Xmx128m -cp "$work/classes:$build/dotori.jar" SelfCheck "$work/models" >"$work/$name.log" 2>&1 ||
    { cat "$work/$name.log"; exit 1; }
  if grep -nE 'WARNING|FATAL ERROR|SIGSEGV' "$work/$name.log"; then
    echo "java: the JVM found fault with the use of JNI"
    exit 1
  fi
  echo "$name: $(tail -n 1 "$work/$name.log")"
}
check desktop java -Djava.library.path="$build"

root=$(tests/java/jvm_arm64.sh)
jvm=$root/usr/lib/jvm/java-17-openjdk-arm64

scripts/sysroot arm64
jpeg=$PWD/build/sysroot/arm64/usr
[ -f build/java-aarch64/build.ninja ] ||
  cmake -S . -B build/java-aarch64 -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_TOOLCHAIN_FILE=cmake/aarch64-linux-gnu.cmake \
    -DDOTORI_HOST_TOOLS=OFF -DDOTORI_TESTS=OFF -DDOTORI_VISION=ON -DDOTORI_JAVA=ON \
    "-DJPEG_INCLUDE_DIR=$jpeg/include;$jpeg/include/aarch64-linux-gnu" -DJPEG_LIBRARY="$jpeg/lib/aarch64-linux-gnu/libjpeg.a" >/dev/null
cmake --build build/java-aarch64 --target dotori_jni
# Named, because the loader's cache of the machine itself may list libraries of arm64 that do not fit the unpacked ones.
check aarch64 qemu-aarch64 -cpu cortex-a72 -L "$root" -E LD_LIBRARY_PATH="$root/lib/aarch64-linux-gnu:$root/usr/lib/aarch64-linux-gnu" \
  "$jvm/bin/java" -Djava.library.path=build/java-aarch64
