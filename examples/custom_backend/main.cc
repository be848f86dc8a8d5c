// SPDX-License-Identifier: Apache-2.0
// Runs a network with the library alone and with a backend of one's own beside it, on the same numbers, and compares:
//   example_custom_backend MODEL.dtr
#include <cmath>
#include <cstdio>
#include <cstring>

#include <dotori/dotori.h>

#include "pointwise_backend.h"

static int fail(const dotori::Status& status) {
  std::fprintf(stderr, "%s\n", status.message().c_str());
  return 1;
}

static void fill(dotori::Session& session) {
  for (int i = 0; i < session.input_count(); ++i) {
    const dotori::TensorView input = session.input(i);
    if (input.f32() == nullptr) continue;
    unsigned state = 1;
    for (std::int64_t e = 0; e < input.elements(); ++e) {
      state = state * 1664525u + 1013904223u;
      input.f32()[e] = static_cast<float>(state >> 8) / 16777216.0f;
    }
  }
}

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: example_custom_backend MODEL.dtr\n"), 2;
  auto model = dotori::Model::load_file(argv[1]);
  if (!model.ok()) return fail(model.status());

  static const example::PointwiseBackend backend;
  dotori::SessionOptions options;
  auto alone = dotori::Session::create(*model, options);
  if (!alone.ok()) return fail(alone.status());
  options.custom_backend = &backend;
  auto together = dotori::Session::create(*model, options);
  if (!together.ok()) return fail(together.status());

  fill(*alone);
  fill(*together);
  if (dotori::Status status = alone->run(); !status.ok()) return fail(status);
  if (dotori::Status status = together->run(); !status.ok()) return fail(status);

  float error = 0, largest = 0;
  for (int i = 0; i < alone->output_count(); ++i) {
    const dotori::TensorView a = alone->output(i), b = together->output(i);
    for (std::int64_t e = 0; a.f32() != nullptr && e < a.elements(); ++e) {
      largest = std::fmax(largest, std::fabs(a.f32()[e]));
      error = std::fmax(error, std::fabs(a.f32()[e] - b.f32()[e]));
    }
  }
  std::printf("%d nodes ran on backend '%s'; largest output %g, largest difference %g\n", backend.nodes_run(),
              backend.name(), static_cast<double>(largest), static_cast<double>(error));
  if (backend.nodes_run() == 0) return std::fprintf(stderr, "the backend took no node of this network\n"), 1;
  return error <= 1e-4f * largest ? 0 : 1;
}
