# SPDX-License-Identifier: Apache-2.0
# Debian packages, by what they are for; sourced by the other scripts. install_packages does nothing when all are there.
PACKAGES_BUILD="g++ cmake ninja-build libflatbuffers-dev flatbuffers-compiler libeigen3-dev libjpeg62-turbo-dev libstb-dev
  libprotobuf-dev protobuf-compiler libonnx-dev nlohmann-json3-dev libcli11-dev libgtest-dev libgmock-dev libbenchmark-dev
  libxnnpack-dev libpthreadpool-dev"
PACKAGES_TEST="g++-aarch64-linux-gnu pkg-config make qemu-user libonnx-testdata googletest binutils"
# An Android-target build of the library (tests/android); jni.h and javac come with the JDK.
PACKAGES_ANDROID="clang-19 lld-19 llvm-19 openjdk-17-jdk-headless qemu-user g++-aarch64-linux-gnu"
# Java's classes and their tests.
PACKAGES_JAVA="openjdk-17-jdk-headless junit5 qemu-user g++-aarch64-linux-gnu"
PACKAGES_COMPARE="python3-numpy python3-opencv python3-torch python3-torchvision python3-onnx"
PACKAGES_TRAIN="python3-numpy python3-pil python3-torch python3-torchvision"
# examples/edge_server, and its tests.
PACKAGES_SERVER="libcpp-httplib-dev libssl-dev zlib1g-dev curl"
PACKAGES_SERVER_TEST="openssl chromium openjdk-17-jdk-headless libandroid-json-org-java python3 python3-pil"

install_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  local as_root=""
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "these Debian packages are needed: ${missing[*]} (run as root, or install sudo)" >&2; return 1; }
    as_root=sudo
  fi
  echo "installing ${missing[*]}"
  $as_root apt-get update -qq || { echo "cannot reach Debian's packages; needed: ${missing[*]}" >&2; return 1; }
  DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    { echo "apt-get could not install: ${missing[*]}" >&2; return 1; }
}

# One build at a time in a folder; as many jobs as cores.
build_preset() {
  local preset=$1
  shift
  [ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" >/dev/null
  cmake --build "build/$preset" "$@"
}
