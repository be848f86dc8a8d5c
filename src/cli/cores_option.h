// SPDX-License-Identifier: Apache-2.0
// --cores all|big|little|0,2-3, the same for every command that runs a model.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include <dotori/cores.h>
#include <dotori/session.h>

namespace dotori::cli {

// As SessionOptions has them.
struct CoreChoice {
  CoreClass cores = CoreClass::kAll;
  std::uint64_t mask = 0;
};

// Errors: kInvalidArgument names the text and what is wrong with it. Whether the cores exist is the session's to say.
Result<CoreChoice> parse_cores(const std::string& text);
// Adds --cores. `cores` and `mask` must outlive the parsing.
void add_cores_option(CLI::App& command, CoreClass& cores, std::uint64_t& mask);
// The option's text for a choice: "big", "0,2-3".
std::string cores_text(CoreClass cores, std::uint64_t mask);
// The cores a session may run on, ascending; those this program may use where it leaves that to the system.
std::vector<int> cores_of(const SessionOptions& resolved);

}  // namespace dotori::cli
