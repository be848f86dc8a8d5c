// SPDX-License-Identifier: Apache-2.0
#include <dotori/session.h>

#include <time.h>

#include <atomic>

#include "backends/backend.h"
#include "backends/cores.h"
#include "backends/float_environment.h"
#include "graph/graph.h"

namespace dotori {
namespace {

constexpr int kMaxThreads = 64;
constexpr std::size_t kArenaSlackBytes = 64;  // Region::bind() promises that they can be read
// How BackendKind::kAuto measures: until it took this long, between so many runs.
constexpr int kLeastTimedRuns = 2, kMostTimedRuns = 20;
constexpr double kTimedMs = 50;

int one_a_core(const backends::CoreSet& cores) noexcept {
  const int count = cores.count();
  return count < 1 ? 1 : (count > kMaxThreads ? kMaxThreads : count);
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
  backends::CoreSet cores;  // empty: wherever the system likes
  std::unique_ptr<backends::ThreadPool> pool;
  graph::Constant arena_owner;  // outlives the plan, whose regions know its address
  unsigned char* arena = nullptr;
  backends::Plan plan;
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
      std::vector<graph::NodeId> nodes = {step.node};
      if (step.region >= 0) nodes = plan.partition.regions[static_cast<std::size_t>(step.region)].nodes;
      if (step.chain >= 0) nodes = plan.partition.chains[static_cast<std::size_t>(step.chain)];
      for (graph::NodeId id : nodes) entry.nodes.push_back(model.graph().node(id).name);
      if (step.region >= 0 || step.chain >= 0) {
        entry.name = entry.nodes.front() + " .. " + entry.nodes.back();
        entry.op = (step.chain >= 0 ? "chain of " : "region of ") + std::to_string(nodes.size());
      }
      entry.kernel = step.kernel;
      entry.others = step.others;
      entry.macs = step.macs;
      profile.nodes.push_back(std::move(entry));
      profile_steps.push_back(static_cast<int>(s));
    }
  }

  backends::RunContext context(Status* failure) noexcept {
    return backends::RunContext(*pool, arena, plan.buffer_offsets.data(), failure);
  }

  // Compiles for options.backend (not kAuto) and reserves the arena.
  Status prepare() {
    backends::CompileOptions compile_options;
    compile_options.isa = options.backend == BackendKind::kReference ? kernels::kIsaNone : kernels::host_isa();
    compile_options.num_threads = options.num_threads;
    compile_options.max_memory_bytes = options.max_memory_bytes;
    const Backend* backend =
        options.backend == BackendKind::kXnnpack ? backends::xnnpack_backend() : options.custom_backend;
    DOTORI_ASSIGN_OR_RETURN(plan, backends::compile(model.graph(), compile_options, backend));

    void* memory = nullptr;
    arena_owner = graph::allocate_constant(plan.arena_bytes + kArenaSlackBytes, &memory);
    if (memory == nullptr)
      return out_of_memory("no memory for an arena of " + std::to_string(plan.arena_bytes) + " bytes");
    arena = static_cast<unsigned char*>(memory);
    for (const backends::Step& step : plan.steps)
      if (step.body) DOTORI_RETURN_IF_ERROR(step.body->bind(context(nullptr)));
    return Status();
  }

  Status run_steps() noexcept {
    Status failure;
    const backends::RunContext run_context = context(&failure);
    for (const backends::Step& step : plan.steps) {
      if (!step.body) continue;
      step.body->run(run_context);
      if (!failure.ok()) return failure;
    }
    return failure;
  }

  Status run_profiled() noexcept {
    Status failure;
    const backends::RunContext run_context = context(&failure);
    for (std::size_t i = 0; i < profile_steps.size(); ++i) {
      const double start = now_ms();
      plan.steps[static_cast<std::size_t>(profile_steps[i])].body->run(run_context);
      if (!failure.ok()) return failure;
      const double elapsed = now_ms() - start;
      NodeProfile& entry = profile.nodes[i];
      entry.total_ms += elapsed;
      if (profile.runs == 0 || elapsed < entry.min_ms) entry.min_ms = elapsed;
    }
    ++profile.runs;
    return failure;
  }

