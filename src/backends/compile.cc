// SPDX-License-Identifier: Apache-2.0
// Graph -> Plan: who runs what, which values share memory, a step for each node or region, offsets for everything.
#include <algorithm>
#include <cstdlib>
#include <new>

#include "backends/backend.h"
#include "backends/cpu/row_chains.h"
#include "backends/float_environment.h"

namespace dotori::backends {
namespace {

using graph::Graph;
using graph::Node;
using graph::ValueId;

constexpr int kNever = -1;

std::size_t value_bytes(const graph::Value& value) {
  return static_cast<std::size_t>(value.type.shape.elements()) * data_type_bytes(value.type.type);
}

// Which values share one buffer, and for how long it lives, in steps. A value starts in a buffer of its own; reshape
// joins its output to its input, and an element-wise node takes over the buffer of an input that nobody needs
// afterwards. Values inside a region have no buffer: its backend keeps them. A region's inputs and outputs share
// nothing, as their order in time is the backend's. Values inside a chain have none either.
class BufferSharing {
 public:
  BufferSharing(const Graph& graph, const Partition& partition)
      : graph_(graph), steps_(static_cast<int>(partition.schedule.size())) {
    const std::size_t n = graph.values().size();
    group_.resize(n);
    first_.assign(n, kNever);
    last_.assign(n, kNever);
    pinned_.assign(n, false);
    for (std::size_t v = 0; v < n; ++v) group_[v] = static_cast<int>(v);
    for (ValueId id : graph.inputs) {
      first_[at(id)] = 0;
      last_[at(id)] = steps_;  // an input keeps its contents, so that run() can be called again on it
      pinned_[at(id)] = true;
    }
    for (int step = 0; step < steps_; ++step) {
      const Unit& unit = partition.schedule[static_cast<std::size_t>(step)];
      const NodeRegion* region = unit.region < 0 ? nullptr : &partition.regions[static_cast<std::size_t>(unit.region)];
      const Node& node = graph.node(unit.node);
      const graph::NodeId first =
          unit.chain < 0 ? unit.node : partition.chains[static_cast<std::size_t>(unit.chain)].front();
      for (ValueId id : region != nullptr ? region->inputs : graph.node(first).inputs)
        if (id.valid()) last_[at(id)] = std::max(last_[at(id)], step);
      for (ValueId id : region != nullptr ? region->outputs : node.outputs) {
        first_[at(id)] = step;
        last_[at(id)] = std::max(last_[at(id)], step);
      }
    }
    for (ValueId id : graph.outputs) {
      last_[at(id)] = steps_;
      pinned_[at(id)] = true;
    }
    for (int step = 0; step < steps_; ++step) {
      const Unit& unit = partition.schedule[static_cast<std::size_t>(step)];
      if (unit.region < 0) share(step, graph.node(unit.node));
    }
  }

  bool has_buffer(ValueId id) const { return first_[at(id)] != kNever; }
  int group(ValueId id) const { return group_[at(id)]; }
  int first_step(int group) const { return first_[static_cast<std::size_t>(group)]; }
  int last_step(int group) const { return last_[static_cast<std::size_t>(group)]; }

 private:
  static std::size_t at(ValueId id) { return static_cast<std::size_t>(id.index); }

  void share(int step, const Node& node) {
    const ValueId out = node.outputs[0];
    if (std::holds_alternative<graph::Reshape>(node.op)) {
      if (has_buffer(node.inputs[0])) join(out, group(node.inputs[0]));
      return;
    }
    const bool in_place =
        std::holds_alternative<graph::Unary>(node.op) || std::holds_alternative<graph::Binary>(node.op);
    if (!in_place) return;
    for (ValueId id : node.inputs) {
      if (!has_buffer(id) || !(graph_.value(id).type == graph_.value(out).type)) continue;
      const int g = group(id);
      if (pinned_[static_cast<std::size_t>(g)] || last_step(g) != step || other_input_in_group(node, id, g)) continue;
      join(out, g);
      return;
    }
  }

  // A second operand that is a different view of the same memory would be read after it was overwritten.
  bool other_input_in_group(const Node& node, ValueId chosen, int g) const {
    for (ValueId id : node.inputs)
      if (id.valid() && id != chosen && has_buffer(id) && group(id) == g) return true;
    return false;
  }

  void join(ValueId out, int g) {
    const std::size_t from = at(out), to = static_cast<std::size_t>(g);
    group_[from] = g;
    last_[to] = std::max(last_[to], last_[from]);
    if (pinned_[from]) pinned_[to] = true;
  }

