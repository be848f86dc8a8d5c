#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# build_archive.sh PREFIX HEADERS SUPPORT_OBJECT LIBSTDCXX OUT LIBRARY... [-- MERGED...]: one relocatable object of the LIBRARY
# archives, with what they need of the MERGED ones (libjpeg), of SUPPORT_OBJECT and of LIBSTDCXX, in OUT. Only the functions that
# HEADERS declare keep a global name, so nothing clashes with a libjpeg or a C++ library of the program that links it. PREFIX
# goes before ld, nm and objcopy ("aarch64-linux-gnu-" or "").
#
# ARCHIVE_SYMBOLS, where set, names a file that gets the list of global names. ARCHIVE_UNWIND=0 leaves out the tables by which
# debuggers and profilers walk the stack.
set -euo pipefail
export LC_ALL=C
prefix=$1 headers=$2 support=$3 libstdcxx=$4 out=$5
shift 5
here=$(cd "$(dirname "$0")" && pwd)
libraries=() merged=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do libraries+=("$1"); shift; done
[ $# -gt 0 ] && shift
merged=("$@")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# All of ours, with what they need of the C libraries among MERGED. COMDAT groups become plain sections: a group whose names
# are local would still be dropped in favour of the program's group of the same name.
# Sections of one name stay apart, so that --gc-sections can still take single objects of libjpeg.
apart=(--force-group-allocation --unique=.text --unique='.rodata*' --unique='.data*')
"${prefix}ld" -r "${apart[@]}" -o "$work/ours.o" \
  --whole-archive "${libraries[@]}" --no-whole-archive "${merged[@]}"
"${prefix}objcopy" --redefine-syms="$here/renamed_symbols" "$work/ours.o"

# The public names: strong definitions whose last part a public header mentions.
cat "$headers"/*.h | grep -oE '[A-Za-z_][A-Za-z0-9_]*' | sort -u >"$work/words"
"${prefix}nm" -g --defined-only "$work/ours.o" | awk '$2 ~ /^[TDRB]$/ { print $3 }' | sort -u >"$work/defined"
grep -E '^(_ZNK?6dotori|dotori_)' "$work/defined" |
  grep -vE '^_ZNK?6dotori(5graph|7kernels|8backends|8quantize|12_GLOBAL__N_1)|^dotori_cxx_' >"$work/ours" || true
paste -d' ' "$work/ours" <(c++filt <"$work/ours") |
  awk -v words="$work/words" '
    BEGIN { while ((getline word < words) > 0) known[word] = 1 }
    {
      mangled = $1
      name = substr($0, length(mangled) + 2)
      sub(/\(.*/, "", name)
      sub(/\[abi:.*/, "", name)
      sub(/.*::/, "", name)
      sub(/^~/, "", name)
      if (name in known || name ~ /^operator/) print mangled
    }' >"$work/public"
[ -s "$work/public" ] || { echo "build_archive: no public function found" >&2; exit 1; }

roots=()
while read -r symbol; do roots+=(-u "$symbol"); done <"$work/public"
"${prefix}ld" -r "${apart[@]}" --gc-sections "${roots[@]}" -o "$work/dotori.o" "$work/ours.o" "$support" "$libstdcxx"
dropped=(--remove-section=.comment)
[ "${ARCHIVE_UNWIND:-1}" = 1 ] || dropped+=(--remove-section=.eh_frame)
"${prefix}objcopy" --keep-global-symbols="$work/public" --strip-debug "${dropped[@]}" "$work/dotori.o"
[ -z "${ARCHIVE_SYMBOLS:-}" ] || cp "$work/public" "$ARCHIVE_SYMBOLS"
rm -f "$out"
mkdir -p "$(dirname "$out")"
"${prefix}ar" rcsD "$out" "$work/dotori.o"
