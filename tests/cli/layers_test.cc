// SPDX-License-Identifier: Apache-2.0
// `check`, `diff` and `run --regions`: what the program says of layers and areas.
#include <algorithm>

#include "cli/cli_fixture.h"

namespace dotori::cli {
namespace {

TEST_F(Cli, CheckTellsWhatIsInAFile) {
  Outcome o = run("check " + path("net.cfg") + " " + path("net.weights") + " --json");
  ASSERT_EQ(o.exit_code, 0) << o.err;
  Json json = Json::parse(o.out);
  EXPECT_EQ(json["format"], "Darknet");
  EXPECT_EQ(json["convertible"], true);
  EXPECT_EQ(json["operators"].size(), 3u);
  // Weights left out, and weights that do not fit.
  o = run("check " + path("net.cfg") + " --json");
  ASSERT_EQ(o.exit_code, 0) << o.err;
  EXPECT_TRUE(Json::parse(o.out)["convertible"].is_null());
  std::ofstream(path("net.weights"), std::ios::binary | std::ios::app) << "more";
  o = run("check " + path("net.cfg") + " " + path("net.weights"));
  EXPECT_EQ(o.exit_code, 1);
  EXPECT_NE(o.out.find("cannot be converted: "), std::string::npos) << o.out;
  // A layer that nobody knows.
  std::ofstream(path("net.cfg"), std::ios::app) << "\n[crnn]\noutput=3\n";
  o = run("check " + path("net.cfg") + " --json");
  EXPECT_EQ(o.exit_code, 1);
  json = Json::parse(o.out);
  EXPECT_EQ(json["convertible"], false);
  EXPECT_EQ(json["operators"][0]["name"], "crnn");
  EXPECT_EQ(json["operators"][0]["supported"], "no");
  EXPECT_NE(json["operators"][0]["first"].get<std::string>().find("line"), std::string::npos);
  EXPECT_EQ(run("check " + path("green.bmp")).exit_code, 1);
  EXPECT_EQ(run("check").exit_code, 2);
}

TEST_F(Cli, RegionsOfAMask) {
  std::ofstream(path("mask.cfg")) << "[net]\nwidth=16\nheight=16\nchannels=3\n\n[convolutional]\nfilters=3\nsize=1\n"
                                     "stride=1\npad=1\nactivation=linear\n";
  ASSERT_EQ(run("convert " + path("mask.cfg") + " " + path("net.weights") + " -o " + path("mask.dtr") +
                " --mask argmax --labels " + path("names"))
                .exit_code,
            0);
  const auto inside = [](int x, int y, int x0, int y0, int x1, int y1) {
    return x >= x0 && x < x1 && y >= y0 && y < y1;
  };
  write_bmp("areas.bmp", 16, 16, [&](int x, int y) {
    return inside(x, y, 2, 3, 8, 7) || inside(x, y, 15, 0, 16, 1) ? 1 : inside(x, y, 10, 9, 13, 12) ? 2 : 0;
  });
  const std::string command = "run " + path("mask.dtr") + " " + path("areas.bmp") + " --min-region 2 --regions ";
  Outcome o = run(command + path("areas.csv"));
  ASSERT_EQ(o.exit_code, 0) << o.err;
  const std::string csv = slurp(path("areas.csv")), photo = path("areas.bmp");
  EXPECT_EQ(csv.find("photo,id,index,label,pixels,area_percent,centre_x,centre_y,x0,y0,x1,y1,equivalent_diameter,"
                     "perimeter,circularity\n" +
                     photo + ",1,1,green,24,9.375,5,5,2,3,8,7,5.528,"),
            0u)
      << csv;
  EXPECT_NE(csv.find("\n" + photo + ",2,2,blue,9,3.516,11.5,10.5,10,9,13,12,"), std::string::npos) << csv;
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 3);
  o = run(command + path("areas.json"));
  ASSERT_EQ(o.exit_code, 0) << o.err;
  const Json json = Json::parse(slurp(path("areas.json")));
  EXPECT_EQ(json["photos"][0]["regions"].size(), 2u);
  EXPECT_EQ(json["photos"][0]["summary"][1]["label"], "green");
  EXPECT_EQ(run(command + path("areas.txt")).exit_code, 1);
  EXPECT_FALSE(fs::exists(path("areas.txt")));
}

// Layers that run as one step, band of rows by band: each is shown with that step's kernel.
TEST_F(Cli, InspectShowsEveryLayerOfAChain) {
  std::ofstream(path("chain.cfg")) << "[net]\nwidth=96\nheight=96\nchannels=3\n\n"
                                      "[convolutional]\nfilters=32\nsize=1\nstride=1\npad=1\nactivation=relu\n\n"
                                      "[convolutional]\nfilters=32\nsize=3\nstride=1\npad=1\ngroups=32\n"
                                      "activation=relu\n\n"
                                      "[convolutional]\nfilters=16\nsize=1\nstride=1\npad=1\nactivation=linear\n";
  std::string weights("\0\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
  weights.append(4 * (32 + 32 * 3 + 32 + 32 * 9 + 16 + 16 * 32), '\0');
  std::ofstream(path("chain.weights"), std::ios::binary) << weights;
  Outcome o = run("convert " + path("chain.cfg") + " " + path("chain.weights") + " -o " + path("chain.dtr"));
  ASSERT_EQ(o.exit_code, 0) << o.err;
  o = run("inspect " + path("chain.dtr") + " --json --html " + path("chain.html"));
  ASSERT_EQ(o.exit_code, 0) << o.err;
  const Json json = Json::parse(o.out);
  ASSERT_EQ(json["operators"].size(), 3u);
  const std::int64_t pixels = 96 * 96, macs[] = {pixels * 96, pixels * 288, pixels * 512};
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(json["operators"][i]["macs"], macs[i]);
  EXPECT_EQ(json["macs"], pixels * (96 + 288 + 512));
  const std::string kernel = json["operators"][2]["kernel"];
  if (kernel.find("reference") == std::string::npos) {
    EXPECT_EQ(json["operators"][1]["kernel"], kernel);
    EXPECT_NE(slurp(path("chain.html")).find("chain of "), std::string::npos);
  }
  EXPECT_EQ(run("inspect " + path("chain.dtr") + " --layers").exit_code, 0);

  // The ways to run them, measured; the file is whole whatever came out.
  o = run("bench " + path("chain.dtr") + " --tune " + path("tuned.dtr") + " --runs 5 --json");
  ASSERT_EQ(o.exit_code, 0) << o.err;
  const Json tuned = Json::parse(o.out);
  EXPECT_NE(tuned["isa"], "");
  if (kernel.find("reference") == std::string::npos) {
    EXPECT_GE(tuned["measured"], 1);
  }
  EXPECT_TRUE(tuned["stored"] == false || tuned["changes"].size() > 0);
  EXPECT_EQ(run("bench " + path("tuned.dtr") + " --runs 1").exit_code, 0);
  EXPECT_EQ(run("bench " + path("tuned.dtr") + " --tune " + path("tuned.dtr") + " --runs 2").exit_code, 0);
  EXPECT_EQ(run("bench " + path("tuned.dtr") + " --tune " + path("no/such/place.dtr") + " --runs 2").exit_code, 1);
  EXPECT_EQ(run("bench " + path("tuned.dtr") + " --tune x.dtr --profile").exit_code, 2);
  EXPECT_EQ(run("bench --tune x.dtr").exit_code, 2);
}

// ---------------------------------------------------------------- diff

void put(std::string& file, std::uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) file += static_cast<char>(value >> (8 * i));
}

// A float32 .npy of `shape`, such as "(1, 3)".
std::string npy(const std::string& shape, const std::vector<float>& elements) {
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }\n";
  std::string file("\x93NUMPY\x01\0", 8);
  put(file, static_cast<std::uint32_t>(header.size()), 2);
  file += header;
  file.append(reinterpret_cast<const char*>(elements.data()), elements.size() * sizeof(float));
  return file;
}

