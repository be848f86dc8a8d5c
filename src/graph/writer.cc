// SPDX-License-Identifier: Apache-2.0
#include "graph/writer.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <type_traits>

#include "graph/content_hash.h"
#include "graph/fields.h"
#include "graph/file_format.h"
#include "graph/model_generated.h"
#include "graph/verify.h"

namespace dotori::graph {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

// FlatBufferBuilder aborts at 2 GiB; half of that leaves room for its own fields.
constexpr std::uint64_t kMaxPayloadBytes = std::uint64_t{1} << 30;

// Refuses texts that the reader would refuse, and adds up what goes into the tables.
class PayloadCheck {
 public:
  Status text(const std::string& what, const std::string& text) {
    if (const char* fault = text_fault(text.data(), text.size())) return invalid_argument(what + " " + fault);
    total_ += text.size() + 64;  // with the fields of the table it names
    return {};
  }
  void add(std::size_t count, std::size_t element_bytes) { total_ += std::uint64_t{count} * element_bytes; }
  Status result() const {
    if (total_ <= kMaxPayloadBytes) return {};
    return unsupported("names and attributes of " + std::to_string(total_) + " bytes do not fit into one file");
  }

 private:
  std::uint64_t total_ = 0;
};

Status check_payload(const Graph& graph) {
  PayloadCheck check;
  DOTORI_RETURN_IF_ERROR(check.text("the network's name", graph.name));
  DOTORI_RETURN_IF_ERROR(check.text("the source", graph.source));
  for (std::size_t i = 0; i < graph.values().size(); ++i) {
    const Value& value = graph.values()[i];
    DOTORI_RETURN_IF_ERROR(check.text("the name of value " + std::to_string(i), value.name));
    check.add(value.quantization.scales.size(), sizeof(float) + sizeof(std::int32_t));
    check.add(1, 256);
  }
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    DOTORI_RETURN_IF_ERROR(check.text("the name of node " + std::to_string(i), node.name));
    check.add(node.inputs.size() + node.outputs.size(), sizeof(std::int32_t));
    check.add(1, 1024);
  }
  for (std::size_t i = 0; i < graph.task.labels.size(); ++i) {
    DOTORI_RETURN_IF_ERROR(check.text("label " + std::to_string(i), graph.task.labels[i]));
  }
  const QuantizationReport& report = graph.quantization;
  DOTORI_RETURN_IF_ERROR(check.text("the quantisation's method", report.method));
  DOTORI_RETURN_IF_ERROR(check.text("the quantisation's metric", report.metric));
  for (const QuantizedNode& node : report.nodes) {
    DOTORI_RETURN_IF_ERROR(check.text("the name of a quantised node", node.name));
    check.add(1, 64);
  }
  for (const Tuning& tuning : graph.tunings) {
    DOTORI_RETURN_IF_ERROR(check.text("a tuning's instruction set", tuning.isa));
    check.add(tuning.nodes.size(), sizeof(NodeChoice));
  }
  return check.result();
}

class TableWriter {
 public:
  // `new_index`: by value, its index in the file, -1 for constants that are left out.
  TableWriter(const Graph& graph, const std::vector<std::int32_t>& new_index) : graph_(graph), new_index_(new_index) {}

  // Adds all tables; the weights section has `weights_bytes()` bytes.
  void write() {
    std::vector<Offset<stored::Value>> values;
    for (std::size_t i = 0; i < graph_.values().size(); ++i) {
      if (new_index_[i] >= 0) values.push_back(write_value(graph_.values()[i]));
    }
    std::vector<Offset<stored::Node>> nodes;
    for (const Node& node : graph_.nodes()) nodes.push_back(write_node(node));
    const auto name = builder_.CreateString(graph_.name);
    const auto source = builder_.CreateString(graph_.source);
    const auto stored_values = builder_.CreateVector(values);
    const auto stored_nodes = builder_.CreateVector(nodes);
    const auto inputs = write_ids(graph_.inputs);
    const auto outputs = write_ids(graph_.outputs);
    const auto task = write_task(graph_.task);
    Offset<stored::QuantizationReport> report;
    if (!graph_.quantization.empty()) report = write_report(graph_.quantization);
    std::vector<Offset<stored::Tuning>> tunings;
    for (const Tuning& tuning : graph_.tunings) tunings.push_back(write_tuning(tuning));
    Offset<flatbuffers::Vector<Offset<stored::Tuning>>> stored_tunings;
    if (!tunings.empty()) stored_tunings = builder_.CreateVector(tunings);
    builder_.Finish(stored::CreateModel(builder_, name, source, stored_values, stored_nodes, inputs, outputs, task,
                                        report, stored_tunings));
  }

