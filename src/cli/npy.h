// SPDX-License-Identifier: Apache-2.0
// NumPy's .npy files (format version 1.0), for tensors in and out. Source of the format: NumPy's documentation,
// numpy.lib.format.
#pragma once

#include <string>
#include <vector>

#include <dotori/status.h>
#include <dotori/tensor.h>

namespace dotori::cli {

struct NpyArray {
  DataType type = DataType::kFloat32;
  std::vector<std::int64_t> shape;
  std::string bytes;  // the elements, C order, little-endian
};

// float32, int8, uint8, int32, int64 and bool in C order; anything else is refused with the descriptor found.
Result<NpyArray> load_npy(const std::string& path);
// The same from a file's bytes; messages begin with `name`.
Result<NpyArray> parse_npy(const std::string& file, const std::string& name);
// What load_npy() reads.
std::string npy_bytes(const NpyArray& array);
Status save_npy(const std::string& path, const TensorView& tensor);

}  // namespace dotori::cli
