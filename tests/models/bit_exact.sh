#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# bit_exact.sh NATIVE_BUILD ARM_BUILD: every 8-bit tensor of three trained networks has the same bytes on this machine (fast
# and plain kernels, 1 and 3 threads) and as aarch64 without and with the dot product. Needs the model zoo.
set -euo pipefail
native=$1 arm=$2
zoo=${DOTORI_ZOO:-../shared}
[ -d "$zoo/models" ] || { echo "skipped: no model zoo"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
calibrate=(--calibration "$zoo/images/coco_64" --limit 4)
"$native/dotori" convert "$zoo/models/classification/coral_tf2_mobilenet_v2_1.0_224_ptq.tflite" -o "$folder/mobilenet_v2.dtr"
"$native/dotori" convert "$zoo"/models/detection/yolo-fastest-1.1.{cfg,weights} -o "$folder/yolo_f32.dtr"
"$native/dotori" quantize "$folder/yolo_f32.dtr" -o "$folder/yolo_fastest.dtr" "${calibrate[@]}"
"$native/dotori" convert "$zoo/models/segmentation/prisma-net.tflite" -o "$folder/unet_f32.dtr" --preset portrait
"$native/dotori" quantize "$folder/unet_f32.dtr" -o "$folder/unet.dtr" "${calibrate[@]}"
failed=0
for name in mobilenet_v2 yolo_fastest unet; do
  model=$folder/$name.dtr
  "$native/tensor_hashes" "$model" >"$folder/expected"
  check() {
    local what=$1
    shift
    if "$@" >"$folder/found" && cmp -s "$folder/expected" "$folder/found"; then
      echo "$name, $what: the same ($(tail -n 1 "$folder/found"))"
    else
      echo "$name, $what: differs from the native run" >&2
      diff "$folder/expected" "$folder/found" | head -n 6 >&2 || true
      failed=1
    fi
  }
  check "3 threads" "$native/tensor_hashes" "$model" 3
  check "AVX2 at most" env DOTORI_MAX_ISA=avx2 "$native/tensor_hashes" "$model"
  check "plain kernels" env DOTORI_MAX_ISA=none "$native/tensor_hashes" "$model"
  check "Cortex-A72" qemu-aarch64 -cpu cortex-a72 "$arm/tensor_hashes" "$model"
  check "dot product" qemu-aarch64 -cpu cortex-a76 "$arm/tensor_hashes" "$model" 3
done
exit $failed