  Span<const unsigned char> tables() const { return {builder_.GetBufferPointer(), builder_.GetSize()}; }
  std::uint64_t weights_bytes() const { return weights_bytes_; }

 private:
  // Empty lists are left out; the reader takes a missing one as empty.
  template <class T>
  Offset<flatbuffers::Vector<T>> write_list(const T* elements, std::size_t count) {
    return count == 0 ? Offset<flatbuffers::Vector<T>>() : builder_.CreateVector(elements, count);
  }
  Offset<flatbuffers::Vector<std::int64_t>> write_shape(const Shape& shape) {
    Offset<flatbuffers::Vector<std::int64_t>>& shared = shapes_[shape.to_string()];
    if (shared.IsNull()) shared = write_list(shape.begin(), static_cast<std::size_t>(shape.rank()));
    return shared;
  }
  Offset<flatbuffers::Vector<std::int32_t>> write_ids(const std::vector<ValueId>& ids) {
    std::vector<std::int32_t> indices;
    for (ValueId id : ids) indices.push_back(id.valid() ? new_index_[static_cast<std::size_t>(id.index)] : -1);
    return builder_.CreateVector(indices);
  }

  // Of a list of scales whose lower halves are 0; empty for any other.
  static std::vector<std::uint16_t> upper_halves(const std::vector<float>& scales) {
    std::vector<std::uint16_t> upper;
    for (float scale : scales) {
      std::uint32_t bits = 0;
      std::memcpy(&bits, &scale, sizeof bits);
      if ((bits & 0xFFFF) != 0) return {};
      upper.push_back(static_cast<std::uint16_t>(bits >> 16));
    }
    return upper;
  }

  Offset<stored::Value> write_value(const Value& value) {
    const auto name = builder_.CreateSharedString(value.name);
    const auto shape = write_shape(value.type.shape);
    const auto source_order = write_shape(value.source_order);
    Offset<stored::Quantization> quantization;
    if (!(value.quantization == Quantization())) {
      const Quantization& q = value.quantization;
      const std::vector<std::uint16_t> upper = upper_halves(q.scales);
      const auto scales = write_list(q.scales.data(), upper.empty() ? q.scales.size() : 0);
      const auto upper_scales = write_list(upper.data(), upper.size());
      // A scale for each channel goes with zero points of 0; they would take up as much room as the scales.
      const bool all_zero =
          std::all_of(q.zero_points.begin(), q.zero_points.end(), [](std::int32_t z) { return z == 0; });
      const bool implied = all_zero && q.zero_points.size() == q.scales.size();
      const auto zero_points = write_list(q.zero_points.data(), implied ? 0 : q.zero_points.size());
      quantization = stored::CreateQuantization(builder_, scales, zero_points, q.axis, upper_scales);
    }
    stored::Extent extent(weights_bytes_, value.constant.size_bytes);
    if (value.is_constant()) weights_bytes_ = align_section(weights_bytes_ + value.constant.size_bytes);
    return stored::CreateValue(builder_, name, static_cast<std::uint8_t>(value.type.type), shape, quantization,
                               source_order, value.is_constant() ? &extent : nullptr);
  }

  template <class Field>
  static constexpr char kind_of() {
    return std::is_same_v<Field, Shape> ? 's' : std::is_same_v<Field, float> ? 'f' : 'i';
  }
  // Equal for equal fields.
  template <class Field>
  static std::string bits_of(const Field& field) {
    if constexpr (std::is_same_v<Field, Shape>) {
      return field.to_string();
    } else {
      return std::string(reinterpret_cast<const char*>(&field), sizeof field);
    }
  }

