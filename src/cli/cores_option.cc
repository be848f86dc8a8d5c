// SPDX-License-Identifier: Apache-2.0
#include "cli/cores_option.h"

#include "backends/cores.h"
#include "cli/cli.h"

namespace dotori::cli {
namespace {

constexpr int kMostCores = 64;

// -1: no number of a core.
int core_number(const std::string& text) {
  if (text.empty() || text.size() > 2) return -1;
  int number = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return -1;
    number = 10 * number + (c - '0');
  }
  return number < kMostCores ? number : -1;
}

}  // namespace

Result<CoreChoice> parse_cores(const std::string& text) {
  CoreChoice choice;
  if (text == "all") return choice;
  if (text == "big" || text == "little") {
    choice.cores = text == "big" ? CoreClass::kBig : CoreClass::kLittle;
    return choice;
  }
  const auto wrong = [&](const std::string& why) {
    return invalid_argument("'" + text + "': " + why +
                            "; expected all, big, little or cores between 0 and 63, such as 0,2-3");
  };
  for (const std::string& part : split(text, ',')) {
    const std::size_t dash = part.find('-');
    const int first = core_number(part.substr(0, dash));
    const int last = dash == std::string::npos ? first : core_number(part.substr(dash + 1));
    if (first < 0 || last < 0) return wrong("'" + part + "' is no core");
    if (first > last) return wrong("'" + part + "' goes backwards");
    for (int core = first; core <= last; ++core) choice.mask |= std::uint64_t{1} << core;
  }
  if (choice.mask == 0) return wrong("no cores");
  return choice;
}

void add_cores_option(CLI::App& command, CoreClass& cores, std::uint64_t& mask) {
  command
      .add_option_function<std::string>(
          "--cores",
          [&cores, &mask](const std::string& text) {
            const Result<CoreChoice> choice = parse_cores(text);
            if (!choice.ok()) throw CLI::ValidationError("--cores", choice.status().message());
            cores = choice->cores;
            mask = choice->mask;
          },
          "where to run: all, big, little, or a list of cores, such as 0,2-3")
      ->default_str("all");
}

std::string cores_text(CoreClass cores, std::uint64_t mask) {
  if (mask != 0) return backends::CoreSet::of_mask(mask).text();
  return cores == CoreClass::kBig ? "big" : cores == CoreClass::kLittle ? "little" : "all";
}

std::vector<int> cores_of(const SessionOptions& resolved) {
  const std::uint64_t mask = resolved.core_mask != 0 ? resolved.core_mask : core_mask(resolved.cores);
  std::vector<int> cores;
  for (int core = 0; core < kMostCores; ++core)
    if ((mask >> core & 1) != 0) cores.push_back(core);
  return cores;
}

}  // namespace dotori::cli
