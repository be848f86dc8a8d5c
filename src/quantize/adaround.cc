// SPDX-License-Identifier: Apache-2.0
#include "quantize/adaround.h"

#include <algorithm>
#include <cmath>

#include "graph/passes/rewrite.h"
#include "quantize/lower.h"
#include "quantize/watch.h"

namespace dotori::quantize {
namespace {

using graph::Graph;
using graph::Node;
using graph::ValueId;

constexpr std::size_t kMostInputs = 1152;
// Patches looked at for each layer, over all samples: the more weights have to work together, the more.
constexpr std::size_t kLeastPatches = 2048, kPatchesPerWeight = 8;

// The moments H of one layer's input patches, one matrix a group.
struct Layer {
  std::size_t node = 0;
  std::size_t groups = 1, size = 0;  // weights in one filter
  double patches = 0;
  std::vector<std::vector<double>> moments;  // the upper half is filled first

  std::size_t bytes() const { return groups * size * size * sizeof(double); }
};

struct Window {
  int kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1, pad_top = 0, pad_left = 0;
};

Window window_of(const Node& node) {
  Window w;
  const auto* conv = std::get_if<graph::Conv2d>(&node.op);
  if (conv == nullptr) return w;
  return {conv->kernel_h,   conv->kernel_w,   conv->stride_h, conv->stride_w,
          conv->dilation_h, conv->dilation_w, conv->pad_top,  conv->pad_left};
}

// Adds x x' of one patch for each group. `x` is an input picture [height, width, channels].
void add_patch(Layer* layer, const Window& w, const float* x, std::int64_t height, std::int64_t width,
               std::int64_t channels, std::int64_t row, std::int64_t column, std::vector<double>* patch) {
  const std::int64_t per_group = channels / static_cast<std::int64_t>(layer->groups);
  for (std::size_t g = 0; g < layer->groups; ++g) {
    patch->clear();
    for (int i = 0; i < w.kernel_h; ++i) {
      for (int j = 0; j < w.kernel_w; ++j) {
        const std::int64_t r = row * w.stride_h - w.pad_top + i * w.dilation_h;
        const std::int64_t c = column * w.stride_w - w.pad_left + j * w.dilation_w;
        const bool inside = r >= 0 && r < height && c >= 0 && c < width;
        const float* pixel =
            inside ? x + (r * width + c) * channels + static_cast<std::int64_t>(g) * per_group : nullptr;
        for (std::int64_t k = 0; k < per_group; ++k) patch->push_back(inside ? static_cast<double>(pixel[k]) : 0.0);
      }
    }
    std::vector<double>& h = layer->moments[g];
    for (std::size_t a = 0; a < layer->size; ++a) {
      const double v = (*patch)[a];
      if (v == 0) continue;
      for (std::size_t b = a; b < layer->size; ++b) h[a * layer->size + b] += v * (*patch)[b];
    }
  }
}

// Fills the lower half. Few patches say little about how weights work together: the fewer there are, the more each
// weight counts by itself.
void finish_moments(Layer* layer) {
  const std::size_t n = layer->size;
  for (std::vector<double>& h : layer->moments) {
    double trace = 0;
    for (std::size_t a = 0; a < n; ++a) trace += h[a * n + a];
    const double part = std::min(1.0, 0.02 * static_cast<double>(n) / std::max(1.0, layer->patches));
    const double ridge = part * trace / static_cast<double>(n);
    for (std::size_t a = 0; a < n; ++a) {
      h[a * n + a] += ridge;
      for (std::size_t b = 0; b < a; ++b) h[a * n + b] = h[b * n + a];
    }
  }
}

void add_picture(Layer* layer, const Graph& graph, const float* x, std::size_t patches, std::size_t sample) {
  const Node& node = graph.nodes()[layer->node];
  const Shape& in = graph.value(node.inputs[0]).type.shape;
  const Shape& out = graph.value(node.outputs[0]).type.shape;
  const bool picture = std::holds_alternative<graph::Conv2d>(node.op);
  const std::int64_t height = picture ? in[1] : in.elements() / in[in.rank() - 1], width = picture ? in[2] : 1;
  const std::int64_t rows = picture ? out[1] : height, columns = picture ? out[2] : 1;
  const std::int64_t positions = rows * columns;
  const std::int64_t count = std::min<std::int64_t>(positions, static_cast<std::int64_t>(patches));
  std::uint32_t state = static_cast<std::uint32_t>(sample) * 2654435761u + 12345u;
  layer->patches += static_cast<double>(count);
  std::vector<double> patch;
  for (std::int64_t i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    const std::int64_t p = count == positions ? i : static_cast<std::int64_t>(state >> 4) % positions;
    add_patch(layer, window_of(node), x, height, width, in[in.rank() - 1], p / columns, p % columns, &patch);
  }
}

std::vector<std::int8_t> round_layer(const Layer& layer, const Graph& graph, float input_scale) {
  const Node& node = graph.nodes()[layer.node];
  const std::vector<float> scales = weight_scales(graph, node, input_scale);
  const float* weights = graph::f32_constant(graph, node.inputs[1]);
  const std::size_t filters = scales.size(), per_group = filters / layer.groups;
  std::vector<std::int8_t> result(filters * layer.size);
  std::vector<double> errors(layer.size);
  std::vector<int> can_move(layer.size);
  std::vector<bool> moved;
  for (std::size_t o = 0; o < filters; ++o) {
    for (std::size_t i = 0; i < layer.size; ++i) {
      const double exact = static_cast<double>(weights[o * layer.size + i]) / static_cast<double>(scales[o]);
      const double nearest = std::clamp(std::nearbyint(exact), -127.0, 127.0);
      result[o * layer.size + i] = static_cast<std::int8_t>(nearest);
      errors[i] = nearest - exact;
      const int step = errors[i] < 0 ? 1 : -1;
      can_move[i] = std::fabs(nearest + step) <= 127 && errors[i] != 0 ? step : 0;
    }
    descend(layer.moments[o / per_group], errors, can_move, &moved);
    for (std::size_t i = 0; i < layer.size; ++i) {
      if (!moved[i]) continue;
      std::int8_t& q = result[o * layer.size + i];
      q = static_cast<std::int8_t>(q + can_move[i]);
    }
  }
  return result;
}

}  // namespace

namespace {

// The state of one filter's descent.
class Descent {
 public:
  Descent(Span<const double> h, const std::vector<double>& errors, const std::vector<int>& can_move,
          std::vector<bool>* moved)
      : h_(h), can_move_(can_move), moved_(*moved), gradient_(errors.size(), 0.0), n_(errors.size()) {
    for (std::size_t a = 0; a < n_; ++a) {
      for (std::size_t b = 0; b < n_; ++b) gradient_[a] += h[a * n_ + b] * errors[b];
      error_ += errors[a] * gradient_[a];
    }
    enough_ = -1e-9 * error_;
  }

