#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run_java.sh LIBRARY: the Android library again, through the Java classes, in an aarch64 Java machine under qemu. After run.sh, whose shims and
# expected outputs it takes. The Java machine is Debian's for arm64 (tests/java/jvm_arm64.sh).
set -euo pipefail
[ $# -eq 1 ] || { sed -n '3,4s/^# //p' "$0"; exit 2; }
library=$(realpath "$1")
cd "$(dirname "$0")/../.."
root=$PWD/build/android
jre=$(tests/java/jvm_arm64.sh)
out=$root/java
rm -rf "$out"
mkdir -p "$out/lib"
cp "$library" "$out/lib/libdotori_jni.so"
javac --release 8 -Xlint:-options -d "$out/classes" $(find src/java -name '*.java') tests/android/JavaRun.java
java=$(echo "$jre"/usr/lib/jvm/java-17-openjdk-arm64/bin/java)
found=$(qemu-aarch64 -cpu cortex-a72 -L "$jre" \
  -E LD_LIBRARY_PATH="$root/run/shims:$jre/lib/aarch64-linux-gnu:$jre/usr/lib/aarch64-linux-gnu" \
  "$java" -Xint -Xcheck:jni -Djava.library.path="$out/lib" -cp "$out/classes" JavaRun tests/graph/data/format_1_0.dtr "$root/run/expected")
echo "$found"
! grep -q WARNING <<<"$found" || exit 1
grep -q '^Java: 4 outputs as expected' <<<"$found"
