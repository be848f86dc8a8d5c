// SPDX-License-Identifier: Apache-2.0
// What `bench` of one model and of a folder share.
#pragma once

#include <string>
#include <vector>

#include <dotori/session.h>

namespace dotori::cli {

// Repeatable numbers in [0, 1) in float32 inputs, bytes in one-byte ones.
void fill_inputs(Session& session);
// `sorted` ascending and not empty; q in [0, 1].
double quantile(const std::vector<double>& sorted, double q);

}  // namespace dotori::cli
