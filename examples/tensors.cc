// SPDX-License-Identifier: Apache-2.0
// Runs a model on raw tensors, on any board, with the runtime alone: example_tensors MODEL.dtr FOLDER [THREADS]
// reads FOLDER/input_0.raw, … (the elements of each input, as `dotori inspect` shows its shape) and writes FOLDER/output_0.raw, …
#include <cstdio>
#include <cstdlib>
#include <string>

#include <dotori/dotori.h>

static int fail(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) return std::fprintf(stderr, "usage: example_tensors MODEL.dtr FOLDER [THREADS]\n"), 2;
  const std::string folder = argv[2];
  auto model = dotori::Model::load_file(argv[1]);
  if (!model.ok()) return fail(model.status().message());
  dotori::SessionOptions options;
  if (argc == 4) options.num_threads = static_cast<int>(std::strtol(argv[3], nullptr, 10));
  auto session = dotori::Session::create(*model, options);
  if (!session.ok()) return fail(session.status().message());

  for (int i = 0; i < session->input_count(); ++i) {
    const dotori::TensorView input = session->input(i);
    const std::string path = folder + "/input_" + std::to_string(i) + ".raw";
    std::FILE* file = std::fopen(path.c_str(), "rb");
    if (file == nullptr) return fail("cannot read " + path);
    const bool whole = std::fread(input.data, 1, input.size_bytes, file) == input.size_bytes && std::fgetc(file) == EOF;
    std::fclose(file);
    if (!whole) return fail(path + ": expected " + std::to_string(input.size_bytes) + " bytes");
  }
  if (dotori::Status status = session->run(); !status.ok()) return fail(status.message());
  for (int i = 0; i < session->output_count(); ++i) {
    const dotori::TensorView output = session->output(i);
    const std::string path = folder + "/output_" + std::to_string(i) + ".raw";
    std::FILE* file = std::fopen(path.c_str(), "wb");
    if (file == nullptr) return fail("cannot write " + path);
    const bool whole = std::fwrite(output.data, 1, output.size_bytes, file) == output.size_bytes;
    if (std::fclose(file) != 0 || !whole) return fail("cannot write " + path);
  }
  std::printf("%d outputs, isa %s\n", session->output_count(), dotori::host_isa_name());
  return 0;
}
