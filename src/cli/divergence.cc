// SPDX-License-Identifier: Apache-2.0
#include "cli/divergence.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "graph/graph.h"

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
  d.relative = greatest > 0 ? d.largest / greatest : d.largest;
  d.sqnr_db = noise == 0 ? kMostDb : signal == 0 ? 0 : std::min(kMostDb, 10 * std::log10(signal / noise));
  d.diverges = !d.finite || (quantised ? d.sqnr_db < options.least_db : d.relative > options.tolerance);
  return d;
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
    const TensorView view = session.output(i);
    const graph::Node& node = *makers[static_cast<std::size_t>(i)];
    const graph::Value& value = model.graph().value(all[static_cast<std::size_t>(i)]);
    LayerTensor tensor;
    tensor.name = value.name;
    tensor.layer = node.name;
    tensor.op = graph::node_display_name(model.graph(), node);
    tensor.shape = view.shape;
    tensor.elements.resize(static_cast<std::size_t>(view.elements()));
    tensor.is_8_bit = view.type == DataType::kInt8 || view.type == DataType::kUint8;
    if (view.type == DataType::kFloat32) std::copy_n(view.f32(), tensor.elements.size(), tensor.elements.begin());
    else if (view.type == DataType::kInt8) dequantize<std::int8_t>(view, value.quantization, tensor.elements);
    else if (view.type == DataType::kUint8) dequantize<std::uint8_t>(view, value.quantization, tensor.elements);
    else continue;
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

Divergence compare_layers(const std::vector<LayerTensor>& a, const std::vector<LayerTensor>& b,
                          const DivergenceOptions& options) {
  std::map<std::string, const LayerTensor*> by_name;
  for (const LayerTensor& tensor : b) by_name[tensor.name] = &tensor;
  const auto is_8_bit = [](const LayerTensor& tensor) { return tensor.is_8_bit; };
  const bool quantised = std::any_of(a.begin(), a.end(), is_8_bit) || std::any_of(b.begin(), b.end(), is_8_bit);
  Divergence result;
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
