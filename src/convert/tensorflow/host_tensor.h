// SPDX-License-Identifier: Apache-2.0
// Numbers that are known while importing: weights, shapes, axes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <dotori/status.h>

#include "dotori_tensorflow.pb.h"

namespace dotori::convert::tensorflow {

using Dims = std::vector<std::int64_t>;

std::string dims_text(const Dims& dims);
// Saturates far above any size a file has.
std::int64_t element_count(const Dims& dims);

struct HostTensor {
  Dims dims;            // none: a single number
  bool is_real = true;  // which of the two holds the elements
  std::vector<float> reals;
  std::vector<std::int64_t> integers;

  std::int64_t count() const { return element_count(dims); }
};

// float, half, bfloat16 and double become float32; integers and bool become int64. Errors: kCorruptModel, kUnsupported.
Result<HostTensor> read_tensor(const dotori_tensorflow::Tensor& proto);

}  // namespace dotori::convert::tensorflow