// A zip archive of stored files, without checksums.
std::string npz(const std::vector<std::pair<std::string, std::string>>& files, int method = 0) {
  std::string archive, directory;
  for (const auto& [name, bytes] : files) {
    const auto start = static_cast<std::uint32_t>(archive.size()), size = static_cast<std::uint32_t>(bytes.size());
    const auto length = static_cast<std::uint32_t>(name.size() + 4);
    put(archive, 0x04034b50, 4);
    archive.append(22, '\0');
    put(archive, length, 2);
    put(archive, 0, 2);
    archive += name + ".npy" + bytes;
    put(directory, 0x02014b50, 4);
    directory.append(6, '\0');
    put(directory, static_cast<std::uint32_t>(method), 2);
    directory.append(8, '\0');
    put(directory, size, 4);
    put(directory, size, 4);
    put(directory, length, 2);
    directory.append(12, '\0');
    put(directory, start, 4);
    directory += name + ".npy";
  }
  const auto at = static_cast<std::uint32_t>(archive.size());
  archive += directory;
  put(archive, 0x06054b50, 4);
  put(archive, 0, 4);
  put(archive, static_cast<std::uint32_t>(files.size()), 2);
  put(archive, static_cast<std::uint32_t>(files.size()), 2);
  put(archive, static_cast<std::uint32_t>(directory.size()), 4);
  put(archive, at, 4);
  put(archive, 0, 2);
  return archive;
}

