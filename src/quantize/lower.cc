// SPDX-License-Identifier: Apache-2.0
#include "quantize/lower.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "graph/passes/passes.h"
#include "graph/passes/rewrite.h"
#include "graph/verify.h"
#include "quantize/names.h"

namespace dotori::quantize {

using graph::Graph;
using graph::Node;
using graph::Value;
using graph::ValueId;

namespace {

Quantization per_tensor(float scale, std::int32_t zero_point) {
  Quantization q;
  q.scales = {scale};
  q.zero_points = {zero_point};
  return q;
}

Span<const float> f32_elements(const Graph& graph, ValueId id) {
  return {graph::f32_constant(graph, id), static_cast<std::size_t>(graph.value(id).type.shape.elements())};
}

// For constants that are no weights. A single number is represented exactly.
Encoding encode_constant(Span<const float> elements) {
  const auto ends = std::minmax_element(elements.begin(), elements.end());
  const double least = static_cast<double>(*ends.first), most = static_cast<double>(*ends.second);
  if (least == most && std::fabs(least) > 1e-12) {
    return {static_cast<float>(std::fabs(least)), 0, graph::RangeMethod::kMinMax};
  }
  return encode_range(least, most, graph::RangeMethod::kMinMax);
}

// The int8 graph grows from a copy of the float32 one: the old values keep their ids, further ones come behind them.
class Lowering {
 public:
  Lowering(const Graph& prepared, const Encodings& encodings, const LowerOptions& options, std::vector<bool> int8)
      : source_(prepared),
        encodings_(encodings),
        options_(options),
        int8_(std::move(int8)),
        out_(prepared),
        names_(prepared),
        int8_form_(prepared.values().size()),
        float_form_(prepared.values().size()) {}

  Result<Graph> run() {
    out_.nodes().clear();
    for (ValueId id : source_.inputs) DOTORI_RETURN_IF_ERROR(enter(id));
    for (std::size_t n = 0; n < source_.nodes().size(); ++n) {
      const Node& node = source_.nodes()[n];
      const Status status = int8_[n] ? add_int8(node) : add_float(node);
      DOTORI_RETURN_IF_ERROR(status.with_context("'" + node.name + "'"));
    }
    DOTORI_RETURN_IF_ERROR(graph::remove_dead(out_));
    inherit_names();
    DOTORI_RETURN_IF_ERROR(graph::verify(out_));
    return std::move(out_);
  }

  Result<Twins> run_beside() {
    out_.nodes().clear();
    Twins twins;
    for (std::size_t v = 0; v < float_form_.size(); ++v) float_form_[v] = {static_cast<std::int32_t>(v)};
    for (std::size_t n = 0; n < source_.nodes().size(); ++n) {
      const Node& node = source_.nodes()[n];
      out_.nodes().push_back(node);
      if (!int8_[n] || !is_weighted(source_, node)) continue;
      const ValueId y = node.outputs[0];
      Node twin = node;
      twin.name = names_.unique_node(node.name + "/twin");
      DOTORI_ASSIGN_OR_RETURN(twin.inputs[0], as_int8(node.inputs[0]));
      DOTORI_RETURN_IF_ERROR(add_weights(node, &twin));
      DOTORI_ASSIGN_OR_RETURN(twin.outputs[0], add_form(y, DataType::kInt8, "/twin"));
      twins.nodes.push_back(n);
      twins.values.emplace_back(y, twin.outputs[0]);
      out_.nodes().push_back(std::move(twin));
    }
    DOTORI_RETURN_IF_ERROR(graph::verify(out_));
    twins.graph = std::move(out_);
    return twins;
  }

 private:
  // A constant takes over the name of the one it replaces when that is gone.
  void inherit_names() {
    std::set<std::string> taken;
    for (const Value& value : out_.values()) taken.insert(value.name);
    for (Value& value : out_.values()) {
      if (!value.is_constant()) continue;
      for (const char* suffix : {"/int8", "/int32"}) {
        const std::size_t length = std::strlen(suffix);
        if (value.name.size() <= length || value.name.compare(value.name.size() - length, length, suffix) != 0)
          continue;
        const std::string base = value.name.substr(0, value.name.size() - length);
        if (taken.insert(base).second) value.name = base;
        break;
      }
    }
  }

  bool is_f32(ValueId id) const { return source_.value(id).type.type == DataType::kFloat32; }

