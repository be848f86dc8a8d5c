// SPDX-License-Identifier: Apache-2.0
// The `dotori` program as a user meets it: commands, exit codes, JSON, error lines, files written or not.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/cli_fixture.h"
#include "cli/npy.h"

namespace dotori::cli {
namespace {

TEST_F(Cli, HelpAndVersion) {
  for (const char* command : {"--help", "convert --help", "run --help", "inspect --help", "bench --help", "eval --help",
                              "agree --help", "quantize --help"}) {
    const Outcome o = run(command);
    EXPECT_EQ(o.exit_code, 0) << command;
    EXPECT_NE(o.out.find("Example"), std::string::npos) << command;
  }
  const Outcome version = run("--version");
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_NE(version.out.find("isa: "), std::string::npos);
}

TEST_F(Cli, WrongCommandLinesExitWithTwo) {
  for (const char* arguments :
       {"", "frobnicate", "run", "bench", "convert", "inspect --no-such-option x", "bench x.dtr --threads 99",
        "eval x.dtr", "agree x.dtr y.dtr", "quantize x.dtr -o y.dtr",
        "quantize x.dtr -o y.dtr --calibration z --observer guess"}) {
    const Outcome o = run(arguments);
    EXPECT_EQ(o.exit_code, 2) << arguments;
    EXPECT_FALSE(o.err.empty()) << arguments;
  }
}

TEST_F(Cli, ClassifiesAPhoto) {
  convert();
  const Outcome o = run("run " + path("net.dtr") + " " + path("green.bmp") + " --json --save " + path("seen.png"));
  ASSERT_EQ(o.exit_code, 0) << o.err;
  const Json json = Json::parse(o.out);
  const Json& result = json["results"].at(0);
  EXPECT_EQ(result["photo"], path("green.bmp"));
  EXPECT_GE(result["ms"].get<double>(), 0);
  EXPECT_EQ(result["top"].at(0)["label"], "green");
  EXPECT_EQ(result["top"].at(0)["index"], 1);
  EXPECT_GT(result["top"].at(0)["score"].get<double>(), 0.99);
  EXPECT_EQ(result["top"].size(), 3u);
  EXPECT_EQ(slurp(path("seen.png")).substr(1, 3), "PNG");
  EXPECT_NE(run("run " + path("net.dtr") + " " + path("green.bmp")).out.find("green"), std::string::npos);
}

TEST_F(Cli, InspectShowsCostAndMemory) {
  convert();
  const Outcome o = run("inspect " + path("net.dtr") + " --json --html " + path("net.html"));
  ASSERT_EQ(o.exit_code, 0) << o.err;
  const Json json = Json::parse(o.out);
  EXPECT_EQ(json["inputs"].at(0)["shape"], Json({1, 16, 16, 3}));
  EXPECT_EQ(json["macs"], 16 * 16 * 9);
  EXPECT_EQ(json["parameters"], 12);
  EXPECT_GT(json["arena_bytes"].get<long>(), 16 * 16 * 3 * 4);
  EXPECT_GE(json["operators"].size(), 3u);
  EXPECT_EQ(json["outputs"].size(), 1u);
  EXPECT_NE(slurp(path("net.html")).find("<svg"), std::string::npos);
}

TEST_F(Cli, BenchReportsStableNames) {
  convert();
  const Outcome o = run("bench " + path("net.dtr") + " --runs 3 --threads 2 --json");
  ASSERT_EQ(o.exit_code, 0) << o.err;
  const Json json = Json::parse(o.out);
  for (const char* name :
       {"median_ms", "min_ms", "p90_ms", "load_ms", "arena_bytes", "file_bytes", "threads", "backend", "isa", "nodes"})
    EXPECT_TRUE(json.contains(name)) << name;
  EXPECT_EQ(json["threads"], 2);
  for (const char* name : {"name", "op", "kernel", "ms", "macs"})
    EXPECT_TRUE(json["nodes"].at(0).contains(name)) << name;
  const Json reference = Json::parse(run("bench " + path("net.dtr") + " --runs 1 --backend reference --json").out);
  EXPECT_EQ(reference["isa"], "none");
  for (const Json& node : reference["nodes"])
    EXPECT_EQ(node["kernel"].get<std::string>().find("avx2"), std::string::npos) << node["kernel"];
}

// The cores this test may use, from --cores all.
TEST_F(Cli, CoresOfARun) {
  convert();
  const std::string bench = "bench " + path("net.dtr") + " --runs 1 --json";
  const auto cores_of = [&](const std::string& options) {
    const Outcome o = run(bench + options);
    EXPECT_EQ(o.exit_code, 0) << options << ": " << o.err;
    return o.exit_code == 0 ? Json::parse(o.out)["cores"] : Json();
  };
  const Json all = cores_of("");
  ASSERT_GE(all.size(), 1u);
  EXPECT_EQ(cores_of(" --cores all"), all);
  const Json big = cores_of(" --cores big"), little = cores_of(" --cores little");
  EXPECT_GE(big.size(), 1u);
  EXPECT_GE(little.size(), 1u);
  EXPECT_TRUE(big.size() + little.size() == all.size() || (big == all && little == all));
  const int last = all.back();
  const std::string one = std::to_string(last);
  EXPECT_EQ(cores_of(" --cores " + one), Json({last}));
  EXPECT_EQ(cores_of(" --cores " + one + "," + one + "-" + one + " --threads 2"), Json({last}));
  const Json alone = Json::parse(run(bench + " --threads 0 --cores " + one).out);
  EXPECT_EQ(alone["threads"], 1) << "one for each core of the set";
  const Outcome words = run("bench " + path("net.dtr") + " --runs 1 --cores " + one);
  EXPECT_NE(words.out.find(" on cores " + one + ","), std::string::npos) << words.out;
  for (const std::string& command : {"run " + path("net.dtr") + " " + path("green.bmp"),
                                     "diff " + path("net.dtr") + " backend:reference --photo " + path("green.bmp")}) {
    const Outcome o = run(command + " --cores " + one);
    EXPECT_EQ(o.exit_code, 0) << command << ": " << o.err;
  }

  if (last < 63) {
    const Outcome missing = run(bench + " --cores 63");
    EXPECT_EQ(missing.exit_code, 1);
    EXPECT_NE(missing.err.find("core 63 does not exist or may not be used here; expected some of "), std::string::npos)
        << missing.err;
  }
  for (const std::string text : {"medium", "64", "1-", "-1", "3-2", "0,,1", "0x1", "1.5", "''", "0-1-2", "100"}) {
    for (const std::string command :
         {"bench x.dtr", "bench --suite x", "run x.dtr", "diff x.dtr y.dtr", "agree a b --images c",
          "eval x.dtr --images p", "quantize x.dtr -o y.dtr --calibration p"}) {
      const Outcome o = run(command + " --cores=" + text);
      EXPECT_EQ(o.exit_code, 2) << command << " " << text << ": " << o.err;
      EXPECT_NE(o.err.find("--cores"), std::string::npos) << o.err;
    }
  }
}

TEST_F(Cli, BackendsGiveTheSameAnswer) {
  convert();
  std::ofstream(path("labels.csv")) << "green.bmp,1\n";
  fs::create_directory(path("photos"));
  fs::copy(path("green.bmp"), path("photos/green.bmp"));
  const std::string eval =
      "eval " + path("net.dtr") + " --images " + path("photos") + " --labels " + path("labels.csv");
  bool has_xnnpack = true;
  for (const std::string backend : {"cpu", "reference", "xnnpack", "auto"}) {
    const Outcome o = run("run " + path("net.dtr") + " " + path("green.bmp") + " --json --backend " + backend);
    if (backend == "xnnpack" && o.exit_code != 0) {
      has_xnnpack = false;
      EXPECT_EQ(o.exit_code, 1);
      EXPECT_NE(o.err.find("DOTORI_XNNPACK"), std::string::npos) << o.err;
      EXPECT_EQ(run("inspect " + path("net.dtr") + " --backend xnnpack").exit_code, 1);
      continue;
    }
    ASSERT_EQ(o.exit_code, 0) << backend << ": " << o.err;
    EXPECT_EQ(Json::parse(o.out)["results"].at(0)["top"].at(0)["label"], "green") << backend;
    const Outcome accuracy = run(eval + " --backend " + backend);
    EXPECT_EQ(accuracy.exit_code, 0) << accuracy.err;
    const Json bench = Json::parse(run("bench " + path("net.dtr") + " --runs 1 --json --backend " + backend).out);
    if (backend != "auto") EXPECT_EQ(bench["backend"], backend);
    else EXPECT_TRUE(bench["backend"] == "cpu" || bench["backend"] == "xnnpack") << bench["backend"];
  }
  EXPECT_EQ(run("inspect " + path("net.dtr") + " --backend auto").exit_code, 2) << "inspect measures nothing";
  EXPECT_EQ(run("bench " + path("net.dtr") + " --backend gpu").exit_code, 2);
  if (!has_xnnpack) return;
  const Json json = Json::parse(run("inspect " + path("net.dtr") + " --json --backend xnnpack").out);
  EXPECT_EQ(json["backend"], "xnnpack");
  ASSERT_GE(json["regions"].size(), 1u);
  EXPECT_FALSE(json["regions"].at(0)["outputs"].empty());
  for (const Json& layer : json["operators"])
    EXPECT_EQ(layer["region"].is_null(), !layer["refusal"].get<std::string>().empty()) << layer;
  EXPECT_NE(run("inspect " + path("net.dtr") + " --backend xnnpack --layers").out.find("xnnpack runs "),
            std::string::npos);
}

TEST_F(Cli, TensorsInAndOut) {
  convert();
  std::vector<float> values(16 * 16 * 3, 0.0f);
  for (std::size_t i = 2; i < values.size(); i += 3) values[i] = 1;
  TensorView blue;
  blue.shape = {1, 16, 16, 3};
  blue.data = values.data();
  blue.size_bytes = values.size() * 4;
  ASSERT_TRUE(save_npy(path("blue.npy"), blue).ok());
  ASSERT_EQ(run("run " + path("net.dtr") + " --input " + path("blue.npy") + " --dump " + path("out")).exit_code, 0);
  const auto result = load_npy(path("out/output_0.npy"));
  ASSERT_TRUE(result.ok()) << result.status().message();
  ASSERT_EQ(result->bytes.size(), 12u);
  float scores[3];
  std::memcpy(scores, result->bytes.data(), sizeof(scores));
  EXPECT_GT(scores[2], 0.99f);

  blue.shape = {1, 48, 16, 1};
  ASSERT_TRUE(save_npy(path("wrong.npy"), blue).ok());
  const Outcome wrong = run("run " + path("net.dtr") + " --input " + path("wrong.npy") + " --dump " + path("out"));
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_NE(wrong.err.find("[1,48,16,1]"), std::string::npos) << wrong.err;
}

TEST_F(Cli, SeveralPhotosKeepTheirResultsApart) {
  convert();
  fs::create_directory(path("b"));
  fs::copy(path("green.bmp"), path("b/green.bmp"));
  std::ofstream(path("no.jpg")) << "not a photo";
  const Outcome o = run("run " + path("net.dtr") + " " + path("green.bmp") + " " + path("no.jpg") + " " +
                        path("b/green.bmp") + " --json --save " + path("pictures") + " --dump " + path("tensors"));
  EXPECT_EQ(o.exit_code, 1);
  EXPECT_NE(o.err.find("no.jpg"), std::string::npos) << o.err;
  const Json json = Json::parse(o.out);
  EXPECT_EQ(json["results"].size(), 2u);
  EXPECT_EQ(json["failures"].size(), 1u);
  for (const char* file :
       {"pictures/green.png", "pictures/green_2.png", "tensors/green/output_0.npy", "tensors/green_2/input_0.npy"})
    EXPECT_TRUE(fs::exists(path(file))) << file;
}

TEST_F(Cli, EvaluatesAClassifier) {
  convert();
  fs::create_directory(path("photos"));
  for (const char* name : {"1.bmp", "2.bmp"}) fs::copy(path("green.bmp"), dir / "photos" / name);
  std::ofstream(path("labels.csv")) << "file,label\n1.bmp,1\n2.bmp,0\n";
  const std::string command =
      "eval " + path("net.dtr") + " --images " + path("photos") + " --labels " + path("labels.csv");
  const Outcome o = run(command + " --json");
  ASSERT_EQ(o.exit_code, 0) << o.err;
  const Json json = Json::parse(o.out);
  EXPECT_EQ(json["top1"], 50);
  EXPECT_EQ(json["top5"], 100);
  EXPECT_EQ(json["photos"], 2);
  EXPECT_GE(json["seconds"].get<double>(), 0);
  EXPECT_EQ(Json::parse(run(command + " --limit 1 --json").out)["photos"], 1);
  EXPECT_NE(run(command).out.find("50.00 %"), std::string::npos);
}

TEST_F(Cli, EvaluatesMasksAndBoxes) {
  // Without pooling, the classifier's convolution is a map of colours.
  std::ofstream(path("map.cfg")) << "[net]\nwidth=16\nheight=16\nchannels=3\n\n[convolutional]\nfilters=3\nsize=1\n"
                                    "stride=1\npad=1\nactivation=linear\n";
  ASSERT_EQ(run("convert " + path("map.cfg") + " " + path("net.weights") + " -o " + path("map.dtr") +
                " --task segmentation --mask argmax")
                .exit_code,
            0);
  fs::create_directories(dir / "photos");
  fs::copy(path("green.bmp"), dir / "photos" / "1.bmp");
  const std::string command = "eval " + path("map.dtr") + " --images " + path("photos") + " --json";
  const Outcome o = run(command + " --masks " + path("photos"));
  ASSERT_EQ(o.exit_code, 1);  // pure green is no colour of Pascal VOC
  EXPECT_NE(o.err.find("0 255 0"), std::string::npos) << o.err;
  fs::create_directory(path("masks"));
  std::string mask = slurp(path("green.bmp"));
  std::fill(mask.begin() + 54, mask.end(), static_cast<char>(1));
  std::ofstream(dir / "masks" / "1.bmp", std::ios::binary) << mask;
  const Json masks = Json::parse(run(command + " --masks " + path("masks")).out);
  for (const char* name : {"iou", "dice", "pixel_accuracy"}) EXPECT_EQ(masks[name], 100) << name;

  std::ofstream(path("boxes.json")) << R"({"images": [{"id": 1, "file_name": "1.bmp"}], "categories": [],
                                           "annotations": []})";
  const Outcome wrong = run(command + " --annotations " + path("boxes.json"));
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_NE(wrong.err.find("boxes"), std::string::npos) << wrong.err;
}

