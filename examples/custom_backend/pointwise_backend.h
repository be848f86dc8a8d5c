// SPDX-License-Identifier: Apache-2.0
// A backend of one's own, written against the public headers only: it runs 1x1 convolutions, ReLU and additions of
// float32 tensors in plain loops, counts what it does, and leaves everything else to the library.
#pragma once

#include <atomic>

#include <dotori/backend.h>

namespace example {

class PointwiseBackend final : public dotori::Backend {
 public:
  const char* name() const noexcept override { return "pointwise"; }
  dotori::Status supports(const dotori::NodeView& node) const override;
  dotori::Result<std::unique_ptr<dotori::Region>> compile_region(const dotori::RegionRequest& request) const override;

  // Nodes run so far, by all sessions made with this backend.
  int nodes_run() const noexcept { return nodes_run_; }

 private:
  mutable std::atomic<int> nodes_run_{0};
};

}  // namespace example
