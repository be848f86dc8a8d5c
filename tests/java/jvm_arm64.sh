#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# jvm_arm64.sh: prints a folder with Debian's JVM for arm64 (usr/lib/jvm/java-17-openjdk-arm64) and the libraries it needs. They are
# unpacked there, 200 MB, not installed: the machine's foreign architectures and package lists stay as they are.
set -euo pipefail
cd "$(dirname "$0")/../.."
packages="openjdk-17-jre-headless libc6 libgcc-s1 libstdc++6 zlib1g"
root=$PWD/build/sysroot/java-arm64
if [ ! -f "$root/complete" ] || [ "$(cat "$root/complete")" != "$packages" ]; then
  work=$PWD/build/sysroot/apt-java
  rm -rf "$root" "$work"
  mkdir -p "$root" "$work"/{lists/partial,cache/archives/partial,packages}
  : >"$work/status"
  apt=(apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$work" -o Dir::State::lists="$work/lists"
       -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none)
  "${apt[@]}" update >&2 || { echo "java: cannot reach Debian's packages" >&2; exit 1; }
  (cd "$work/packages" && "${apt[@]}" download $packages >&2) || { echo "java: cannot download $packages for arm64" >&2; exit 1; }
  for package in "$work"/packages/*.deb; do dpkg-deb -x "$package" "$root"; done
  # The JVM's settings are links into /etc.
  find "$root/usr/lib/jvm" -type l -lname '/etc/*' | while read -r link; do ln -sfn "$root$(readlink "$link")" "$link"; done
  rm -rf "$work"
  echo "$packages" >"$root/complete"
fi
echo "$root"
