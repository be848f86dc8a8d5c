// SPDX-License-Identifier: Apache-2.0
#include "backends/backend.h"

namespace dotori::backends {

const Backend* xnnpack_backend() noexcept {
  return nullptr;
}

}  // namespace dotori::backends
