#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The engine in two files: single_file.sh MAKE_CONSUMER_MODELS FOLDER. Writes them into FOLDER, compiles each by one compiler
# call for x86-64 and aarch64, and runs the networks of every operator, natively and under qemu.
set -euo pipefail
make_models=$(realpath "$1") folder=$2
cd "$(dirname "$0")/../.."
rm -rf "$folder"
mkdir -p "$folder/models"
scripts/amalgamate --out "$folder/dotori"
"$make_models" "$folder/models" >/dev/null
flags="-std=c++17 -O1 -Wall -Werror -I$folder"
build() {  # NAME COMPILER [flags]
  local name=$1
  shift
  "$@" $flags -c "$folder/dotori/dotori.cc" -o "$folder/dotori_$name.o"
  "$@" $flags tests/consumers/run_networks.cc "$folder/dotori_$name.o" -o "$folder/run_$name"
}
build native g++ &
build aarch64 aarch64-linux-gnu-g++ -static
wait $!
"$folder/run_native" "$folder/models"
DOTORI_MAX_ISA=none "$folder/run_native" "$folder/models"
for core in cortex-a72 cortex-a53 cortex-a76; do
  qemu-aarch64 -cpu $core "$folder/run_aarch64" "$folder/models"
done
