// SPDX-License-Identifier: Apache-2.0
// run_networks FOLDER: what a C++ program does with the packaged library. Runs the networks of make_models and
// compares: integers to the bit, floats to 1e-4. Compiles with and without exceptions and RTTI.
#include <dotori/dotori.h>
#if __has_include(<dotori/vision.h>)  // the engine in two files comes without
#include <dotori/vision.h>
#define WITH_VISION
#endif

#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace {

int fail(const std::string& what) {
  std::fprintf(stderr, "run_networks: %s\n", what.c_str());
  return 1;
}

std::vector<unsigned char> read_file(const std::string& path) {
  std::vector<unsigned char> bytes;
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return bytes;
  unsigned char block[4096];
  for (std::size_t n; (n = std::fread(block, 1, sizeof block, file)) > 0;) bytes.insert(bytes.end(), block, block + n);
  std::fclose(file);
  return bytes;
}

bool equal(const dotori::TensorView& y, const unsigned char* expected) {
  const float* floats = y.f32();
  if (floats == nullptr) return std::memcmp(y.data, expected, y.size_bytes) == 0;
  for (std::int64_t i = 0; i < y.elements(); ++i) {
    float e;
    std::memcpy(&e, expected + i * 4, sizeof e);
    if (!(std::fabs(floats[i] - e) <= 1e-4f * (1 + std::fabs(e)))) return false;
  }
  return true;
}

int run(const std::string& stem) {
  dotori::Result<dotori::Model> model = dotori::Model::load_file(stem + ".dtr");
  if (!model.ok()) return fail(model.status().message());
  for (int threads = 1; threads <= 2; ++threads) {
    dotori::SessionOptions options;
    options.num_threads = threads;
    dotori::Result<dotori::Session> session = dotori::Session::create(*model, options);
    if (!session.ok()) return fail(session.status().message());
    const std::vector<unsigned char> in = read_file(stem + ".in"), out = read_file(stem + ".out");
    std::size_t at = 0;
    for (int i = 0; i < session->input_count(); ++i) {
      const dotori::TensorView x = session->input(i);
      if (in.size() - at < x.size_bytes) return fail(stem + ".in is too short");
      std::memcpy(x.data, in.data() + at, x.size_bytes);
      at += x.size_bytes;
    }
    const dotori::Status status = session->run();
    if (!status.ok()) return fail(status.message());
    at = 0;
    for (int i = 0; i < session->output_count(); ++i) {
      const dotori::TensorView y = session->output(i);
      if (out.size() - at < y.size_bytes) return fail(stem + ".out is too short");
      const std::string& name = model->outputs()[static_cast<std::size_t>(i)].name;
      if (!equal(y, out.data() + at)) return fail(stem + ": " + name + " differs from the expected values");
      at += y.size_bytes;
    }
    if (at != out.size() || session->output_count() == 0) return fail(stem + ".out is too long");
    std::printf("%s: %d tensors as expected (%s, %d threads)\n", stem.c_str(), session->output_count(),
                dotori::host_isa_name(), threads);
  }
  return 0;
}

#ifdef WITH_VISION
// A photo round trip, a damaged JPEG (whose error is libjpeg's), a file that is not there.
int run_vision() {
  const dotori::vision::Image gray = dotori::vision::make_image(9, 5, {10, 200, 30});
  if (!gray.valid()) return fail("make_image");
  const unsigned char damaged[] = {0xFF, 0xD8, 0xFF, 0xE0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0};
  const dotori::Result<dotori::vision::Image> jpeg = dotori::vision::decode_image(damaged);
  if (jpeg.ok() || jpeg.status().message().find("JPEG") == std::string::npos)
    return fail("a damaged JPEG was accepted");
  if (dotori::vision::load_image("/no/such/photo.jpg").status().code() != dotori::StatusCode::kNotFound)
    return fail("a missing photo was not reported");
  return 0;
}
#else
int run_vision() {
  return 0;
}
#endif

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return fail("usage: run_networks FOLDER");
  const std::string folder = argv[1];
  return run(folder + "/f32") + run(folder + "/s8") + run_vision() == 0 ? 0 : 1;
}
