// SPDX-License-Identifier: Apache-2.0
// Plan: what run() executes: steps over one arena, with packed weights. CompileContext: how an operator becomes a step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <dotori/status.h>

#include "backends/partition.h"
#include "backends/thread_pool.h"
#include "graph/graph.h"
#include "graph/memory_plan.h"
#include "kernels/isa.h"

namespace dotori::backends {

// Where a tensor or a scratch block lies at run time. Resolved through RunContext; a plain value, captured by steps.
struct BufferRef {
  enum class Space : std::uint8_t { kNone, kArena, kConstant };
  Space space = Space::kNone;
  std::int32_t index = -1;         // kArena: index of the planned buffer
  const void* constant = nullptr;  // kConstant
  bool valid() const noexcept { return space != Space::kNone; }
};

// What a step sees while it runs. Valid only during the call.
class RunContext {
 public:
  // `failure`, where not null, receives the last failure of a step.
  RunContext(ThreadPool& pool, unsigned char* arena, const std::size_t* offsets, Status* failure = nullptr) noexcept
      : pool_(pool), arena_(arena), offsets_(offsets), failure_(failure) {}
  ThreadPool& pool() const noexcept { return pool_; }
  // For steps of other backends; those of the CPU cannot fail.
  void fail(Status status) const noexcept {
    if (failure_ != nullptr) *failure_ = std::move(status);
  }
  // Reading and writing: null for an invalid ref. Constants must not be written.
  template <class T>
  const T* read(BufferRef ref) const noexcept {
    return static_cast<const T*>(address(ref));
  }
  template <class T>
  T* write(BufferRef ref) const noexcept {
    return static_cast<T*>(const_cast<void*>(address(ref)));
  }

 private:
  const void* address(BufferRef ref) const noexcept {
    if (ref.space == BufferRef::Space::kArena) return arena_ + offsets_[ref.index];
    return ref.constant;
  }
  ThreadPool& pool_;
  unsigned char* arena_;
  const std::size_t* offsets_;
  Status* failure_;
};

class StepBody {
 public:
  virtual ~StepBody() = default;
  // Called once for the arena that all runs will use, for steps that keep addresses.
  virtual Status bind(const RunContext&) { return {}; }
  virtual void run(const RunContext& context) const noexcept = 0;
};

// One compiled node, or a region of nodes that a backend runs in one go, or a chain.
struct Step {
  std::unique_ptr<StepBody> body;
  graph::NodeId node;  // a region's first, a chain's last
  int region = -1;     // index into Partition::regions
  int chain = -1;      // index into Partition::chains
  std::string kernel;  // for profiles; "alias" for a node that costs nothing
  std::string others;  // for profiles; CompileContext::rule_out
  std::int64_t macs = 0;
};

struct CompileOptions {
  kernels::Isa isa = kernels::host_isa();
  int num_threads = 1;
  std::size_t max_memory_bytes = std::size_t{4} << 30;  // arena and packed weights together
};

// Immutable once compiled and bound; keeps the graph's constants and the packed weights alive.
struct Plan {
  std::shared_ptr<void> backend_session;  // RegionRequest::session; outlives the steps
  std::vector<Step> steps;
  std::vector<std::size_t> buffer_offsets;     // by BufferRef::index
  std::vector<graph::BufferLifetime> buffers;  // alike: sizes and the steps between which each is in use
  std::size_t arena_bytes = 0;
  std::size_t packed_bytes = 0;
  std::vector<std::int32_t> value_buffers;  // by value: index into buffer_offsets; -1: constant, in a region or a chain
  std::vector<graph::Constant> packed;      // blocks that steps point into
  const char* backend = nullptr;            // the name of the one beside the CPU; nullptr: none was asked
  Partition partition;                      // steps are in the order of its schedule
  std::vector<std::string> refusals;        // by node: why it is not in a region; empty for those that are
  std::vector<std::string> chain_ends;      // by node: cpu::RowChains::ends
};

// Given to an operator's compile(): describes one node, takes bookings, receives the step. All errors are found here,
// so that a step cannot fail. Not thread-safe.
class CompileContext {
 public:
  virtual ~CompileContext() = default;

  virtual const graph::Graph& graph() const noexcept = 0;
  virtual const graph::Node& node() const noexcept = 0;
  const CompileOptions& options() const noexcept { return options_; }
  kernels::Isa isa() const noexcept { return options_.isa; }

  int input_count() const noexcept { return static_cast<int>(node().inputs.size()); }
  // False for an optional input left out. `i` may be beyond input_count().
  bool has_input(int i) const noexcept {
    return i < input_count() && node().inputs[static_cast<std::size_t>(i)].valid();
  }
  const graph::Value& input_value(int i) const noexcept {
    return graph().value(node().inputs[static_cast<std::size_t>(i)]);
  }
  const graph::Value& output_value(int i = 0) const noexcept {
    return graph().value(node().outputs[static_cast<std::size_t>(i)]);
  }
  const Shape& input_shape(int i) const noexcept { return input_value(i).type.shape; }
  const Shape& output_shape(int i = 0) const noexcept { return output_value(i).type.shape; }
  // The elements of a constant input; nullptr when it is left out or not a constant. Valid as long as the plan.
  template <class T>
  const T* constant_input(int i) const noexcept {
    return has_input(i) ? static_cast<const T*>(input_value(i).constant.data) : nullptr;
  }

  // Refs for the step. An input left out gives an invalid ref.
  virtual BufferRef input(int i) const noexcept = 0;
  virtual BufferRef output(int i = 0) const noexcept = 0;
  // Books memory that only this step uses while it runs (for per-thread scratch, book threads * bytes rounded up to
  // 64).
  virtual BufferRef book_scratch(std::size_t size_bytes) = 0;
  // Memory of the plan, aligned to 64 and zeroed, to pack weights into now and read at run time. Null when out of
  // memory or above CompileOptions::max_memory_bytes.
  virtual void* allocate_packed(std::size_t size_bytes) = 0;

  // For profiles: why another way to run the node was not chosen, "winograd: …".
  void rule_out(const std::string& why) { others_ += (others_.empty() ? "" : "; ") + why; }

  // What was measured for the node on this ISA; all estimated where nothing was.
  const graph::NodeChoice& choice() const noexcept { return choice_; }

  // Appends the step. `body` is a callable `void(const RunContext&) const noexcept`-like object, copied into the plan;
  // capture plain values (refs, sizes, pointers to packed or constant memory) only.
  template <class Body>
  void emit(std::string kernel, std::int64_t macs, Body body) {
    struct Holder final : StepBody {
      explicit Holder(Body b) : call(std::move(b)) {}
      void run(const RunContext& context) const noexcept override { call(context); }
      Body call;
    };
    emit_step(std::move(kernel), macs, std::make_unique<Holder>(std::move(body)));
  }

 protected:
  explicit CompileContext(const CompileOptions& options) : options_(options) {}
  virtual void emit_step(std::string kernel, std::int64_t macs, std::unique_ptr<StepBody> body) = 0;
  std::string others_;
  graph::NodeChoice choice_;

 private:
  CompileOptions options_;
};

}  // namespace dotori::backends
