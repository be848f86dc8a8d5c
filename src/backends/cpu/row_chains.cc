// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/row_chains.h"

#include <array>
#include <cstring>

#include "backends/cpu/left_out.h"
#include "backends/cpu/ops/conv_rows.h"
#include "backends/cpu/row_stage.h"

namespace dotori::backends::cpu {
namespace {

using graph::Graph;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

// A tensor of at most this size stays in the second-level cache anyway.
constexpr std::int64_t kSmallTensorBytes = 256 << 10;
// Rows between the links of a chain, for one thread: half of a small second-level cache.
constexpr std::int64_t kRowBytes = 256 << 10;
constexpr int kMostLinks = 3;
// With one row at a time, more would be copied than computed.
constexpr std::int64_t kLeastBand = 2;

std::size_t at(int index) {
  return static_cast<std::size_t>(index);
}

bool is_depthwise(const graph::Conv2d& op, const Shape& x, const Shape& y) {
  return op.groups > 1 && op.groups == x[3] && op.groups == y[3];
}

// A float32 conv2d with constant weights that is depthwise, or a product that no better algorithm exists for.
bool can_be_link(const Graph& graph, const Node& node) {
  const graph::Conv2d* op = std::get_if<graph::Conv2d>(&node.op);
  if (op == nullptr) return false;
  const graph::Value& x = graph.value(node.inputs[0]);
  const graph::Value& y = graph.value(node.outputs[0]);
  if (x.type.type != DataType::kFloat32 || y.type.type != DataType::kFloat32) return false;
  for (std::size_t i = 1; i < node.inputs.size(); ++i)
    if (node.inputs[i].valid() && !graph.value(node.inputs[i]).is_constant()) return false;
  if (is_depthwise(*op, x.type.shape, y.type.shape)) return true;
  const bool pointwise = op->kernel_h * op->kernel_w == 1;
  const bool first_layer = op->stride_h > 1 && x.type.shape[3] <= 4;
  return op->groups == 1 && (pointwise || first_layer);
}

RowGeometry geometry_of(const Graph& graph, const Node& node) {
  const graph::Conv2d& op = std::get<graph::Conv2d>(node.op);
  const Shape& x = graph.value(node.inputs[0]).type.shape;
  const Shape& y = graph.value(node.outputs[0]).type.shape;
  constexpr std::int64_t kElement = sizeof(float);
  RowGeometry g;
  g.images = x[0];
  g.in_h = x[1];
  g.out_h = y[1];
  g.in_row_bytes = x[2] * x[3] * kElement;
  g.out_row_bytes = y[2] * y[3] * kElement;
  g.stride = op.stride_h;
  g.pad = op.pad_top;
  g.extent = std::int64_t{op.kernel_h - 1} * op.dilation_h + 1;
  return g;
}

// Rows that are held of each link's output but the last's while `band` rows of the last are computed.
std::vector<std::int64_t> rows_held(const std::vector<RowGeometry>& links, std::int64_t band) {
  std::vector<std::int64_t> held(links.size() - 1);
  std::int64_t rows = band;
  for (std::size_t i = links.size() - 1; i-- > 0;) {
    rows = std::min((rows - 1) * links[i + 1].stride + links[i + 1].extent, links[i].out_h);
    held[i] = rows;
  }
  return held;
}

std::int64_t bytes_held(const std::vector<RowGeometry>& links, std::int64_t band) {
  const std::vector<std::int64_t> held = rows_held(links, band);
  std::int64_t bytes = 0;
  for (std::size_t i = 0; i < held.size(); ++i) bytes += held[i] * links[i].out_row_bytes;
  return bytes;
}

std::string kib(std::int64_t bytes) {
  return std::to_string((bytes + 1023) >> 10) + " KiB";
}

struct ChainStep {
  struct Link {
    std::unique_ptr<RowStage> stage;
    RowGeometry geometry;
    std::int64_t capacity = 0;  // rows held of its output
    std::size_t rows_at = 0;    // of the first of them, in a thread's scratch
  };
  std::vector<Link> links;
  std::int64_t chunks = 1, band = 1;  // of an image; rows of the last link
  BufferRef input, output, scratch;
  std::size_t thread_bytes = 0, stage_at = 0;

