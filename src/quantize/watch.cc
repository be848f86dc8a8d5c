// SPDX-License-Identifier: Apache-2.0
#include "quantize/watch.h"

#include <algorithm>
#include <utility>

#include <dotori/model.h>

#include "graph/passes/passes.h"
#include "quantize/encoding.h"

namespace dotori::quantize {

using graph::Graph;
using graph::ValueId;

Result<Watcher> Watcher::create(const Graph& graph, Span<const ValueId> watched, const Options& wanted) {
  Graph copy = graph;
  // The task speaks of the outputs that are no more.
  copy.task = TaskInfo();
  copy.outputs.clear();
  std::vector<int> places;
  for (ValueId id : watched) {
    const auto input = std::find(copy.inputs.begin(), copy.inputs.end(), id);
    if (input != copy.inputs.end()) {
      places.push_back(-1 - static_cast<int>(input - copy.inputs.begin()));
      continue;
    }
    auto output = std::find(copy.outputs.begin(), copy.outputs.end(), id);
    if (output == copy.outputs.end()) output = copy.outputs.insert(copy.outputs.end(), id);
    places.push_back(static_cast<int>(output - copy.outputs.begin()));
  }
  // A graph has at least one output.
  if (copy.outputs.empty()) copy.outputs.push_back(graph.outputs[0]);
  DOTORI_RETURN_IF_ERROR(graph::remove_dead(copy));
  DOTORI_ASSIGN_OR_RETURN(const Model model, Model::from_graph(std::move(copy)));
  SessionOptions options;
  options.num_threads = wanted.num_threads;
  options.cores = wanted.cores;
  options.core_mask = wanted.core_mask;
  options.max_memory_bytes = std::size_t{16} << 30;
  DOTORI_ASSIGN_OR_RETURN(Session session, Session::create(model, options));
  return Watcher(std::move(session), std::move(places));
}

Status Watcher::run(const Calibration& data, std::size_t sample) {
  DOTORI_RETURN_IF_ERROR(data.fill(session_, sample));
  return session_.run();
}

TensorView Watcher::view(std::size_t i) {
  const int place = places_[i];
  return place < 0 ? session_.input(-1 - place) : session_.output(place);
}

namespace {

std::size_t bytes_of(const Graph& graph, ValueId id) {
  const graph::Value& value = graph.value(id);
  return static_cast<std::size_t>(value.type.shape.elements()) * data_type_bytes(value.type.type);
}

// [first, last) ranges of values that one session looks at.
std::vector<std::pair<std::size_t, std::size_t>> split(const std::vector<std::size_t>& bytes, std::size_t most) {
  std::vector<std::pair<std::size_t, std::size_t>> parts;
  for (std::size_t first = 0; first < bytes.size();) {
    std::size_t last = first, sum = 0;
    while (last < bytes.size() && (last == first || sum + bytes[last] <= most)) sum += bytes[last++];
    parts.emplace_back(first, last);
    first = last;
  }
  return parts;
}

class Steps {
 public:
  Steps(const Options& options, const char* stage, std::size_t total)
      : options_(options), stage_(stage), total_(total) {}
  void advance() {
    ++done_;
    if (options_.progress) options_.progress(stage_, done_, total_);
  }

 private:
  const Options& options_;
  const char* stage_;
  std::size_t total_, done_ = 0;
};

// The view's elements as float32; `memory` holds them where they have to be converted.
Span<const float> as_float(const TensorView& view, std::vector<float>* memory) {
  const std::size_t count = static_cast<std::size_t>(view.elements());
  if (view.f32() != nullptr) return {view.f32(), count};
  memory->resize(count);
  if (view.type == DataType::kInt8) {
    const std::int8_t* q = static_cast<const std::int8_t*>(view.data);
    for (std::size_t i = 0; i < count; ++i) (*memory)[i] = static_cast<float>(q[i] - view.zero_point) * view.scale;
  } else if (view.type == DataType::kUint8) {
    const std::uint8_t* q = static_cast<const std::uint8_t*>(view.data);
    for (std::size_t i = 0; i < count; ++i) (*memory)[i] = static_cast<float>(q[i] - view.zero_point) * view.scale;
  } else {
    memory->clear();
  }
  return *memory;
}

}  // namespace

Status watch(const Graph& graph, const std::vector<ValueId>& watched, const Calibration& data, std::size_t samples,
             const Options& options, const char* stage,
             const std::function<void(std::size_t, std::size_t, const TensorView&)>& visit) {
  std::vector<std::size_t> bytes;
  for (ValueId id : watched) bytes.push_back(bytes_of(graph, id));
  const auto parts = split(bytes, options.max_memory_bytes);
  Steps steps(options, stage, samples * parts.size());
  for (const auto& [first, last] : parts) {
    const Span<const ValueId> part(watched.data() + first, last - first);
    DOTORI_ASSIGN_OR_RETURN(Watcher watcher, Watcher::create(graph, part, options));
    for (std::size_t sample = 0; sample < samples; ++sample) {
      DOTORI_RETURN_IF_ERROR(watcher.run(data, sample));
      for (std::size_t i = 0; i < part.size(); ++i) visit(first + i, sample, watcher.view(i));
      steps.advance();
    }
  }
  return {};
}

Status watch_both(const Graph& a, const Graph& b, const std::vector<ValuePair>& watched, const Calibration& data,
                  std::size_t samples, const Options& options, const char* stage,
                  const std::function<void(std::size_t, Span<const float>, Span<const float>)>& visit) {
  std::vector<std::size_t> bytes;
  std::vector<ValueId> of_a, of_b;
  for (const auto& [first, second] : watched) {
    of_a.push_back(first);
    of_b.push_back(second);
    bytes.push_back(bytes_of(a, first) + bytes_of(b, second));
  }
  const auto parts = split(bytes, options.max_memory_bytes);
  Steps steps(options, stage, samples * parts.size());
  std::vector<float> memory_a, memory_b;
  for (const auto& [first, last] : parts) {
    DOTORI_ASSIGN_OR_RETURN(Watcher watcher_a, Watcher::create(a, {of_a.data() + first, last - first}, options));
    DOTORI_ASSIGN_OR_RETURN(Watcher watcher_b, Watcher::create(b, {of_b.data() + first, last - first}, options));
    for (std::size_t sample = 0; sample < samples; ++sample) {
      DOTORI_RETURN_IF_ERROR(watcher_a.run(data, sample));
      DOTORI_RETURN_IF_ERROR(watcher_b.run(data, sample));
      for (std::size_t i = 0; i < last - first; ++i) {
        visit(first + i, as_float(watcher_a.view(i), &memory_a), as_float(watcher_b.view(i), &memory_b));
      }
      steps.advance();
    }
  }
  return {};
}

}  // namespace dotori::quantize
