// SPDX-License-Identifier: Apache-2.0
// bench --tune: measures the ways to run a network's layers on this machine, and stores the choice in the model.
#pragma once

#include <string>

#include <dotori/session.h>

namespace dotori::cli {

struct TuneRequest {
  std::string model, out;  // may be the same file
  SessionOptions options;  // threads and cores to measure with; the CPU backend
  int runs;                // of each way
  bool json;
};

// Writes `out` in any case, with the choices where they beat the estimates. What was tuned for other instruction sets
// stays. Errors: those of loading, running and writing; then nothing is written.
Status tune(const TuneRequest& request);

}  // namespace dotori::cli