TEST_F(Cli, DiffNamesTheFirstLayerThatParts) {
  convert();
  Outcome o = run("diff " + path("net.dtr") + " backend:reference --json");
  ASSERT_EQ(o.exit_code, 0) << o.err;
  Json json = Json::parse(o.out);
  EXPECT_TRUE(json["first"].is_null());
  EXPECT_EQ(json["only_a"], 0);
  const std::size_t layers = json["layers"].size();
  EXPECT_GE(layers, 3u);
  // Another bias in the first layer.
  std::fstream weights(path("net.weights"), std::ios::binary | std::ios::in | std::ios::out);
  weights.seekp(20);
  const float bias = 0.5f;
  weights.write(reinterpret_cast<const char*>(&bias), sizeof bias);
  weights.close();
  ASSERT_EQ(run("convert " + path("net.cfg") + " " + path("net.weights") + " -o " + path("other.dtr")).exit_code, 0);
  o = run("diff " + path("net.dtr") + " " + path("other.dtr") + " --photo " + path("green.bmp") + " --json");
  EXPECT_EQ(o.exit_code, 1);
  json = Json::parse(o.out);
  EXPECT_EQ(json["first"], json["layers"][0]["name"]);
  EXPECT_NEAR(json["layers"][0]["largest"].get<double>(), 0.5, 1e-6);
  EXPECT_EQ(run("diff " + path("net.dtr") + " " + path("other.dtr") + " --tolerance 0.9").exit_code, 0);
  o = run("diff " + path("net.dtr") + " backend:gpu");
  EXPECT_EQ(o.exit_code, 1);
  EXPECT_NE(o.err.find("backend:gpu"), std::string::npos);
}

TEST_F(Cli, DiffBetweenInstructionSetsAndMachines) {
  convert();
  Outcome o = run("diff " + path("net.dtr") + " isa:none --photo " + path("green.bmp") + " --json");
  ASSERT_EQ(o.exit_code, 0) << o.err;
  EXPECT_EQ(Json::parse(o.out)["only_a"], 0);
  EXPECT_GE(Json::parse(o.out)["compared"], 3);
  o = run("diff " + path("net.dtr") + " isa:sse9");
  EXPECT_EQ(o.exit_code, 1);
  EXPECT_NE(o.err.find("isa:sse9"), std::string::npos) << o.err;
  // As on another machine.
  o = run("diff " + path("net.dtr") + " --photo " + path("green.bmp") + " --save " + path("board.npz"));
  ASSERT_EQ(o.exit_code, 0) << o.err;
  o = run("diff " + path("net.dtr") + " " + path("board.npz") + " --json");
  ASSERT_EQ(o.exit_code, 0) << o.err;
  for (const Json& layer : Json::parse(o.out)["layers"]) EXPECT_EQ(layer["largest"], 0);
  EXPECT_EQ(run("diff " + path("net.dtr")).exit_code, 2);
}

