// SPDX-License-Identifier: Apache-2.0
// bench --profile: where the time of a network goes.
#pragma once

#include <dotori/profile.h>

namespace dotori::cli {

// A line a step, with its share of what the cores' float32 multiply-add units can do, measured now (measure_core_peak
// times `threads`), and the reasons against other kernels.
void print_profile(const Profile& profile, int threads);

}  // namespace dotori::cli
