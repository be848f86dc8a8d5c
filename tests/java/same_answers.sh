#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# same_answers.sh BUILD: the example programs in C++, C and Java print the same five classes for the same photo: of a network with
# random weights and, where DOTORI_ZOO has one and build/release/dotori is there to convert it, of MobileNetV1.
set -euo pipefail
build=$(cd "${1:?usage: same_answers.sh BUILD}" && pwd)
cd "$(dirname "$0")/../.."
work=$build/tests/java/same_answers
rm -rf "$work"
mkdir -p "$work/classes"
"$build/make_java_models" "$work"
javac --release 8 -encoding UTF-8 -Xlint:all,-options -Werror -cp "$build/dotori.jar" -d "$work/classes" examples/java/Classify.java tests/java/MakePhoto.java
run_java() { LC_ALL=C.UTF-8 java -Xcheck:jni -Djava.library.path="$build" -cp "$work/classes:$build/dotori.jar" "$@"; }

compare() { # MODEL PHOTO
  "$build/example_classify" "$1" "$2" >"$work/cc"
  "$build/example_classify_c" "$1" "$2" >"$work/c"
  run_java Classify "$1" "$2" >"$work/java"
  [ "$(wc -l <"$work/cc")" -eq 5 ] || { echo "$1: expected five lines, found:"; cat "$work/cc"; exit 1; }
  cmp "$work/cc" "$work/c" && cmp "$work/cc" "$work/java" || { head "$work"/{cc,c,java}; exit 1; }
  echo "$(basename "$1"), $(basename "$2"): the same in C++, C and Java: $(head -n 1 "$work/cc")"
}

run_java MakePhoto "$work/photo.png"
compare "$work/wide.dtr" "$work/photo.png"
if run_java Classify "$work/none.dtr" "$work/photo.png" 2>"$work/error" || ! grep -q none.dtr "$work/error"; then
  echo "Classify: a missing model is no error"
  exit 1
fi

zoo=${DOTORI_ZOO:-../shared}
network=$zoo/models/classification/mobilenet_v1_1.0_224.tflite
if [ ! -f "$network" ]; then echo "skipped: no model zoo"; exit 0; fi
if [ ! -x build/release/dotori ]; then echo "skipped: no build/release/dotori"; exit 0; fi
build/release/dotori convert "$network" -o "$work/mobilenet.dtr" --preset mobilenet-tf --labels "$zoo/labels/imagenet_labels_1001.txt" >/dev/null
for photo in $(find "$zoo/images/imagenet_200" -name '*.jp*g' | sort | head -n 3); do compare "$work/mobilenet.dtr" "$photo"; done
