// SPDX-License-Identifier: Apache-2.0
// Where two computations of one network part: the output of every layer on the same input, side by side.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <dotori/model.h>
#include <dotori/session.h>

namespace dotori::cli {

// A layer's output as real numbers; 8-bit ones by their scale and zero point.
struct LayerTensor {
  std::string name;   // of the value: the source file's layer, the last one where several were fused
  std::string layer;  // the node's name and operator
  std::string op;
  Shape shape, source_order;  // see TensorInfo
  std::vector<float> elements;
  bool is_8_bit = false;
  float step = 0;   // 8-bit: the scale
  float range = 0;  // of what the layer can give at all, where that is bounded: 1 for a sigmoid
};

// `fill` sets the inputs of the session. Outputs that are neither real nor 8-bit numbers are left out. Memory: all
// outputs as float32. Errors: those of Session::create(), fill() and run().
Result<std::vector<LayerTensor>> layer_tensors(const Model& model, const SessionOptions& options,
                                               const std::function<Status(Session&)>& fill);

// The same with each layer computed from the outputs that `reference` has of the layers before it, or of the nearest
// ones that it has, so that differences do not add up. Layers that the reference lacks are left out. `inputs`: the
// bytes of the network's inputs, in order.
Result<std::vector<LayerTensor>> local_layer_tensors(const Model& model, const SessionOptions& options,
                                                     const std::vector<LayerTensor>& reference,
                                                     const std::vector<std::string>& inputs);

struct LayerDifference {
  std::string name, layer, op;
  Shape shape;
  double largest = 0;   // |a - b|
  double relative = 0;  // largest / the largest |b|, or the layer's range; 0 when both are all zeros
  double steps = 0;     // 8-bit layers: largest / the layer's scale
  double sqnr_db = 0;   // 10 log10(sum b^2 / sum (a - b)^2), at most 200
  bool same_shape = true, finite = true, diverges = false;
};

struct DivergenceOptions {
  double tolerance = 1e-4;  // of `relative`, when all layers are float32
  bool noisy = false;       // use `least_db` for float32 layers too
  double least_db = 20;     // of `sqnr_db`, when either network has 8-bit layers: their noise reaches the others
  // Above 0, for layers that were computed alone: 8-bit layers are judged by `steps`; more are allowed above `clear_db`
  // (weights of -128, which become -127).
  double most_steps = 0, clear_db = 40;
  // 8-bit layers: `a` is multiplied by the factor of each channel (the last axis) that fits best. Quantisation that
  // equalised the layers' ranges has moved such factors from one layer into the next.
  bool any_channel_scale = false;
};

struct Divergence {
  bool by_noise = false;                // least_db decided, not tolerance
  std::vector<LayerDifference> layers;  // in the order of `a`, those that both have
  int first = -1;                       // the first that diverges
  int only_a = 0, only_b = 0;           // layers that the other one has not, by name
};

Divergence compare_layers(const std::vector<LayerTensor>& a, const std::vector<LayerTensor>& b,
                          const DivergenceOptions& options = {});

}  // namespace dotori::cli
