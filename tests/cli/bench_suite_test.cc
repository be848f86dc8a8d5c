// SPDX-License-Identifier: Apache-2.0
// `dotori bench --suite` and `--compare` as a user meets them: a folder measured, devices side by side, wrong files.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace dotori::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

struct Outcome {
  int exit_code = -1;
  std::string out, err;
};

std::string slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

class BenchSuite : public ::testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/dotori_bench_XXXXXX";
    ASSERT_NE(mkdtemp(pattern), nullptr);
    dir = pattern;
    fs::create_directory(dir / "models");
  }
  void TearDown() override { fs::remove_all(dir); }

  Outcome run(const std::string& arguments) {
    const std::string command =
        std::string(DOTORI_PROGRAM) + " " + arguments + " >" + path("stdout") + " 2>" + path("stderr");
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, slurp(path("stdout")), slurp(path("stderr"))};
  }
  std::string path(const std::string& name) const { return (dir / name).string(); }

  // Darknet: one 1x1 convolution of three channels; 16 * 16 * 9 multiplications.
  void write_model(const std::string& name) {
    std::ofstream(path("net.cfg")) << "[net]\nwidth=16\nheight=16\nchannels=3\n\n[convolutional]\nfilters=3\nsize=1\n"
                                      "stride=1\npad=1\nactivation=linear\n";
    std::ofstream file(path("net.weights"), std::ios::binary);
    const std::int32_t header[3] = {0, 2, 0};
    const std::int64_t seen = 0;
    const float numbers[12] = {0, 0, 0, 9, 1, 0, 0, 9, 1, 0, 2, 9};
    file.write(reinterpret_cast<const char*>(header), sizeof(header));
    file.write(reinterpret_cast<const char*>(&seen), sizeof(seen));
    file.write(reinterpret_cast<const char*>(numbers), sizeof(numbers));
    file.close();
    const Outcome o = run("convert " + path("net.cfg") + " " + path("net.weights") + " -o " + path(name));
    ASSERT_EQ(o.exit_code, 0) << o.err;
  }
  // Calibrated with the tensors of one run on a green BMP.
  void write_int8_model(const std::string& from, const std::string& name) {
    std::string bmp(54 + 16 * 16 * 3, '\x40');
    const unsigned char head[54] = {'B', 'M', 0x36, 3,  0, 0, 0, 0,  0, 0, 54, 0, 0, 0,  40,
                                    0,   0,   0,    16, 0, 0, 0, 16, 0, 0, 0,  1, 0, 24, 0};
    std::copy(std::begin(head), std::end(head), reinterpret_cast<unsigned char*>(bmp.data()));
    fs::create_directory(dir / "photos");
    std::ofstream(path("photos/1.bmp"), std::ios::binary) << bmp;
    const Outcome o = run("quantize " + path(from) + " -o " + path(name) + " --calibration " + path("photos"));
    ASSERT_EQ(o.exit_code, 0) << o.err;
  }
  // A study as another machine would have written it.
  Json study(const std::string& device, double fps) const {
    return {{"schema", "dotori.device_study/1"},
            {"device", device},
            {"measured", true},
            {"results",
             {{{"network", "net"}, {"precision", "float32"}, {"threads", 1}, {"fps", fps}},
              {{"network", "net_int8"}, {"precision", "int8"}, {"threads", 1}, {"fps", 2 * fps}}}}};
  }
  std::string write(const std::string& name, const Json& json) {
    std::ofstream(path(name)) << json;
    return path(name);
  }

  fs::path dir;
};

