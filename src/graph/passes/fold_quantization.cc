// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstring>
#include <set>
#include <utility>

#include "graph/int8_weights.h"
#include "graph/passes/passes.h"
#include "graph/passes/rewrite.h"
#include "graph/verify_quantization.h"

namespace dotori::graph {
namespace {

constexpr std::int64_t kInt32Max = 2147483647;

bool has_one_scale(const Value& value) {
  return value.type.type == DataType::kInt8 && value.quantization.scales.size() == 1 &&
         value.quantization.zero_points.size() == 1;
}

// What an int8 operator can fuse.
bool fuses(const Activation& a) {
  return a.function == Function::kIdentity || a.function == Function::kRelu || a.function == Function::kClip ||
         (a.function == Function::kLeakyRelu && a.alpha >= 0 && a.alpha <= 1);
}

bool is_factor(double factor) {
  const float f = static_cast<float>(factor);
  return std::isnormal(f) && f > 0;
}

// Walks the nodes once, in order: what is dequantised where is known when a reader comes.
class Folder {
 public:
  explicit Folder(Graph& graph) : graph_(graph), uses_(graph), readers_(graph.values().size()) {
    for (std::size_t n = 0; n < graph.nodes().size(); ++n) {
      for (ValueId id : graph.nodes()[n].inputs) {
        if (id.valid()) readers_[index(id)].push_back(n);
      }
      node_names_.insert(graph.nodes()[n].name);
    }
    for (const Value& value : graph.values()) value_names_.insert(value.name);
  }

  Status run() {
    for (std::size_t v = 0; v < readers_.size(); ++v) {
      const ValueId id{static_cast<std::int32_t>(v)};
      if (f32_constant(graph_, id) == nullptr || quantization(id).empty()) continue;
      DOTORI_ASSIGN_OR_RETURN(const ValueId stored, stored_constant(id));
      set(sources_, id, stored);
    }
    for (std::size_t n = 0; n < graph_.nodes().size(); ++n) {
      Node& node = graph_.nodes()[n];
      for (ValueId& id : node.inputs) id = id.valid() ? current(id) : id;
      if (!node.outputs.empty()) DOTORI_RETURN_IF_ERROR(std::visit([&](auto& op) { return fold(op, node); }, node.op));
      placed_.push_back(std::move(node));
      for (Node& behind : behind_) placed_.push_back(std::move(behind));
      behind_.clear();
    }
    graph_.nodes() = std::move(placed_);
    return remove_dead(graph_);
  }

 private:
  static std::size_t index(ValueId id) { return static_cast<std::size_t>(id.index); }

  // ------------------------------------------------------------ what is known of values

  ValueId current(ValueId id) const { return at(replaced_, id).valid() ? at(replaced_, id) : id; }
  // The int8 value that `id` is the dequantised form of; invalid: none.
  ValueId source(ValueId id) const { return id.valid() ? at(sources_, id) : ValueId{}; }
  static ValueId at(const std::vector<ValueId>& list, ValueId id) {
    return index(id) < list.size() ? list[index(id)] : ValueId{};
  }
  static void set(std::vector<ValueId>& list, ValueId id, ValueId to) {
    if (list.size() <= index(id)) list.resize(index(id) + 1);
    list[index(id)] = to;
  }
  // The same with one scale.
  ValueId plain_source(ValueId id) const {
    const ValueId x = source(id);
    return x.valid() && has_one_scale(graph_.value(x)) ? x : ValueId{};
  }
  bool is_constant(ValueId id) const { return graph_.value(id).is_constant(); }
  const Quantization& quantization(ValueId id) const { return graph_.value(id).quantization; }

  Node* only_reader(ValueId id) {
    if (index(id) >= readers_.size() || readers_[index(id)].size() != 1 || uses_.is_output(id)) return nullptr;
    return &graph_.nodes()[readers_[index(id)][0]];
  }

  // The quantize node that is all that becomes of a node's output, and the activation between.
  struct End {
    Node* quantize = nullptr;
    Node* activation = nullptr;
  };
  End find_end(const Node& node, bool fusing) {
    End end;
    Node* reader = only_reader(node.outputs[0]);
    const auto* unary = reader == nullptr ? nullptr : std::get_if<Unary>(&reader->op);
    if (fusing && unary != nullptr && fuses(unary->activation)) {
      end.activation = reader;
      reader = only_reader(reader->outputs[0]);
    }
    const auto* quantize = reader == nullptr ? nullptr : std::get_if<Quantize>(&reader->op);
    if (quantize != nullptr && quantize->type == DataType::kInt8) end.quantize = reader;
    return end;
  }
  // The same where the operator has an activation of its own, which takes that of the end.
  End find_fused_end(const Node& node, const Activation& own) {
    End end;
    if (fuses(own)) end = find_end(node, own.is_identity());
    return end;
  }

