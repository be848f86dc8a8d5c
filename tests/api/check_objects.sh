#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check_objects.sh NM LIBDOTORI: an object compiled with ISA flags must not define weak symbols (the linker could keep its copy for
# every machine), and the runtime has no static initialisers (a linker may drop them from a static library).
set -u
nm=$1 library=$2 bad=0
symbols=$("$nm" -A -C "$library" 2>/dev/null) || exit 1
weak=$(echo "$symbols" | grep -E ':(x86_|arm64_)[a-z0-9_]+\.cc\.o:' | grep -E ' [WVu] ')
if [ -n "$weak" ]; then echo "weak symbols in ISA objects:"; echo "$weak"; bad=1; fi
count=$(echo "$symbols" | grep -cE ':(x86_|arm64_)[a-z0-9_]+\.cc\.o:.* T ')
if [ "$count" -lt 5 ]; then echo "only $count symbols found in ISA objects: the check looks at the wrong file"; bad=1; fi
init=$(echo "$symbols" | grep -E '_GLOBAL__sub_I_|__static_initialization_and_destruction')
if [ -n "$init" ]; then echo "static initialisers:"; echo "$init"; bad=1; fi
exit $bad
