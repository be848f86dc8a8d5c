// SPDX-License-Identifier: Apache-2.0
// The same network, the same photo, every backend: how far the answers are apart, who ran how much, and how fast.
//   compare_backends [--photo FILE] [--reference-gmacs N] [--runs N] MODEL.dtr …
// A row of a Markdown table for each model; the times are those of the fastest run, of one thread, as processor time.
// Networks of more than N billion MACs (default 1) are compared with the CPU backend instead of the reference kernels,
// which need minutes for them. Ends with 1 when a float output is further than 1e-4 of the largest number away, or an
// int8 one differs.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <time.h>

#include <dotori/dotori.h>
#include <dotori/vision.h>

#include "backends/backend.h"

namespace {

using namespace dotori;

constexpr double kTolerance = 1e-4;

struct Options {
  std::string photo;
  double reference_gmacs = 1;
  int runs = 10;
  std::vector<std::string> models;
};

struct Outputs {
  std::vector<std::vector<float>> reals;          // float32 outputs, in order; empty for others
  std::vector<std::vector<unsigned char>> bytes;  // of all outputs
  double fastest_ms = 0;
};

struct Difference {
  double relative = 0;  // of float outputs, to the largest number of each
  long elements = 0;    // int8: how many differ
  int steps = 0;        // int8: by how much at most
  bool fine() const { return relative <= kTolerance && elements == 0; }
};

// The time this thread has worked: a session of one thread runs on it alone, and waiting for others does not count.
double worked_ms() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) * 1e-6;
}

Status fill(Session& session, const vision::Image* photo) {
  const Model& model = session.model();
  std::vector<TensorView> inputs;
  for (int i = 0; i < session.input_count(); ++i) inputs.push_back(session.input(i));
  if (photo != nullptr && model.task().task != Task::kNone) {
    const auto placed = vision::fill_inputs(*photo, model.task().preprocess, inputs);
    return placed.status();
  }
  unsigned state = 1;
  for (const TensorView& input : inputs)
    for (std::int64_t e = 0; e < input.elements(); ++e) {
      state = state * 1664525u + 1013904223u;
      if (input.f32() != nullptr) input.f32()[e] = static_cast<float>(state >> 8) / 16777216.0f;
      else if (data_type_bytes(input.type) == 1)
        static_cast<unsigned char*>(input.data)[e] = static_cast<unsigned char>(state >> 24);
    }
  return {};
}

Result<Outputs> run(const Model& model, BackendKind backend, const vision::Image* photo, int runs) {
  SessionOptions options;
  options.backend = backend;
  DOTORI_ASSIGN_OR_RETURN(Session session, Session::create(model, options));
  DOTORI_RETURN_IF_ERROR(fill(session, photo));
  std::vector<double> times;
  for (int i = 0; i < runs; ++i) {
    const double start = worked_ms();
    DOTORI_RETURN_IF_ERROR(session.run());
    times.push_back(worked_ms() - start);
  }
  Outputs outputs;
  outputs.fastest_ms = *std::min_element(times.begin(), times.end());
  for (int i = 0; i < session.output_count(); ++i) {
    const TensorView view = session.output(i);
    const auto* bytes = static_cast<const unsigned char*>(view.data);
    outputs.bytes.emplace_back(bytes, bytes + view.size_bytes);
    outputs.reals.emplace_back();
    if (view.f32() != nullptr) outputs.reals.back().assign(view.f32(), view.f32() + view.elements());
  }
  return outputs;
}

Difference compare(const Outputs& got, const Outputs& want) {
  Difference d;
  for (std::size_t o = 0; o < want.reals.size(); ++o) {
    if (!want.reals[o].empty()) {
      double largest = 0, apart = 0;
      for (std::size_t e = 0; e < want.reals[o].size(); ++e) {
        largest = std::max(largest, std::fabs(static_cast<double>(want.reals[o][e])));
        const double difference = static_cast<double>(got.reals[o][e]) - static_cast<double>(want.reals[o][e]);
        apart = std::isfinite(difference) ? std::max(apart, std::fabs(difference)) : INFINITY;
      }
      d.relative = std::max(d.relative, largest > 0 ? apart / largest : apart);
      continue;
    }
    for (std::size_t e = 0; e < want.bytes[o].size(); ++e) {
      const int step = std::abs(static_cast<signed char>(got.bytes[o][e]) - static_cast<signed char>(want.bytes[o][e]));
      d.elements += step != 0;
      d.steps = std::max(d.steps, step);
    }
  }
  return d;
}

