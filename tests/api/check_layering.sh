#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Holds the layer rule of src/README.md over the #include lines: check_layering.sh SOURCE_DIR
set -u
cd "$1/src" || exit 1
bad=0
# forbid FOLDER 'REGEX of includes it must not have'
forbid() {
  local found
  found=$(grep -rnE "^#include [\"<]($2)" --include='*.h' --include='*.cc' --include='*.inc' "$1")
  if [ -n "$found" ]; then
    echo "src/$1 must not include: $2"; echo "$found"; bad=1
  fi
}
forbid kernels 'graph/|backends/|convert/|vision/|cli/|dotori/'
forbid graph 'kernels/|backends/|convert/|vision/|cli/'
forbid backends 'convert/|vision/|cli/|dotori/(model|session|vision|dotori)\.h'
forbid convert 'kernels/|backends/|vision/|cli/'
forbid vision 'kernels/([^c]|c[^a])|backends/|convert/|evaluate/|cli/'
forbid evaluate 'kernels/|graph/|backends/|convert/|cli/'
forbid quantize 'kernels/|backends/|convert/|vision/|evaluate/|cli/'
forbid jni '(kernels|graph|backends|c_api|vision|evaluate|quantize|convert|cli)/|dotori/([^c]|c[^_])'
# The runtime core links and behaves alike on every system.
core=$(grep -rnE '^#include <(thread|mutex|condition_variable|iostream|fstream|sstream|locale|regex|unordered_map|unordered_set|future|chrono|filesystem|functional)>' \
  --include='*.h' --include='*.cc' kernels graph backends ./*.cc)
if [ -n "$core" ]; then echo "not in the runtime core:"; echo "$core"; bad=1; fi
# ISA files see intrinsics, C headers, their own family, the vector type of elementwise/vec8*.h and the rule of requantize*.h (all
# with internal linkage) only.
for file in $(find kernels -name 'x86_*.cc' -o -name 'arm64_*.cc'); do
  family=$(dirname "$file")
  other=$(grep -nE '^#include' "$file" | grep -vE "<(immintrin|arm_neon|stddef|stdint|string|math|float)\.h>|\"$family/|\"kernels/elementwise/vec8|\"kernels/quantize/requantize(_neon)?\.h")
  if [ -n "$other" ]; then echo "src/$file includes:"; echo "$other"; bad=1; fi
done
exit $bad
