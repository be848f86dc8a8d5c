// SPDX-License-Identifier: Apache-2.0
// Device studies as pages: no scripts, nothing fetched, light or dark as the reader's system is, readable on a phone.
#pragma once

#include <string>

#include "cli/bench_compare.h"

namespace dotori::cli {

std::string suite_page(const Study& study);
std::string comparison_page(const Comparison& comparison);

}  // namespace dotori::cli
