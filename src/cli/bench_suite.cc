// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_suite.h"

#include <sys/utsname.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include <dotori/version.h>

#include "cli/backend_option.h"
#include "cli/bench_command.h"
#include "cli/bench_page.h"
#include "cli/cores_option.h"
#include "graph/graph.h"

namespace dotori::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kMostRounds = 5;

// One model at one number of threads, over all rounds.
struct Item {
  std::string path;
  StudyRow row;
  std::vector<double> times, loads;
  Status failure;
};

Result<std::vector<std::string>> list_models(const std::string& folder) {
  std::vector<std::string> found;
  std::error_code error;
  if (!fs::is_directory(folder, error)) return not_found(folder + ": there is no such folder");
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    std::error_code ignored;
    if (entry->path().extension() == ".dtr" && entry->is_regular_file(ignored)) found.push_back(entry->path().string());
  }
  if (error) return io_error(folder + ": " + error.message());
  if (found.empty()) return not_found(folder + ": holds no .dtr models ('dotori convert' makes them)");
  std::sort(found.begin(), found.end());
  return found;
}

std::int64_t total_macs(const graph::Graph& graph) {
  std::int64_t macs = 0;
  for (const graph::Node& node : graph.nodes()) macs += graph::node_macs(graph, node);
  return macs;
}

// By the work of the layers that write 8-bit values; by their number where no layer multiplies. A head of next to no
// work, which `quantize` leaves float32, makes an int8 network no mixed one.
std::string precision_of(const graph::Graph& graph) {
  constexpr double kRemainder = 0.05;
  const bool multiplies = total_macs(graph) > 0;
  double bytes = 0, all = 0;
  for (const graph::Node& node : graph.nodes()) {
    const double work = multiplies ? static_cast<double>(graph::node_macs(graph, node)) : 1;
    const DataType type = graph.value(node.outputs[0]).type.type;
    if (type == DataType::kInt8 || type == DataType::kUint8) bytes += work;
    all += work;
  }
  return bytes <= kRemainder * all ? "float32" : bytes >= (1 - kRemainder) * all ? "int8" : "mixed";
}

// One visit: load, warm up, time. Nothing stays in memory, so that a small machine can measure a large folder.
Status visit(Item& item, const SuiteOptions& o, int runs) {
  SessionOptions options;
  options.num_threads = item.row.threads;
  options.backend = o.backend;
  options.cores = o.cores;
  options.core_mask = o.core_mask;
  const double start = now_ms();
  DOTORI_ASSIGN_OR_RETURN(const Model model, Model::load_file(item.path));
  DOTORI_ASSIGN_OR_RETURN(Session session, Session::create(model, options));
  item.loads.push_back(now_ms() - start);
  item.row.precision = precision_of(model.graph());
  item.row.macs = total_macs(model.graph());
  item.row.file_bytes = static_cast<std::int64_t>(model.file_bytes());
  item.row.arena_bytes = static_cast<std::int64_t>(session.arena_bytes());
  item.row.packed_bytes = static_cast<std::int64_t>(session.packed_bytes());
  item.row.threads = session.options().num_threads;
  fill_inputs(session);
  for (int i = 0; i < o.warmup; ++i) DOTORI_RETURN_IF_ERROR(session.run());
  for (int i = 0; i < runs; ++i) {
    const double run_start = now_ms();
    DOTORI_RETURN_IF_ERROR(session.run());
    item.times.push_back(now_ms() - run_start);
  }
  return {};
}

// Rounds go there and back again: a machine that grows slower steadily does so for all alike.
void measure(std::vector<Item>& items, const SuiteOptions& o, int rounds) {
  ProgressBar progress("measuring", items.size() * static_cast<std::size_t>(rounds));
  for (int round = 0; round < rounds; ++round) {
    const int runs = o.runs / rounds + (round < o.runs % rounds ? 1 : 0);
    for (std::size_t i = 0; i < items.size(); ++i) {
      Item& item = items[round % 2 == 0 ? i : items.size() - 1 - i];
      if (item.failure.ok()) item.failure = visit(item, o, runs);
      progress.advance();
    }
  }
}

StudyRow finished(Item& item) {
  std::sort(item.times.begin(), item.times.end());
  std::sort(item.loads.begin(), item.loads.end());
  StudyRow row = item.row;
  row.median_ms = quantile(item.times, 0.5);
  row.min_ms = item.times.front();
  row.p90_ms = quantile(item.times, 0.9);
  row.load_ms = quantile(item.loads, 0.5);
  row.fps = row.median_ms > 0 ? 1000 / row.median_ms : 0;
  row.runs = static_cast<std::int64_t>(item.times.size());
  return row;
}

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line, '\0');  // the device tree ends its strings so
  return line.substr(0, line.find('\n'));
}