  // ------------------------------------------------------------ changes

  // `node` reads `inputs` from now on and writes what the end wrote.
  void finish(Node& node, std::vector<ValueId> inputs, const End& end) {
    if (end.activation != nullptr) {
      *fused_activation(node.op) = std::get<Unary>(end.activation->op).activation;
      drop(*end.activation);
    }
    node.inputs = std::move(inputs);
    node.outputs = end.quantize->outputs;
    drop(*end.quantize);
  }
  static void drop(Node& node) {
    node.op = std::monostate{};
    node.inputs.clear();
    node.outputs.clear();
  }

  static std::string unique(std::set<std::string>& names, const std::string& base) {
    std::string name = base;
    for (int i = 1; !names.insert(name).second; ++i) name = base + "_" + std::to_string(i);
    return name;
  }
  ValueId add_value(const std::string& base, const TensorType& type, Quantization q) {
    Value value;
    value.name = unique(value_names_, base);
    value.type = type;
    value.quantization = std::move(q);
    return graph_.add_value(std::move(value));
  }
  template <class T>
  Result<ValueId> add_constant(const std::string& base, const TensorType& type, Quantization q,
                               const std::vector<T>& elements) {
    Constant constant = make_constant(elements.data(), elements.size() * sizeof(T));
    if (constant.data == nullptr) return out_of_memory("constant '" + base + "'");
    const ValueId id = add_value(base, type, std::move(q));
    graph_.value(id).constant = std::move(constant);
    return id;
  }

  // ------------------------------------------------------------ operators

  template <class Op>
  Status fold(Op& op, Node& node) {
    if constexpr (std::is_same_v<Op, Conv2d> || std::is_same_v<Op, ConvTranspose2d> || std::is_same_v<Op, Conv3d> ||
                  std::is_same_v<Op, ConvTranspose3d> || std::is_same_v<Op, FullyConnected>) {
      return fold_weighted(op.activation, node);
    } else if constexpr (std::is_same_v<Op, AveragePool2d> || std::is_same_v<Op, AveragePool3d> ||
                         std::is_same_v<Op, Concat> || std::is_same_v<Op, Reduce> || std::is_same_v<Op, Resize2d> ||
                         std::is_same_v<Op, Unary>) {
      fold_simple(node);
    } else if (keeps_quantization(op)) {
      fold_movement(node);
    }
    return {};
  }

  Status fold(Dequantize&, Node& node) {
    if (graph_.value(node.inputs[0]).type.type == DataType::kInt8) set(sources_, node.outputs[0], node.inputs[0]);
    return {};
  }

  Status fold(Quantize& op, Node& node) {
    const ValueId x = plain_source(node.inputs[0]), y = node.outputs[0];
    if (!x.valid() || is_constant(x)) return {};
    node.inputs[0] = x;
    if (op.type == DataType::kInt8 && quantization(x) == quantization(y) && !uses_.is_output(y)) {
      set(replaced_, y, x);
      drop(node);
    }
    return {};
  }

  // The order of the elements decides, and that is the order of the 8-bit numbers.
  Status fold(ArgMax&, Node& node) {
    const ValueId x = plain_source(node.inputs[0]);
    if (x.valid() && !is_constant(x)) node.inputs[0] = x;
    return {};
  }

  Status fold(Softmax& op, Node& node) {
    if (op.axis == graph_.value(node.inputs[0]).type.shape.rank() - 1) fold_simple(node);
    return {};
  }

  Status fold(Prelu&, Node& node) {
    if (source(node.inputs[1]).valid() && is_constant(source(node.inputs[1]))) fold_simple(node);
    return {};
  }