TEST_F(BenchSuite, MeasuresAFolder) {
  write_model("models/net.dtr");
  write_int8_model("models/net.dtr", "models/net_int8.dtr");
  std::ofstream(path("models/readme.txt")) << "no model";
  const Outcome o = run("bench --suite " + path("models") + " --threads 2,1 --runs 7 --device 'my <board>' -o " +
                        path("out.json") + " --html " + path("out.html") + " --csv " + path("out.csv"));
  ASSERT_EQ(o.exit_code, 0) << o.err;
  EXPECT_TRUE(o.err.empty()) << o.err;
  EXPECT_EQ(count_of(o.out, "\nnet"), 5u) << o.out;  // the heading, too

  const Json json = Json::parse(slurp(path("out.json")));
  EXPECT_EQ(json["schema"], "dotori.device_study/1");
  EXPECT_EQ(json["device"], "my <board>");
  EXPECT_EQ(json["measured"], true);
  EXPECT_EQ(json["date"].get<std::string>().size(), 20u);
  EXPECT_FALSE(json["library"].get<std::string>().empty());
  for (const char* name : {"cpu", "features", "cores", "max_mhz", "kernel", "os"})
    EXPECT_TRUE(json["machine"].contains(name)) << name;
  EXPECT_GE(json["machine"]["cores"].get<int>(), 1);
  EXPECT_TRUE(json["failures"].empty());
  EXPECT_EQ(json["cores"].size(), json["machine"]["cores"].get<std::size_t>());
  const Json& rows = json["results"];
  ASSERT_EQ(rows.size(), 4u);
  const char* networks[] = {"net", "net", "net_int8", "net_int8"};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i]["network"], networks[i]);
    EXPECT_EQ(rows[i]["precision"], i < 2 ? "float32" : "int8");
    EXPECT_EQ(rows[i]["threads"], i % 2 + 1);
    EXPECT_EQ(rows[i]["runs"], 7);
    EXPECT_EQ(rows[i]["macs"], 16 * 16 * 9);
    EXPECT_EQ(rows[i]["file_bytes"].get<std::uint64_t>(),
              fs::file_size(dir / "models" / (rows[i]["network"].get<std::string>() + ".dtr")));
    EXPECT_GT(rows[i]["arena_bytes"].get<int>(), 0);
    EXPECT_GT(rows[i]["load_ms"].get<double>(), 0);
    const double least = rows[i]["min_ms"], median = rows[i]["median_ms"], most = rows[i]["p90_ms"];
    EXPECT_LE(least, median);
    EXPECT_LE(median, most);
    EXPECT_NEAR(rows[i]["fps"].get<double>() * median, 1000, 0.1);
  }
  const std::string page = slurp(path("out.html"));
  EXPECT_EQ(count_of(page, "<svg class=chart"), 3u);  // one and two threads, memory
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("http"), std::string::npos);
  EXPECT_NE(page.find("my &lt;board&gt;"), std::string::npos);
  EXPECT_NE(page.find("prefers-color-scheme"), std::string::npos);
  EXPECT_EQ(count_of(slurp(path("out.csv")), "\n"), 5u);

  // What one run writes, compare reads; the second device of the same name gets a number.
  const Outcome same = run("bench --compare " + path("out.json") + " " + path("out.json") + " --json");
  ASSERT_EQ(same.exit_code, 0) << same.err;
  const Json comparison = Json::parse(same.out);
  EXPECT_EQ(comparison["devices"][0]["device"], "my <board>");
  EXPECT_EQ(comparison["devices"][1]["device"], "my <board> (2)");
  EXPECT_EQ(comparison["results"].size(), 4u);
  EXPECT_EQ(comparison["results"][0]["ratio"], Json({1.0, 1.0}));
}

TEST_F(BenchSuite, OnChosenCores) {
  write_model("models/net.dtr");
  const std::string command =
      "bench --suite " + path("models") + " --runs 1 --threads 0 --json --html " + path("out.html");
  const Json all = Json::parse(run(command).out);
  const int first = all["cores"][0];
  const Outcome o = run(command + " --cores " + std::to_string(first));
  ASSERT_EQ(o.exit_code, 0) << o.err;
  const Json json = Json::parse(o.out);
  EXPECT_EQ(json["cores"], Json({first}));
  ASSERT_EQ(json["results"].size(), 1u);
  EXPECT_EQ(json["results"][0]["threads"], 1) << "0: one for each core of the set";
  const bool some = all["cores"].size() > 1;
  EXPECT_EQ(count_of(slurp(path("out.html")), "measured on " + std::to_string(first)), some ? 1u : 0u);
}

