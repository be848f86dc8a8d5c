// SPDX-License-Identifier: Apache-2.0
// Device studies side by side.
#pragma once

#include <string>
#include <vector>

#include "cli/bench_suite.h"

namespace dotori::cli {

constexpr const char* kComparisonSchema = "dotori.device_comparison/1";

struct CompareOptions {
  std::vector<std::string> files;
  std::string html, csv;
  bool json = false;
};

// A network at a number of threads on every device; 0: that device has no such figure.
struct ComparisonRow {
  std::string network, precision;
  int threads = 1;
  std::vector<double> fps;

  // To the first device; 0 when either is missing.
  double ratio(std::size_t device) const noexcept { return fps[0] > 0 ? fps[device] / fps[0] : 0; }
};

struct Comparison {
  std::vector<Study> devices;  // the names differ
  std::vector<ComparisonRow> rows;
  std::vector<std::string> notes;  // what a reader must know before trusting a ratio
};

Status run_compare(const CompareOptions& options);

// Errors name the file: not JSON, no device study, a schema of another version, a figure missing or of a wrong kind.
Result<Study> read_study(const std::string& path);
Comparison compare_studies(std::vector<Study> devices);
// The name, with "(modelled)" behind it when the figures are not measured.
std::string device_title(const Study& study);

}  // namespace dotori::cli
