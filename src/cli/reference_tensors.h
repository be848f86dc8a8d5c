// SPDX-License-Identifier: Apache-2.0
// The outputs of a network's layers in a file: of another engine, another machine or another instruction set. An .npz
// with an array for each layer, under the layer's name, and "input:NAME" for each input. An array "layout:nchw" says
// that arrays of rank 4 and 5 have the channels behind the batch.
#pragma once

#include <string>
#include <vector>

#include "cli/divergence.h"
#include "cli/npz.h"

namespace dotori::cli {

Shape shape_of(const NpyArray& array);

// The inputs that the arrays come from; a model of one input takes the only one, whatever its name. `file` is for
// messages. Errors: kInvalidArgument for a missing one, another shape or type.
Status fill_from_arrays(Session& session, const NamedArrays& arrays, const std::string& file);

// The arrays as the layers of `own` with the same names.
std::vector<LayerTensor> tensors_from(const NamedArrays& arrays, const std::vector<LayerTensor>& own);

// The inputs as they are now, in their own types.
NamedArrays input_arrays(Session& session);
// These and the layers, as float32.
Status save_layers(const std::string& path, NamedArrays inputs, const std::vector<LayerTensor>& layers);

}  // namespace dotori::cli