  const Graph& graph_;
  int steps_;
  std::vector<int> group_;
  std::vector<int> first_, last_;  // by value; those of a group's first value stand for the group
  std::vector<bool> pinned_;
};

class NodeCompiler final : public CompileContext {
 public:
  NodeCompiler(const Graph& graph, const CompileOptions& options, Plan& plan,
               std::vector<graph::BufferLifetime>& buffers)
      : CompileContext(options),
        graph_(graph),
        plan_(plan),
        buffers_(buffers),
        tuning_(graph::tuning_for(graph, kernels::isa_name(options.isa))) {}

  void start(int step, graph::NodeId node) {
    step_ = step;
    node_ = node;
    if (tuning_ != nullptr) choice_ = tuning_->nodes[static_cast<std::size_t>(node.index)];
  }

  const Graph& graph() const noexcept override { return graph_; }
  const Node& node() const noexcept override { return graph_.node(node_); }
  BufferRef input(int i) const noexcept override {
    return has_input(i) ? ref(node().inputs[static_cast<std::size_t>(i)]) : BufferRef();
  }
  BufferRef output(int i) const noexcept override { return ref(node().outputs[static_cast<std::size_t>(i)]); }

  BufferRef book_scratch(std::size_t size_bytes) override {
    BufferRef scratch;
    scratch.space = BufferRef::Space::kArena;
    scratch.index = static_cast<std::int32_t>(buffers_.size());
    buffers_.push_back({size_bytes, step_, step_});
    return scratch;
  }

  void* allocate_packed(std::size_t size_bytes) override {
    void* writable = nullptr;
    if (size_bytes > options().max_memory_bytes - plan_.packed_bytes) return nullptr;
    graph::Constant block = graph::allocate_constant(std::max<std::size_t>(size_bytes, 1), &writable);
    if (writable == nullptr) return nullptr;
    plan_.packed_bytes += size_bytes;
    plan_.packed.push_back(std::move(block));
    return writable;
  }

  BufferRef ref(ValueId id) const noexcept {
    BufferRef r;
    const std::int32_t buffer = plan_.value_buffers[static_cast<std::size_t>(id.index)];
    if (buffer >= 0) {
      r.space = BufferRef::Space::kArena;
      r.index = buffer;
    } else {
      r.space = BufferRef::Space::kConstant;
      r.constant = graph_.value(id).constant.data;
    }
    return r;
  }

 private:
  void emit_step(std::string kernel, std::int64_t macs, std::unique_ptr<StepBody> body) override {
    Step step;
    step.body = std::move(body);
    step.node = node_;
    step.kernel = std::move(kernel);
    step.macs = macs;
    step.others = std::move(others_);
    others_.clear();
    plan_.steps.push_back(std::move(step));
  }

