// SPDX-License-Identifier: Apache-2.0
// camera_fill NV21 WIDTH HEIGHT ROTATION SIDE FILTER REPEATS OUT: the model input [1,SIDE,SIDE,3], letterboxed, 0..1,
// of an NV21 picture in BT.601 limited range, by the fused path; FILTER is bilinear or antialiased. Writes float32 to
// OUT and the milliseconds of the quickest repeat to stdout. For bench/agreement/camera.py.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <dotori/camera.h>

namespace {

using namespace dotori;

int fail(const char* what) {
  std::fprintf(stderr, "camera_fill: %s\n", what);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 9) return fail("NV21 WIDTH HEIGHT ROTATION SIDE FILTER REPEATS OUT");
  const int width = std::atoi(argv[2]), height = std::atoi(argv[3]), side = std::atoi(argv[5]);
  if (width < 1 || height < 1 || side < 1 || side > 4096) return fail("sizes must be at least 1");
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 2);
  std::FILE* file = std::fopen(argv[1], "rb");
  if (file == nullptr) return fail("cannot open the picture");
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file));
  std::fclose(file);
  vision::YuvPhoto photo = vision::nv21_photo({bytes.data(), bytes.size()}, width, height);
  photo.matrix = vision::YuvMatrix::kBt601Limited;
  Preprocess preprocess;
  preprocess.resize = ResizeMode::kLetterbox;
  std::vector<float> values(static_cast<std::size_t>(side) * static_cast<std::size_t>(side) * 3);
  TensorView input;
  input.shape = {1, side, side, 3};
  input.data = values.data();
  input.size_bytes = values.size() * sizeof(float);
  const auto filter =
      std::strcmp(argv[6], "bilinear") == 0 ? vision::ResizeFilter::kBilinear : vision::ResizeFilter::kAntialiased;
  double quickest = 1e9;
  for (int i = 0; i < std::atoi(argv[7]); ++i) {
    const auto start = std::chrono::steady_clock::now();
    const auto filled = vision::fill_input_yuv(photo, std::atoi(argv[4]), preprocess, input, filter);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    if (!filled.ok()) return fail(filled.status().message().c_str());
    quickest = took.count() < quickest ? took.count() : quickest;
  }
  std::FILE* out = std::fopen(argv[8], "wb");
  if (out == nullptr || std::fwrite(values.data(), sizeof(float), values.size(), out) != values.size())
    return fail("cannot write the result");
  std::fclose(out);
  std::printf("%.3f\n", quickest);
  return 0;
}
