// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_command.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "cli/backend_option.h"
#include "cli/bench_compare.h"
#include "cli/bench_profile.h"
#include "cli/bench_suite.h"
#include "cli/bench_tune.h"
#include "cli/cli.h"
#include "cli/core_peak.h"
#include "cli/cores_option.h"

namespace dotori::cli {
namespace {

struct BenchOptions {
  std::string model, suite, device, out, html, csv, tuned;
  std::vector<std::string> compare;
  std::vector<int> threads = {1};
  int runs = 30, warmup = 3;
  CoreClass cores = CoreClass::kAll;
  std::uint64_t core_mask = 0;
  BackendKind backend = BackendKind::kCpu;
  bool profile = false, json = false;
};

// A session of its own, so that the clock reads between steps do not touch the latency that is reported.
Result<Profile> measure_nodes(const Model& model, SessionOptions options, int runs) {
  options.profile = true;
  DOTORI_ASSIGN_OR_RETURN(Session session, Session::create(model, options));
  fill_inputs(session);
  for (int i = 0; i < runs; ++i) DOTORI_RETURN_IF_ERROR(session.run());
  return session.profile();
}

// The most memory this process has had, in bytes; 0 where the system does not say.
std::size_t peak_memory_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmHWM:", 0) == 0) return std::size_t{1024} * std::strtoul(line.c_str() + 6, nullptr, 10);
  return 0;
}

Status bench(const BenchOptions& o) {
  SessionOptions options;
  options.num_threads = o.threads[0];
  options.cores = o.cores;
  options.core_mask = o.core_mask;
  options.backend = o.backend;

  const double load_start = now_ms();
  DOTORI_ASSIGN_OR_RETURN(const Model model, Model::load_file(o.model));
  std::vector<double> times;
  std::size_t arena_bytes = 0, packed_bytes = 0;
  double load_ms = 0;
  int threads = 0;
  std::vector<int> cores;
  {
    DOTORI_ASSIGN_OR_RETURN(Session session, Session::create(model, options));
    load_ms = now_ms() - load_start;
    arena_bytes = session.arena_bytes();
    packed_bytes = session.packed_bytes();
    threads = session.options().num_threads;
    cores = cores_of(session.options());
    options.backend = session.options().backend;
    options.core_mask = session.options().core_mask;
    fill_inputs(session);
    for (int i = 0; i < o.warmup; ++i) DOTORI_RETURN_IF_ERROR(session.run());
    for (int i = 0; i < o.runs; ++i) {
      const double start = now_ms();
      DOTORI_RETURN_IF_ERROR(session.run());
      times.push_back(now_ms() - start);
    }
  }
  const std::size_t peak_bytes = peak_memory_bytes();
  std::sort(times.begin(), times.end());
  Profile profile;
  if (o.profile || o.json) {
    DOTORI_ASSIGN_OR_RETURN(profile, measure_nodes(model, options, std::min(o.runs, 5)));
  }
  if (o.json) {
    Json json = {{"model", o.model},
                 {"median_ms", quantile(times, 0.5)},
                 {"min_ms", times.front()},
                 {"p90_ms", quantile(times, 0.9)},
                 {"runs", times.size()},
                 {"load_ms", load_ms},
                 {"arena_bytes", arena_bytes},
                 {"packed_bytes", packed_bytes},
                 {"file_bytes", model.file_bytes()},
                 {"peak_bytes", peak_bytes},
                 {"threads", threads},
                 {"cores", cores},
                 {"backend", backend_word(options.backend)},
                 {"isa", backend_isa(options.backend)},
                 {"peak_gmacs", measure_core_peak()}};
    json["nodes"] = Json::array();
    for (const NodeProfile& n : profile.nodes)
      json["nodes"].push_back({{"name", n.name},
                               {"op", n.op},
                               {"kernel", n.kernel},
                               {"others", n.others},
                               {"ms", n.min_ms},
                               {"macs", n.macs}});
    print_json(json);
    return Status();
  }
  const std::string where = options.core_mask == 0 ? "" : " on cores " + cores_text(o.cores, options.core_mask);
  std::printf("%s: median %.2f ms, min %.2f ms, p90 %.2f ms over %zu runs (%d thread%s%s, %s backend%s, isa %s)\n",
              o.model.c_str(), quantile(times, 0.5), times.front(), quantile(times, 0.9), times.size(), threads,
              threads == 1 ? "" : "s", where.c_str(), backend_word(options.backend),
              o.backend == BackendKind::kAuto ? " (the faster one)" : "", backend_isa(options.backend));
  std::printf("load %.1f ms, memory: %s working, %s packed weights, %s file, %s the whole process at most\n", load_ms,
              human_bytes(static_cast<double>(arena_bytes)).c_str(),
              human_bytes(static_cast<double>(packed_bytes)).c_str(),
              human_bytes(static_cast<double>(model.file_bytes())).c_str(),
              human_bytes(static_cast<double>(peak_bytes)).c_str());
  if (o.profile) print_profile(profile, threads);
  return Status();
}

Status tune_model(const BenchOptions& o) {
  TuneRequest request{o.model, o.tuned, {}, o.runs, o.json};
  request.options.num_threads = o.threads[0];
  request.options.cores = o.cores;
  request.options.core_mask = o.core_mask;
  return tune(request);
}

}  // namespace

