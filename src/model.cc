// SPDX-License-Identifier: Apache-2.0
#include <dotori/model.h>

#include "graph/graph.h"
#include "graph/reader.h"
#include "graph/verify.h"

namespace dotori {

struct Model::State {
  graph::Graph graph;
  std::vector<TensorInfo> inputs, outputs;
  std::size_t file_bytes = 0;
};

namespace {

TensorInfo describe(const graph::Value& value) {
  TensorInfo info;
  info.name = value.name;
  info.type = value.type.type;
  info.shape = value.type.shape;
  info.quantization = value.quantization;
  info.source_order = value.source_order;
  return info;
}

}  // namespace

Model::Model(std::shared_ptr<const State> state) : state_(std::move(state)) {}

Result<Model> Model::from_state(std::shared_ptr<State> state) {
  for (graph::ValueId id : state->graph.inputs) state->inputs.push_back(describe(state->graph.value(id)));
  for (graph::ValueId id : state->graph.outputs) state->outputs.push_back(describe(state->graph.value(id)));
  return Model(std::move(state));
}

Result<Model> Model::load_file(const std::string& path) {
  DOTORI_ASSIGN_OR_RETURN(graph::Constant file, graph::read_file(path));
  auto state = std::make_shared<State>();
  state->file_bytes = file.size_bytes;
  DOTORI_ASSIGN_OR_RETURN(
      state->graph,
      graph::read_graph(Span<const unsigned char>(static_cast<const unsigned char*>(file.data), file.size_bytes),
                        file.owner, path));
  return from_state(std::move(state));
}

Result<Model> Model::from_memory(Span<const unsigned char> bytes, const std::string& name) {
  const graph::Constant copy = graph::make_constant(bytes.data(), bytes.size());
  if (copy.data == nullptr && !bytes.empty())
    return out_of_memory(name + ": no memory for a copy of " + std::to_string(bytes.size()) + " bytes");
  auto state = std::make_shared<State>();
  state->file_bytes = bytes.size();
  DOTORI_ASSIGN_OR_RETURN(
      state->graph,
      graph::read_graph(Span<const unsigned char>(static_cast<const unsigned char*>(copy.data), bytes.size()),
                        copy.owner, name));
  return from_state(std::move(state));
}

Result<Model> Model::from_graph(graph::Graph graph) {
  DOTORI_RETURN_IF_ERROR(graph::verify(graph));
  auto state = std::make_shared<State>();
  state->graph = std::move(graph);
  return from_state(std::move(state));
}

Span<const TensorInfo> Model::inputs() const noexcept {
  return {state_->inputs.data(), state_->inputs.size()};
}
Span<const TensorInfo> Model::outputs() const noexcept {
  return {state_->outputs.data(), state_->outputs.size()};
}
const TaskInfo& Model::task() const noexcept {
  return state_->graph.task;
}
const std::string& Model::name() const noexcept {
  return state_->graph.name;
}
std::size_t Model::file_bytes() const noexcept {
  return state_->file_bytes;
}
const graph::Graph& Model::graph() const noexcept {
  return state_->graph;
}

}  // namespace dotori
