#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh LIBRARY PROGRAM...: runs the Android library's machine code under qemu, over glibc through shims named as Android's libraries, and
# compares a model's outputs, byte for byte, with those of PROGRAM (example_tensors of an aarch64 build, with what runs it before it).
# That the code is right, not that Android loads it: no Android runs here.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '3,5s/^# //p' "$0"; exit 2; }
library=$(realpath "$1")
shift
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../../build/android
work=$root/run
rm -rf "$work"
mkdir -p "$work"/{shims,expected,found}
# Android's errno is behind another function. The names without a version then come from glibc's libraries.
echo '#include <errno.h>
int* __errno(void) { return &errno; }' >"$work/errno.c"
: >"$work/empty.c"
aarch64-linux-gnu-gcc -shared -fPIC -o "$work/shims/libc.so" -Wl,-soname,libc.so "$work/errno.c"
for name in m dl log; do
  aarch64-linux-gnu-gcc -shared -fPIC -o "$work/shims/lib$name.so" -Wl,-soname,"lib$name.so" "$work/empty.c" -Wl,--no-as-needed -lm
done
aarch64-linux-gnu-gcc -std=gnu99 -Wall -Wextra -Werror -O1 -I"$here/../../include" -o "$work/run" "$here/run.c"
# The cross packages' own library path: otherwise qemu may mix two installations of glibc.
glibc=/usr/aarch64-linux-gnu
emulated=(qemu-aarch64 -cpu cortex-a72 -L "$glibc" -E "LD_LIBRARY_PATH=$work/shims:$glibc/lib")

# Input x of this model: float32 [1,6,8,4], 0.125 to 0.5.
model=$here/../graph/data/format_1_0.dtr
for ((i = 0; i < 192; ++i)); do printf "\\x00\\x00\\x$(printf %02x $((i * 37 % 256)))\\x3e"; done >"$work/expected/input_0.raw"
cp "$work/expected/input_0.raw" "$work/found/"
"$@" "$model" "$work/expected"
"${emulated[@]}" "$work/run" "$library" "$model" "$work/found"
outputs=0
for file in "$work"/expected/output_*.raw; do
  cmp "$file" "$work/found/$(basename "$file")"
  outputs=$((outputs + 1))
done
[ "$outputs" -eq 4 ] || { echo "$outputs outputs, expected 4"; exit 1; }
echo "the same bytes in $outputs outputs"