  Result<Quantization> quantization_of(ValueId id, DataType type = DataType::kInt8) const {
    const Encoding& e = encodings_[index(id)];
    if (!e.known()) return invalid_argument("value '" + source_.value(id).name + "' has no scale");
    return per_tensor(e.scale, type == DataType::kUint8 ? e.zero_point + 128 : e.zero_point);
  }

  // A value like `id` of another type.
  Result<ValueId> add_form(ValueId id, DataType type, const char* suffix) {
    Value value;
    value.name = names_.unique_value(source_.value(id).name + suffix);
    value.type = {type, source_.value(id).type.shape};
    if (type != DataType::kFloat32) {
      DOTORI_ASSIGN_OR_RETURN(value.quantization, quantization_of(id, type));
    }
    return out_.add_value(std::move(value));
  }

  Status make_8_bit(ValueId id, DataType type) {
    out_.value(id).type.type = type;
    DOTORI_ASSIGN_OR_RETURN(out_.value(id).quantization, quantization_of(id, type));
    return {};
  }

  void add_conversion(const std::string& name, graph::Op op, ValueId from, ValueId to) {
    Node node;
    node.name = names_.unique_node(name);
    node.op = std::move(op);
    node.inputs = {from};
    node.outputs = {to};
    out_.nodes().push_back(std::move(node));
  }

  Status enter(ValueId id) {
    const std::string name = source_.value(id).name;
    if (!is_f32(id) || options_.input_type == DataType::kFloat32) {
      float_form_[index(id)] = id;
      return {};
    }
    DOTORI_RETURN_IF_ERROR(make_8_bit(id, options_.input_type));
    if (options_.input_type == DataType::kInt8) {
      int8_form_[index(id)] = id;
      return {};
    }
    DOTORI_ASSIGN_OR_RETURN(int8_form_[index(id)], add_form(id, DataType::kInt8, "/int8"));
    add_conversion(name + "/quantize", graph::Quantize(), id, int8_form_[index(id)]);
    return {};
  }

  // The form asked for of a value written before, converted from the other one the first time.
  Result<ValueId> as_int8(ValueId id) {
    if (!int8_form_[index(id)].valid()) {
      ValueId made;
      DOTORI_ASSIGN_OR_RETURN(made, add_form(id, DataType::kInt8, "/int8"));
      add_conversion(source_.value(id).name + "/quantize", graph::Quantize(), float_form_[index(id)], made);
      int8_form_[index(id)] = made;
    }
    return int8_form_[index(id)];
  }
  Result<ValueId> as_float(ValueId id) {
    if (!is_f32(id) || source_.value(id).is_constant()) return id;
    if (!float_form_[index(id)].valid()) {
      ValueId made;
      DOTORI_ASSIGN_OR_RETURN(made, add_form(id, DataType::kFloat32, "/float"));
      add_conversion(source_.value(id).name + "/dequantize", graph::Dequantize(), int8_form_[index(id)], made);
      float_form_[index(id)] = made;
    }
    return float_form_[index(id)];
  }

  // The value that a node is to write where it wrote `id`: `id` itself, unless a graph output of another type has that
  // name.
  Result<ValueId> written(ValueId id, DataType type) {
    std::vector<ValueId>& forms = type == DataType::kInt8 ? int8_form_ : float_form_;
    const bool output = std::find(source_.outputs.begin(), source_.outputs.end(), id) != source_.outputs.end();
    if (output && is_f32(id) && options_.output_type != type) {
      DOTORI_ASSIGN_OR_RETURN(forms[index(id)], add_form(id, type, type == DataType::kInt8 ? "/int8" : "/float"));
    } else {
      forms[index(id)] = id;
      if (type == DataType::kInt8) DOTORI_RETURN_IF_ERROR(make_8_bit(id, type));
    }
    return forms[index(id)];
  }

  // Behind the node that writes graph output `id` in another type than it is to have.
  Status leave(ValueId id, ValueId from) {
    if (from == id) return {};
    const std::string name = source_.value(id).name;
    if (options_.output_type == DataType::kFloat32) {
      add_conversion(name + "/dequantize", graph::Dequantize(), from, id);
      float_form_[index(id)] = id;
      return {};
    }
    DOTORI_RETURN_IF_ERROR(make_8_bit(id, options_.output_type));
    add_conversion(name + "/quantize", graph::Quantize{options_.output_type}, from, id);
    if (options_.output_type == DataType::kInt8) int8_form_[index(id)] = id;
    return {};
  }