  Offset<stored::Node> write_node(const Node& node) {
    // What is as in a default-made operator is left out; most is.
    std::vector<std::string> defaults;
    if (const Result<Op> made = make_op(op_name(node.op)); made.ok()) {
      visit_op_fields(*made, [&](const char*, const auto& field) { defaults.push_back(bits_of(field)); });
    }
    std::size_t at = 0;
    std::vector<Offset<stored::Attribute>> attributes;
    visit_op_fields(node.op, [&](const char* name, const auto& field) {
      using Field = std::decay_t<decltype(field)>;
      const bool as_default = at < defaults.size() && bits_of(field) == defaults[at];
      ++at;
      if (as_default) return;
      // Nodes share names and whole attributes: a few serve all.
      Offset<stored::Attribute>& shared = attributes_[std::string(name) + kind_of<Field>() + bits_of(field)];
      if (shared.IsNull()) {
        const auto stored_name = builder_.CreateSharedString(name);
        if constexpr (std::is_same_v<Field, Shape>) {
          const auto list = builder_.CreateVector(field.begin(), static_cast<std::size_t>(field.rank()));
          shared = stored::CreateAttribute(builder_, stored_name, flatbuffers::nullopt, flatbuffers::nullopt, list);
        } else if constexpr (std::is_same_v<Field, float>) {
          shared = stored::CreateAttribute(builder_, stored_name, flatbuffers::nullopt, field);
        } else {
          shared = stored::CreateAttribute(builder_, stored_name, static_cast<std::int64_t>(field));
        }
      }
      attributes.push_back(shared);
    });
    const auto name = builder_.CreateSharedString(node.name);  // often its output's too
    const auto op = builder_.CreateSharedString(op_name(node.op));
    const auto stored_attributes = attributes.empty() ? Offset<flatbuffers::Vector<Offset<stored::Attribute>>>()
                                                      : builder_.CreateVector(attributes);
    const auto inputs = write_ids(node.inputs);
    const auto outputs = write_ids(node.outputs);
    return stored::CreateNode(builder_, name, op, stored_attributes, inputs, outputs);
  }

  Offset<stored::Task> write_task(const TaskInfo& task) {
    std::vector<Offset<flatbuffers::String>> labels;
    for (const std::string& label : task.labels) labels.push_back(builder_.CreateString(label));
    const auto stored_labels = builder_.CreateVector(labels);
    const Preprocess& p = task.preprocess;
    const auto mean = builder_.CreateVector(p.mean, 3);
    const auto scale = builder_.CreateVector(p.scale, 3);
    const auto preprocess =
        stored::CreatePreprocess(builder_, static_cast<std::uint8_t>(p.resize), p.crop_fraction, p.pad_value,
                                 static_cast<std::uint8_t>(p.order), mean, scale, p.image_max_norm);
    const auto classification =
        stored::CreateClassification(builder_, task.classification.output, task.classification.apply_softmax);
    const auto detection = write_detection(task.detection);
    const SegmentationInfo& s = task.segmentation;
    const auto segmentation = stored::CreateSegmentation(builder_, static_cast<std::uint8_t>(s.decoder), s.output,
                                                         s.threshold, s.min_max_norm);
    return stored::CreateTask(builder_, static_cast<std::uint8_t>(task.task), stored_labels, preprocess, classification,
                              detection, segmentation);
  }

  Offset<stored::Detection> write_detection(const DetectionInfo& d) {
    std::vector<Offset<stored::DetectionScale>> scales;
    for (const DetectionScale& scale : d.scales) {
      const auto anchors = write_list(scale.anchors.data(), scale.anchors.size());
      scales.push_back(stored::CreateDetectionScale(builder_, scale.output, scale.box_output, scale.stride, anchors));
    }
    const auto stored_scales = builder_.CreateVector(scales);
    return stored::CreateDetection(builder_, static_cast<std::uint8_t>(d.decoder), d.classes, stored_scales,
                                   d.scale_x_y, d.new_coords, d.score_threshold, d.nms_iou);
  }

