// SPDX-License-Identifier: Apache-2.0
// Boxes as points, anchors as rectangles from a common corner: width to the right, height upwards.
#pragma once

#include <string>
#include <vector>

#include <dotori/status.h>

#include "evaluate/anchors.h"

namespace dotori::cli {

// A PNG, or for a `path` that ends in .html a page with the table, without scripts, light or dark as the reader's
// system is. A page of many boxes shows some thousands of them, spread evenly. Errors: kInvalidArgument (another
// ending), kIoError.
Status save_anchors(const std::vector<evaluate::BoxSize>& boxes, const evaluate::AnchorSet& set,
                    const std::string& path);

}  // namespace dotori::cli
