// SPDX-License-Identifier: Apache-2.0
// The `dotori` program in a folder of its own, with a small Darknet classifier and a photo.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

namespace dotori::cli {

namespace fs = std::filesystem;
using Json = nlohmann::json;

struct Outcome {
  int exit_code = -1;
  std::string out, err;
};

inline std::string slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class Cli : public ::testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/dotori_cli_XXXXXX";
    ASSERT_NE(mkdtemp(pattern), nullptr);
    dir = pattern;
    write_classifier();
    write_photo();
  }
  void TearDown() override { fs::remove_all(dir); }

  Outcome run(const std::string& arguments) {
    const std::string command =
        std::string(DOTORI_PROGRAM) + " " + arguments + " >" + path("stdout") + " 2>" + path("stderr");
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, slurp(path("stdout")), slurp(path("stderr"))};
  }
  std::string path(const std::string& name) const { return (dir / name).string(); }

  // A Darknet classifier: one convolution to three channels that sees one colour each, global pooling, softmax.
  void write_classifier() {
    std::ofstream(path("net.cfg"))
        << "[net]\nwidth=16\nheight=16\nchannels=3\n\n[convolutional]\nfilters=3\nsize=1\nstride=1\npad=1\n"
           "activation=linear\n\n[avgpool]\n\n[softmax]\ngroups=1\n";
    std::ofstream file(path("net.weights"), std::ios::binary);
    const std::int32_t header[3] = {0, 2, 0};
    const std::int64_t seen = 0;
    const float biases[3] = {0, 0, 0};
    const float weights[9] = {9, 0, 0, 0, 9, 0, 0, 0, 9};
    file.write(reinterpret_cast<const char*>(header), sizeof(header));
    file.write(reinterpret_cast<const char*>(&seen), sizeof(seen));
    file.write(reinterpret_cast<const char*>(biases), sizeof(biases));
    file.write(reinterpret_cast<const char*>(weights), sizeof(weights));
    std::ofstream(path("names")) << "red\ngreen\nblue\n";
  }

  // A green 20x12 BMP.
  void write_photo() {
    write_bmp("green.bmp", 20, 12, [](int, int) { return 1; });
  }
  // A BMP of red, green and blue: `channel(x, y)` is 0, 1 or 2. The width must be a multiple of 4.
  template <class Channel>
  void write_bmp(const std::string& name, int width, int height, const Channel& channel) {
    const int row = width * 3;
    std::string bmp(54 + row * height, '\0');
    auto put = [&](int at, std::uint32_t v, int bytes) {
      for (int i = 0; i < bytes; ++i) bmp[static_cast<std::size_t>(at + i)] = static_cast<char>(v >> (8 * i));
    };
    bmp[0] = 'B';
    bmp[1] = 'M';
    put(2, static_cast<std::uint32_t>(bmp.size()), 4);
    put(10, 54, 4);
    put(14, 40, 4);
    put(18, width, 4);
    put(22, height, 4);
    put(26, 1, 2);
    put(28, 24, 2);
    // From the bottom row up, blue first.
    for (int i = 0; i < width * height; ++i)
      bmp[static_cast<std::size_t>(54 + 3 * i + 2 - channel(i % width, height - 1 - i / width))] =
          static_cast<char>(255);
    std::ofstream(path(name), std::ios::binary) << bmp;
  }
  void convert() {
    const Outcome o = run("convert " + path("net.cfg") + " " + path("net.weights") + " -o " + path("net.dtr") +
                          " --labels " + path("names"));
    ASSERT_EQ(o.exit_code, 0) << o.err;
  }

  fs::path dir;
};

}  // namespace dotori::cli