  Offset<stored::QuantizationReport> write_report(const QuantizationReport& report) {
    std::vector<Offset<flatbuffers::String>> nodes;
    std::vector<std::uint8_t> bits, ranges;
    std::vector<float> sqnr_db;
    for (const QuantizedNode& n : report.nodes) {
      nodes.push_back(builder_.CreateSharedString(n.name));
      bits.push_back(static_cast<std::uint8_t>(n.bits));
      sqnr_db.push_back(n.sqnr_db);
      ranges.push_back(static_cast<std::uint8_t>(n.range));
    }
    const auto method = builder_.CreateString(report.method);
    const auto metric = builder_.CreateString(report.metric);
    const auto stored_nodes = builder_.CreateVector(nodes);
    const auto stored_bits = builder_.CreateVector(bits);
    const auto stored_sqnr = builder_.CreateVector(sqnr_db);
    const auto stored_ranges = builder_.CreateVector(ranges);
    return stored::CreateQuantizationReport(builder_, method, report.calibration_samples, metric, report.metric_samples,
                                            report.before, report.after, report.max_drop, report.bytes_before,
                                            report.bytes_after, stored_nodes, stored_bits, stored_sqnr, stored_ranges);
  }

  Offset<stored::Tuning> write_tuning(const Tuning& tuning) {
    std::vector<std::uint8_t> algorithms, links;
    for (const NodeChoice& choice : tuning.nodes) {
      algorithms.push_back(static_cast<std::uint8_t>(choice.algorithm));
      links.push_back(static_cast<std::uint8_t>(choice.link));
    }
    const auto isa = builder_.CreateString(tuning.isa);
    const auto stored_algorithms = builder_.CreateVector(algorithms);
    const auto stored_links = builder_.CreateVector(links);
    return stored::CreateTuning(builder_, isa, tuning.threads, stored_algorithms, stored_links);
  }

  const Graph& graph_;
  const std::vector<std::int32_t>& new_index_;
  FlatBufferBuilder builder_;
  std::map<std::string, Offset<stored::Attribute>> attributes_;              // by name, kind and bits
  std::map<std::string, Offset<flatbuffers::Vector<std::int64_t>>> shapes_;  // by text
  std::uint64_t weights_bytes_ = 0;
};

// By value: its index once the constants that no node reads are left out, -1 for those.
std::vector<std::int32_t> number_values(const Graph& graph) {
  std::vector<bool> read(graph.values().size(), false);
  for (const Node& node : graph.nodes()) {
    for (ValueId id : node.inputs) {
      if (id.valid()) read[static_cast<std::size_t>(id.index)] = true;
    }
  }
  std::vector<std::int32_t> numbers;
  std::int32_t next = 0;
  for (std::size_t i = 0; i < graph.values().size(); ++i) {
    numbers.push_back(graph.values()[i].is_constant() && !read[i] ? -1 : next++);
  }
  return numbers;
}

}  // namespace

Result<std::vector<unsigned char>> write_graph(const Graph& graph) {
  DOTORI_RETURN_IF_ERROR(verify(graph));
  DOTORI_RETURN_IF_ERROR(check_payload(graph));
  const std::vector<std::int32_t> new_index = number_values(graph);
  TableWriter writer(graph, new_index);
  writer.write();

  FileHeader header;
  header.tables_offset = kHeaderBytes;
  header.tables_bytes = writer.tables().size();
  header.weights_offset = align_section(header.tables_offset + header.tables_bytes);
  header.weights_bytes = writer.weights_bytes();
  header.file_bytes = header.weights_offset + header.weights_bytes;

  std::vector<unsigned char> file(static_cast<std::size_t>(header.file_bytes), 0);
  encode_header(header, file.data());
  std::memcpy(file.data() + kHeaderBytes, writer.tables().data(), writer.tables().size());
  std::size_t at = static_cast<std::size_t>(header.weights_offset);
  for (std::size_t i = 0; i < graph.values().size(); ++i) {
    const Constant& constant = graph.values()[i].constant;
    if (new_index[i] < 0 || constant.data == nullptr) continue;
    std::memcpy(file.data() + at, constant.data, constant.size_bytes);
    at += static_cast<std::size_t>(align_section(constant.size_bytes));
  }
  header.content_hash = content_hash(file);
  encode_header(header, file.data());
  return file;
}

}  // namespace dotori::graph