TEST_F(BenchSuite, ABrokenModelCostsItsOwnRowsOnly) {
  write_model("models/net.dtr");
  std::ofstream(path("models/cut.dtr"), std::ios::binary) << slurp(path("models/net.dtr")).substr(0, 200);
  const Outcome o =
      run("bench --suite " + path("models") + " --runs 1 --threads 1,2 --json --html " + path("out.html"));
  EXPECT_EQ(o.exit_code, 1);
  EXPECT_NE(o.err.find("cut.dtr"), std::string::npos) << o.err;
  EXPECT_EQ(count_of(o.err, "\n"), 1u) << o.err;
  const Json json = Json::parse(o.out);
  EXPECT_EQ(json["results"].size(), 2u);
  ASSERT_EQ(json["failures"].size(), 1u);
  EXPECT_EQ(json["failures"][0]["network"], "cut");
  EXPECT_NE(slurp(path("out.html")).find("cut was not measured"), std::string::npos);
}

TEST_F(BenchSuite, DevicesSideBySide) {
  const std::string first = write("a.json", study("laptop", 100));
  Json modelled = study("A55", 10);
  modelled["measured"] = false;
  modelled["how"] = "counted instructions";
  modelled["results"].push_back({{"network", "other"}, {"precision", "float32"}, {"threads", 4}, {"fps", 3}});
  const std::string files = first + " " + write("b.json", modelled) + " " + write("c.json", study("A55", 20));
  const Outcome o =
      run("bench --compare " + files + " --json --html " + path("out.html") + " --csv " + path("out.csv"));
  ASSERT_EQ(o.exit_code, 0) << o.err;
  const Json json = Json::parse(o.out);
  EXPECT_EQ(json["schema"], "dotori.device_comparison/1");
  ASSERT_EQ(json["devices"].size(), 3u);
  EXPECT_EQ(json["devices"][1]["measured"], false);
  EXPECT_EQ(json["devices"][1]["how"], "counted instructions");
  EXPECT_EQ(json["devices"][2]["device"], "A55 (2)");
  ASSERT_EQ(json["results"].size(), 3u);
  EXPECT_EQ(json["results"][1]["network"], "net_int8");
  EXPECT_EQ(json["results"][1]["fps"], Json({200.0, 20.0, 40.0}));
  EXPECT_EQ(json["results"][1]["ratio"], Json({1.0, 0.1, 0.2}));
  EXPECT_EQ(json["results"][2]["fps"], Json({nullptr, 3.0, nullptr}));
  EXPECT_EQ(json["results"][2]["ratio"], Json({nullptr, nullptr, nullptr}));

  const std::string page = slurp(path("out.html"));
  EXPECT_EQ(count_of(page, "<svg class=chart"), 2u);             // one and four threads
  EXPECT_EQ(count_of(page, "</svg>A55 (modelled)</span>"), 2u);  // their legends
  EXPECT_NE(page.find("<th class=device>A55 (modelled), FPS"), std::string::npos);
  EXPECT_NE(page.find("<strong>modelled</strong>"), std::string::npos);
  EXPECT_NE(page.find("counted instructions"), std::string::npos);
  EXPECT_NE(page.find("fill:url(#h1)"), std::string::npos);
  EXPECT_EQ(page.find("laptop (modelled)"), std::string::npos);
  EXPECT_EQ(page.find("fill:url(#h0)"), std::string::npos);
  const std::string csv = slurp(path("out.csv"));
  EXPECT_EQ(csv.substr(0, csv.find('\n')),
            "network,precision,threads,laptop fps,A55 (modelled) fps,A55 (modelled) ratio,A55 (2) fps,A55 (2) ratio");
  EXPECT_NE(csv.find("\nother,float32,4,,3,,,\n"), std::string::npos) << csv;
  const std::string text = run("bench --compare " + files).out;
  EXPECT_NE(text.find("[2] A55 (modelled): counted instructions"), std::string::npos) << text;
  EXPECT_NE(text.find("[2] modelled"), std::string::npos) << text;
}