  double error() const { return error_; }

  // The best single move each time; finding it costs as much as making it.
  bool move_singly() {
    bool any = false;
    for (std::size_t moves = 0; moves < 2 * n_; ++moves) {
      std::size_t best = n_;
      double most = enough_;
      for (std::size_t i = 0; i < n_; ++i) {
        if (can_move_[i] == 0) continue;
        const double change = change_of(i);
        if (change >= most) continue;
        most = change;
        best = i;
      }
      if (best == n_) break;
      move(best);
      any = true;
    }
    return any;
  }

  // For each weight the best partner to move with, where the two together gain what neither does alone.
  bool move_in_pairs() {
    bool any = false;
    for (std::size_t i = 0; i < n_; ++i) {
      if (can_move_[i] == 0) continue;
      const double alone = change_of(i), step = step_of(i);
      std::size_t best = n_;
      double most = enough_;
      for (std::size_t k = i + 1; k < n_; ++k) {
        if (can_move_[k] == 0) continue;
        const double change = alone + change_of(k) + 2 * step * step_of(k) * h_[i * n_ + k];
        if (change >= most) continue;
        most = change;
        best = k;
      }
      if (best == n_) continue;
      move(i);
      move(best);
      any = true;
    }
    return any;
  }

 private:
  double step_of(std::size_t i) const { return moved_[i] ? -can_move_[i] : can_move_[i]; }
  double change_of(std::size_t i) const {
    const double step = step_of(i);
    return step * (2 * gradient_[i] + step * h_[i * n_ + i]);
  }
  void move(std::size_t i) {
    error_ += change_of(i);
    const double step = step_of(i);
    for (std::size_t k = 0; k < n_; ++k) gradient_[k] += step * h_[i * n_ + k];
    moved_[i] = !moved_[i];
  }