  Status add_float(const Node& node) {
    Node copy = node;
    for (ValueId& id : copy.inputs) {
      if (!id.valid()) continue;
      DOTORI_ASSIGN_OR_RETURN(id, as_float(id));
    }
    for (ValueId& id : copy.outputs) {
      if (!is_f32(id)) continue;
      DOTORI_ASSIGN_OR_RETURN(id, written(id, DataType::kFloat32));
    }
    const std::vector<ValueId> outputs = copy.outputs;
    out_.nodes().push_back(std::move(copy));
    for (std::size_t i = 0; i < outputs.size(); ++i) DOTORI_RETURN_IF_ERROR(leave(node.outputs[i], outputs[i]));
    return {};
  }

  Status add_int8(const Node& node) {
    Node copy = node;
    if (is_weighted(source_, node)) {
      DOTORI_ASSIGN_OR_RETURN(copy.inputs[0], as_int8(node.inputs[0]));
      DOTORI_RETURN_IF_ERROR(add_weights(node, &copy));
    } else {
      for (ValueId& id : copy.inputs) {
        if (!id.valid() || !is_f32(id)) continue;
        if (source_.value(id).is_constant()) {
          // A concat copies bytes: its constants have its own scale.
          const bool concat = std::holds_alternative<graph::Concat>(node.op);
          DOTORI_ASSIGN_OR_RETURN(id, add_int8_constant(id, concat ? &encodings_[index(node.outputs[0])] : nullptr));
        } else {
          DOTORI_ASSIGN_OR_RETURN(id, as_int8(id));
        }
      }
    }
    const ValueId y = node.outputs[0];
    if (is_f32(y)) {
      DOTORI_ASSIGN_OR_RETURN(copy.outputs[0], written(y, DataType::kInt8));
    }
    const ValueId from = copy.outputs[0];
    out_.nodes().push_back(std::move(copy));
    return is_f32(y) ? leave(y, from) : Status();
  }

  template <class T>
  Result<ValueId> add_constant(const std::string& base, DataType type, const Shape& shape, const std::vector<T>& data,
                               Quantization quantization) {
    Value value;
    value.name = names_.unique_value(base);
    value.type = {type, shape};
    value.constant = graph::make_constant(data.data(), data.size() * sizeof(T));
    if (!value.is_constant()) return out_of_memory("constant '" + value.name + "'");
    value.quantization = std::move(quantization);
    return out_.add_value(std::move(value));
  }

  Result<ValueId> add_int8_constant(ValueId id, const Encoding* like) {
    const Span<const float> elements = f32_elements(source_, id);
    if (like != nullptr && !like->known()) return invalid_argument("the output has no scale");
    const Encoding e = like != nullptr ? *like : encode_constant(elements);
    std::vector<std::int8_t> bytes;
    bytes.reserve(elements.size());
    for (float x : elements) {
      bytes.push_back(
          static_cast<std::int8_t>(quantize_one(static_cast<double>(x), static_cast<double>(e.scale), e.zero_point)));
    }
    return add_constant(source_.value(id).name + "/int8", DataType::kInt8, source_.value(id).type.shape, bytes,
                        per_tensor(e.scale, e.zero_point));
  }