TEST_F(Cli, AgreementOfTwoModels) {
  convert();
  fs::create_directories(dir / "photos" / "deep");
  fs::copy(path("green.bmp"), dir / "photos" / "1.bmp");
  fs::copy(path("green.bmp"), dir / "photos" / "deep" / "1.bmp");
  const Outcome o = run("agree " + path("net.dtr") + " " + path("net.dtr") + " --images " + path("photos") +
                        " --json --save " + path("pictures"));
  ASSERT_EQ(o.exit_code, 0) << o.err;
  const Json json = Json::parse(o.out);
  EXPECT_EQ(json["count"], 2);
  for (const char* name : {"mean", "min", "max"}) EXPECT_EQ(json[name], 100) << name;
  for (const char* name : {"sd", "variance"}) EXPECT_EQ(json[name], 0) << name;
  for (const char* name : {"1.bmp.png", "deep/1.bmp.png"})
    EXPECT_EQ(slurp(dir / "pictures" / name).substr(1, 3), "PNG") << name;
}

TEST_F(Cli, QuantizesAndReports) {
  convert();
  fs::create_directory(path("photos"));
  for (const char* name : {"1.bmp", "2.bmp"}) fs::copy(path("green.bmp"), dir / "photos" / name);
  std::ofstream(path("labels.csv")) << "1.bmp,1\n2.bmp,1\n";
  const std::string command =
      "quantize " + path("net.dtr") + " -o " + path("q.dtr") + " --calibration " + path("photos");

  const Outcome plain = run(command);
  ASSERT_EQ(plain.exit_code, 0) << plain.err;
  EXPECT_NE(plain.out.find("not measured"), std::string::npos) << plain.out;
  EXPECT_NE(run("inspect " + path("q.dtr")).out.find("accuracy    not measured"), std::string::npos);
  EXPECT_EQ(run("run " + path("q.dtr") + " " + path("green.bmp") + " --json").exit_code, 0);

  const std::string measured = " --images " + path("photos") + " --labels " + path("labels.csv") + " --max-drop 0.5";
  const Outcome o = run(command + measured + " --json --report " + path("q.html"));
  ASSERT_EQ(o.exit_code, 0) << o.err;
  const Json json = Json::parse(o.out)["quantization"];
  EXPECT_EQ(json["accuracy"]["metric"], "top-1");
  EXPECT_EQ(json["accuracy"]["before"], 100);
  EXPECT_EQ(json["accuracy"]["after"], 100);
  EXPECT_EQ(json["accuracy"]["samples"], 2);
  EXPECT_EQ(json["calibration_samples"], 2);
  EXPECT_EQ(json["file_bytes_before"].get<std::uint64_t>(), fs::file_size(path("net.dtr")));
  EXPECT_EQ(json["file_bytes_after"].get<std::uint64_t>(), fs::file_size(path("q.dtr")));
  const std::string page = slurp(path("q.html"));
  EXPECT_NE(page.find("top-1 100.00 % before, 100.00 % after"), std::string::npos);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  // The file tells the same.
  const Outcome seen = run("inspect " + path("q.dtr") + " --json --html " + path("seen.html"));
  ASSERT_EQ(seen.exit_code, 0) << seen.err;
  EXPECT_EQ(Json::parse(seen.out)["quantization"], json);
  EXPECT_NE(slurp(path("seen.html")).find("Quantisation"), std::string::npos);

  const Outcome agreed = run(command + " --agree " + path("photos") + " --input-type uint8 --json");
  ASSERT_EQ(agreed.exit_code, 0) << agreed.err;
  EXPECT_EQ(Json::parse(agreed.out)["quantization"]["accuracy"]["after"], 100);
  EXPECT_EQ(Json::parse(run("inspect " + path("q.dtr") + " --json").out)["inputs"][0]["type"], "uint8");
  EXPECT_EQ(run("run " + path("q.dtr") + " " + path("green.bmp") + " --json").exit_code, 0);
}

