// SPDX-License-Identifier: Apache-2.0
#include "graph/reader.h"

#include <cstring>
#include <limits>
#include <map>
#include <type_traits>
#include <utility>

#include "graph/content_hash.h"
#include "graph/fields.h"
#include "graph/file_format.h"
#include "graph/table_reader.h"
#include "graph/verify.h"

namespace dotori::graph {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "constants are used as they lie in the file");

constexpr std::size_t kMaxCount = 65536;                                 // as verify()
constexpr std::size_t kTableBytes = 2 * sizeof(flatbuffers::uoffset_t);  // the least a table in a vector takes up

Status wrong_kind(const char* expected) {
  return corrupt_model(std::string("must be ") + expected);
}

// `value` in [low, high], from an attribute that holds a number and nothing else.
Status read_integer(const stored::Attribute& stored, const char* expected, std::int64_t low, std::int64_t high,
                    std::int64_t* value) {
  if (!stored.integer() || stored.real() || stored.list() != nullptr) return wrong_kind(expected);
  *value = *stored.integer();
  if (*value < low || *value > high) {
    return corrupt_model("must be in [" + std::to_string(low) + ", " + std::to_string(high) + "], found " +
                         std::to_string(*value));
  }
  return {};
}

Status read_field(TableReader&, const stored::Attribute& stored, int& field) {
  std::int64_t value = 0;
  DOTORI_RETURN_IF_ERROR(
      read_integer(stored, "a whole number", std::numeric_limits<int>::min(), std::numeric_limits<int>::max(), &value));
  field = static_cast<int>(value);
  return {};
}

Status read_field(TableReader&, const stored::Attribute& stored, bool& field) {
  std::int64_t value = 0;
  DOTORI_RETURN_IF_ERROR(read_integer(stored, "a boolean", 0, 1, &value));
  field = value != 0;
  return {};
}

template <class E, class = std::enable_if_t<is_enum_field<E>>>
Status read_field(TableReader&, const stored::Attribute& stored, E& field) {
  std::int64_t value = 0;
  DOTORI_RETURN_IF_ERROR(read_integer(stored, "an enumerator", 0, enum_field_count<E> - 1, &value));
  field = static_cast<E>(value);
  return {};
}

Status read_field(TableReader&, const stored::Attribute& stored, float& field) {
  if (stored.integer() || !stored.real() || stored.list() != nullptr) return wrong_kind("a float");
  field = *stored.real();
  return {};
}

Status read_field(TableReader& reader, const stored::Attribute& stored, Shape& field) {
  if (stored.integer() || stored.real() || stored.list() == nullptr) return wrong_kind("a list of whole numbers");
  return reader.shape("the list", stored.list(), &field);
}

bool same_name(const flatbuffers::String* stored, const char* name) {
  return stored->size() == std::strlen(name) && std::memcmp(stored->data(), name, stored->size()) == 0;
}

// The graph of one file's tables; used once.
class GraphReader {
 public:
  GraphReader(std::size_t tables_bytes, Span<const unsigned char> weights, std::shared_ptr<const void> owner,
              bool newer_minor)
      : reader_(tables_bytes), weights_(weights), owner_(std::move(owner)), newer_minor_(newer_minor) {}

