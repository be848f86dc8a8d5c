// SPDX-License-Identifier: Apache-2.0
// bench_infer MODEL.dtr [cpu|xnnpack [FOLDER]]: two inferences on seeded inputs, the second one between the markers of
// roi.h, for bench/arm/run. With a folder, inputs and outputs go to FOLDER/input0, output0, ... as raw elements.
#include <cstdio>
#include <cstring>
#include <string>

#include <dotori/dotori.h>

#include "roi.h"

namespace {

void fill(const dotori::TensorView& input) {
  std::uint32_t state = 1;
  for (std::int64_t e = 0; e < input.elements(); ++e) {
    state = state * 1664525u + 1013904223u;
    if (input.f32() != nullptr) {
      input.f32()[e] = static_cast<float>(state >> 8) * (1.0f / 16777216.0f);
    } else if (input.size_bytes == static_cast<std::size_t>(input.elements())) {
      static_cast<unsigned char*>(input.data)[e] = static_cast<unsigned char>(state >> 24);
    }
  }
}

bool save(const std::string& path, const dotori::TensorView& tensor) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return false;
  const bool written = std::fwrite(tensor.data, 1, tensor.size_bytes, file) == tensor.size_bytes;
  return std::fclose(file) == 0 && written;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 4) return std::fprintf(stderr, "usage: bench_infer MODEL.dtr [cpu|xnnpack [FOLDER]]\n"), 2;
  const auto fail = [](const std::string& message) {
    std::fprintf(stderr, "bench_infer: %s\n", message.c_str());
    return 1;
  };
  const auto model = dotori::Model::load_file(argv[1]);
  if (!model.ok()) return fail(model.status().message());
  dotori::SessionOptions options;
  if (argc > 2 && std::strcmp(argv[2], "xnnpack") == 0) options.backend = dotori::BackendKind::kXnnpack;
  auto session = dotori::Session::create(*model, options);
  if (!session.ok()) return fail(session.status().message());
  for (int i = 0; i < session->input_count(); ++i) fill(session->input(i));
  if (argc == 4) {  // before the runs: an input's memory may be used again
    for (int i = 0; i < session->input_count(); ++i) {
      if (!save(argv[3] + ("/input" + std::to_string(i)), session->input(i))) return fail("cannot write the inputs");
    }
  }
  dotori::Status status = session->run();
  for (int i = 0; i < session->input_count(); ++i) fill(session->input(i));
  ROI_BEGIN();
  if (status.ok()) status = session->run();
  ROI_END();
  if (!status.ok()) return fail(status.message());
  if (argc == 4) {
    for (int i = 0; i < session->output_count(); ++i) {
      if (!save(argv[3] + ("/output" + std::to_string(i)), session->output(i))) return fail("cannot write the outputs");
    }
  }
  std::printf("isa %s\n", dotori::host_isa_name());
  return 0;
}
