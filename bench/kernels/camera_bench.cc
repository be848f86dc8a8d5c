// SPDX-License-Identifier: Apache-2.0
// From a 1920x1080 NV21 picture to a letterboxed model input: the fused path beside the same in separate steps (RGB of
// full size, resize, normalise). DOTORI_MAX_ISA=none shows the reference kernels.
#include <benchmark/benchmark.h>
#include <dotori/camera.h>

#include <cmath>
#include <string>
#include <vector>

namespace dotori::vision {
namespace {

constexpr int kWidth = 1920, kHeight = 1080;

std::vector<std::uint8_t> picture() {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(kWidth * kHeight * 3 / 2));
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::uint8_t>(128 + 60 * std::sin(static_cast<double>(i) * 0.01));
  return bytes;
}

struct Input {
  Input(int side, DataType type) : memory(static_cast<std::size_t>(side * side * 3)) {
    view.type = type;
    view.shape = {1, side, side, 3};
    view.data = memory.data();
    view.size_bytes = memory.size() * data_type_bytes(type);
    view.scale = type == DataType::kFloat32 ? 0.0f : 1.0f / 255;
    view.zero_point = type == DataType::kInt8 ? -128 : 0;
  }
  std::vector<float> memory;
  TensorView view;
};

Preprocess letterbox() {
  Preprocess p;
  p.resize = ResizeMode::kLetterbox;
  return p;
}

void fused(benchmark::State& state, int side, int rotation, DataType type, ResizeFilter filter) {
  const std::vector<std::uint8_t> bytes = picture();
  const YuvPhoto photo = nv21_photo({bytes.data(), bytes.size()}, kWidth, kHeight);
  const Input input(side, type);
  const Preprocess preprocess = letterbox();
  for (auto _ : state) {
    const auto filled = fill_input_yuv(photo, rotation, preprocess, input.view, filter);
    if (!filled.ok()) state.SkipWithError(filled.status().message().c_str());
  }
}

void separate(benchmark::State& state, int side, int rotation, DataType type, ResizeFilter filter) {
  const std::vector<std::uint8_t> bytes = picture();
  const YuvPhoto photo = nv21_photo({bytes.data(), bytes.size()}, kWidth, kHeight);
  const Input input(side, type);
  const Preprocess preprocess = letterbox();
  for (auto _ : state) {
    const auto rgb = yuv_to_rgb(photo, rotation);
    if (!rgb.ok() || !fill_input(*rgb, preprocess, input.view, filter).ok()) state.SkipWithError("failed");
  }
}

void register_all() {
  for (int side : {224, 640})
    for (int rotation : {0, 90})
      for (DataType type : {DataType::kFloat32, DataType::kInt8})
        for (ResizeFilter filter : {ResizeFilter::kAntialiased, ResizeFilter::kBilinear}) {
          const std::string name = std::to_string(side) + "/" + std::to_string(rotation) + "/" + data_type_name(type) +
                                   (filter == ResizeFilter::kBilinear ? "/bilinear" : "/antialiased");
          benchmark::RegisterBenchmark(("fused/" + name).c_str(), fused, side, rotation, type, filter)
              ->Unit(benchmark::kMillisecond);
          benchmark::RegisterBenchmark(("separate/" + name).c_str(), separate, side, rotation, type, filter)
              ->Unit(benchmark::kMillisecond);
        }
  benchmark::RegisterBenchmark("yuv_to_rgb", [](benchmark::State& state) {
    const std::vector<std::uint8_t> bytes = picture();
    for (auto _ : state)
      benchmark::DoNotOptimize(yuv_to_rgb(nv21_photo({bytes.data(), bytes.size()}, kWidth, kHeight)).ok());
  })->Unit(benchmark::kMillisecond);
}

}  // namespace
}  // namespace dotori::vision

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  dotori::vision::register_all();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
