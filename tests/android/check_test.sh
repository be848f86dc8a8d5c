#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Shows that each check of check.sh can fail: small libraries with one fault each, and one built for another system.
# Runs after build.sh, whose stubs it links.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../../build/android
work=$root/faults
rm -rf "$work"
mkdir -p "$work"
cd "$work"
sed -nE 's/^DOTORI_C_API .*[ *](dotori_[a-z0-9_]+)\(.*/void \1(void) {}/p' "$here/../../include/dotori/c_api.h" >good.c
cat >>good.c <<'C'
int JNI_OnLoad(void* vm, void* reserved);
extern int puts(const char*);
static const char* const kTexts[] = {"a", "b"};
const char* const* volatile texts __attribute__((visibility("hidden"))) = kTexts;
int JNI_OnLoad(void* vm, void* reserved) { (void)vm; (void)reserved; return puts(texts[0]); }
C
link() { # NAME, then sources and flags
  local name=$1
  shift
  clang-19 --target=aarch64-linux-android26 -fuse-ld=lld -nostdlib -fPIC -shared -L"$root/stubs" -Wl,-z,max-page-size=16384 -Wl,-z,now \
    -Wl,-z,relro -o "$name.so" "$@" -lc
}
bad=0
expect() { # NAME CHECK: check.sh must fail and name CHECK; or pass when CHECK is empty
  local found status=0
  found=$("$here/check.sh" "$1.so") || status=$?
  if [ -z "$2" ]; then
    [ $status -eq 0 ] || { echo "$1.so should pass:"; echo "$found"; bad=1; }
  elif [ $status -eq 0 ] || ! grep -q " $2:" <<<"$found"; then
    echo "$1.so should fail the check '$2', found: ${found:-nothing}"; bad=1
  fi
}

link good good.c; expect good ""
link small_pages good.c -Wl,-z,max-page-size=4096; expect small_pages pages
link no_relro good.c -Wl,-z,norelro; expect no_relro relro
link lazy good.c -Wl,-z,lazy; expect lazy relro
printf '.text\n.globl JNI_Code\n.hidden JNI_Code\nJNI_Code: .quad puts\n' >textrel.s
link textrel good.c textrel.s -Wl,-z,notext; expect textrel textrel
echo 'void stray(void) {}' >stray.c
link export good.c stray.c; expect export exports
sed '/^void dotori_version(void)/d' good.c >missing.c
link missing missing.c; expect missing exports
printf 'extern void* aligned_alloc(unsigned long, unsigned long);\nvoid* dotori_x(void) { return aligned_alloc(64, 64); }\n' >symbol.c
link symbol good.c symbol.c -Wl,-z,undefs; expect symbol symbols
echo 'void other(void) {}' >other.c
clang-19 --target=aarch64-linux-android26 -fuse-ld=lld -nostdlib -shared -Wl,-soname,libother.so -o libother.so other.c
printf 'extern void other(void);\nvoid dotori_y(void) { other(); }\n' >needs.c
link needed good.c needs.c libother.so; expect needed needed
printf '#include <string>\nextern "C" int JNI_OnLoad(void*, void*) { return static_cast<int>(std::to_string(1.5).size()); }\n' >glibc.cc
aarch64-linux-gnu-g++ -fPIC -shared -o glibc.so glibc.cc
for check in needed symbols exports; do expect glibc $check; done
g++ -fPIC -shared -o host.so glibc.cc
expect host machine
[ $bad -eq 0 ] && echo "every check found its fault"
exit $bad