void fill_inputs(Session& session) {
  for (int i = 0; i < session.input_count(); ++i) {
    const TensorView input = session.input(i);
    std::uint32_t state = 1;
    for (std::int64_t e = 0; e < input.elements(); ++e) {
      state = state * 1664525u + 1013904223u;
      if (input.f32() != nullptr) input.f32()[e] = static_cast<float>(state >> 8) * (1.0f / 16777216.0f);
      else if (data_type_bytes(input.type) == 1)
        static_cast<unsigned char*>(input.data)[e] = static_cast<unsigned char>(state >> 24);
    }
  }
}

double quantile(const std::vector<double>& sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const std::size_t low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - static_cast<double>(low));
}

void add_bench(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("bench", "Measure latency and memory of a model or a folder of models, compare machines");
  auto o = std::make_shared<BenchOptions>();
  CLI::Option* model = command->add_option("model", o->model, "MODEL.dtr");
  CLI::Option* suite = command->add_option("--suite", o->suite, "folder: measure all its .dtr models, interleaved")
                           ->group("Device study")
                           ->excludes(model);
  CLI::Option* compare = command->add_option("--compare", o->compare, "what --suite -o wrote on several machines")
                             ->expected(1, CLI::detail::expected_max_vector_size)
                             ->group("Device study")
                             ->excludes(model)
                             ->excludes(suite);
  command->add_option("--device", o->device, "name of this machine in the results; otherwise that of its CPU")
      ->group("Device study")
      ->needs(suite);
  command->add_option("-o,--out", o->out, "write the study as JSON")->group("Device study")->needs(suite);
  command->add_option("--html", o->html, "write a page with charts and the table")->group("Device study");
  command->add_option("--csv", o->csv, "write the table")->group("Device study");
  command->add_option("--threads", o->threads, "0: one a core; --suite takes a list, such as 1,2")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(0, 64))
      ->capture_default_str();
  add_cores_option(*command, o->cores, o->core_mask);
  add_backend_option(*command, o->backend);
  command->add_option("--runs", o->runs, "timed runs")->check(CLI::Range(1, 100000))->capture_default_str();
  command->add_option("--warmup", o->warmup, "untimed runs before")->check(CLI::Range(0, 1000))->capture_default_str();
  command->add_flag("--profile", o->profile, "time, kernel and speed of every layer, and why not another kernel")
      ->needs(model);
  command
      ->add_option("--tune", o->tuned,
                   "measure every way to run each layer on this machine, and write the model with the choices to "
                   "this file; it may be MODEL.dtr")
      ->needs(model);
  command->add_flag("--json", o->json, "one JSON object on stdout, layers included");
  command->footer(
      "Examples:\n"
      "  dotori bench mobilenet.dtr\n"
      "  dotori bench mobilenet.dtr --threads 2 --profile\n"
      "  dotori bench mobilenet.dtr --threads 0 --cores big     # a thread for each of the large cores\n"
      "  dotori bench mobilenet.dtr --threads 2 --cores 0,2-3\n"
      "  dotori bench mobilenet.dtr --backend xnnpack\n"
      "  dotori bench mobilenet.dtr --backend auto    # says which one it was\n"
      "  dotori bench mobilenet.dtr --tune mobilenet.dtr    # on the board: choices for its cores, stored in the file\n"
      "  dotori bench --suite models --threads 1,2 -o pi4.json --html pi4.html\n"
      "  dotori bench --compare laptop.json pi4.json --html devices.html\n"
      "  DOTORI_MAX_ISA=none dotori bench mobilenet.dtr --runs 1 --json");
  command->callback([o, model, suite, compare, &exit_code] {
    const bool of_model = model->count() > 0, of_folder = suite->count() > 0, of_files = compare->count() > 0;
    const char* wrong = nullptr;
    if (!of_model && !of_folder && !of_files) wrong = "bench needs MODEL.dtr, --suite FOLDER or --compare FILE ...";
    else if (of_model && !(o->html.empty() && o->csv.empty())) wrong = "--html and --csv need --suite or --compare";
    else if (of_model && o->threads.size() != 1) wrong = "--threads: a list needs --suite";
    else if (!o->tuned.empty() && o->profile) wrong = "--tune and --profile exclude each other";
    else if (!o->tuned.empty() && o->backend != BackendKind::kCpu) wrong = "--tune needs --backend cpu";
    if (wrong != nullptr) {
      fail(invalid_argument(wrong));
      exit_code = kExitUsage;
      return;
    }
    const Status status = of_folder  ? run_suite({o->suite, o->device, o->out, o->html, o->csv, o->threads, o->runs,
                                                  o->warmup, o->backend, o->cores, o->core_mask, o->json})
                          : of_files ? run_compare({o->compare, o->html, o->csv, o->json})
                          : !o->tuned.empty() ? tune_model(*o)
                                              : bench(*o);
    if (!status.ok()) exit_code = fail(status);
  });
}

}  // namespace dotori::cli