  Status read(const stored::Model& stored, Graph* graph) {
    const std::size_t values = stored.values()->size(), nodes = stored.nodes()->size();
    if (values > kMaxCount || nodes > kMaxCount) {
      return corrupt_model("the file has " + std::to_string(values) + " values and " + std::to_string(nodes) +
                           " nodes, at most " + std::to_string(kMaxCount) + " of each are possible");
    }
    DOTORI_RETURN_IF_ERROR(reader_.text("the network's name", stored.name(), &graph->name));
    DOTORI_RETURN_IF_ERROR(reader_.text("the source", stored.source(), &graph->source));
    DOTORI_RETURN_IF_ERROR(reader_.claim("values", values, kTableBytes));
    DOTORI_RETURN_IF_ERROR(reader_.claim("nodes", nodes, kTableBytes));
    for (std::size_t i = 0; i < values; ++i) {
      Value value;
      DOTORI_RETURN_IF_ERROR(read_value(*stored.values()->Get(static_cast<flatbuffers::uoffset_t>(i)), &value)
                                 .with_context("value " + std::to_string(i)));
      graph->add_value(std::move(value));
    }
    if (weights_used_ != weights_.size()) {
      return corrupt_model(std::to_string(weights_.size() - weights_used_) + " bytes of weights belong to no constant");
    }
    for (std::size_t i = 0; i < nodes; ++i) {
      Node node;
      DOTORI_RETURN_IF_ERROR(read_node(*stored.nodes()->Get(static_cast<flatbuffers::uoffset_t>(i)), values, &node)
                                 .with_context("node " + std::to_string(i)));
      graph->nodes().push_back(std::move(node));
    }
    DOTORI_RETURN_IF_ERROR(read_ids("graph inputs", stored.inputs(), 0, values, &graph->inputs));
    DOTORI_RETURN_IF_ERROR(read_ids("graph outputs", stored.outputs(), 0, values, &graph->outputs));
    DOTORI_RETURN_IF_ERROR(read_task(reader_, *stored.task(), &graph->task).with_context("task"));
    if (stored.quantization() != nullptr) {
      DOTORI_RETURN_IF_ERROR(read_quantization_report(reader_, *stored.quantization(), &graph->quantization)
                                 .with_context("quantisation report"));
      fill_scales(*graph);
    }
    if (stored.tunings() == nullptr) return {};
    DOTORI_RETURN_IF_ERROR(reader_.claim("tunings", stored.tunings()->size(), kTableBytes));
    for (const stored::Tuning* stored_tuning : *stored.tunings()) {
      Tuning tuning;
      DOTORI_RETURN_IF_ERROR(read_tuning(reader_, *stored_tuning, nodes, newer_minor_, &tuning).with_context("tuning"));
      for (const Tuning& other : graph->tunings)
        if (other.isa == tuning.isa) return corrupt_model("there are two tunings for " + tuning.isa);
      graph->tunings.push_back(std::move(tuning));
    }
    return {};
  }

 private:
  // Of the report's nodes, from what they write.
  static void fill_scales(Graph& graph) {
    std::map<std::string, const Quantization*> by_name;
    for (const Node& node : graph.nodes()) {
      if (!node.outputs.empty()) by_name[node.name] = &graph.value(node.outputs[0]).quantization;
    }
    for (QuantizedNode& node : graph.quantization.nodes) {
      const auto found = by_name.find(node.name);
      if (found == by_name.end() || found->second->scales.size() != 1) continue;
      if (found->second->zero_points.size() != 1) continue;
      node.scale = found->second->scales[0];
      node.zero_point = found->second->zero_points[0];
    }
  }

  Status read_upper_scales(const stored::Quantization& stored, std::vector<float>* scales) {
    if (!scales->empty()) return corrupt_model("there are scales and upper halves of scales");
    std::vector<std::uint16_t> upper;
    DOTORI_RETURN_IF_ERROR(reader_.list("the scales", stored.upper_scales(), &upper));
    for (std::uint16_t half : upper) {
      const std::uint32_t bits = static_cast<std::uint32_t>(half) << 16;
      float scale = 0;
      std::memcpy(&scale, &bits, sizeof scale);
      scales->push_back(scale);
    }
    return {};
  }

  Status read_value(const stored::Value& stored, Value* value) {
    DOTORI_RETURN_IF_ERROR(reader_.text("the name", stored.name(), &value->name));
    if (stored.type() >= static_cast<std::uint8_t>(DataType::kCount)) {
      return corrupt_model("there is no data type " + std::to_string(stored.type()));
    }
    value->type.type = static_cast<DataType>(stored.type());
    DOTORI_RETURN_IF_ERROR(reader_.shape("the shape", stored.shape(), &value->type.shape));
    DOTORI_RETURN_IF_ERROR(reader_.shape("the source order", stored.source_order(), &value->source_order));
    if (const stored::Quantization* q = stored.quantization()) {
      DOTORI_RETURN_IF_ERROR(reader_.list("the scales", q->scales(), &value->quantization.scales));
      if (q->upper_scales() != nullptr) {
        DOTORI_RETURN_IF_ERROR(read_upper_scales(*q, &value->quantization.scales));
      }
      DOTORI_RETURN_IF_ERROR(reader_.list("the zero points", q->zero_points(), &value->quantization.zero_points));
      value->quantization.axis = q->axis();
      if (q->zero_points() == nullptr) value->quantization.zero_points.assign(value->quantization.scales.size(), 0);
    }
    if (stored.constant() == nullptr) return {};
    return read_constant(*stored.constant(), value).with_context("constant '" + value->name + "'");
  }

