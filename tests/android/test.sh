#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Everything about Android that can be checked without Android: the library, the archive, the example. After build/aarch64.
set -euo pipefail
cd "$(dirname "$0")/../.."
tests/android/build.sh
tests/android/check_test.sh
tests/android/check.sh build/android/libdotori_jni.so
tests/android/run.sh build/android/libdotori_jni.so qemu-aarch64 -cpu cortex-a72 build/aarch64/example_tensors
tests/android/run_java.sh build/android/libdotori_jni.so
tests/android/aar_test.sh build/android/libdotori_jni.so
tests/android/example_test.sh