TEST_F(Cli, CalibratesWithTensors) {
  convert();
  ASSERT_EQ(run("run " + path("net.dtr") + " " + path("green.bmp") + " --dump " + path("tensors/1")).exit_code, 0);
  const Outcome o =
      run("quantize " + path("net.dtr") + " -o " + path("q.dtr") + " --calibration " + path("tensors") + " --json");
  ASSERT_EQ(o.exit_code, 0) << o.err;
  EXPECT_EQ(Json::parse(o.out)["quantization"]["calibration_samples"], 1);
}

TEST_F(Cli, FailuresAreOneLineAndWriteNothing) {
  convert();
  std::ofstream(path("junk.onnx")) << "this is no network";
  std::ofstream(path("junk.tflite")) << "neither is this";
  std::ofstream(path("broken.cfg")) << "[net]\nwidth=16\nheight=16\nchannels=3\n[lstm]\noutput=3\n";
  std::ofstream(path("short.weights"), std::ios::binary) << std::string(30, '\0');
  std::ofstream(path("no.jpg")) << "not a photo";
  std::ofstream(path("cut.dtr"), std::ios::binary) << slurp(path("net.dtr")).substr(0, 200);
  struct Case {
    std::string arguments, expected;
  };
  const std::string out = " -o " + path("never.dtr");
  const std::vector<Case> cases = {
      {"convert " + path("missing.onnx") + out, "missing.onnx"},
      {"convert " + path("junk.onnx") + out, "junk.onnx"},
      {"convert " + path("junk.tflite") + out, "junk.tflite"},
      {"convert " + path("net.cfg") + out, "two files"},
      {"convert " + path("names") + out, "unknown kind of file"},
      {"convert " + path("broken.cfg") + " " + path("net.weights") + out, "lstm"},
      {"convert " + path("net.cfg") + " " + path("short.weights") + out, "short.weights"},
      {"convert " + path("net.cfg") + " " + path("net.weights") + out + " --preset nonsense", "nonsense"},
      {"convert " + path("net.cfg") + " " + path("net.weights") + out + " --task detection", "--decoder"},
      {"convert " + path("net.cfg") + " " + path("net.weights") + out + " --mean 1,2", "--mean"},
      {"convert " + path("net.cfg") + " " + path("net.weights") + out +
           " --decoder yolo --classes 1 --strides 8.5 --anchors 1,2",
       "--strides"},
      {"convert " + path("net.cfg") + " " + path("net.weights") + out +
           " --task detection --decoder yolo --classes 80 --strides 32 --anchors 1,2",
       "does not fit the network"},
      {"convert " + path("net.cfg") + " " + path("net.weights") + out +
           " --task detection --decoder yolo --classes 2 --strides 32 --anchors 1,2 --labels " + path("names"),
       "3 labels"},
      {"convert " + path("net.cfg") + " " + path("net.weights") + " -o " + path("no/such/folder/x.dtr"),
       "no/such/folder"},
      {"run " + path("missing.dtr") + " " + path("green.bmp"), "missing.dtr"},
      {"run " + path("net.dtr") + " " + path("no.jpg"), "no.jpg"},
      {"run " + path("net.dtr"), "photos"},
      {"run " + path("cut.dtr") + " " + path("green.bmp"), "cut.dtr"},
      {"inspect " + path("names"), "names"},
      {"bench " + path("cut.dtr"), "cut.dtr"},
      {"eval " + path("net.dtr") + " --images " + path("none"), "--labels"},
      {"eval " + path("net.dtr") + " --images " + path("none") + " --labels " + path("no.jpg"), "no.jpg:1"},
      {"agree " + path("net.dtr") + " " + path("net.dtr") + " --images " + path("none"), "none"},
      {"agree " + path("net.dtr") + " " + path("cut.dtr") + " --images " + path("none"), "cut.dtr"},
      {"quantize " + path("cut.dtr") + out + " --calibration " + path("none"), "cut.dtr"},
      {"quantize " + path("net.dtr") + out + " --calibration " + path("none"), "none"},
      {"quantize " + path("net.dtr") + out + " --calibration " + path(".") + " --max-drop 1", "--max-drop needs"},
      {"quantize " + path("net.dtr") + out + " --calibration " + path(".") + " --keep-fp32 nobody", "nobody"},
  };
  for (const Case& c : cases) {
    const Outcome o = run(c.arguments);
    EXPECT_EQ(o.exit_code, 1) << c.arguments;
    EXPECT_EQ(o.err.rfind("dotori: ", 0), 0u) << o.err;
    EXPECT_NE(o.err.find(c.expected), std::string::npos) << c.arguments << "\n" << o.err;
    EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << o.err;
    EXPECT_TRUE(o.out.empty()) << o.out;
    EXPECT_FALSE(fs::exists(path("never.dtr"))) << c.arguments;
  }
}

}  // namespace
}  // namespace dotori::cli
