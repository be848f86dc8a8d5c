// SPDX-License-Identifier: Apache-2.0
// NumPy's .npz files: .npy files in a zip archive, as numpy.savez writes them. Source of the format: PKWARE's APPNOTE.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/npy.h"

namespace dotori::cli {

using NamedArrays = std::vector<std::pair<std::string, NpyArray>>;

// Names without ".npy". Compressed archives (numpy.savez_compressed) and those above 4 GiB are refused.
Result<NamedArrays> load_npz(const std::string& path);
// Not compressed. Errors: kUnsupported above 4 GiB or 65,535 arrays, kIoError.
Status save_npz(const std::string& path, const NamedArrays& arrays);

}  // namespace dotori::cli
