// SPDX-License-Identifier: Apache-2.0
// Regions of the graph as XNNPACK runtimes, whose external tensors lie in the session's arena.
#include <pthreadpool.h>
#include <xnnpack.h>

#include "backends/backend.h"
#include "backends/xnnpack/lowering.h"

namespace dotori::backends {
namespace {

class XnnpackRegion final : public Region {
 public:
  explicit XnnpackRegion(xnnpack::Lowering::Compiled compiled, std::shared_ptr<void> threads)
      : compiled_(std::move(compiled)), threads_(std::move(threads)) {}
  ~XnnpackRegion() override { xnn_delete_runtime(compiled_.runtime); }

  Status bind(Span<const void* const> inputs, Span<void* const> outputs) override {
    std::vector<xnn_external_value> values;
    for (const void* data : inputs)
      values.push_back({static_cast<std::uint32_t>(values.size()), const_cast<void*>(data)});
    for (void* data : outputs) values.push_back({static_cast<std::uint32_t>(values.size()), data});
#if DOTORI_XNNPACK_HAS_SETUP_V2
    DOTORI_RETURN_IF_ERROR(xnnpack::accepted(xnn_reshape_runtime(compiled_.runtime), "xnn_reshape_runtime"));
    return xnnpack::accepted(xnn_setup_runtime_v2(compiled_.runtime, values.size(), values.data()),
                             "xnn_setup_runtime_v2");
#else
    return xnnpack::accepted(xnn_setup_runtime(compiled_.runtime, values.size(), values.data()), "xnn_setup_runtime");
#endif
  }

  Status run() noexcept override {
    return xnnpack::accepted(xnn_invoke_runtime(compiled_.runtime), "a run");
  }

  std::size_t memory_bytes() const noexcept override {
    std::size_t bytes = 0;
    for (const graph::Constant& constant : compiled_.constants) bytes += constant.size_bytes;
    return bytes;
  }

 private:
  xnnpack::Lowering::Compiled compiled_;
  std::shared_ptr<void> threads_;
};

// All regions of a session share their threads. Without a pool XNNPACK works on the thread that calls.
Result<std::shared_ptr<void>> session_threads(const RegionRequest& request) {
  if (request.num_threads > 1 && *request.session == nullptr) {
    pthreadpool_t pool = pthreadpool_create(static_cast<std::size_t>(request.num_threads));
    if (pool == nullptr)
      return out_of_memory("XNNPACK cannot start " + std::to_string(request.num_threads) + " threads");
    *request.session = std::shared_ptr<void>(pool, [](void* p) { pthreadpool_destroy(static_cast<pthreadpool_t>(p)); });
  }
  return *request.session;
}

class XnnpackBackend final : public Backend {
 public:
  const char* name() const noexcept override { return "xnnpack"; }

  Status supports(const NodeView& node) const override {
    // Initialised once a process; further calls cost nothing. Never undone: other users of XNNPACK may be about.
    DOTORI_RETURN_IF_ERROR(xnnpack::accepted(xnn_initialize(nullptr), "xnn_initialize"));
    std::vector<ValueView> inputs, outputs;
    for (int i = 0; i < node.input_count(); ++i) {
      if (!node.has_input(i) || node.input(i).constant() != nullptr) continue;
      bool known = false;
      for (const ValueView& other : inputs) known = known || other.index() == node.input(i).index();
      if (!known) inputs.push_back(node.input(i));
    }
    for (int i = 0; i < node.output_count(); ++i) outputs.push_back(node.output(i));
    RegionRequest request;
    request.nodes = Span<const NodeView>(&node, 1);
    request.inputs = Span<const ValueView>(inputs.data(), inputs.size());
    request.outputs = Span<const ValueView>(outputs.data(), outputs.size());
    DOTORI_ASSIGN_OR_RETURN(const std::unique_ptr<xnnpack::Lowering> lowering, xnnpack::Lowering::create(request));
    DOTORI_RETURN_IF_ERROR(lowering->append(node));
    if (!is_cheap_to_compile(node)) return {};
    DOTORI_ASSIGN_OR_RETURN(const xnnpack::Lowering::Compiled compiled, lowering->compile(nullptr));
    xnn_delete_runtime(compiled.runtime);
    return {};
  }

  Result<std::unique_ptr<Region>> compile_region(const RegionRequest& request) const override {
    DOTORI_ASSIGN_OR_RETURN(const std::unique_ptr<xnnpack::Lowering> lowering, xnnpack::Lowering::create(request));
    for (const NodeView& node : request.nodes)
      DOTORI_RETURN_IF_ERROR(lowering->append(node).with_context("node '" + node.name() + "'"));
    DOTORI_ASSIGN_OR_RETURN(std::shared_ptr<void> threads, session_threads(request));
    DOTORI_ASSIGN_OR_RETURN(xnnpack::Lowering::Compiled compiled,
                            lowering->compile(static_cast<pthreadpool_t>(threads.get())));
    return std::unique_ptr<Region>(new XnnpackRegion(std::move(compiled), std::move(threads)));
  }

 private:
  // What XNNPACK checks only when it makes its operators is asked for too, except where that would pack weights: there
  // lower() knows the rules.
  static bool is_cheap_to_compile(const NodeView& node) {
    for (int i = 0; i < node.input_count(); ++i)
      if (node.has_input(i) && node.input(i).constant() != nullptr && node.input(i).shape().rank() > 1) return false;
    return true;
  }
};

constexpr XnnpackBackend kXnnpackBackend{};

}  // namespace

const Backend* xnnpack_backend() noexcept {
  return &kXnnpackBackend;
}

}  // namespace dotori::backends
