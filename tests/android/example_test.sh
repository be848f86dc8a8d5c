#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compiles examples/android with the project's Java classes against the stubs of Android's. Nothing of it is run.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=build/android/example
rm -rf "$out"
mkdir -p "$out"/{stubs,dotori,app}
# Android's own classes first, so that the app sees them as a library.
javac --release 11 -d "$out/stubs" $(find tests/android/stubs -name '*.java')
javac --release 8 -Xlint:all,-options -Werror -d "$out/dotori" $(find src/java -name '*.java')
javac --release 11 -Xlint:all,-serial -Werror -cp "$out/stubs:$out/dotori" -d "$out/app" $(find examples/android/app/src/main/java -name '*.java')
# What the manifest names must exist, and every class must be in the namespace it gives.
for name in $(sed -nE 's/.*android:name="\.([A-Za-z]+)".*/\1/p' examples/android/app/src/main/AndroidManifest.xml); do
  [ -f "$out/app/ai/dotori/example/$name.class" ] || { echo "the manifest names $name, which is no class of the app"; exit 1; }
done
echo "examples/android compiles: $(find "$out/app" -name '*.class' | wc -l) classes"
