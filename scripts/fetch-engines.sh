# SPDX-License-Identifier: Apache-2.0
# Independent engines to compare with, from npm, into build/engines; sourced by the benches.
ENGINES_DIR=build/engines

fetch_engines() {
  [ -d "$ENGINES_DIR/node_modules/onnxruntime-node" ] && [ -d "$ENGINES_DIR/node_modules/tfjs-tflite-node" ] && return 0
  install_npm || return 1
  mkdir -p "$ENGINES_DIR"
  echo "getting ONNX Runtime and LiteRT (npm onnxruntime-node, tfjs-tflite-node)"
  # Without their install scripts: the CPU libraries lie in the packages themselves.
  (cd "$ENGINES_DIR" && npm install --silent --no-audit --no-fund --ignore-scripts onnxruntime-node@1.30.0 tfjs-tflite-node@0.0.2) ||
    { echo "cannot get the engines: the npm registry is not reachable" >&2; return 1; }
}
