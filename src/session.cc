// SPDX-License-Identifier: Apache-2.0
#include <dotori/session.h>

#include <sched.h>
#include <time.h>

#include <atomic>

#include "backends/backend.h"
#include "backends/float_environment.h"
#include "graph/graph.h"

namespace dotori {
namespace {

constexpr int kMaxThreads = 64;

int usable_cores() noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  const int cores = CPU_COUNT(&set);
  return cores < 1 ? 1 : (cores > kMaxThreads ? kMaxThreads : cores);
}

double now_ms() noexcept {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) * 1e-6;
}

}  // namespace

struct Session::State {
  State(Model m, SessionOptions o) : model(std::move(m)), options(o) {}

  Model model;
  SessionOptions options;
  backends::Plan plan;
  std::unique_ptr<backends::ThreadPool> pool;
  graph::Constant arena_owner;
  unsigned char* arena = nullptr;
  Profile profile;
  std::vector<int> profile_steps;  // plan step of each profile entry
  std::atomic<bool> running{false};

  TensorView view(graph::ValueId id) noexcept {
    const graph::Value& value = model.graph().value(id);
    TensorView v;
    v.type = value.type.type;
    v.shape = value.type.shape;
    v.size_bytes = static_cast<std::size_t>(value.type.shape.elements()) * data_type_bytes(value.type.type);
    if (value.quantization.scales.size() == 1) {
      v.scale = value.quantization.scales[0];
      v.zero_point = value.quantization.zero_points[0];
    }
    const std::int32_t buffer = plan.value_buffers[static_cast<std::size_t>(id.index)];
    v.data = buffer >= 0 ? arena + plan.buffer_offsets[static_cast<std::size_t>(buffer)]
                         : const_cast<void*>(value.constant.data);
    return v;
  }

  void prepare_profile() {
    for (std::size_t s = 0; s < plan.steps.size(); ++s) {
      const backends::Step& step = plan.steps[s];
      if (!step.body) continue;
      const graph::Node& node = model.graph().node(step.node);
      NodeProfile entry;
      entry.name = node.name;
      entry.op = graph::node_display_name(model.graph(), node);
      entry.kernel = step.kernel;
      entry.macs = step.macs;
      profile.nodes.push_back(std::move(entry));
      profile_steps.push_back(static_cast<int>(s));
    }
  }

  void run_profiled(const backends::RunContext& context) noexcept {
    for (std::size_t i = 0; i < profile_steps.size(); ++i) {
      const double start = now_ms();
      plan.steps[static_cast<std::size_t>(profile_steps[i])].body->run(context);
      const double elapsed = now_ms() - start;
      NodeProfile& entry = profile.nodes[i];
      entry.total_ms += elapsed;
      if (profile.runs == 0 || elapsed < entry.min_ms) entry.min_ms = elapsed;
    }
    ++profile.runs;
  }
};

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Result<Session> Session::create(const Model& model, const SessionOptions& options) {
  if (options.num_threads < 0 || options.num_threads > kMaxThreads)
    return invalid_argument("num_threads is " + std::to_string(options.num_threads) + ", expected 0 to " +
                            std::to_string(kMaxThreads));
  auto state = std::make_unique<State>(model, options);
  if (options.num_threads == 0) state->options.num_threads = usable_cores();
  DOTORI_ASSIGN_OR_RETURN(state->pool, backends::ThreadPool::create(state->options.num_threads));

  backends::CompileOptions compile_options;
  compile_options.isa = options.backend == BackendKind::kReference ? kernels::kIsaNone : kernels::host_isa();
  compile_options.num_threads = state->options.num_threads;
  compile_options.max_memory_bytes = options.max_memory_bytes;
  DOTORI_ASSIGN_OR_RETURN(state->plan, backends::compile(model.graph(), backends::cpu_backend(), compile_options));

  void* arena = nullptr;
  state->arena_owner = graph::allocate_constant(state->plan.arena_bytes + 64, &arena);
  if (arena == nullptr)
    return out_of_memory("no memory for an arena of " + std::to_string(state->plan.arena_bytes) + " bytes");
  state->arena = static_cast<unsigned char*>(arena);
  __builtin_memset(arena, 0, state->plan.arena_bytes);
  if (options.profile) state->prepare_profile();
  return Session(std::move(state));
}

int Session::input_count() const noexcept {
  return static_cast<int>(state_->model.inputs().size());
}
int Session::output_count() const noexcept {
  return static_cast<int>(state_->model.outputs().size());
}

TensorView Session::input(int index) noexcept {
  if (index < 0 || index >= input_count()) return {};
  return state_->view(state_->model.graph().inputs[static_cast<std::size_t>(index)]);
}

TensorView Session::output(int index) noexcept {
  if (index < 0 || index >= output_count()) return {};
  return state_->view(state_->model.graph().outputs[static_cast<std::size_t>(index)]);
}

TensorView Session::input(const std::string& name) noexcept {
  for (graph::ValueId id : state_->model.graph().inputs)
    if (state_->model.graph().value(id).name == name) return state_->view(id);
  return {};
}

TensorView Session::output(const std::string& name) noexcept {
  for (graph::ValueId id : state_->model.graph().outputs)
    if (state_->model.graph().value(id).name == name) return state_->view(id);
  return {};
}

Status Session::run() noexcept {
  if (state_->running.exchange(true, std::memory_order_acquire))
    return Status(StatusCode::kBusy, "the session is running already");
  const backends::DefaultFloatEnvironment environment;
  const backends::RunContext context(*state_->pool, state_->arena, state_->plan.buffer_offsets.data());
  if (state_->options.profile) {
    state_->run_profiled(context);
  } else {
    for (const backends::Step& step : state_->plan.steps)
      if (step.body) step.body->run(context);
  }
  state_->running.store(false, std::memory_order_release);
  return Status();
}

const Model& Session::model() const noexcept {
  return state_->model;
}
const SessionOptions& Session::options() const noexcept {
  return state_->options;
}
std::size_t Session::arena_bytes() const noexcept {
  return state_->plan.arena_bytes;
}
std::size_t Session::packed_bytes() const noexcept {
  return state_->plan.packed_bytes;
}
const Profile& Session::profile() const noexcept {
  return state_->profile;
}

const char* host_isa_name() noexcept {
  return kernels::isa_name(kernels::host_isa());
}

}  // namespace dotori
