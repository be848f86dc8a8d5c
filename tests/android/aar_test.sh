#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# aar_test.sh LIBRARY: the structure of the archive that scripts/aar makes of LIBRARY, and that it makes the same bytes twice.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$PWD/build/android/aar
rm -rf "$work"
mkdir -p "$work/a"
scripts/aar "$1" "$work/one.aar" >/dev/null
scripts/aar "$1" "$work/two.aar" >/dev/null
bad=0
fault() { echo "aar: $*"; bad=1; }
cmp -s "$work/one.aar" "$work/two.aar" || fault "two runs gave different bytes"
(cd "$work/a" && jar --extract --file "$work/one.aar")
cd "$work/a"
expected="AndroidManifest.xml R.txt classes.jar jni/arm64-v8a/libdotori_jni.so prefab/modules/dotori_jni/include/dotori/c_api.h
prefab/modules/dotori_jni/libs/android.arm64-v8a/abi.json prefab/modules/dotori_jni/libs/android.arm64-v8a/libdotori_jni.so
prefab/modules/dotori_jni/module.json prefab/prefab.json proguard.txt"
found=$(find . -type f -printf '%P\n' | LC_ALL=C sort | tr '\n' ' ')
[ "$found" = "$(echo $expected) " ] || fault "it holds $found"
for json in $(find . -name '*.json'); do python3 -m json.tool "$json" >/dev/null || fault "$json is not JSON"; done
python3 - <<'PY' || fault "the manifest or prefab's numbers"
import json, xml.etree.ElementTree as xml
manifest = xml.parse("AndroidManifest.xml").getroot()
assert manifest.get("package") == "ai.dotori"
sdk = manifest.find("uses-sdk").get("{http://schemas.android.com/apk/res/android}minSdkVersion")
abi = json.load(open("prefab/modules/dotori_jni/libs/android.arm64-v8a/abi.json"))
assert abi["abi"] == "arm64-v8a" and str(abi["api"]) == sdk and abi["stl"] == "none" and abi["static"] is False
assert json.load(open("prefab/prefab.json"))["name"] == "dotori"
PY
cmp -s "$1" jni/arm64-v8a/libdotori_jni.so 2>/dev/null || (cd - >/dev/null; cmp "$1" "$work/a/jni/arm64-v8a/libdotori_jni.so") || fault "another library"
classes=$(jar --list --file classes.jar)
for class in Model Session Classifier Detector Segmenter; do
  grep -qx "ai/dotori/$class.class" <<<"$classes" || fault "classes.jar has no ai.dotori.$class"
done
! grep -vE '^ai/dotori/' <<<"$classes" || fault "classes.jar has more than ai.dotori"
# Java 8: what every Android tool reads.
mkdir -p "$work/classes" && (cd "$work/classes" && jar --extract --file "$work/a/classes.jar")
for class in $(find "$work/classes" -name '*.class'); do
  [ "$(od -An -tu1 -j7 -N1 "$class" | tr -d ' ')" = 52 ] || fault "$class is not of Java 8"
done
# The library finds classes and members by name: the rules must keep every class with a native method.
grep -q 'ai.dotori' proguard.txt || fault "proguard.txt does not name ai.dotori"
[ $bad -eq 0 ] && echo "the archive is as it must be"
exit $bad