  const Graph& graph_;
  Plan& plan_;
  std::vector<graph::BufferLifetime>& buffers_;
  const graph::Tuning* tuning_;
  int step_ = 0;
  graph::NodeId node_;
};

// A buffer for each group of values; returns their lifetimes in the order of the plan's buffers.
std::vector<graph::BufferLifetime> place_values(const Graph& graph, Plan& plan) {
  const BufferSharing sharing(graph, plan.partition);
  std::vector<graph::BufferLifetime> buffers;
  std::vector<std::int32_t> buffer_of_group(graph.values().size(), -1);
  plan.value_buffers.assign(graph.values().size(), -1);
  for (std::size_t v = 0; v < graph.values().size(); ++v) {
    const ValueId id{static_cast<std::int32_t>(v)};
    if (!sharing.has_buffer(id)) continue;
    std::int32_t& buffer = buffer_of_group[static_cast<std::size_t>(sharing.group(id))];
    const std::size_t bytes = value_bytes(graph.value(id));
    if (buffer < 0) {
      buffer = static_cast<std::int32_t>(buffers.size());
      buffers.push_back({bytes, sharing.first_step(sharing.group(id)), sharing.last_step(sharing.group(id))});
    }
    graph::BufferLifetime& lifetime = buffers[static_cast<std::size_t>(buffer)];
    lifetime.size_bytes = std::max(lifetime.size_bytes, bytes);
    plan.value_buffers[v] = buffer;
  }
  return buffers;
}

// Asks the backend about every node and divides the graph by its answers; joins what runs better together on the CPU.
Status divide(const Graph& graph, const Backend* backend, const CompileOptions& options, Plan& plan) {
  const std::size_t nodes = graph.nodes().size();
  std::vector<bool> taken(nodes);
  plan.refusals.resize(nodes);
  for (std::size_t n = 0; n < nodes && backend != nullptr; ++n) {
    const Status answer = backend->supports(NodeView(graph, static_cast<int>(n)));
    if (!answer.ok() && answer.code() != StatusCode::kUnsupported)
      return answer.with_context(std::string("backend '") + backend->name() + "'")
          .with_context(graph::describe_node(graph, graph.nodes()[n]));
    taken[n] = answer.ok();
    plan.refusals[n] = answer.message();
  }
  plan.backend = backend != nullptr ? backend->name() : nullptr;
  plan.partition = partition(graph, taken);
  std::vector<bool> free(nodes);
  for (std::size_t n = 0; n < nodes; ++n) free[n] = plan.partition.region_of_node[n] < 0;
  cpu::RowChains chains = cpu::row_chains(graph, free, options);
  join_chains(std::move(chains.chains), plan.partition);
  plan.chain_ends = std::move(chains.ends);
  for (std::size_t n = 0; n < nodes; ++n)
    if (taken[n] && plan.partition.region_of_node[n] < 0)
      plan.refusals[n] = "a reshape at the edge of a region costs nothing on the CPU";
  return {};
}

Status compile_on_cpu(const Graph& graph, graph::NodeId id, NodeCompiler& compiler, Plan& plan) {
  const Node& node = graph.node(id);
  const std::size_t steps_before = plan.steps.size();
  if (const Status status = compile_cpu_node(compiler); !status.ok())
    return status.with_context(graph::describe_node(graph, node));
  if (plan.steps.size() != steps_before + 1)
    return internal_error(graph::describe_node(graph, node) + ": " + std::to_string(plan.steps.size() - steps_before) +
                          " steps were emitted, expected 1");
  if (const std::string& end = plan.chain_ends[static_cast<std::size_t>(id.index)]; !end.empty()) {
    std::string& others = plan.steps.back().others;
    others += (others.empty() ? "" : "; ") + ("chain with the next layer: " + end);
  }
  if (std::holds_alternative<graph::Reshape>(node.op) &&
      plan.value_buffers[static_cast<std::size_t>(node.inputs[0].index)] ==
          plan.value_buffers[static_cast<std::size_t>(node.outputs[0].index)]) {
    plan.steps.back().body.reset();
    plan.steps.back().kernel = "alias";
  }
  return {};
}

Status compile_chain(const Graph& graph, int s, const Unit& unit, NodeCompiler& compiler, Plan& plan) {
  cpu::RowChain chain;
  for (graph::NodeId id : plan.partition.chains[static_cast<std::size_t>(unit.chain)]) {
    compiler.start(s, id);
    if (const Status status = chain.add(compiler); !status.ok())
      return status.with_context(graph::describe_node(graph, graph.node(id)));
  }
  DOTORI_RETURN_IF_ERROR(chain.finish(compiler));
  plan.steps.back().chain = unit.chain;
  return {};
}

class RegionStep final : public StepBody {
 public:
  RegionStep(std::unique_ptr<Region> region, std::vector<BufferRef> inputs, std::vector<BufferRef> outputs)
      : region_(std::move(region)), inputs_(std::move(inputs)), outputs_(std::move(outputs)) {}
  Status bind(const RunContext& context) override {
    std::vector<const void*> inputs;
    std::vector<void*> outputs;
    for (const BufferRef& ref : inputs_) inputs.push_back(context.read<void>(ref));
    for (const BufferRef& ref : outputs_) outputs.push_back(context.write<void>(ref));
    return region_->bind(Span<const void* const>(inputs.data(), inputs.size()),
                         Span<void* const>(outputs.data(), outputs.size()));
  }
  void run(const RunContext& context) const noexcept override {
    if (Status status = region_->run(); !status.ok()) context.fail(std::move(status));
  }

