// SPDX-License-Identifier: Apache-2.0
#include "cli/divergence.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <type_traits>
#include <variant>

#include "graph/graph.h"
#include "graph/passes/passes.h"

namespace dotori::cli {
namespace {

template <class T>
void dequantize(const TensorView& view, const Quantization& q, std::vector<float>& to) {
  const auto* from = static_cast<const T*>(view.data);
  const float scale = q.scales.empty() ? 1.0f : q.scales[0];
  const std::int32_t zero = q.zero_points.empty() ? 0 : q.zero_points[0];
  for (std::size_t i = 0; i < to.size(); ++i)
    to[i] = scale * static_cast<float>(static_cast<std::int32_t>(from[i]) - zero);
}

// By channel, the factor of `a` with the least squared error; 1 where that is not above 0.
std::vector<double> channel_factors(const LayerTensor& a, const LayerTensor& b) {
  const std::size_t channels = a.shape.rank() > 0 ? static_cast<std::size_t>(a.shape[a.shape.rank() - 1]) : 1;
  std::vector<double> products(channels, 0), squares(channels, 0), factors(channels, 1);
  for (std::size_t i = 0; i < a.elements.size(); ++i) {
    const double x = static_cast<double>(a.elements[i]), y = static_cast<double>(b.elements[i]);
    products[i % channels] += x * y;
    squares[i % channels] += x * x;
  }
  for (std::size_t c = 0; c < channels; ++c)
    if (squares[c] > 0 && products[c] > 0) factors[c] = products[c] / squares[c];
  return factors;
}

LayerDifference compare(const LayerTensor& a, const LayerTensor& b, bool quantised, const DivergenceOptions& options) {
  constexpr double kMostDb = 200;
  LayerDifference d;
  d.name = a.name;
  d.layer = a.layer;
  d.op = a.op;
  d.shape = a.shape;
  // Ones before and after do not count: [1,10] is as good as [1,1,1,10].
  d.same_shape = a.elements.size() == b.elements.size();
  if (!d.same_shape) {
    d.diverges = true;
    return d;
  }
  std::vector<double> factors = {1};
  if (options.any_channel_scale && (a.is_8_bit || b.is_8_bit)) factors = channel_factors(a, b);
  double greatest = 0, noise = 0, signal = 0;
  for (std::size_t i = 0; i < a.elements.size(); ++i) {
    const double x = static_cast<double>(a.elements[i]) * factors[i % factors.size()];
    const double y = static_cast<double>(b.elements[i]);
    if (x == y) {
      // Infinities that agree.
      if (std::isfinite(y)) {
        greatest = std::max(greatest, std::abs(y));
        signal += y * y;
      }
      continue;
    }
    d.finite = d.finite && std::isfinite(x) && std::isfinite(y);
    d.largest = std::max(d.largest, std::abs(x - y));
    greatest = std::max(greatest, std::abs(y));
    noise += (x - y) * (x - y);
    signal += y * y;
  }
  // A sigmoid of -10 is as small as its input's rounding is to the input: what counts is its range.
  greatest = std::max(greatest, static_cast<double>(a.range));
  d.relative = greatest > 0 ? d.largest / greatest : d.largest;
  d.sqnr_db = noise == 0 ? kMostDb : signal == 0 ? 0 : std::min(kMostDb, 10 * std::log10(signal / noise));
  d.steps = a.step > 0 ? d.largest / static_cast<double>(a.step) : 0;
  // Half a thousandth of a step: steps are written as real numbers.
  if (options.most_steps > 0 && a.is_8_bit)
    d.diverges = !d.finite || (d.steps > options.most_steps + 5e-4 && d.sqnr_db < options.clear_db);
  else d.diverges = !d.finite || (quantised ? d.sqnr_db < options.least_db : d.relative > options.tolerance);
  return d;
}

bool ends_in_sigmoid(const graph::Op& op) {
  return std::visit(
      [](const auto& o) {
        using T = std::decay_t<decltype(o)>;
        if constexpr (std::is_same_v<T, graph::Unary>) return o.activation.function == graph::Function::kSigmoid;
        else if constexpr (std::is_same_v<T, graph::Conv2d> || std::is_same_v<T, graph::FullyConnected>)
          return o.activation.function == graph::Function::kSigmoid;
        else return false;
      },
      op);
}

// A layer's output as it is in the session; false for integers.
bool read_layer(const Model& model, const graph::Node& node, const graph::Value& value, const TensorView& view,
                LayerTensor& tensor) {
  tensor.name = value.name;
  tensor.layer = node.name;
  tensor.op = graph::node_display_name(model.graph(), node);
  tensor.shape = view.shape;
  tensor.source_order = value.source_order;
  if (ends_in_sigmoid(node.op)) tensor.range = 1;
  tensor.elements.resize(static_cast<std::size_t>(view.elements()));
  tensor.is_8_bit = view.type == DataType::kInt8 || view.type == DataType::kUint8;
  if (tensor.is_8_bit && !value.quantization.scales.empty()) tensor.step = value.quantization.scales[0];
  if (view.type == DataType::kFloat32) std::copy_n(view.f32(), tensor.elements.size(), tensor.elements.begin());
  else if (view.type == DataType::kInt8) dequantize<std::int8_t>(view, value.quantization, tensor.elements);
  else if (view.type == DataType::kUint8) dequantize<std::uint8_t>(view, value.quantization, tensor.elements);
  else return false;
  return true;
}

// Bytes of a tensor that stands for these real numbers.
std::string stored(const graph::Value& value, const std::vector<float>& elements) {
  if (value.type.type == DataType::kFloat32)
    return {reinterpret_cast<const char*>(elements.data()), elements.size() * sizeof(float)};
  const bool is_signed = value.type.type == DataType::kInt8;
  const float scale = value.quantization.scales.empty() ? 1.0f : value.quantization.scales[0];
  const int zero = value.quantization.zero_points.empty() ? 0 : value.quantization.zero_points[0];
  std::string bytes;
  for (float x : elements) {
    const float q = std::nearbyint(x / scale) + static_cast<float>(zero);
    bytes +=
        static_cast<char>(static_cast<int>(std::clamp(q, is_signed ? -128.0f : 0.0f, is_signed ? 127.0f : 255.0f)));
  }
  return bytes;
}

}  // namespace

Result<std::vector<LayerTensor>> layer_tensors(const Model& model, const SessionOptions& options,
                                               const std::function<Status(Session&)>& fill) {
  graph::Graph graph = model.graph();
  std::vector<const graph::Node*> makers;  // by output
  graph.outputs.clear();
  for (const graph::Node& node : model.graph().nodes()) {
    for (graph::ValueId id : node.outputs) {
      graph.outputs.push_back(id);
      makers.push_back(&node);
    }
  }
  const std::vector<graph::ValueId> all = graph.outputs;
  graph.task = TaskInfo();  // its outputs' numbers are others now
  DOTORI_ASSIGN_OR_RETURN(const Model whole, Model::from_graph(std::move(graph)));
  DOTORI_ASSIGN_OR_RETURN(Session session, Session::create(whole, options));
  DOTORI_RETURN_IF_ERROR(fill(session));
  DOTORI_RETURN_IF_ERROR(session.run());
  std::vector<LayerTensor> tensors;
  for (int i = 0; i < session.output_count(); ++i) {
    const auto k = static_cast<std::size_t>(i);
    LayerTensor tensor;
    if (read_layer(model, *makers[k], model.graph().value(all[k]), session.output(i), tensor))
      tensors.push_back(std::move(tensor));
  }
  return tensors;
}

Result<std::vector<LayerTensor>> local_layer_tensors(const Model& model, const SessionOptions& options,
                                                     const std::vector<LayerTensor>& reference,
                                                     const std::vector<std::string>& inputs) {
  const graph::Graph& whole = model.graph();
  std::map<std::string, const LayerTensor*> by_name;
  for (const LayerTensor& tensor : reference) by_name[tensor.name] = &tensor;
  // By value: what it holds in the reference; empty where that is not known.
  std::vector<std::string> known(whole.values().size());
  for (std::size_t i = 0; i < whole.inputs.size(); ++i)
    known[static_cast<std::size_t>(whole.inputs[i].index)] = inputs[i];
  for (const graph::Node& node : whole.nodes()) {
    for (graph::ValueId id : node.outputs) {
      const graph::Value& value = whole.value(id);
      const auto found = by_name.find(value.name);
      const bool holds = found != by_name.end() &&
                         static_cast<std::int64_t>(found->second->elements.size()) == value.type.shape.elements();
      const DataType type = value.type.type;
      const bool readable = type == DataType::kFloat32 || type == DataType::kInt8 || type == DataType::kUint8;
      if (holds && readable) known[static_cast<std::size_t>(id.index)] = stored(value, found->second->elements);
    }
  }
  std::vector<LayerTensor> tensors;
  for (std::size_t n = 0; n < whole.nodes().size(); ++n) {
    const graph::Node& node = whole.nodes()[n];
    const bool wanted = std::any_of(node.outputs.begin(), node.outputs.end(),
                                    [&](graph::ValueId id) { return by_name.count(whole.value(id).name) != 0; });
    if (!wanted) continue;
    graph::Graph part = whole;
    part.task = TaskInfo();
    part.outputs = node.outputs;
    part.inputs.clear();
    std::vector<bool> needed(whole.values().size(), false);
    for (graph::ValueId id : node.inputs)
      if (id.valid()) needed[static_cast<std::size_t>(id.index)] = true;
    std::vector<const std::string*> feeds;
    for (std::size_t m = n; m-- > 0;) {
      graph::Node& before = part.nodes()[m];
      const auto is = [&](const std::vector<bool>& set) {
        return [&](graph::ValueId id) { return set[static_cast<std::size_t>(id.index)]; };
      };
      const bool used = std::any_of(before.outputs.begin(), before.outputs.end(), is(needed));
      const bool given = std::all_of(before.outputs.begin(), before.outputs.end(), [&](graph::ValueId id) {
        return !known[static_cast<std::size_t>(id.index)].empty();
      });
      if (used && !given) {
        for (graph::ValueId id : before.inputs)
          if (id.valid()) needed[static_cast<std::size_t>(id.index)] = true;
        continue;
      }
      if (used)
        for (graph::ValueId id : before.outputs) part.inputs.push_back(id);
      before.op = std::monostate{};
      before.inputs.clear();
      before.outputs.clear();
    }
    for (std::size_t m = n + 1; m < part.nodes().size(); ++m) {
      part.nodes()[m].op = std::monostate{};
      part.nodes()[m].inputs.clear();
      part.nodes()[m].outputs.clear();
    }
    for (graph::ValueId id : whole.inputs)
      if (needed[static_cast<std::size_t>(id.index)]) part.inputs.push_back(id);
    for (graph::ValueId id : part.inputs) feeds.push_back(&known[static_cast<std::size_t>(id.index)]);
    if (feeds.empty()) continue;
    DOTORI_RETURN_IF_ERROR(graph::remove_dead(part));
    DOTORI_ASSIGN_OR_RETURN(const Model alone, Model::from_graph(std::move(part)));
    DOTORI_ASSIGN_OR_RETURN(Session session, Session::create(alone, options));
    for (int i = 0; i < session.input_count(); ++i) {
      const TensorView view = session.input(i);
      std::copy(feeds[static_cast<std::size_t>(i)]->begin(), feeds[static_cast<std::size_t>(i)]->end(),
                static_cast<char*>(view.data));
    }
    DOTORI_RETURN_IF_ERROR(session.run());
    for (int i = 0; i < session.output_count(); ++i) {
      LayerTensor tensor;
      const graph::Value& value = whole.value(node.outputs[static_cast<std::size_t>(i)]);
      if (read_layer(model, node, value, session.output(i), tensor)) tensors.push_back(std::move(tensor));
    }
  }
  return tensors;
}

Divergence compare_layers(const std::vector<LayerTensor>& a, const std::vector<LayerTensor>& b,
                          const DivergenceOptions& options) {
  std::map<std::string, const LayerTensor*> by_name;
  for (const LayerTensor& tensor : b) by_name[tensor.name] = &tensor;
  const auto is_8_bit = [](const LayerTensor& tensor) { return tensor.is_8_bit; };
  const bool quantised =
      options.noisy || std::any_of(a.begin(), a.end(), is_8_bit) || std::any_of(b.begin(), b.end(), is_8_bit);
  Divergence result;
  result.by_noise = quantised;
  for (const LayerTensor& tensor : a) {
    const auto found = by_name.find(tensor.name);
    if (found == by_name.end()) {
      ++result.only_a;
      continue;
    }
    result.layers.push_back(compare(tensor, *found->second, quantised, options));
    if (result.first < 0 && result.layers.back().diverges) result.first = static_cast<int>(result.layers.size()) - 1;
  }
  result.only_b = static_cast<int>(b.size() - result.layers.size());
  return result;
}

}  // namespace dotori::cli