TEST_F(BenchSuite, ADifferentNetworkOfTheSameNameIsSaid) {
  Json a = study("a", 1), b = study("b", 1);
  a["results"][0]["macs"] = 1000;
  b["results"][0]["macs"] = 2000;
  b["results"][1]["precision"] = "mixed";
  const Outcome o = run("bench --compare " + write("a.json", a) + " " + write("b.json", b) + " --json");
  ASSERT_EQ(o.exit_code, 0) << o.err;
  const Json notes = Json::parse(o.out)["notes"];
  ASSERT_EQ(notes.size(), 2u) << notes;
  EXPECT_NE(notes[0].get<std::string>().find("net: b"), std::string::npos) << notes;
  EXPECT_NE(notes[1].get<std::string>().find("net_int8: b"), std::string::npos) << notes;
}

TEST_F(BenchSuite, WrongFilesAreNamed) {
  fs::create_directory(path("empty"));
  std::ofstream(path("junk.json")) << "{ not JSON";
  std::ofstream(path("list.json")) << "[1, 2]";
  const auto with = [&](const char* name, const char* member, const Json& value) {
    Json json = study("board", 1);
    json[member] = value;
    return "bench --compare " + write(name, json);
  };
  Json row = study("board", 1)["results"];
  row[1]["fps"] = -1;
  struct Case {
    std::string arguments, expected;
  };
  const std::vector<Case> cases = {
      {"bench --suite " + path("missing"), "no such folder"},
      {"bench --suite " + path("empty"), "no .dtr models"},
      {"bench --compare " + path("missing.json"), "missing.json"},
      {"bench --compare " + path("junk.json"), "not JSON"},
      {"bench --compare " + path("list.json"), "not an object"},
      {"bench --compare " + write("other.json", {{"a", 1}}), "no \"schema\""},
      {with("new.json", "schema", "dotori.device_study/9"), "dotori.device_study/9"},
      {with("nobody.json", "device", nullptr), "no \"device\""},
      {with("measured.json", "measured", nullptr), "no \"measured\""},
      {with("how.json", "measured", false), "no \"how\""},
      {with("none.json", "results", Json::array()), "\"results\""},
      {with("kind.json", "results", "many"), "\"results\""},
      {with("row.json", "results", row), "results[1]: \"fps\""},
      {with("twice.json", "results", {row[0], row[0]}), "twice"},
      {with("cores.json", "machine", {{"cores", 1.5}}), "\"cores\""},
  };
  for (const Case& c : cases) {
    const Outcome o = run(c.arguments + " --html " + path("never.html"));
    EXPECT_EQ(o.exit_code, 1) << c.arguments;
    EXPECT_EQ(o.err.rfind("dotori: ", 0), 0u) << o.err;
    EXPECT_NE(o.err.find(c.expected), std::string::npos) << c.arguments << "\n" << o.err;
    EXPECT_EQ(count_of(o.err, "\n"), 1u) << o.err;
    EXPECT_TRUE(o.out.empty()) << o.out;
    EXPECT_FALSE(fs::exists(path("never.html"))) << c.arguments;
  }
}

TEST_F(BenchSuite, WrongCommandLinesExitWithTwo) {
  for (const char* arguments :
       {"bench", "bench x.dtr --suite y", "bench --suite x --compare y", "bench x.dtr --threads 1,2",
        "bench --suite x --threads 1,99", "bench x.dtr --html y.html", "bench x.dtr -o y.json",
        "bench --suite x --profile", "bench --compare"}) {
    const Outcome o = run(arguments);
    EXPECT_EQ(o.exit_code, 2) << arguments << "\n" << o.err;
    EXPECT_FALSE(o.err.empty()) << arguments;
  }
}

}  // namespace
}  // namespace dotori::cli