  Status add_weights(const Node& node, Node* copy) {
    const Encoding& x = encodings_[index(node.inputs[0])];
    const std::vector<float> scales = weight_scales(source_, node, x.scale);
    const Span<const float> weights = f32_elements(source_, node.inputs[1]);
    const std::size_t each = weights.size() / scales.size();
    std::vector<std::int8_t> rounded;
    const std::string& name = node.name;
    if (options_.adjustments != nullptr && options_.adjustments->weights.count(name) != 0) {
      rounded = options_.adjustments->weights.at(name);
    }
    if (rounded.size() != weights.size()) {
      rounded.clear();
      for (std::size_t i = 0; i < weights.size(); ++i) {
        if (!std::isfinite(weights[i])) return invalid_argument("a weight is not finite");
        rounded.push_back(static_cast<std::int8_t>(
            quantize_one(static_cast<double>(weights[i]), static_cast<double>(scales[i / each]), 0, -127, 127)));
      }
    }
    Quantization q;
    q.scales = scales;
    q.zero_points.assign(scales.size(), 0);
    const Value& old_weights = source_.value(node.inputs[1]);
    DOTORI_ASSIGN_OR_RETURN(copy->inputs[1], add_constant(old_weights.name + "/int8", DataType::kInt8,
                                                          old_weights.type.shape, rounded, std::move(q)));
    const bool has_bias = node.inputs.size() > 2 && node.inputs[2].valid();
    std::vector<float> bias;
    if (options_.adjustments != nullptr && options_.adjustments->biases.count(name) != 0) {
      bias = options_.adjustments->biases.at(name);
    } else if (has_bias) {
      const Span<const float> own = f32_elements(source_, node.inputs[2]);
      bias.assign(own.begin(), own.end());
    }
    if (bias.empty()) return {};
    std::vector<std::int32_t> steps;
    for (std::size_t c = 0; c < bias.size(); ++c) {
      const double step = static_cast<double>(x.scale) * static_cast<double>(scales[c]);
      const double b = std::nearbyint(static_cast<double>(bias[c]) / step);
      if (!(std::fabs(b) < 2147483648.0)) return invalid_argument("a bias is not finite");
      steps.push_back(static_cast<std::int32_t>(b));
    }
    copy->inputs.resize(3);
    DOTORI_ASSIGN_OR_RETURN(
        copy->inputs[2],
        add_constant(has_bias ? source_.value(node.inputs[2]).name + "/int32" : name + "/bias", DataType::kInt32,
                     Shape({static_cast<std::int64_t>(bias.size())}), steps, Quantization()));
    return {};
  }

  const Graph& source_;
  const Encodings& encodings_;
  const LowerOptions& options_;
  std::vector<bool> int8_;
  Graph out_;
  Names names_;
  std::vector<ValueId> int8_form_, float_form_;  // by value of the source; invalid: not made yet
};

// To the next number whose lower 16 bits are 0: such scales take up half the room in a file, for steps that are less
// than a hundredth wider.
float round_up(float scale) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &scale, sizeof bits);
  bits = (bits + 0xFFFF) & 0xFFFF0000;
  std::memcpy(&scale, &bits, sizeof bits);
  return scale;
}

}  // namespace

std::vector<float> weight_scales(const Graph& graph, const Node& node, float input_scale) {
  const Span<const float> weights = f32_elements(graph, node.inputs[1]);
  const std::size_t channels = static_cast<std::size_t>(graph.value(node.inputs[1]).type.shape[0]);
  const std::size_t each = weights.size() / channels;
  const float* bias =
      node.inputs.size() > 2 && node.inputs[2].valid() ? graph::f32_constant(graph, node.inputs[2]) : nullptr;
  // The sum of products needs the rest of the 31 bits.
  constexpr double kMostBias = 1 << 29;
  std::vector<float> scales(channels);
  for (std::size_t c = 0; c < channels; ++c) {
    double most = 0;
    for (std::size_t i = 0; i < each; ++i) most = std::max(most, std::fabs(static_cast<double>(weights[c * each + i])));
    double scale = most / 127;
    if (bias != nullptr) {
      scale = std::max(scale, std::fabs(static_cast<double>(bias[c])) / (static_cast<double>(input_scale) * kMostBias));
    }
    constexpr double kLeastScale = 1e-12;
    scales[c] = scale < kLeastScale ? 1.0f : round_up(static_cast<float>(scale));
  }
  return scales;
}

Result<Graph> lower(const Graph& prepared, const Encodings& encodings, const LowerOptions& options) {
  const std::vector<bool> int8 = choose_int8(prepared, options.keep_fp32);
  const Encodings unified = unify(prepared, int8, encodings);
  return lower_nodes(prepared, int8, unified, options);
}

Result<Graph> lower_nodes(const Graph& prepared, const std::vector<bool>& int8, const Encodings& encodings,
                          const LowerOptions& options) {
  return Lowering(prepared, encodings, options, int8).run();
}

Result<Twins> lower_beside(const Graph& prepared, const std::vector<bool>& int8, const Encodings& encodings,
                           const LowerOptions& options) {
  return Lowering(prepared, unify(prepared, int8, encodings), options, int8).run_beside();
}

}  // namespace dotori::quantize