  // The fastest of a few runs, in ms. The inputs hold numbers between 0 and 1 meanwhile, and zeros afterwards.
  Result<double> time_runs() {
    const backends::DefaultFloatEnvironment environment;
    for (graph::ValueId id : model.graph().inputs) {
      const TensorView input = view(id);
      for (std::int64_t i = 0; i < input.elements(); ++i) {
        if (input.f32() != nullptr) input.f32()[i] = static_cast<float>(i % 251) * (1.0f / 256);
        else if (data_type_bytes(input.type) == 1) static_cast<signed char*>(input.data)[i] = i % 101;
      }
    }
    DOTORI_RETURN_IF_ERROR(run_steps());
    double fastest = 0, spent = 0;
    for (int run = 0; run < kLeastTimedRuns || (run < kMostTimedRuns && spent < kTimedMs); ++run) {
      const double start = now_ms();
      DOTORI_RETURN_IF_ERROR(run_steps());
      const double elapsed = now_ms() - start;
      if (run == 0 || elapsed < fastest) fastest = elapsed;
      spent += elapsed;
    }
    __builtin_memset(arena, 0, plan.arena_bytes);
    return fastest;
  }

  bool has_regions() const noexcept { return !plan.partition.regions.empty(); }
};

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

bool backend_available(BackendKind kind) noexcept {
  return kind != BackendKind::kXnnpack || backends::xnnpack_backend() != nullptr;
}

Result<std::unique_ptr<Session::State>> Session::prepare(const Model& model, const SessionOptions& options) {
  auto state = std::make_unique<State>(model, options);
  DOTORI_ASSIGN_OR_RETURN(state->pool, backends::ThreadPool::create(options.num_threads));
  DOTORI_RETURN_IF_ERROR(state->prepare());
  return state;
}

Result<std::unique_ptr<Session::State>> Session::prepare_fastest(const Model& model, SessionOptions options) {
  options.backend = BackendKind::kCpu;
  DOTORI_ASSIGN_OR_RETURN(std::unique_ptr<State> cpu, prepare(model, options));
  if (!backend_available(BackendKind::kXnnpack)) return cpu;
  options.backend = BackendKind::kXnnpack;
  DOTORI_ASSIGN_OR_RETURN(std::unique_ptr<State> xnnpack, prepare(model, options));
  if (!xnnpack->has_regions()) return cpu;
  DOTORI_ASSIGN_OR_RETURN(const double cpu_ms, cpu->time_runs());
  DOTORI_ASSIGN_OR_RETURN(const double xnnpack_ms, xnnpack->time_runs());
  return xnnpack_ms < cpu_ms ? std::move(xnnpack) : std::move(cpu);
}

Result<Session> Session::create(const Model& model, const SessionOptions& options) {
  if (options.num_threads < 0 || options.num_threads > kMaxThreads)
    return invalid_argument("num_threads is " + std::to_string(options.num_threads) + ", expected 0 to " +
                            std::to_string(kMaxThreads));
  if (options.custom_backend != nullptr && options.backend != BackendKind::kCpu &&
      options.backend != BackendKind::kReference)
    return invalid_argument("custom_backend is set, so backend must be kCpu or kReference, for the other nodes");
  if (!backend_available(options.backend))
    return unsupported("the XNNPACK backend is not in this build; configure it with -DDOTORI_XNNPACK=ON");
  const backends::CoreSet allowed = backends::allowed_cores();
  DOTORI_ASSIGN_OR_RETURN(const backends::CoreSet cores,
                          backends::choose_cores(options.cores, options.core_mask, allowed, backends::kSystemCores));
  SessionOptions resolved = options;
  resolved.core_mask = cores.mask();
  if (options.num_threads == 0) resolved.num_threads = one_a_core(cores.empty() ? allowed : cores);
  // All threads started here, another backend's too, inherit the cores.
  const backends::CoreVisit visit(cores);
  if (visit.error() != 0) return backends::refused_cores(cores, visit.error());
  DOTORI_ASSIGN_OR_RETURN(std::unique_ptr<State> state, options.backend == BackendKind::kAuto
                                                            ? prepare_fastest(model, resolved)
                                                            : prepare(model, resolved));
  state->cores = cores;
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
  Status status;
  {
    const backends::CoreVisit visit(state_->cores);
    const backends::DefaultFloatEnvironment environment;
    status = state_->options.profile ? state_->run_profiled() : state_->run_steps();
  }
  state_->running.store(false, std::memory_order_release);
  return status;
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
