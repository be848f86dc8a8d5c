// SPDX-License-Identifier: Apache-2.0
// NumPy's .npz files: .npy files in a zip archive, as numpy.savez writes them. Source of the format: PKWARE's APPNOTE.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/npy.h"

namespace dotori::cli {

// Names without ".npy". Compressed archives (numpy.savez_compressed) and those above 4 GiB are refused.
Result<std::vector<std::pair<std::string, NpyArray>>> load_npz(const std::string& path);

}  // namespace dotori::cli