// ARM's /proc/cpuinfo has no names, only part numbers; "4 x Cortex-A55 + 2 x Cortex-A76" from those.
std::string arm_cores(const std::vector<std::string>& parts) {
  static const std::map<std::string, const char*> kNames = {
      {"0xc05", "Cortex-A5"},   {"0xc07", "Cortex-A7"},   {"0xc09", "Cortex-A9"},   {"0xc0f", "Cortex-A15"},
      {"0xd03", "Cortex-A53"},  {"0xd04", "Cortex-A35"},  {"0xd05", "Cortex-A55"},  {"0xd07", "Cortex-A57"},
      {"0xd08", "Cortex-A72"},  {"0xd09", "Cortex-A73"},  {"0xd0a", "Cortex-A75"},  {"0xd0b", "Cortex-A76"},
      {"0xd0c", "Neoverse-N1"}, {"0xd0d", "Cortex-A77"},  {"0xd40", "Neoverse-V1"}, {"0xd41", "Cortex-A78"},
      {"0xd44", "Cortex-X1"},   {"0xd46", "Cortex-A510"}, {"0xd47", "Cortex-A710"}, {"0xd49", "Neoverse-N2"}};
  std::vector<std::pair<std::string, int>> counts;
  for (const std::string& part : parts) {
    const auto same = [&](const auto& c) { return c.first == part; };
    const auto known = std::find_if(counts.begin(), counts.end(), same);
    if (known == counts.end()) counts.emplace_back(part, 1);
    else ++known->second;
  }
  std::string text;
  for (const auto& [part, count] : counts) {
    const auto name = kNames.find(part);
    text += (text.empty() ? "" : " + ") + std::to_string(count) + " x " +
            (name == kNames.end() ? "ARM part " + part : std::string(name->second));
  }
  return text;
}

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  std::vector<std::string> parts;
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string key = split(line.substr(0, colon), '\n')[0], value = split(line.substr(colon + 1), '\n')[0];
    if (key == "model name" && !value.empty()) return value;
    if (key == "CPU part") parts.push_back(value);
  }
  const std::string board = first_line("/proc/device-tree/model"), cores = arm_cores(parts);
  return board.empty() ? cores : cores.empty() ? board : board + " (" + cores + ")";
}

double fastest_core_mhz() {
  double most = 0;
  for (int core = 0; core < 1024; ++core) {
    std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(core) + "/cpufreq/cpuinfo_max_freq");
    double khz = 0;
    if (!file) break;
    if (file >> khz) most = std::max(most, khz / 1000);
  }
  return most;
}

Json study_json(const Study& s) {
  const Machine& m = s.machine;
  Json json = {{"schema", kStudySchema}, {"device", s.device},   {"measured", s.measured}, {"date", s.date},
               {"library", s.version},   {"backend", s.backend}, {"rounds", s.rounds},     {"cores", s.cores}};
  json["machine"] = {{"cpu", m.cpu},
                     {"features", m.features},
                     {"cores", m.cores},
                     {"max_mhz", m.max_mhz > 0 ? Json(m.max_mhz) : Json()},
                     {"architecture", m.architecture},
                     {"kernel", m.kernel},
                     {"os", m.os}};
  json["results"] = Json::array();
  for (const StudyRow& r : s.rows) {
    json["results"].push_back({{"network", r.network},
                               {"precision", r.precision},
                               {"threads", r.threads},
                               {"fps", r.fps},
                               {"median_ms", r.median_ms},
                               {"min_ms", r.min_ms},
                               {"p90_ms", r.p90_ms},
                               {"runs", r.runs},
                               {"load_ms", r.load_ms},
                               {"arena_bytes", r.arena_bytes},
                               {"packed_bytes", r.packed_bytes},
                               {"file_bytes", r.file_bytes},
                               {"macs", r.macs}});
  }
  json["failures"] = Json::array();
  for (const auto& [network, reason] : s.failures)
    json["failures"].push_back({{"network", network}, {"reason", reason}});
  return json;
}

std::string study_csv(const Study& s) {
  std::string csv =
      "device,network,precision,threads,fps,median_ms,min_ms,p90_ms,load_ms,arena_bytes,packed_bytes,file_bytes,macs,"
      "runs\n";
  for (const StudyRow& r : s.rows) {
    char figures[256];
    std::snprintf(figures, sizeof(figures), ",%d,%.4g,%.4f,%.4f,%.4f,%.2f,%lld,%lld,%lld,%lld,%lld\n", r.threads, r.fps,
                  r.median_ms, r.min_ms, r.p90_ms, r.load_ms, static_cast<long long>(r.arena_bytes),
                  static_cast<long long>(r.packed_bytes), static_cast<long long>(r.file_bytes),
                  static_cast<long long>(r.macs), static_cast<long long>(r.runs));
    csv += csv_field(s.device) + "," + csv_field(r.network) + "," + r.precision + figures;
  }
  return csv;
}

