// SPDX-License-Identifier: Apache-2.0
#include "convert/onnx/scope.h"

#include <algorithm>
#include <functional>
#include <queue>

#include "convert/onnx/ops.h"

namespace dotori::convert::onnx {
namespace {

using dotori_onnx::GraphProto;
using dotori_onnx::NodeProto;

constexpr int kMaxNodes = 65536;
constexpr int kMaxDepth = 16;
constexpr std::size_t kMaxKnownBytes = std::size_t{4} << 30;

// Adds the names that `node` reads, those its branches take from outside included.
void add_needed_names(const NodeProto& node, int depth, std::set<std::string>* names) {
  if (depth > kMaxDepth) fail(unsupported("branches are nested more than " + std::to_string(kMaxDepth) + " deep"));
  for (const std::string& name : node.input()) {
    if (!name.empty()) names->insert(name);
  }
  for (const auto& attribute : node.attribute()) {
    if (!attribute.has_g()) continue;
    const GraphProto& body = attribute.g();
    std::set<std::string> inner, own;
    for (const auto& initializer : body.initializer()) own.insert(initializer.name());
    for (const auto& input : body.input()) own.insert(input.name());
    for (const NodeProto& n : body.node()) {
      add_needed_names(n, depth + 1, &inner);
      own.insert(n.output().begin(), n.output().end());
    }
    for (const auto& output : body.output()) inner.insert(output.name());
    for (const std::string& name : inner) {
      if (own.count(name) == 0) names->insert(name);
    }
  }
}

// A channels-last source stays so through all operators but these.
bool decides_channels_last(const std::string& op_type) {
  return op_type == "Transpose" || op_type == "Reshape" || op_type == "If";
}

// ONNX Runtime's own operators for models in its "QOperator" format.
bool is_quantized_extension(const NodeProto& node) {
  const std::string& type = node.op_type();
  return node.domain() == "com.microsoft" && (type.compare(0, 7, "QLinear") == 0 || type == "QGemm" ||
                                              type == "QuantizeLinear" || type == "DequantizeLinear");
}

std::string input_shapes_text(const NodeContext& ctx) {
  std::string text;
  for (int i = 0; i < ctx.input_count(); ++i) {
    if (i > 0) text += ", ";
    if (i == 8) return text + "...";
    text += ctx.has_input(i) ? dims_text(ctx.input(i).dims) : "none";
  }
  return text;
}

}  // namespace

std::string node_label(const NodeProto& node, int index) {
  if (!node.name().empty()) return "'" + node.name() + "'";
  std::string label = "#" + std::to_string(index);
  if (node.output_size() > 0) label += " (first output '" + node.output(0) + "')";
  return label;
}

void NodeImporter::define(const std::string& name, Tensor tensor) {
  // A small file can describe large constants; a real one has hardly more than its weights.
  if (tensor.is_host()) known_bytes_ += tensor.host->bytes->size();
  if (known_bytes_ > kMaxKnownBytes) fail(out_of_memory("the constants of the model take more than 4 GiB"));
  if (!tensors_.emplace(name, std::move(tensor)).second) {
    fail(corrupt_model("tensor '" + name + "' is defined twice"));
  }
  defined_.push_back(name);
}

void NodeImporter::run(const GraphProto& graph, const std::vector<std::string>& wanted) {
  if (graph.node_size() > kMaxNodes) {
    fail(unsupported("the graph has " + std::to_string(graph.node_size()) + " nodes; at most " +
                     std::to_string(kMaxNodes) + " are supported"));
  }
  if (graph.sparse_initializer_size() > 0) fail(unsupported("sparse initializers are not supported"));
  std::map<std::string, int> producer;
  for (int n = 0; n < graph.node_size(); ++n) {
    for (const std::string& output : graph.node(n).output()) {
      if (output.empty()) continue;
      if (!producer.emplace(output, n).second) {
        fail(corrupt_model("tensor '" + output + "' is written by two nodes, " +
                           node_label(graph.node(producer[output]), producer[output]) + " and " +
                           node_label(graph.node(n), n)));
      }
    }
  }
  std::map<std::string, int> initializer;
  for (int i = 0; i < graph.initializer_size(); ++i) initializer.emplace(graph.initializer(i).name(), i);

  // What the outputs need, from the back.
  const auto count = static_cast<std::size_t>(graph.node_size());
  std::vector<bool> needed(count, false);
  std::vector<std::vector<int>> readers(count);
  std::vector<int> open_inputs(count, 0), pending;
  std::set<std::string> used;
  const auto require = [&](const std::string& name, int reader) {
    used.insert(name);
    const auto made_by = producer.find(name);
    if (made_by != producer.end()) {
      const auto n = static_cast<std::size_t>(made_by->second);
      if (reader >= 0) {
        readers[n].push_back(reader);
        ++open_inputs[static_cast<std::size_t>(reader)];
      }
      if (!needed[n]) {
        needed[n] = true;
        pending.push_back(made_by->second);
      }
      return;
    }
    if (defined(name)) return;
    const auto given = initializer.find(name);
    if (given == initializer.end()) {
      fail(corrupt_model(
          "tensor '" + name + "', which " +
          (reader < 0 ? std::string("is an output") : "node " + node_label(graph.node(reader), reader) + " reads") +
          ", is made by no node and is no input or initializer"));
    }
    define(name, host_result(host_tensor(graph.initializer(given->second))));
  };
  for (const std::string& name : wanted) require(name, -1);
  while (!pending.empty()) {
    const int n = pending.back();
    pending.pop_back();
    std::set<std::string> names;
    add_needed_names(graph.node(n), depth_, &names);
    for (const std::string& name : names) require(name, n);
  }

  // In the file's order as far as the inputs allow; most files are sorted already.
  std::priority_queue<int, std::vector<int>, std::greater<int>> ready;
  std::size_t left = 0;
  for (std::size_t n = 0; n < count; ++n) {
    if (!needed[n]) continue;
    ++left;
    if (open_inputs[n] == 0) ready.push(static_cast<int>(n));
  }
  while (!ready.empty()) {
    const int n = ready.top();
    ready.pop();
    --left;
    import_node(graph.node(n), n, used);
    for (int reader : readers[static_cast<std::size_t>(n)]) {
      if (--open_inputs[static_cast<std::size_t>(reader)] == 0) ready.push(reader);
    }
  }
  if (left > 0) {
    for (std::size_t n = 0; n < count; ++n) {
      if (needed[n] && open_inputs[n] > 0) {
        fail(corrupt_model("node " + node_label(graph.node(static_cast<int>(n)), static_cast<int>(n)) +
                           " needs its own output, directly or through others: the graph has a cycle"));
      }
    }
  }
}

void NodeImporter::import_node(const NodeProto& node, int index, const std::set<std::string>& used) {
  const std::string name = node.name().empty() ? node.op_type() + "_" + std::to_string(index) : node.name();
  NodeContext ctx(node, opset_, name, builder_);
  try {
    if (!node.domain().empty() && node.domain() != "ai.onnx" && !is_quantized_extension(node)) {
      fail(unsupported("operators of domain '" + node.domain() +
                       "' are not supported, only those of ai.onnx and the QLinear operators of com.microsoft"));
    }
    for (const std::string& input : node.input()) ctx.add_input(input.empty() ? nullptr : &tensors_.at(input));
    std::vector<bool> wanted;
    for (const std::string& output : node.output()) wanted.push_back(used.count(output) != 0);
    ctx.set_wanted(std::move(wanted));
    builder_->begin_node(name);
    const OpEntry* entry = find_op(node.op_type());
    if (node.op_type() == "If") {
      import_if(ctx);
    } else if (!(ctx.all_inputs_known() && evaluate_on_host(ctx))) {
      if (entry == nullptr) {
        const std::string hint = rewrite_hint(node.op_type());
        fail(unsupported("the operator is not supported" + (hint.empty() ? "" : "; " + hint)));
      }
      entry->import(ctx);
    }
    ctx.check_attributes();
    for (int i = 0; i < ctx.output_count(); ++i) {
      if (node.output(i).empty() || !ctx.wants_output(i)) continue;
      std::optional<Tensor>& result = ctx.outputs()[static_cast<std::size_t>(i)];
      if (!result) fail(unsupported("output " + std::to_string(i) + " is not computed"));
      if (result->rank() == 4 && !decides_channels_last(node.op_type())) {
        result->channels_last = false;
        for (int k = 0; k < ctx.input_count(); ++k) {
          if (ctx.has_input(k) && ctx.input(k).rank() == 4 && ctx.input(k).channels_last) result->channels_last = true;
        }
      }
      define(node.output(i), std::move(*result));
    }
  } catch (const ImportError& error) {
    Status status = error.status();
    // The operators' own checks do not know that the numbers came from a file.
    if (status.code() == StatusCode::kInvalidArgument) status = unsupported(status.message());
    fail(status.with_context("node " + node_label(node, index) + ", operator " + node.op_type() + " (inputs " +
                             input_shapes_text(ctx) + ")"));
  }
}

// The condition is known, so one branch takes the node's place.
void NodeImporter::import_if(NodeContext& ctx) {
  if (!ctx.input(0).is_host()) {
    ctx.unsupported("If is supported only with a constant condition; " + std::string(rewrite_hint("If")));
  }
  const GraphProto* then_branch = ctx.attr_graph("then_branch");
  const GraphProto* else_branch = ctx.attr_graph("else_branch");
  const GraphProto* branch = ctx.known_scalar(0, "the condition") != 0 ? then_branch : else_branch;
  if (branch == nullptr || branch->output_size() != ctx.output_count()) {
    ctx.corrupt("the branch taken must have " + std::to_string(ctx.output_count()) + " outputs");
  }
  std::vector<std::string> wanted;
  for (const auto& output : branch->output()) wanted.push_back(output.name());
  const std::size_t defined_before = defined_.size();
  ++depth_;
  run(*branch, wanted);
  --depth_;
  for (int i = 0; i < ctx.output_count(); ++i) ctx.set_output(i, tensor(branch->output(i).name()));
  // Two branches may use one name for different tensors: what this one defined goes out of scope.
  for (std::size_t i = defined_before; i < defined_.size(); ++i) tensors_.erase(defined_[i]);
  defined_.resize(defined_before);
}

}  // namespace dotori::convert::onnx
