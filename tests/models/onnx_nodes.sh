#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# onnx_nodes.sh NATIVE_BUILD ARM_BUILD: the official ONNX node tests on this machine, and the same cases as aarch64.
set -euo pipefail
native=$1 arm=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
DOTORI_WRITE_NODE_CASES="$folder" "$native/convert_onnx_node_test" --gtest_brief=1
[ -n "$(ls "$folder")" ] || exit 0  # skipped: no test data
echo "here: $("$native/run_node_cases" "$folder")"
for cpu in cortex-a72 cortex-a76; do
  echo "qemu, $cpu: $(qemu-aarch64 -cpu $cpu "$arm/run_node_cases" "$folder")"
done
