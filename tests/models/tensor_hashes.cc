// SPDX-License-Identifier: Apache-2.0
// tensor_hashes MODEL.dtr [THREADS]: a line "hash type shape name" for every int8, uint8 and integer tensor of one run
// on seeded inputs, and their number last. Two machines agree when the lines do (float tensors may differ in the last
// bit).
#include <cinttypes>
#include <cstdio>
#include <cstdlib>

#include "models/all_tensors.h"

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) return std::fprintf(stderr, "usage: tensor_hashes MODEL.dtr [THREADS]\n"), 2;
  const auto fail = [](const dotori::Status& status) {
    std::fprintf(stderr, "tensor_hashes: %s\n", status.message().c_str());
    return 1;
  };
  const auto file = dotori::Model::load_file(argv[1]);
  if (!file.ok()) return fail(file.status());
  const auto model = dotori::Model::from_graph(dotori::testing::with_all_outputs(file->graph()));
  if (!model.ok()) return fail(model.status());
  dotori::SessionOptions options;
  if (argc == 3) options.num_threads = static_cast<int>(std::strtol(argv[2], nullptr, 10));
  auto session = dotori::Session::create(*model, options);
  if (!session.ok()) return fail(session.status());
  dotori::testing::fill_random(*session, 7);
  if (const dotori::Status status = session->run(); !status.ok()) return fail(status);
  int count = 0;
  for (int i = 0; i < session->output_count(); ++i) {
    const dotori::TensorView y = session->output(i);
    if (y.type == dotori::DataType::kFloat32) continue;
    std::printf("%016" PRIx64 " %s %s %s\n", dotori::testing::hash_of(y), dotori::data_type_name(y.type),
                y.shape.to_string().c_str(), model->outputs()[static_cast<std::size_t>(i)].name.c_str());
    ++count;
  }
  std::printf("%d tensors\n", count);
  return 0;
}