void print_study(const Study& s) {
  const Machine& m = s.machine;
  std::printf("%s: %d core%s, %s kernels, dotori %s\n\n", s.device.c_str(), m.cores, m.cores == 1 ? "" : "s",
              m.features.c_str(), s.version.c_str());
  std::printf("%-34s %-9s %7s %8s %10s %9s %9s %8s %10s %10s %10s %9s\n", "network", "precision", "threads", "FPS",
              "median ms", "min ms", "p90 ms", "load ms", "working", "packed", "file", "MACs");
  for (const StudyRow& r : s.rows) {
    std::printf("%-34s %-9s %7d %8.1f %10.2f %9.2f %9.2f %8.1f %10s %10s %10s %9s\n", r.network.c_str(),
                r.precision.c_str(), r.threads, r.fps, r.median_ms, r.min_ms, r.p90_ms, r.load_ms,
                human_bytes(static_cast<double>(r.arena_bytes)).c_str(),
                human_bytes(static_cast<double>(r.packed_bytes)).c_str(),
                human_bytes(static_cast<double>(r.file_bytes)).c_str(),
                human_count(static_cast<double>(r.macs)).c_str());
  }
}

}  // namespace

Machine this_machine(BackendKind backend) {
  Machine machine;
  machine.cpu = cpu_name();
  machine.features = backend_isa(backend);
  machine.cores = static_cast<int>(std::thread::hardware_concurrency());
  machine.max_mhz = fastest_core_mhz();
  utsname names{};
  if (uname(&names) == 0) {
    machine.kernel = std::string(names.sysname) + " " + names.release;
    machine.architecture = names.machine;
  }
  std::ifstream release("/etc/os-release");
  for (std::string line; std::getline(release, line);) {
    if (line.rfind("PRETTY_NAME=", 0) != 0) continue;
    machine.os = line.substr(12);
    machine.os.erase(std::remove(machine.os.begin(), machine.os.end(), '"'), machine.os.end());
  }
  return machine;
}

std::string network_family(const std::string& network) {
  constexpr std::size_t kSuffix = 5;
  const bool is_int8 = network.size() > kSuffix && network.compare(network.size() - kSuffix, kSuffix, "_int8") == 0;
  return is_int8 ? network.substr(0, network.size() - kSuffix) : network;
}

Status run_suite(const SuiteOptions& o) {
  if (!backend_available(o.backend))
    return unsupported("the XNNPACK backend is not in this build; configure it with -DDOTORI_XNNPACK=ON");
  DOTORI_ASSIGN_OR_RETURN(const std::vector<std::string> paths, list_models(o.folder));
  Study study;
  study.machine = this_machine(o.backend);
  study.device = !o.device.empty() ? o.device : !study.machine.cpu.empty() ? study.machine.cpu : "unnamed machine";
  study.date = now_text();
  study.version = DOTORI_VERSION_STRING;
  study.backend = backend_word(o.backend);
  study.rounds = std::min(o.runs, kMostRounds);
  SessionOptions chosen;
  chosen.cores = o.cores;
  chosen.core_mask = o.core_mask;
  study.cores = cores_of(chosen);

  std::vector<int> counts = o.threads;
  for (int& count : counts)
    if (count == 0) count = std::clamp(static_cast<int>(study.cores.size()), 1, 64);
  std::sort(counts.begin(), counts.end());
  counts.erase(std::unique(counts.begin(), counts.end()), counts.end());
  std::vector<Item> items;
  for (const std::string& path : paths) {
    for (int threads : counts) {
      Item item;
      item.path = path;
      item.row.network = fs::path(path).stem().string();
      item.row.threads = threads;
      items.push_back(std::move(item));
    }
  }
  measure(items, o, study.rounds);
  Status failure;
  for (Item& item : items) {
    if (item.failure.ok()) {
      study.rows.push_back(finished(item));
      continue;
    }
    const std::pair<std::string, std::string> entry(item.row.network, item.failure.message());
    if (std::find(study.failures.begin(), study.failures.end(), entry) != study.failures.end()) continue;
    study.failures.push_back(entry);
    if (failure.ok()) failure = item.failure;
    else fail(item.failure);  // the last words go to the first failure
  }
  if (study.rows.empty()) return failure;
  if (!o.out.empty()) {
    const std::string text = study_json(study).dump(1, ' ', false, Json::error_handler_t::replace);
    DOTORI_RETURN_IF_ERROR(write_text(o.out, text + "\n"));
  }
  if (!o.html.empty()) DOTORI_RETURN_IF_ERROR(write_text(o.html, suite_page(study)));
  if (!o.csv.empty()) DOTORI_RETURN_IF_ERROR(write_text(o.csv, study_csv(study)));
  if (o.json) print_json(study_json(study));
  else print_study(study);
  return failure;
}

}  // namespace dotori::cli
