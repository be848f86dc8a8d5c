// SPDX-License-Identifier: Apache-2.0
// A Darknet network with every number read, checked and completed: kinds, sources, shapes. Nothing is known of the
// weights yet but how many there must be.
#pragma once

#include <dotori/status.h>

#include <cstdint>
#include <string>
#include <vector>

#include "convert/darknet/cfg.h"
#include "graph/activation.h"

namespace dotori::convert::darknet {

enum class LayerKind {
  kConvolutional,
  kConnected,
  kMaxPool,
  kAveragePool,    // global
  kUpsample,       // nearest
  kRoute,          // channels of several layers one after the other, or a group of each one's channels
  kShortcut,       // sum; of a larger source every stride-th pixel and the first channels, missing channels count as 0
  kScaleChannels,  // `source` times this layer's input, which has one number a channel
  kMultiply,       // [sam]: product of equal shapes
  kReorg,          // space to depth in Darknet's own order
  kSoftmax,
  kCrop,    // the middle of the image; its numbers from 0..1 to -1..1 unless noadjust
  kYolo,    // a detection head: its input is a graph output
  kRegion,  // the same, YOLOv2
  kPass,    // no effect when the network runs: dropout, cost
};

struct LayerShape {
  std::int64_t h = 0, w = 0, c = 0;
  std::int64_t elements() const noexcept { return h * w * c; }
  friend bool operator==(const LayerShape& a, const LayerShape& b) noexcept {
    return a.h == b.h && a.w == b.w && a.c == b.c;
  }
};

struct Layer {
  LayerKind kind = LayerKind::kPass;
  std::string name;          // "3_convolutional"
  LayerShape in, out;        // of the layer before, and its own
  std::vector<int> sources;  // kRoute, kShortcut, kScaleChannels, kMultiply: layer numbers
  graph::Activation activation;
  // kConvolutional, kMaxPool, kUpsample, kReorg
  int size = 1, stride_h = 1, stride_w = 1, dilation = 1;
  int padding = 0;               // kConvolutional: on each side; kMaxPool: of both sides together
  int groups = 1;                // kConvolutional; kRoute
  int group_id = 0;              // kRoute
  bool batch_normalize = false;  // kConvolutional, kConnected
  float temperature = 1;         // kSoftmax
  bool adjusts = false;          // kCrop
  // kYolo, kRegion: the anchors in use, width and height in turn, in input pixels.
  int classes = 0;
  std::vector<float> anchors;
  float scale_x_y = 1;
  bool new_coords = false;

  // Floats of this layer in the weights file.
  std::int64_t weight_count() const noexcept;
};

struct Network {
  LayerShape input;
  std::vector<Layer> layers;
};

bool is_known_layer(const std::string& name);
std::vector<std::string> known_layers();  // sorted; short names too

// Errors: kUnsupported for sections and options this importer does not know, kCorruptModel for numbers that make no
// sense. All name line, section and key.
Result<Network> plan_network(const std::vector<Section>& sections);

}  // namespace dotori::convert::darknet