  Status fold(Binary& op, Node& node) {
    if (op.function == BinaryFunction::kDiv || op.function == BinaryFunction::kPow ||
        op.function == BinaryFunction::kSquaredDifference) {
      return {};
    }
    const End end = find_fused_end(node, op.activation);
    if (end.quantize == nullptr) return {};
    std::vector<ValueId> inputs;
    bool computed = false;
    for (ValueId id : node.inputs) {
      ValueId x = plain_source(id);
      if (!x.valid() && single_number(id)) {
        DOTORI_ASSIGN_OR_RETURN(x, quantized_number(id));
      }
      if (!x.valid()) return {};
      if (!is_factor(static_cast<double>(quantization(x).scales[0]) / output_scale(end))) return {};
      computed = computed || !is_constant(x);
      inputs.push_back(x);
    }
    if (op.function == BinaryFunction::kMul &&
        !is_factor(static_cast<double>(quantization(inputs[0]).scales[0]) *
                   static_cast<double>(quantization(inputs[1]).scales[0]) / output_scale(end))) {
      return {};
    }
    if (computed) finish(node, std::move(inputs), end);
    return {};
  }

  double output_scale(const End& end) const {
    return static_cast<double>(quantization(end.quantize->outputs[0]).scales[0]);
  }

  // All inputs dequantised, the output quantised, nothing else to see to.
  void fold_simple(Node& node) {
    const End end = find_end(node, false);
    if (end.quantize == nullptr) return;
    std::vector<ValueId> inputs;
    bool computed = false;
    for (ValueId id : node.inputs) {
      const ValueId x = plain_source(id);
      if (!x.valid()) return;
      computed = computed || !is_constant(x);
      inputs.push_back(x);
    }
    if (computed) finish(node, std::move(inputs), end);
  }

  // dequantize -> move -> anything: move -> dequantize -> anything.
  void fold_movement(Node& node) {
    const ValueId x = plain_source(node.inputs[0]), y = node.outputs[0];
    if (!x.valid() || is_constant(x)) return;
    for (std::size_t i = 1; i < node.inputs.size(); ++i) {
      if (node.inputs[i].valid() && !is_constant(node.inputs[i])) return;
    }
    const End end = find_end(node, false);
    std::vector<ValueId> inputs = node.inputs;
    inputs[0] = x;
    if (end.quantize != nullptr && quantization(end.quantize->outputs[0]) == quantization(x)) {
      return finish(node, std::move(inputs), end);
    }
    // A border that is no 8-bit number of this scale would change.
    const auto* pad = std::get_if<Pad>(&node.op);
    if (pad != nullptr && pad->mode == PadMode::kConstant && pad->value != 0) return;
    const Quantization q = quantization(x);
    const ValueId moved =
        add_value(graph_.value(y).name + "/int8", {DataType::kInt8, Shape(graph_.value(y).type.shape)}, q);
    node.inputs = std::move(inputs);
    node.outputs = {moved};
    Node dequantize;
    dequantize.name = unique(node_names_, node.name + "/dequantize");
    dequantize.op = Dequantize{};
    dequantize.inputs = {moved};
    dequantize.outputs = {y};
    behind_.push_back(std::move(dequantize));
    set(sources_, y, moved);
  }

  // The int8 numbers that a float32 constant was made of: a whole number times a scale divides back without error.
  Result<ValueId> stored_constant(ValueId id) {
    const Value& value = graph_.value(id);
    const Quantization q = value.quantization;
    const std::size_t count = static_cast<std::size_t>(value.type.shape.elements());
    std::size_t inner = 1;
    for (int k = value.type.shape.rank() - 1; q.scales.size() > 1 && k > q.axis; --k) {
      inner *= static_cast<std::size_t>(value.type.shape[k]);
    }
    const float* reals = f32_constant(graph_, id);
    std::vector<std::int8_t> elements(count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t s = i / inner % q.scales.size();
      const double whole = std::nearbyint(static_cast<double>(reals[i]) / static_cast<double>(q.scales[s]));
      elements[i] = static_cast<std::int8_t>(std::fmin(std::fmax(whole + q.zero_points[s], -128), 127));
    }
    const TensorType type = {DataType::kInt8, Shape(value.type.shape)};
    return add_constant(std::string(value.name) + "/int8", type, q, elements);
  }

  // One float: exact as an 8-bit number with a scale of its own.
  bool single_number(ValueId id) const {
    float number = 0;
    return f32_scalar(graph_, id, &number) && std::isfinite(number) && (number == 0 || std::isnormal(number));
  }
  Result<ValueId> quantized_number(ValueId id) {
    float number = 0;
    f32_scalar(graph_, id, &number);
    const TensorType type = {DataType::kInt8, Shape(graph_.value(id).type.shape)};
    Quantization q;
    q.scales = {number == 0 ? 1.0f : std::fabs(number)};
    q.zero_points = {0};
    const std::int8_t element = number == 0 ? 0 : number > 0 ? 1 : -1;
    return add_constant(std::string(graph_.value(id).name) + "/int8", type, std::move(q),
                        std::vector<std::int8_t>{element});
  }

