// SPDX-License-Identifier: Apache-2.0
#include "convert/onnx/import.h"
#include "convert/onnx/external_data.h"

#include <algorithm>
#include <new>

#include "convert/onnx/file.h"
#include "convert/onnx/ops.h"
#include "convert/onnx/scope.h"
#include "graph/verify.h"

namespace dotori::convert {
namespace onnx {
namespace {

using dotori_onnx::GraphProto;
using dotori_onnx::ModelProto;
using dotori_onnx::TensorProto;
using dotori_onnx::ValueInfoProto;

std::string file_name(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

DataType input_type(const ValueInfoProto& input, int element) {
  switch (element) {
    case TensorProto::FLOAT:
    case TensorProto::FLOAT16:  // computed in float32
    case TensorProto::BFLOAT16: return DataType::kFloat32;
    case TensorProto::INT8: return DataType::kInt8;
    case TensorProto::UINT8: return DataType::kUint8;
    case TensorProto::INT32: return DataType::kInt32;
    case TensorProto::INT64: return DataType::kInt64;
    case TensorProto::BOOL: return DataType::kBool;
    default:
      fail(unsupported("input '" + input.name() + "' has element type " + std::to_string(element) +
                       "; supported are float, float16, int8, uint8, int32, int64 and bool"));
  }
}

// The input's shape with all dimensions fixed.
Dims input_dims(const ValueInfoProto& input, const ImportOptions& options) {
  const auto& proto = input.type().tensor_type();
  const auto given = options.input_shapes.find(input.name());
  const bool has_given = given != options.input_shapes.end();
  if (!proto.has_shape()) {
    if (!has_given) {
      fail(invalid_argument("input '" + input.name() + "' has no shape in the file; state it with --input " +
                            input.name() + ":1x3x224x224"));
    }
    return given->second;
  }
  const int rank = proto.shape().dim_size();
  if (has_given && static_cast<int>(given->second.size()) != rank) {
    fail(invalid_argument("input '" + input.name() + "' has rank " + std::to_string(rank) +
                          ", --input gives it shape " + dims_text(given->second)));
  }
  Dims dims;
  std::string declared, example;
  bool open = false;
  for (int k = 0; k < rank; ++k) {
    const auto& dim = proto.shape().dim(k);
    const std::int64_t value = dim.has_dim_value() ? dim.dim_value() : -1;
    const bool dynamic = value == -1 || value == 0;
    if (value < -1) fail(corrupt_model("input '" + input.name() + "' has a dimension of " + std::to_string(value)));
    std::int64_t size = value;
    if (dynamic) size = k == 0 ? 1 : -1;
    if (has_given) size = given->second[static_cast<std::size_t>(k)];
    open = open || size < 0;
    declared += (k > 0 ? "," : "") +
                (dynamic ? (dim.dim_param().empty() ? std::string("?") : dim.dim_param()) : std::to_string(value));
    const std::int64_t typical = rank == 4 && k == 1 ? 3 : 224;
    example += (k > 0 ? "x" : "") + std::to_string(size > 0 ? size : typical);
    dims.push_back(size);
  }
  if (open) {
    fail(invalid_argument("input '" + input.name() + "' has the dynamic shape [" + declared +
                          "]; fix it, such as with --input " + input.name() + ":" + example));
  }
  return dims;
}

// Keras exports take [N,H,W,C] and begin with a Transpose to [N,C,H,W], or with a Reshape where C is 1.
bool is_channels_last(const GraphProto& graph, const std::string& input, const Dims& dims) {
  bool read = false;
  for (const auto& node : graph.node()) {
    for (const std::string& name : node.input()) {
      if (name != input) continue;
      read = true;
      if (node.op_type() == "Reshape" && dims[3] == 1 && dims[1] > 1 && dims[2] > 1) continue;
      if (node.op_type() != "Transpose" || node.attribute_size() != 1) return false;
      const auto& perm = node.attribute(0).ints();
      if (node.attribute(0).name() != "perm" || Dims(perm.begin(), perm.end()) != Dims{0, 3, 1, 2}) return false;
    }
  }
  return read;
}

// Whether an input [N,C,D,H,W] is a volume: some operator on volumes reads it.
bool is_volume(const GraphProto& graph, const std::string& input) {
  for (const auto& node : graph.node()) {
    if (node.input_size() == 0 || node.input(0) != input) continue;
    for (const char* type : {"Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool",
                             "BatchNormalization", "InstanceNormalization"}) {
      if (node.op_type() == type) return true;
    }
  }
  return false;
}

class ModelImporter {
 public:
  ModelImporter(const GraphProto& proto, int opset, const ImportOptions& options)
      : proto_(proto), options_(options), nodes_(opset, &builder_) {}

  graph::Graph import(const std::string& name) {
    // Exporters write "torch_jit" or the like for the graph's own name.
    builder_.graph.name = file_name(name).substr(0, file_name(name).find_last_of('.'));
    builder_.graph.source = "onnx: " + file_name(name);
    add_inputs();
    if (proto_.output_size() == 0) fail(corrupt_model("the graph has no outputs"));
    std::vector<std::string> wanted;
    for (const auto& output : proto_.output()) wanted.push_back(output.name());
    nodes_.run(proto_, wanted);
    for (const ValueInfoProto& output : proto_.output()) add_output(output);
    return std::move(builder_.graph);
  }

 private:
  void add_inputs() {
    std::set<std::string> initializers;
    std::string names;
    for (const auto& tensor : proto_.initializer()) initializers.insert(tensor.name());
    std::set<std::string> known;
    for (const ValueInfoProto& input : proto_.input()) {
      // Until IR version 3 every initializer was also listed as an input.
      if (initializers.count(input.name()) != 0) continue;
      if (!input.type().has_tensor_type()) fail(unsupported("input '" + input.name() + "' is not a tensor"));
      add_input(input);
      known.insert(input.name());
      names += (names.empty() ? "'" : ", '") + input.name() + "'";
    }
    for (const auto& [name, shape] : options_.input_shapes) {
      if (known.count(name) == 0) {
        fail(invalid_argument("there is no input '" + name + "' to give a shape to; the inputs are " +
                              (names.empty() ? "none" : names)));
      }
    }
  }

  void add_input(const ValueInfoProto& input) {
    Tensor t;
    t.dims = input_dims(input, options_);
    t.type = input_type(input, input.type().tensor_type().elem_type());
    if (t.rank() > kMaxRank) {
      fail(unsupported("input '" + input.name() + "' has shape " + dims_text(t.dims) + "; up to " +
                       std::to_string(kMaxRank) + " axes are supported"));
    }
    t.channels_last = t.rank() == 4 && is_channels_last(proto_, input.name(), t.dims);
    const bool reordered = t.rank() == 4 ? !t.channels_last : t.rank() == 5 && is_volume(proto_, input.name());
    t.order = reordered ? channels_last_order(t.rank()) : identity_order(t.rank());
    Shape shape;
    for (int axis : t.order) shape.push_back(t.dims[static_cast<std::size_t>(axis)]);
    const Result<std::int64_t> count = shape.checked_elements();
    if (!count.ok()) fail(count.status().with_context("input '" + input.name() + "'"));
    t.stored = builder_.graph.add_input(input.name(), t.type, shape);
    set_source_order(t);
    if (t.type == DataType::kUint8 || t.type == DataType::kInt8) t = quantized_input(t, input.name());
    nodes_.define(input.name(), t);
  }

  // A graph input of 8-bit numbers that the nodes take as quantised ones.
  Tensor quantized_input(const Tensor& t, const std::string& name) {
    const Quantization q = input_quantization(proto_, name);
    if (q.empty()) return t;
    Quantization& stored = builder_.graph.value(t.stored).quantization;
    stored = q;
    if (t.type == DataType::kInt8) return t;
    stored.zero_points[0] += 128;
    builder_.begin_node(name);
    return builder_.quantize(t, DataType::kInt8, q, "int8");
  }

  void set_source_order(const Tensor& t) {
    Shape& order = builder_.graph.value(t.stored).source_order;
    order = Shape();
    if (t.order == identity_order(t.rank())) return;
    for (int axis : t.order) order.push_back(axis);
  }

  void add_output(const ValueInfoProto& output) {
    const std::string& name = output.name();
    graph::Graph& graph = builder_.graph;
    builder_.begin_node(name);
    Tensor t = builder_.promoted(nodes_.tensor(name), name);
    // A volume stays as it is computed.
    const bool volume = t.rank() == 5 && t.order == channels_last_order(5);
    const bool reordered = volume || (t.rank() == 4 && !t.channels_last);
    t = builder_.in_order(t, reordered ? channels_last_order(t.rank()) : identity_order(t.rank()));
    t.stored = builder_.physical(t);
    Quantization q = graph.value(t.stored).quantization;
    if (!q.empty() && output.type().tensor_type().elem_type() == TensorProto::UINT8) {
      q.zero_points[0] += 128;
      t = builder_.quantize(t, DataType::kUint8, q);
    }
    const auto among = [&](const std::vector<graph::ValueId>& ids) {
      return std::find(ids.begin(), ids.end(), t.stored) != ids.end();
    };
    if (graph.value(t.stored).is_constant() || among(graph.inputs) || among(graph.outputs)) {
      t.stored = builder_.copy(t.stored);
    }
    rename(t.stored, name);
    set_source_order(t);
    graph.outputs.push_back(t.stored);
  }

  // The value gets the file's name for it; another that happens to have it gives way, unless it is an input or output.
  void rename(graph::ValueId id, const std::string& name) {
    graph::Graph& graph = builder_.graph;
    graph.value(id).name.clear();
    for (std::size_t i = 0; i < graph.values().size(); ++i) {
      const graph::ValueId other{static_cast<std::int32_t>(i)};
      if (graph.value(other).name != name) continue;
      const bool fixed = std::find(graph.inputs.begin(), graph.inputs.end(), other) != graph.inputs.end() ||
                         std::find(graph.outputs.begin(), graph.outputs.end(), other) != graph.outputs.end();
      if (!fixed) graph.value(other).name = graph.unique_value_name(name);
    }
    graph.value(id).name = graph.unique_value_name(name);
  }

  const GraphProto& proto_;
  const ImportOptions& options_;
  Builder builder_;
  NodeImporter nodes_;
};

// `folder_of`: the file beside which tensors may be kept; null: none.
graph::Graph import_model(const std::string& bytes, const std::string& name, const ImportOptions& options,
                          const std::string* folder_of) {
  ModelProto model = parse_model(bytes);
  const int opset = model_opset(model);
  if (model.functions_size() > 0)
    fail(unsupported("models with functions of their own are not supported; inline them"));
  if (folder_of != nullptr) load_external_data(model, *folder_of);
  graph::Graph graph = ModelImporter(model.graph(), opset, options).import(name);
  check(graph::verify(graph));
  return graph;
}

// Every exception ends here.
template <class Work>
Result<graph::Graph> guarded(const std::string& name, const Work& work) {
  try {
    return work();
  } catch (const ImportError& error) {
    return error.status().with_context(name);
  } catch (const std::bad_alloc&) {
    return out_of_memory("not enough memory").with_context(name);
  } catch (const std::exception& error) {
    return internal_error(error.what()).with_context(name);
  }
}

}  // namespace
}  // namespace onnx

Result<graph::Graph> import_onnx_bytes(const std::string& bytes, const std::string& name,
                                       const ImportOptions& options) {
  return onnx::guarded(name, [&] { return onnx::import_model(bytes, name, options, nullptr); });
}

Result<graph::Graph> import_onnx(const std::string& path, const ImportOptions& options) {
  return onnx::guarded(path, [&] { return onnx::import_model(onnx::read_file(path), path, options, &path); });
}

}  // namespace dotori::convert