  // Constants lie in the order of their values, each at the next multiple of 64: no overlap, nothing hidden between
  // them.
  Status read_constant(const stored::Extent& extent, Value* value) {
    const Result<std::int64_t> elements = value->type.shape.checked_elements();
    if (!elements.ok()) return elements.status();
    const std::uint64_t size = static_cast<std::uint64_t>(*elements) * data_type_bytes(value->type.type);
    if (extent.size() != size) {
      return corrupt_model(std::string(data_type_name(value->type.type)) + " " + value->type.shape.to_string() +
                           " needs " + std::to_string(size) + " bytes, found " + std::to_string(extent.size()));
    }
    if (extent.offset() != weights_used_) {
      return corrupt_model("must be at byte " + std::to_string(weights_used_) + " of the weights, found " +
                           std::to_string(extent.offset()));
    }
    // The section is a multiple of 64 long, so what fits, fits with its padding.
    if (size > weights_.size() - weights_used_) {
      return corrupt_model("its " + std::to_string(size) + " bytes reach beyond the weights");
    }
    const unsigned char* data = weights_.data() + weights_used_;
    const std::uint64_t padded = align_section(size);
    if (!all_zero(data + size, padded - size)) return corrupt_model("the padding behind it is not zero");
    if (value->type.type == DataType::kBool) {
      for (std::uint64_t i = 0; i < size; ++i) {
        if (data[i] > 1) return corrupt_model("a boolean must be 0 or 1, found " + std::to_string(data[i]));
      }
    }
    value->constant = {owner_, data, static_cast<std::size_t>(size)};
    weights_used_ += static_cast<std::size_t>(padded);
    return {};
  }

  Status read_node(const stored::Node& stored, std::size_t values, Node* node) {
    DOTORI_RETURN_IF_ERROR(reader_.text("the name", stored.name(), &node->name));
    std::string op;
    DOTORI_RETURN_IF_ERROR(reader_.text("the operator", stored.op(), &op));
    Result<Op> made = make_op(op);
    if (!made.ok()) return made.status().with_context("'" + node->name + "'");
    node->op = std::move(*made);
    DOTORI_RETURN_IF_ERROR(read_attributes(stored, &node->op).with_context(op + " '" + node->name + "'"));
    DOTORI_RETURN_IF_ERROR(read_ids("its inputs", stored.inputs(), -1, values, &node->inputs));
    return read_ids("its outputs", stored.outputs(), 0, values, &node->outputs);
  }

  // One that is absent is as in a default-made operator; none is unknown or there twice.
  Status read_attributes(const stored::Node& stored, Op* op) {
    const std::size_t count = stored.attributes() == nullptr ? 0 : stored.attributes()->size();
    DOTORI_RETURN_IF_ERROR(reader_.claim("attributes", count, kTableBytes));
    Status status;
    std::size_t known = 0;
    visit_op_fields(*op, [&](const char* name, auto& field) {
      const stored::Attribute* found = nullptr;
      std::size_t times = 0;
      for (std::size_t i = 0; i < count && times < 2; ++i) {
        const stored::Attribute* candidate = stored.attributes()->Get(static_cast<flatbuffers::uoffset_t>(i));
        if (!same_name(candidate->name(), name)) continue;
        found = candidate;
        ++times;
      }
      if (!status.ok()) return;
      if (times == 1) {
        ++known;
        status = read_field(reader_, *found, field).with_context(std::string("attribute '") + name + "'");
      } else if (times == 2) {
        status = corrupt_model(std::string("attribute '") + name + "' is there twice");
      }
    });
    DOTORI_RETURN_IF_ERROR(status);
    if (count == known) return {};
    const std::string message =
        std::to_string(count - known) + " of " + std::to_string(count) + " attributes are unknown";
    return newer_minor_ ? unsupported(message + "; the file comes from a newer Dotori") : corrupt_model(message);
  }