 private:
  std::unique_ptr<Region> region_;
  std::vector<BufferRef> inputs_, outputs_;
};

Status compile_region(const Graph& graph, const Backend& backend, const Unit& unit, NodeCompiler& compiler,
                      Plan& plan) {
  const NodeRegion& region = plan.partition.regions[static_cast<std::size_t>(unit.region)];
  std::vector<NodeView> nodes;
  std::vector<ValueView> inputs, outputs;
  std::vector<BufferRef> input_refs, output_refs;
  Step step;
  for (graph::NodeId id : region.nodes) {
    nodes.emplace_back(graph, id.index);
    step.macs += graph::node_macs(graph, graph.node(id));
  }
  for (ValueId id : region.inputs) {
    inputs.emplace_back(graph, id.index);
    input_refs.push_back(compiler.ref(id));
  }
  for (ValueId id : region.outputs) {
    outputs.emplace_back(graph, id.index);
    output_refs.push_back(compiler.ref(id));
  }
  RegionRequest request;
  request.nodes = Span<const NodeView>(nodes.data(), nodes.size());
  request.inputs = Span<const ValueView>(inputs.data(), inputs.size());
  request.outputs = Span<const ValueView>(outputs.data(), outputs.size());
  request.num_threads = compiler.options().num_threads;
  request.session = &plan.backend_session;
  Result<std::unique_ptr<Region>> compiled = backend.compile_region(request);
  if (!compiled.ok())
    return compiled.status().with_context(std::string("backend '") + backend.name() + "', " +
                                          std::to_string(nodes.size()) + " nodes from '" + nodes.front().name() +
                                          "' to '" + nodes.back().name() + "'");
  plan.packed_bytes += (*compiled)->memory_bytes();
  if (plan.packed_bytes > compiler.options().max_memory_bytes)
    return out_of_memory("the regions of backend '" + std::string(backend.name()) + "' and the packed weights need " +
                         std::to_string(plan.packed_bytes) + " bytes so far, allowed are " +
                         std::to_string(compiler.options().max_memory_bytes));
  step.body = std::make_unique<RegionStep>(std::move(*compiled), std::move(input_refs), std::move(output_refs));
  step.node = unit.node;
  step.region = unit.region;
  step.kernel = backend.name();
  plan.steps.push_back(std::move(step));
  return {};
}

}  // namespace

Result<Plan> compile(const Graph& graph, const CompileOptions& options, const Backend* backend) {
  Plan plan;
  DOTORI_RETURN_IF_ERROR(divide(graph, backend, options, plan));
  std::vector<graph::BufferLifetime> buffers = place_values(graph, plan);
  NodeCompiler compiler(graph, options, plan, buffers);
  for (std::size_t s = 0; s < plan.partition.schedule.size(); ++s) {
    const Unit& unit = plan.partition.schedule[s];
    compiler.start(static_cast<int>(s), unit.node);
    if (unit.chain >= 0) {
      DOTORI_RETURN_IF_ERROR(compile_chain(graph, static_cast<int>(s), unit, compiler, plan));
    } else if (unit.region >= 0) {
      DOTORI_RETURN_IF_ERROR(compile_region(graph, *backend, unit, compiler, plan));
    } else {
      DOTORI_RETURN_IF_ERROR(compile_on_cpu(graph, unit.node, compiler, plan));
    }
  }
  graph::MemoryPlan memory = graph::plan_memory(Span<const graph::BufferLifetime>(buffers.data(), buffers.size()));
  if (memory.arena_bytes > options.max_memory_bytes - plan.packed_bytes)
    return out_of_memory("the network needs " + std::to_string(memory.arena_bytes) + " bytes of working memory and " +
                         std::to_string(plan.packed_bytes) + " of packed weights, allowed are " +
                         std::to_string(options.max_memory_bytes) + " together");
  plan.buffer_offsets = std::move(memory.offsets);
  plan.buffers = std::move(buffers);
  plan.arena_bytes = memory.arena_bytes;
  return plan;
}

Result<graph::Constant> evaluate_node(const Graph& graph, const Node& node) {
  Graph single;
  std::vector<ValueId> inputs;
  for (ValueId id : node.inputs) inputs.push_back(id.valid() ? single.add_value(graph.value(id)) : ValueId());
  DOTORI_ASSIGN_OR_RETURN(ValueId output, single.add_node(node.name, node.op, inputs));
  single.value(output).quantization = graph.value(node.outputs[0]).quantization;
  single.outputs.push_back(output);

  CompileOptions options;
  options.isa = kernels::kIsaNone;
  DOTORI_ASSIGN_OR_RETURN(Plan plan, compile(single, options));
  void* arena = nullptr;
  const graph::Constant arena_owner = graph::allocate_constant(std::max<std::size_t>(plan.arena_bytes, 64), &arena);
  if (arena == nullptr) return out_of_memory("no memory to fold node '" + node.name + "'");
  DOTORI_ASSIGN_OR_RETURN(std::unique_ptr<ThreadPool> pool, ThreadPool::create(1));
  const RunContext context(*pool, static_cast<unsigned char*>(arena), plan.buffer_offsets.data());
  {
    const DefaultFloatEnvironment environment;
    for (const Step& step : plan.steps)
      if (step.body) step.body->run(context);
  }
  const std::int32_t buffer = plan.value_buffers[static_cast<std::size_t>(output.index)];
  const void* data = static_cast<unsigned char*>(arena) + plan.buffer_offsets[static_cast<std::size_t>(buffer)];
  return graph::make_constant(data, value_bytes(single.value(output)));
}

}  // namespace dotori::backends