  // Rows [first, end) of a link's output that are held.
  struct Held {
    std::int64_t first = 0, end = 0;
  };
  // What one task works on.
  struct Task {
    std::uintptr_t src, dst;
    unsigned char* own;
    std::array<Held, kMostLinks> held;
  };

  void operator()(const RunContext& context) const noexcept {
    const unsigned char* src = context.read<unsigned char>(input);
    unsigned char* dst = context.write<unsigned char>(output);
    unsigned char* memory = context.write<unsigned char>(scratch);
    const RowGeometry& first = links.front().geometry;
    const RowGeometry& last = links.back().geometry;
    const Shares rows(last.out_h, chunks);
    context.pool().parallel_for(static_cast<int>(last.images * chunks), [&](int index, int worker) noexcept {
      const std::int64_t image = index / chunks, chunk = index % chunks;
      Task task{};
      task.src = reinterpret_cast<std::uintptr_t>(src + image * first.in_h * first.in_row_bytes);
      task.dst = reinterpret_cast<std::uintptr_t>(dst + image * last.out_h * last.out_row_bytes);
      task.own = memory + static_cast<std::size_t>(worker) * thread_bytes;
      const std::int64_t end = rows.first(chunk + 1);
      for (std::int64_t y = rows.first(chunk); y < end; y += band)
        produce(task, links.size() - 1, y, std::min(y + band, end));
    });
  }

  // Where row 0 of the rows held would be.
  std::uintptr_t origin(const Task& task, std::size_t link) const noexcept {
    return reinterpret_cast<std::uintptr_t>(task.own + links[link].rows_at) -
           static_cast<std::uintptr_t>(task.held[link].first * links[link].geometry.out_row_bytes);
  }

  // Output rows [first, end) of a link, and before them what they are computed from.
  void produce(Task& task, std::size_t link, std::int64_t first, std::int64_t end) const noexcept {
    const RowGeometry& g = links[link].geometry;
    if (link > 0) hold(task, link - 1, g.first_input(first), g.end_input(end));
    links[link].stage->run(link > 0 ? origin(task, link - 1) : task.src,
                           link + 1 < links.size() ? origin(task, link) : task.dst, first, end, task.own + stage_at);
  }

  void hold(Task& task, std::size_t link, std::int64_t first, std::int64_t end) const noexcept {
    Held& held = task.held[link];
    if (first >= held.end) {
      held = {first, first};
    } else if (end - held.first > links[link].capacity) {
      const std::int64_t row = links[link].geometry.out_row_bytes;
      unsigned char* rows = task.own + links[link].rows_at;
      std::memmove(rows, rows + (first - held.first) * row, static_cast<std::size_t>((held.end - first) * row));
      held.first = first;
    }
    if (end <= held.end) return;
    produce(task, link, held.end, end);
    held.end = end;
  }
};

}  // namespace

RowChains row_chains(const Graph& graph, const std::vector<bool>& free, const CompileOptions& options) {
  RowChains found;
  const int nodes = static_cast<int>(graph.nodes().size());
  found.ends.resize(at(nodes));
  if (!kHasFloat32 || kernels::select_gemm_f32(options.isa).run == kernels::gemm_f32_any__reference) return found;
  // The only reader of a value as its first input; -1 where there are others, or none.
  std::vector<int> readers(graph.values().size(), 0), only(graph.values().size(), -1);
  for (int n = 0; n < nodes; ++n) {
    const Node& node = graph.nodes()[at(n)];
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (!node.inputs[i].valid()) continue;
      ++readers[at(node.inputs[i].index)];
      if (i == 0) only[at(node.inputs[i].index)] = n;
    }
  }
  for (ValueId id : graph.outputs) ++readers[at(id.index)];