// The engine is a script that gives numbers made before.
TEST_F(Cli, ConvertVerifiesBesideAnEngine) {
  convert();
  ASSERT_EQ(
      run("diff " + path("net.dtr") + " --photo " + path("green.bmp") + " --save " + path("engine.npz")).exit_code, 0);
  fs::create_directory(path("scripts"));
  const std::string script = path("scripts/dump-opencv");
  const auto engine = [&](const std::string& body) {
    std::ofstream(script) << "#!/bin/sh\n" << body;
    fs::permissions(script, fs::perms::owner_all);
  };
  ASSERT_EQ(setenv("DOTORI_SCRIPTS", path("scripts").c_str(), 1), 0);
  const std::string command = "convert " + path("net.cfg") + " " + path("net.weights") + " -o " + path("new.dtr") +
                              " --verify " + path("green.bmp");
  Outcome o = run(command);
  EXPECT_EQ(o.exit_code, 1);
  EXPECT_NE(o.err.find("dump-opencv: no such file"), std::string::npos) << o.err;
  engine("echo warming up; echo the file is odd >&2; exit 3\n");
  o = run(command);
  EXPECT_EQ(o.exit_code, 1);
  EXPECT_NE(o.err.find("OpenCV did not run the file"), std::string::npos) << o.err;
  EXPECT_NE(o.err.find("the file is odd"), std::string::npos) << o.err;
  EXPECT_FALSE(fs::exists(path("new.dtr")));
  engine("[ \"$1 $2\" = '" + path("net.cfg") + " " + path("net.weights") + "' ] || exit 1\n[ -s \"$6\" ] || exit 1\n" +
         "cp " + path("engine.npz") + " \"$4\"\n");
  o = run(command + " --json");
  ASSERT_EQ(o.exit_code, 0) << o.err;
  EXPECT_EQ(Json::parse(o.out)["verified"]["engine"], "OpenCV");
  EXPECT_GE(Json::parse(o.out)["verified"]["layers"], 2);
  ASSERT_TRUE(fs::remove(path("new.dtr")));
  // Another bias in the first layer: the others, fed with the engine's numbers, are right.
  std::fstream weights(path("net.weights"), std::ios::binary | std::ios::in | std::ios::out);
  weights.seekp(20);
  const float bias = 0.5f;
  weights.write(reinterpret_cast<const char*>(&bias), sizeof bias);
  weights.close();
  o = run(command);
  EXPECT_EQ(o.exit_code, 1);
  EXPECT_NE(o.err.find("layer '0_convolutional' (conv2d) differs from OpenCV"), std::string::npos) << o.err;
  EXPECT_FALSE(fs::exists(path("new.dtr")));
  unsetenv("DOTORI_SCRIPTS");
}

TEST_F(Cli, DiffAgainstTensorsOfAnotherEngine) {
  convert();
  const Json json = Json::parse(run("inspect " + path("net.dtr") + " --json").out);
  const std::string input = json["inputs"][0]["name"],
                    layer = Json::parse(
                        run("diff " + path("net.dtr") + " backend:reference --json").out)["layers"][0]["name"];
  // Channels first, as ONNX has them: the pixels' channels are p, 2 p and 3 p; the layer multiplies by 9.
  std::vector<float> x(3 * 256), y(3 * 256);
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t p = 0; p < 256; ++p) {
      x[c * 256 + p] = static_cast<float>(p * (c + 1)) / 1024;
      y[c * 256 + p] = 9 * x[c * 256 + p];
    }
  const auto write = [&](int method) {
    std::ofstream(path("ref.npz"), std::ios::binary) << npz({{"layout:nchw", npy("(1,)", {1})},
                                                             {"input:" + input, npy("(1, 3, 16, 16)", x)},
                                                             {layer, npy("(1, 3, 16, 16)", y)}},
                                                            method);
  };
  write(0);
  Outcome o = run("diff " + path("net.dtr") + " " + path("ref.npz") + " --json");
  ASSERT_EQ(o.exit_code, 0) << o.err << o.out;
  EXPECT_EQ(Json::parse(o.out)["compared"], 1);
  y[700] += 0.1f;
  write(0);
  o = run("diff " + path("net.dtr") + " " + path("ref.npz"));
  EXPECT_EQ(o.exit_code, 1);
  EXPECT_NE(o.out.find("the first that diverges is '" + layer + "'"), std::string::npos) << o.out;
  write(8);
  o = run("diff " + path("net.dtr") + " " + path("ref.npz"));
  EXPECT_EQ(o.exit_code, 1);
  EXPECT_NE(o.err.find("savez_compressed"), std::string::npos) << o.err;
  std::string cut = slurp(path("ref.npz"));
  std::ofstream(path("ref.npz"), std::ios::binary) << cut.substr(0, cut.size() / 2);
  o = run("diff " + path("net.dtr") + " " + path("ref.npz"));
  EXPECT_EQ(o.exit_code, 1);
  EXPECT_NE(o.err.find("ref.npz: not a .npz file, or cut off"), std::string::npos) << o.err;
}

}  // namespace
}  // namespace dotori::cli
