// SPDX-License-Identifier: Apache-2.0
// A device study: the models of a folder measured on this machine, with a description of the machine.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cli/cli.h"

namespace dotori::cli {

constexpr const char* kStudySchema = "dotori.device_study/1";

struct Machine {
  std::string cpu, features, kernel, os, architecture;
  int cores = 0;       // 0: not known
  double max_mhz = 0;  // 0: not known
};

// Figures that are not known are 0.
struct StudyRow {
  std::string network, precision;  // precision: "float32", "int8" or "mixed"
  int threads = 1;
  double fps = 0, median_ms = 0, min_ms = 0, p90_ms = 0, load_ms = 0;
  std::int64_t runs = 0, arena_bytes = 0, packed_bytes = 0, file_bytes = 0, macs = 0;
};

struct Study {
  std::string device, date, version, backend;
  std::vector<int> cores;  // it ran on
  bool measured = true;
  std::string how;  // of a study that is not measured
  Machine machine;
  int rounds = 0;
  std::vector<StudyRow> rows;
  std::vector<std::pair<std::string, std::string>> failures;  // network, reason
};

struct SuiteOptions {
  std::string folder, device, out, html, csv;
  std::vector<int> threads = {1};
  int runs = 30, warmup = 3;
  BackendKind backend = BackendKind::kCpu;
  CoreClass cores = CoreClass::kAll;
  std::uint64_t core_mask = 0;
  bool json = false;
};

// Measures, prints and writes what the options ask for. A model that cannot be measured costs its own rows only; the
// failure is returned after everything is written.
Status run_suite(const SuiteOptions& options);

// This machine, from /proc and /sys; what cannot be read stays empty.
Machine this_machine(BackendKind backend);
// "X" of "X_int8", other names as they are: networks with the same answer stand side by side.
std::string network_family(const std::string& network);

}  // namespace dotori::cli
