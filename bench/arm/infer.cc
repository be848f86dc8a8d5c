// SPDX-License-Identifier: Apache-2.0
// bench_infer MODEL.dtr: two inferences on seeded inputs, the second one between the markers of roi.h, for
// bench/arm/run.
#include <cstdio>

#include <dotori/dotori.h>

#include "roi.h"

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: bench_infer MODEL.dtr\n"), 2;
  const auto fail = [](const dotori::Status& status) {
    std::fprintf(stderr, "bench_infer: %s\n", status.message().c_str());
    return 1;
  };
  const auto model = dotori::Model::load_file(argv[1]);
  if (!model.ok()) return fail(model.status());
  auto session = dotori::Session::create(*model);
  if (!session.ok()) return fail(session.status());
  for (int i = 0; i < session->input_count(); ++i) {
    const dotori::TensorView input = session->input(i);
    std::uint32_t state = 1;
    for (std::int64_t e = 0; e < input.elements(); ++e) {
      state = state * 1664525u + 1013904223u;
      if (input.f32() != nullptr) input.f32()[e] = static_cast<float>(state >> 8) * (1.0f / 16777216.0f);
      else if (input.size_bytes == static_cast<std::size_t>(input.elements()))
        static_cast<unsigned char*>(input.data)[e] = static_cast<unsigned char>(state >> 24);
    }
  }
  dotori::Status status = session->run();
  ROI_BEGIN();
  if (status.ok()) status = session->run();
  ROI_END();
  if (!status.ok()) return fail(status);
  std::printf("isa %s\n", dotori::host_isa_name());
  return 0;
}
