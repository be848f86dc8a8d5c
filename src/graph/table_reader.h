// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <dotori/status.h>
#include <dotori/task.h>
#include <dotori/tensor.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "graph/model_generated.h"
#include "graph/quantization_report.h"
#include "graph/tuning.h"

namespace dotori::graph {

// Copies texts and lists out of FlatBuffers tables that a flatbuffers::Verifier has passed. FlatBuffers lets many
// tables point at one vector, so a small file could claim a huge graph; here everything copied counts, and together it
// cannot pass four times the size of the section it came from (the writer shares names and attributes, never more). A
// null pointer is an empty list. Errors: kCorruptModel; `what` names the field.
class TableReader {
 public:
  explicit TableReader(std::size_t section_bytes) noexcept : left_(std::uint64_t{4} * section_bytes) {}

  // Counts `count` elements that lie in the file; an error when they are too many for the section.
  Status claim(const char* what, std::uint64_t count, std::size_t element_bytes);
  Status text(const char* what, const flatbuffers::String* stored, std::string* out);
  Status shape(const char* what, const flatbuffers::Vector<std::int64_t>* stored, Shape* out);

  template <class T>
  Status list(const char* what, const flatbuffers::Vector<T>* stored, std::vector<T>* out) {
    out->clear();
    if (stored == nullptr) return {};
    DOTORI_RETURN_IF_ERROR(claim(what, stored->size(), sizeof(T)));
    out->resize(stored->size());
    // The verifier checks the alignment of a vector's length only, not that of its elements.
    if (!out->empty()) std::memcpy(out->data(), stored->Data(), out->size() * sizeof(T));
    return {};
  }

 private:
  std::uint64_t left_;
};

// The task metadata. The result is not verified yet. Errors: kCorruptModel.
Status read_task(TableReader& reader, const stored::Task& stored, TaskInfo* out);

// All of it is checked, but for whether its nodes exist; their scales are left at 0. Errors: kCorruptModel.
Status read_quantization_report(TableReader& reader, const stored::QuantizationReport& stored, QuantizationReport* out);

// For a graph of `nodes` nodes. Choices that only a newer version knows are left to the estimate. Errors:
// kCorruptModel.
Status read_tuning(TableReader& reader, const stored::Tuning& stored, std::size_t nodes, bool newer_minor, Tuning* out);

}  // namespace dotori::graph