  const auto fits = [&](int n) { return free[at(n)] && can_be_link(graph, graph.nodes()[at(n)]); };
  const auto depthwise = [&](const Node& node) {
    return is_depthwise(std::get<graph::Conv2d>(node.op), graph.value(node.inputs[0]).type.shape,
                        graph.value(node.outputs[0]).type.shape);
  };
  const auto weight_bytes = [&](const Node& node) {
    return static_cast<std::int64_t>(graph.value(node.inputs[1]).constant.size_bytes);
  };
  const graph::Tuning* tuning = graph::tuning_for(graph, kernels::isa_name(options.isa));
  std::vector<bool> taken(at(nodes));
  for (int n = 0; n < nodes; ++n) {
    if (taken[at(n)] || !fits(n)) continue;
    std::vector<NodeId> chain = {NodeId{n}};
    std::vector<RowGeometry> links = {geometry_of(graph, graph.nodes()[at(n)])};
    while (true) {
      const Node& last = graph.node(chain.back());
      const std::size_t between = at(last.outputs[0].index);
      const int next = only[between];
      if (next < 0 || !fits(next) || depthwise(last) == depthwise(graph.nodes()[at(next)])) break;
      std::string& end = found.ends[at(chain.back().index)];
      const std::int64_t bytes = links.back().out_h * links.back().out_row_bytes;
      links.push_back(geometry_of(graph, graph.nodes()[at(next)]));
      const std::int64_t weights = std::max(weight_bytes(last), weight_bytes(graph.nodes()[at(next)]));
      const graph::Link link = tuning == nullptr ? graph::Link::kEstimated : tuning->nodes[at(chain.back().index)].link;
      const bool estimated = link == graph::Link::kEstimated;
      if (readers[between] != 1) end = "its output is read elsewhere too";
      else if (link == graph::Link::kApart) end = "measured slower";
      else if (estimated && bytes <= kSmallTensorBytes) end = "its output of " + kib(bytes) + " fits the cache";
      else if (estimated && weights > bytes)
        end = kib(weights) + " of weights would be read for each band, more than the " + kib(bytes) + " between";
      else if (bytes_held(links, kLeastBand) > kRowBytes)
        end = kib(bytes_held(links, kLeastBand)) + " of rows would have to be held, at most " + kib(kRowBytes);
      else if (static_cast<int>(chain.size()) == kMostLinks) end = "a chain has at most 3 links";
      if (!end.empty()) break;
      chain.push_back(NodeId{next});
    }
    if (chain.size() < 2) continue;
    for (NodeId id : chain) taken[at(id.index)] = true;
    found.chains.push_back(std::move(chain));
  }
  return found;
}

struct RowChain::State {
  ChainStep step;
  std::string kernel;
  std::int64_t macs = 0;
  std::size_t stage_bytes = 0;
};

RowChain::RowChain() : state_(std::make_unique<State>()) {}
RowChain::~RowChain() = default;

Status RowChain::add(CompileContext& context) {
  ChainStep& step = state_->step;
  ChainStep::Link link;
  DOTORI_ASSIGN_OR_RETURN(link.stage, row_stage(std::get<graph::Conv2d>(context.node().op), context));
  link.geometry = geometry_of(context.graph(), context.node());
  if (step.links.empty()) step.input = context.input(0);
  state_->kernel += (step.links.empty() ? "" : " + ") + std::string(link.stage->kernel());
  state_->macs += graph::node_macs(context.graph(), context.node());
  state_->stage_bytes = std::max(state_->stage_bytes, link.stage->scratch_bytes());
  step.links.push_back(std::move(link));
  return {};
}

Status RowChain::finish(CompileContext& context) {
  ChainStep& step = state_->step;
  std::vector<RowGeometry> links;
  for (const ChainStep::Link& link : step.links) links.push_back(link.geometry);
  const RowGeometry& last = links.back();
  // Every chunk of rows computes the first ones of the links before anew, so there are only as many as the threads need
  // to share the work evenly.
  const std::int64_t threads = context.options().num_threads;
  if (threads > 1 && last.images < 4 * threads) step.chunks = std::min(last.out_h, 3 * threads);
  const std::int64_t most = (last.out_h + step.chunks - 1) / step.chunks;
  step.band = 1;
  while (step.band < most && bytes_held(links, step.band + 1) <= kRowBytes) ++step.band;
  const std::vector<std::int64_t> held = rows_held(links, step.band);
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < held.size(); ++i) {
    step.links[i].capacity = held[i];
    step.links[i].rows_at = bytes;
    bytes += (static_cast<std::size_t>(held[i] * links[i].out_row_bytes) + 63) / 64 * 64;
  }
  step.stage_at = bytes;
  step.thread_bytes = bytes + (state_->stage_bytes + 63) / 64 * 64;
  step.output = context.output();
  step.scratch = context.book_scratch(static_cast<std::size_t>(threads) * step.thread_bytes);
  context.emit(state_->kernel, state_->macs, std::move(step));
  return {};
}

}  // namespace dotori::backends::cpu