  // ------------------------------------------------------------ weights

  Status fold_weighted(const Activation& activation, Node& node) {
    const ValueId x = plain_source(node.inputs[0]), w = source(node.inputs[1]);
    const End end = find_fused_end(node, activation);
    if (end.quantize == nullptr || !x.valid() || is_constant(x) || !w.valid() || !is_constant(w)) return {};
    const Value& stored = graph_.value(w);
    const std::int64_t channels = stored.type.shape[0], each = stored.type.shape.elements() / channels;
    Quantization q = stored.quantization;
    const bool by_channel = q.scales.size() > 1;
    if (q.scales.empty() || (by_channel && (q.axis != 0 || static_cast<std::int64_t>(q.scales.size()) != channels))) {
      return {};
    }
    for (std::int32_t zero_point : q.zero_points) {
      if (by_channel && zero_point != 0) return {};
    }
    const auto* first = static_cast<const std::int8_t*>(stored.constant.data);
    std::vector<std::int8_t> elements(first, first + channels * each);
    if (narrow_weights(elements.data(), elements.size(), by_channel ? nullptr : q.zero_points.data()) < 0) return {};

    std::vector<double> scales;
    for (std::int64_t c = 0; c < channels; ++c) {
      const float scale = q.scales[by_channel ? static_cast<std::size_t>(c) : 0];
      scales.push_back(static_cast<double>(quantization(x).scales[0]) * static_cast<double>(scale));
      if (!is_factor(scales.back()) || !is_factor(scales.back() / output_scale(end))) return {};
    }
    const bool has_bias = node.inputs.size() > 2 && node.inputs[2].valid();
    const float* bias = has_bias ? f32_constant(graph_, node.inputs[2]) : nullptr;
    if (has_bias && bias == nullptr) return {};
    std::vector<std::int32_t> whole;
    for (std::int64_t c = 0; c < channels; ++c) {
      const double b =
          has_bias ? std::nearbyint(static_cast<double>(bias[c]) / scales[static_cast<std::size_t>(c)]) : 0;
      if (!sum_fits(elements.data() + c * each, each, q.zero_points[0], b)) return {};
      whole.push_back(static_cast<std::int32_t>(b));
    }

    const std::string name = stored.name;
    const TensorType type = {DataType::kInt8, Shape(stored.type.shape)};
    std::vector<ValueId> inputs = {x, w};
    if (std::memcmp(first, elements.data(), elements.size()) != 0) {
      DOTORI_ASSIGN_OR_RETURN(inputs[1], add_constant(name, type, q, elements));
    }
    if (has_bias) {
      Quantization units;
      for (double scale : scales) units.scales.push_back(static_cast<float>(scale));
      units.zero_points.assign(scales.size(), 0);
      DOTORI_ASSIGN_OR_RETURN(const ValueId id, add_constant(std::string(graph_.value(node.inputs[2]).name) + "/int32",
                                                             {DataType::kInt32, {channels}}, std::move(units), whole));
      inputs.push_back(id);
    }
    finish(node, std::move(inputs), end);
    return {};
  }

  // The int32 sum of one output cannot overflow, whatever the input.
  static bool sum_fits(const std::int8_t* weights, std::int64_t each, std::int32_t zero_point, double bias) {
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < each; ++i) sum += std::abs(weights[i] - zero_point);
    return std::fabs(bias) <= static_cast<double>(kInt32Max - 255 * sum);
  }

  Graph& graph_;
  const Uses uses_;
  std::vector<std::vector<std::size_t>> readers_;  // nodes, by value
  std::vector<ValueId> sources_, replaced_;        // by value
  std::vector<Node> placed_, behind_;
  std::set<std::string> node_names_, value_names_;
};

}  // namespace

Status fold_quantization(Graph& graph) {
  bool quantized = false;
  for (const Node& node : graph.nodes()) quantized = quantized || std::holds_alternative<Dequantize>(node.op);
  if (!quantized) return {};
  return Folder(graph).run();
}

}  // namespace dotori::graph
