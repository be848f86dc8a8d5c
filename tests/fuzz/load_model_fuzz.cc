// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: any bytes as a .dtr file, with the content hash passed over so that the checks behind it are
// reached. What is accepted must verify, be writable and read back as the same graph.
//   cmake -S . -B build/fuzz -G Ninja -DCMAKE_CXX_COMPILER=clang++ -DDOTORI_FUZZ=ON -DDOTORI_HOST_TOOLS=OFF
//   cmake --build build/fuzz --target load_model_fuzz
//   mkdir -p build/fuzz/corpus && cp tests/graph/data/*.dtr build/fuzz/corpus
//   build/fuzz/load_model_fuzz -max_total_time=60 -max_len=16384 build/fuzz/corpus
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "graph/reader.h"
#include "graph/verify.h"
#include "graph/writer.h"

namespace {

using dotori::Result;
using dotori::Span;
using dotori::graph::Graph;

// Exactly `size` bytes at a multiple of 64, so that the sanitizer sees a read behind the end.
std::shared_ptr<const void> aligned_copy(const void* bytes, std::size_t size) {
  void* memory = nullptr;
  if (posix_memalign(&memory, 64, size == 0 ? 1 : size) != 0) std::abort();
  if (size > 0) std::memcpy(memory, bytes, size);
  return std::shared_ptr<const void>(memory, [](const void* p) { std::free(const_cast<void*>(p)); });
}

Span<const unsigned char> span_of(const std::shared_ptr<const void>& memory, std::size_t size) {
  return {static_cast<const unsigned char*>(memory.get()), size};
}

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = aligned_copy(data, size);
  const Result<Graph> graph = dotori::graph::read_graph_unhashed(span_of(file, size), file, "fuzz");
  if (!graph.ok()) {
    const dotori::StatusCode code = graph.status().code();
    require(code == dotori::StatusCode::kCorruptModel || code == dotori::StatusCode::kUnsupported);
    return 0;
  }
  require(dotori::graph::verify(*graph).ok());
  const auto written = dotori::graph::write_graph(*graph);
  require(written.ok());
  const auto copy = aligned_copy(written->data(), written->size());
  const Result<Graph> back = dotori::graph::read_graph(span_of(copy, written->size()), copy, "copy");
  require(back.ok());
  require(dotori::graph::to_string(*back) == dotori::graph::to_string(*graph));
  return 0;
}