std::string text(const Difference& d) {
  char line[64];
  if (d.elements > 0) std::snprintf(line, sizeof line, "%ld bytes, by up to %d", d.elements, d.steps);
  else std::snprintf(line, sizeof line, d.relative > 0 ? "%.1e" : "0", d.relative);
  return line;
}

struct Share {
  std::size_t nodes = 0, taken = 0, regions = 0;
  double macs = 0, taken_macs = 0;
};

Result<Share> share_of(const Model& model) {
  Share share;
  const graph::Graph& graph = model.graph();
  DOTORI_ASSIGN_OR_RETURN(const backends::Plan plan,
                          backends::compile(graph, backends::CompileOptions(), backends::xnnpack_backend()));
  share.nodes = graph.nodes().size();
  share.regions = plan.partition.regions.size();
  for (std::size_t n = 0; n < share.nodes; ++n) {
    const double macs = static_cast<double>(graph::node_macs(graph, graph.nodes()[n]));
    share.macs += macs;
    if (plan.partition.region_of_node[n] < 0) continue;
    ++share.taken;
    share.taken_macs += macs;
  }
  return share;
}

// True when all backends agree.
Result<bool> row(const std::string& path, const Options& options, const vision::Image* photo) {
  DOTORI_ASSIGN_OR_RETURN(const Model model, Model::load_file(path));
  DOTORI_ASSIGN_OR_RETURN(const Share share, share_of(model));
  const bool by_reference = share.macs <= options.reference_gmacs * 1e9;
  DOTORI_ASSIGN_OR_RETURN(const Outputs cpu, run(model, BackendKind::kCpu, photo, options.runs));
  DOTORI_ASSIGN_OR_RETURN(const Outputs xnnpack, run(model, BackendKind::kXnnpack, photo, options.runs));
  Difference of_cpu, of_xnnpack;
  if (by_reference) {
    DOTORI_ASSIGN_OR_RETURN(const Outputs reference, run(model, BackendKind::kReference, photo, 1));
    of_cpu = compare(cpu, reference);
    of_xnnpack = compare(xnnpack, reference);
  } else {
    of_xnnpack = compare(xnnpack, cpu);
  }
  const std::size_t slash = path.rfind('/');
  const std::string name = path.substr(slash == std::string::npos ? 0 : slash + 1);
  std::printf("| %s | %zu of %zu | %.0f %% | %zu | %s | %s | %s | %.2f | %.2f |\n",
              name.substr(0, name.rfind('.')).c_str(), share.taken, share.nodes,
              share.macs > 0 ? 100 * share.taken_macs / share.macs : 0.0, share.regions,
              by_reference ? "reference" : "cpu", by_reference ? text(of_cpu).c_str() : "", text(of_xnnpack).c_str(),
              cpu.fastest_ms, xnnpack.fastest_ms);
  std::fflush(stdout);
  return of_cpu.fine() && of_xnnpack.fine();
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : nullptr;
    if (word.compare(0, 2, "--") != 0) {
      options.models.push_back(word);
      continue;
    }
    if (value == nullptr) return std::fprintf(stderr, "%s needs a value\n", word.c_str()), 2;
    ++i;
    if (word == "--photo") options.photo = value;
    else if (word == "--reference-gmacs") options.reference_gmacs = std::atof(value);
    else if (word == "--runs") options.runs = std::max(1, std::atoi(value));
    else return std::fprintf(stderr, "unknown option %s\n", word.c_str()), 2;
  }
  if (!backend_available(BackendKind::kXnnpack)) return std::fprintf(stderr, "this build has no XNNPACK\n"), 2;
  vision::Image photo;
  if (!options.photo.empty()) {
    Result<vision::Image> loaded = vision::load_image(options.photo);
    if (!loaded.ok()) return std::fprintf(stderr, "%s\n", loaded.status().message().c_str()), 1;
    photo = std::move(*loaded);
  }
  std::printf(
      "| network | nodes on XNNPACK | MACs | regions | compared with | cpu | xnnpack | cpu ms | xnnpack ms |\n"
      "|---|---|---|---|---|---|---|---|---|\n");
  int status = 0;
  for (const std::string& model : options.models) {
    const Result<bool> fine = row(model, options, options.photo.empty() ? nullptr : &photo);
    if (!fine.ok()) std::fprintf(stderr, "%s: %s\n", model.c_str(), fine.status().message().c_str());
    if (!fine.ok() || !*fine) status = 1;
  }
  return status;
}
