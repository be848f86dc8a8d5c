// SPDX-License-Identifier: Apache-2.0
// Where a photo goes in a model's input.
#pragma once

#include <string>

#include <dotori/vision.h>

#include "vision/resize.h"

namespace dotori::vision {

// The part of the photo the model sees and where it lies in the input.
struct Placement {
  Rect photo, input;
};

// For a photo and an input whose sides are at least 1 and a `preprocess` that check_input accepts.
Placement place_photo(int photo_width, int photo_height, const Preprocess& preprocess, int width, int height);

PhotoTransform transform_of(const Placement& placed, int photo_width, int photo_height, int width, int height);

// Whether `input` is a tensor a photo can be written to and `preprocess` makes sense with it.
Status check_input(const Preprocess& preprocess, const TensorView& input);

// fill(preprocess, input) -> Result<PhotoTransform> for each of a model's inputs; see fill_inputs in vision.h.
template <class Fill>
Result<PhotoTransform> fill_each_input(const Preprocess& preprocess, Span<const TensorView> inputs, const Fill& fill) {
  if (inputs.empty()) return invalid_argument("no input to fill");
  PhotoTransform first;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Preprocess own = preprocess;
    const Shape& shape = inputs[i].shape;
    if (inputs.size() > 1 && shape.rank() == 4 && shape[3] == 1) own.order = ChannelOrder::kGray;
    Result<PhotoTransform> transform = fill(own, inputs[i]);
    if (!transform.ok()) {
      return inputs.size() == 1 ? transform : transform.status().with_context("input " + std::to_string(i));
    }
    if (i == 0) first = *transform;
  }
  return first;
}

}  // namespace dotori::vision
