// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <vector>

#include <dotori/vision.h>

namespace dotori::cli {

// Adds --filter, repeatable: blur:SIGMA, sharpen:AMOUNT[,SIGMA], clahe[:CLIP[,TILES]]. A text of another form is a
// usage error that names it. `filters` must outlive the parsing.
void add_filter_option(CLI::App& command, std::vector<vision::PhotoFilter>& filters);

}  // namespace dotori::cli
