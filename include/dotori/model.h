// SPDX-License-Identifier: Apache-2.0
// Model: a verified network, ready to be run by any number of sessions.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <dotori/span.h>
#include <dotori/status.h>
#include <dotori/task.h>
#include <dotori/tensor.h>

namespace dotori {

namespace graph {
class Graph;
}

// Immutable after loading; a copy is a reference to the same network. Safe to share between threads.
class Model {
 public:
  // Reads and verifies a .dtr file. Errors: kNotFound, kIoError, kCorruptModel, kUnsupported (a newer format),
  // kOutOfMemory. The file may be deleted afterwards.
  static Result<Model> load_file(const std::string& path);
  // The same from memory; the bytes are copied. `name` stands in error messages.
  static Result<Model> from_memory(Span<const unsigned char> bytes, const std::string& name = "model");
  // Takes a graph built in memory (verified first).
  static Result<Model> from_graph(graph::Graph graph);

  // Valid as long as a copy of this Model lives.
  Span<const TensorInfo> inputs() const noexcept;
  Span<const TensorInfo> outputs() const noexcept;
  const TaskInfo& task() const noexcept;
  const std::string& name() const noexcept;
  // Bytes of the file or memory block it came from; 0 for from_graph.
  std::size_t file_bytes() const noexcept;
  const graph::Graph& graph() const noexcept;

 private:
  struct State;
  explicit Model(std::shared_ptr<const State> state);
  static Result<Model> from_state(std::shared_ptr<State> state);
  std::shared_ptr<const State> state_;
};

}  // namespace dotori