  // Indices in [low, values).
  Status read_ids(const char* what, const flatbuffers::Vector<std::int32_t>* stored, std::int32_t low,
                  std::size_t values, std::vector<ValueId>* out) {
    std::vector<std::int32_t> indices;
    DOTORI_RETURN_IF_ERROR(reader_.list(what, stored, &indices));
    out->reserve(indices.size());
    for (std::int32_t index : indices) {
      if (index < low || index >= static_cast<std::int64_t>(values)) {
        return corrupt_model(std::string(what) + " refer to value " + std::to_string(index) + " of " +
                             std::to_string(values));
      }
      out->push_back({index});
    }
    return {};
  }

  TableReader reader_;
  Span<const unsigned char> weights_;
  std::size_t weights_used_ = 0;
  std::shared_ptr<const void> owner_;
  bool newer_minor_;
};

std::string hash_text(std::uint64_t hash) {
  std::string text(16, '0');
  for (std::size_t i = 0; i < 16; ++i) text[i] = "0123456789abcdef"[hash >> (60 - 4 * i) & 15];
  return text;
}

Result<Graph> read(Span<const unsigned char> bytes, std::shared_ptr<const void> owner, bool check_hash) {
  DOTORI_ASSIGN_OR_RETURN(const FileHeader header, decode_header(bytes));
  if (check_hash) {
    const std::uint64_t found = content_hash(bytes);
    if (found != header.content_hash) {
      return corrupt_model("the file is damaged: its content hash is " + hash_text(found) + ", the header says " +
                           hash_text(header.content_hash));
    }
  }
  // decode_header() has checked that these fit into `bytes`, hence into size_t.
  const unsigned char* tables = bytes.data() + header.tables_offset;
  const std::size_t tables_bytes = static_cast<std::size_t>(header.tables_bytes);
  flatbuffers::Verifier::Options limits;
  limits.max_depth = 16;
  // A table that is shared counts each time, and takes up an offset at least.
  limits.max_tables = static_cast<flatbuffers::uoffset_t>(tables_bytes / sizeof(flatbuffers::uoffset_t) + 1);
  flatbuffers::Verifier verifier(tables, tables_bytes, limits);
  if (!stored::VerifyModelBuffer(verifier)) return corrupt_model("the tables are damaged (FlatBuffers verification)");

  const Span<const unsigned char> weights(bytes.data() + header.weights_offset,
                                          static_cast<std::size_t>(header.weights_bytes));
  Graph graph;
  GraphReader reader(tables_bytes, weights, std::move(owner), header.minor_version > kFormatMinor);
  DOTORI_RETURN_IF_ERROR(reader.read(*stored::GetModel(tables), &graph));
  DOTORI_RETURN_IF_ERROR(verify(graph));
  return graph;
}

Result<Graph> read_named(Span<const unsigned char> bytes, std::shared_ptr<const void> owner, const std::string& name,
                         bool check_hash) {
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % kSectionAlignment != 0) {
    return invalid_argument(name + ": the model's bytes must be aligned to " + std::to_string(kSectionAlignment));
  }
  Result<Graph> graph = read(bytes, std::move(owner), check_hash);
  if (graph.ok()) return graph;
  // What verify() calls an invalid argument is, in a file, damage.
  Status status = graph.status();
  if (status.code() == StatusCode::kInvalidArgument) status = corrupt_model(status.message());
  return status.with_context(name);
}

}  // namespace

Result<Graph> read_graph(Span<const unsigned char> bytes, std::shared_ptr<const void> owner, const std::string& name) {
  return read_named(bytes, std::move(owner), name, true);
}

Result<Graph> read_graph_unhashed(Span<const unsigned char> bytes, std::shared_ptr<const void> owner,
                                  const std::string& name) {
  return read_named(bytes, std::move(owner), name, false);
}

}  // namespace dotori::graph
