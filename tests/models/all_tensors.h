// SPDX-License-Identifier: Apache-2.0
// A network whose every node output is a graph output, so that a test sees all intermediate tensors.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <dotori/dotori.h>

#include "graph/content_hash.h"
#include "graph/graph.h"
#include "support/random.h"

namespace dotori::testing {

inline graph::Graph with_all_outputs(graph::Graph g) {
  for (const graph::Node& node : g.nodes())
    for (graph::ValueId id : node.outputs)
      if (std::find(g.outputs.begin(), g.outputs.end(), id) == g.outputs.end()) g.outputs.push_back(id);
  return g;
}

// Fills every input from a seed: floats in [0, 1), other types with random bytes.
inline void fill_random(Session& session, std::uint64_t seed) {
  Random random(seed);
  for (int i = 0; i < session.input_count(); ++i) {
    const TensorView input = session.input(i);
    if (float* x = input.f32()) {
      for (std::int64_t e = 0; e < input.elements(); ++e) x[e] = random.uniform(0, 1);
    } else {
      unsigned char* bytes = static_cast<unsigned char*>(input.data);
      for (std::size_t b = 0; b < input.size_bytes; ++b) bytes[b] = static_cast<unsigned char>(random.bits());
    }
  }
}

inline std::uint64_t hash_of(const TensorView& view) {
  return graph::xxh64({static_cast<const unsigned char*>(view.data), view.size_bytes});
}

}  // namespace dotori::testing
