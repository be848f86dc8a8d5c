#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check.sh LIBRARY: whether a shared library for Android's arm64 would load on a phone: 16 KB pages, only the system's libraries and
# functions, no text relocations, RELRO and immediate binding, and nothing exported but the C API and JNI_OnLoad. Prints every fault.
set -euo pipefail
[ $# -eq 1 ] && [ -f "$1" ] || { echo "usage: check.sh LIBRARY" >&2; exit 2; }
library=$1 here=$(cd "$(dirname "$0")" && pwd) bad=0
readelf=$(command -v llvm-readelf-19 || command -v readelf)
nm=$(command -v llvm-nm-19 || command -v nm)
fault() { echo "$(basename "$library"): $*"; bad=1; }

machine=$("$readelf" -hW "$library" | awk '/Machine:/ { print $2 }')
[ "$machine" = AArch64 ] || fault "machine: $machine, expected AArch64"

segments=$("$readelf" -lW "$library")
loads=$(awk '$1 == "LOAD" { print $NF }' <<<"$segments")
[ -n "$loads" ] || fault "pages: no LOAD segment"
for alignment in $loads; do
  (( alignment >= 16384 )) || fault "pages: a LOAD segment is aligned to $alignment, expected 0x4000 or more"
done
grep -q GNU_RELRO <<<"$segments" || fault "relro: no GNU_RELRO segment"

dynamic=$("$readelf" -dW "$library")
grep -qE 'BIND_NOW|NOW' <<<"$(grep -E '\((BIND_NOW|FLAGS|FLAGS_1)\)' <<<"$dynamic")" || fault "relro: symbols are not bound when the library is loaded"
! grep -qE '\(TEXTREL\)|\(FLAGS\).*TEXTREL' <<<"$dynamic" || fault "textrel: code must be changed when the library is loaded"
for needed in $(sed -nE 's/.*\(NEEDED\).*\[(.*)\].*/\1/p' <<<"$dynamic"); do
  case $needed in
    libc.so | libm.so | libdl.so | liblog.so) ;;
    *) fault "needed: $needed is no library of the system that may be used" ;;
  esac
done

# Versions behind "@" are the linker's business.
undefined=$("$nm" -D --undefined-only "$library" | awk '{ sub(/@.*/, "", $NF); print $NF }' | sort -u)
unknown=$(comm -23 <(echo "$undefined") <(awk '!/^#/ { print $2 }' "$here/bionic_symbols.txt" | sort -u))
for symbol in $unknown; do fault "symbols: $symbol is not in Android's libraries (tests/android/bionic_symbols.txt)"; done

exported=$("$nm" -D --defined-only "$library" | awk '{ sub(/@.*/, "", $NF); print $NF }' | sort -u)
for symbol in $(grep -vxE 'JNI_OnLoad|dotori_[a-z0-9_]+' <<<"$exported" || true); do fault "exports: $symbol is visible"; done
grep -qx JNI_OnLoad <<<"$exported" || fault "exports: JNI_OnLoad is missing"
for symbol in $(sed -nE 's/^DOTORI_C_API .*[ *](dotori_[a-z0-9_]+)\(.*/\1/p' "$here/../../include/dotori/c_api.h"); do
  grep -qx "$symbol" <<<"$exported" || fault "exports: $symbol is missing"
done
exit $bad
