// SPDX-License-Identifier: Apache-2.0
#include "graph/passes/passes.h"
#include "graph/verify.h"

namespace dotori::graph {

Status optimize(Graph& graph, EvaluateNode evaluate) {
  DOTORI_RETURN_IF_ERROR(verify(graph));
  DOTORI_RETURN_IF_ERROR(remove_dead(graph));
  // Each round makes the graph smaller or is the last; the bound guards against two passes that undo each other.
  constexpr int kMaxRounds = 8;
  std::string before = to_string(graph);
  for (int round = 0; round < kMaxRounds; ++round) {
    // Before the moves change their form.
    DOTORI_RETURN_IF_ERROR(fold_space_to_batch(graph));
    DOTORI_RETURN_IF_ERROR(simplify_movement(graph));
    // Before the constants: it needs the weights as the 8-bit numbers they are.
    DOTORI_RETURN_IF_ERROR(fold_quantization(graph));
    DOTORI_RETURN_IF_ERROR(fold_constants(graph, evaluate));
    DOTORI_RETURN_IF_ERROR(fold_pad(graph));
    // Before the batch norms: x + 3 of a hard-sigmoid would vanish in a bias, and the formula with it.
    DOTORI_RETURN_IF_ERROR(fuse_activation(graph));
    DOTORI_RETURN_IF_ERROR(fold_batch_norm(graph));
    std::string after = to_string(graph);
    if (after == before) break;
    before.swap(after);
  }
  return verify(graph);
}

}  // namespace dotori::graph