  Span<const double> h_;
  const std::vector<int>& can_move_;
  std::vector<bool>& moved_;
  std::vector<double> gradient_;  // H d
  std::size_t n_;
  double error_ = 0, enough_ = 0;
};

}  // namespace

double descend(Span<const double> h, const std::vector<double>& errors, const std::vector<int>& can_move,
               std::vector<bool>* moved) {
  moved->assign(errors.size(), false);
  Descent descent(h, errors, can_move, moved);
  const double before = descent.error();
  if (!(before > 0)) return 1;
  constexpr int kRounds = 3;
  for (int round = 0; round < kRounds; ++round) {
    descent.move_singly();
    if (!descent.move_in_pairs()) break;
  }
  return descent.error() / before;
}

Result<std::map<std::string, std::vector<std::int8_t>>> adapt_rounding(const Graph& prepared,
                                                                       const std::vector<bool>& int8,
                                                                       const Encodings& encodings,
                                                                       const Calibration& data, std::size_t samples,
                                                                       const Options& options) {
  std::vector<Layer> layers;
  std::vector<ValueId> watched;
  for (std::size_t n = 0; n < int8.size(); ++n) {
    const Node& node = prepared.nodes()[n];
    if (!int8[n] || !is_weighted(prepared, node) || graph::is_transposed_conv(node.op) ||
        std::holds_alternative<graph::Conv3d>(node.op))
      continue;
    const Shape& w = prepared.value(node.inputs[1]).type.shape;
    Layer layer;
    layer.node = n;
    layer.size = static_cast<std::size_t>(w.elements() / w[0]);
    if (const auto* conv = std::get_if<graph::Conv2d>(&node.op)) layer.groups = static_cast<std::size_t>(conv->groups);
    if (layer.size > kMostInputs) continue;
    layers.push_back(std::move(layer));
    watched.push_back(node.inputs[0]);
  }
  std::map<std::string, std::vector<std::int8_t>> rounded;
  // As many layers at a time as their moments leave room for.
  for (std::size_t first = 0; first < layers.size();) {
    std::size_t last = first, bytes = 0;
    while (last < layers.size() && (last == first || bytes + layers[last].bytes() <= options.max_memory_bytes)) {
      bytes += layers[last].bytes();
      layers[last].moments.assign(layers[last].groups, std::vector<double>(layers[last].size * layers[last].size, 0.0));
      ++last;
    }
    const std::vector<ValueId> part(watched.begin() + static_cast<std::ptrdiff_t>(first),
                                    watched.begin() + static_cast<std::ptrdiff_t>(last));
    DOTORI_RETURN_IF_ERROR(watch(prepared, part, data, samples, options, "gathering patches",
                                 [&](std::size_t i, std::size_t sample, const TensorView& view) {
                                   Layer& layer = layers[first + i];
                                   const std::size_t wanted = std::max(kLeastPatches, kPatchesPerWeight * layer.size);
                                   add_picture(&layer, prepared, view.f32(), wanted / samples + 1, sample);
                                 }));
    for (; first < last; ++first) {
      Layer& layer = layers[first];
      finish_moments(&layer);
      rounded[prepared.nodes()[layer.node].name] = round_layer(layer, prepared, encodings[index(watched[first])].scale);
      layer.moments.clear();
      if (options.progress) options.progress("choosing roundings", first + 1, layers.size());
    }
  }
  return rounded;
}

}  // namespace dotori::quantize
