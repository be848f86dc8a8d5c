// SPDX-License-Identifier: Apache-2.0
// Resize weights in integers, for one axis of one plane of a camera picture.
#pragma once

#include <cstdint>
#include <vector>

#include <dotori/vision.h>

namespace dotori::vision {

// Where the result samples lie on an axis of `begin`..`end` samples that may count: result sample i has its centre at
// start + (i + 0.5) * step, in samples of the plane. A negative step runs through the axis backwards.
struct CameraAxis {
  double start = 0, step = 1;
  int begin = 0, end = 1;  // end above begin
  int count = 1;           // result samples
};

// For each result sample: the first sample and the weights, of sum 2^14. `first` counts from axis.begin.
struct CameraTaps {
  std::vector<std::int32_t> first, taps, offset;  // offset: of the first weight in `weights`
  std::vector<std::int16_t> weights;
};
CameraTaps camera_taps(const CameraAxis& axis, ResizeFilter filter);

// The same for the row kernel: as many weights for each result, a multiple of the kernel's block. `sample_stride`:
// elements from one sample to the next in the row that the kernel reads.
struct CameraRowTaps {
  std::vector<std::int32_t> first;
  std::vector<std::int16_t> weights;
  std::int32_t blocks = 1;
  std::size_t readable_elems = 0;  // how far from the row's first element the kernel reads
};
CameraRowTaps camera_row_taps(const CameraTaps& taps, int sample_stride);

}  // namespace dotori::vision
