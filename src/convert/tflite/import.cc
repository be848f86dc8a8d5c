// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <new>

#include "convert/convert.h"
#include "convert/tflite/codes.h"
#include "convert/tflite/metadata.h"
#include "graph/reader.h"
#include "graph/verify.h"

namespace dotori::convert {
namespace tflite {
namespace {

std::string base_name(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

// The shape the user gave, else the stored one with a dynamic batch taken as 1.
Result<Shape> input_shape(const Tensor& tensor, const ImportOptions& options) {
  const auto wanted = options.input_shapes.find(tensor.name);
  if (wanted != options.input_shapes.end()) {
    const Shape shape(wanted->second);
    if (wanted->second.size() != static_cast<std::size_t>(tensor.shape.rank()))
      return invalid_argument("the shape given for input '" + tensor.name + "' has " +
                              std::to_string(wanted->second.size()) + " dimensions, the model's is " +
                              tensor.shape.to_string());
    for (std::int64_t d : shape)
      if (d < 1) return invalid_argument("the shape given for input '" + tensor.name + "' is " + shape.to_string());
    return shape;
  }
  Shape shape = tensor.shape;
  for (int k = 0; k < shape.rank(); ++k) {
    const bool dynamic = shape[k] < 1 || (!tensor.signature.empty() && tensor.signature[k] < 0);
    if (!dynamic) continue;
    if (k != 0)
      return unsupported("dimension " + std::to_string(k) + " of input '" + tensor.name + "' " + shape.to_string() +
                         " is dynamic; fix it, such as with --input " + tensor.name + ":1x224x224x3");
    shape[k] = 1;
  }
  return shape;
}

Status check_options(const Model& model, const ImportOptions& options) {
  for (const auto& entry : options.input_shapes) {
    bool found = false;
    std::string names;
    for (int t : model.inputs) {
      const std::string& name = model.tensors[static_cast<std::size_t>(t)].name;
      found = found || name == entry.first;
      names += (names.empty() ? "'" : ", '") + name + "'";
    }
    if (!found)
      return invalid_argument("a shape was given for input '" + entry.first + "'; the model's inputs are " + names);
  }
  return {};
}

std::string describe(const Operator& op) {
  return "operator " + std::to_string(op.index) + " " + operator_name(op) + " '" + op.name + "'";
}

// Names every kind of operator that cannot be imported, before any work is done.
Status check_operators(const Model& model) {
  std::string missing;
  std::string first;
  for (const Operator& op : model.operators) {
    if (find_lower(op) != nullptr) continue;
    if (is_folded_only(op)) continue;
    const std::string name = operator_name(op);
    if (first.empty()) first = describe(op);
    if (missing.find(name) == std::string::npos) missing += (missing.empty() ? "" : ", ") + name;
  }
  if (missing.empty()) return {};
  return unsupported(first + " cannot be imported; not supported in this file: " + missing);
}

Status lower_operator(Builder& builder, const Operator& op) {
  DOTORI_ASSIGN_OR_RETURN(const bool folded, fold_integers(builder, op));
  if (folded) return {};
  const Lower lower = find_lower(op);
  if (lower == nullptr) return unsupported("supported only on constant integers");
  DOTORI_RETURN_IF_ERROR(lower(builder, op));
  return builder.model().file->status();
}

// What the file itself says of its use: the pixels of a quantised image are its stored numbers, and a detector's boxes
// are told by their operator.
void describe_task(graph::Graph& graph) {
  const graph::Value& input = graph.value(graph.inputs[0]);
  if (input.type.type == DataType::kUint8 && input.type.shape.rank() == 4 && input.quantization.scales.size() == 1) {
    for (int c = 0; c < 3; ++c) {
      graph.task.preprocess.mean[c] = static_cast<float>(input.quantization.zero_points[0]);
      graph.task.preprocess.scale[c] = input.quantization.scales[0];
    }
  }
  for (const graph::Node& node : graph.nodes()) {
    const auto* ssd = std::get_if<graph::SsdPostProcess>(&node.op);
    if (ssd == nullptr) continue;
    const std::size_t count = node.outputs.size();
    for (std::size_t i = 0; i + count <= graph.outputs.size(); ++i) {
      if (!std::equal(node.outputs.begin(), node.outputs.end(), graph.outputs.begin() + static_cast<std::ptrdiff_t>(i)))
        continue;
      graph.task.task = Task::kDetection;
      graph.task.detection.decoder = DetectionDecoder::kSsd;
      graph.task.detection.classes = std::max(ssd->classes, static_cast<int>(graph.task.labels.size()));
      graph.task.detection.scales = {DetectionScale{static_cast<int>(i), -1, 0, {}}};
    }
  }
}

Result<graph::Graph> build(const graph::Constant& file, const std::string& path, const ImportOptions& options) {
  const Span<const unsigned char> bytes(static_cast<const unsigned char*>(file.data), file.size_bytes);
  DOTORI_ASSIGN_OR_RETURN(Model model, read_model(bytes));
  DOTORI_RETURN_IF_ERROR(check_options(model, options));
  DOTORI_RETURN_IF_ERROR(check_operators(model));
  Builder builder(model);
  for (int t : model.inputs) {
    DOTORI_ASSIGN_OR_RETURN(const Shape shape, input_shape(model.tensors[static_cast<std::size_t>(t)], options));
    DOTORI_RETURN_IF_ERROR(builder.add_input(t, shape));
  }
  for (const Operator& op : model.operators) {
    const Status status = lower_operator(builder, op);
    if (!status.ok()) return status.with_context(describe(op) + " (inputs " + builder.describe_inputs(op) + ")");
  }
  graph::Graph& graph = builder.graph();
  for (int t : model.outputs) {
    const auto value = builder.output(t);
    if (!value.ok()) return value.status().with_context("model output");
    graph.outputs.push_back(*value);
  }
  const std::string name = base_name(path);
  graph.name = model.name.empty() || model.name == "main" ? name.substr(0, name.rfind(".tflite")) : model.name;
  const std::string notes = builder.notes();
  graph.source = "tflite: " + name + (notes.empty() ? "" : " (" + notes + ")");
  graph.task.labels = read_labels(bytes);
  describe_task(graph);
  DOTORI_RETURN_IF_ERROR(graph::verify(graph));
  return std::move(graph);
}

}  // namespace
}  // namespace tflite

Result<graph::Graph> import_tflite(const std::string& path, const ImportOptions& options) {
  try {
    DOTORI_ASSIGN_OR_RETURN(const graph::Constant file, graph::read_file(path));
    auto graph = tflite::build(file, path, options);
    if (!graph.ok()) return graph.status().with_context(path);
    return graph;
  } catch (const std::bad_alloc&) {
    return out_of_memory(path + ": not enough memory to import the model");
  }
}

}  // namespace dotori::convert
