#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run_java.sh LIBRARY: the Android library again, through the Java classes, in an aarch64 Java machine under qemu. After run.sh, whose shims and
# expected outputs it takes. Downloads Debian's Java machine for arm64 (100 MB unpacked) into build/android/jre.
set -euo pipefail
[ $# -eq 1 ] || { sed -n '3,4s/^# //p' "$0"; exit 2; }
library=$(realpath "$1")
cd "$(dirname "$0")/../.."
root=$PWD/build/android
jre=$root/jre
packages="openjdk-17-jre-headless zlib1g libc6 libgcc-s1 libstdc++6"
if [ ! -f "$jre/complete" ] || [ "$(cat "$jre/complete")" != "$packages" ]; then
  work=$root/apt
  rm -rf "$jre" "$work"
  mkdir -p "$jre" "$work"/{lists/partial,cache/archives/partial,packages}
  : >"$work/status"
  apt=(apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$work" -o Dir::State::lists="$work/lists"
       -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none)
  "${apt[@]}" update || { echo "android: cannot reach Debian's packages" >&2; exit 1; }
  (cd "$work/packages" && "${apt[@]}" download $packages) || { echo "android: cannot download $packages" >&2; exit 1; }
  for package in "$work"/packages/*.deb; do dpkg-deb -x "$package" "$jre"; done
  rm -rf "$work"
  # The package's settings are links to /etc.
  find "$jre/usr/lib/jvm" -type l -lname '/etc/*' | while read -r link; do ln -sfn "$jre$(readlink "$link")" "$link"; done
  echo "$packages" >"$jre/complete"
fi
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
