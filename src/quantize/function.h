// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "graph/activation.h"

namespace dotori::quantize {

// f(x), in double precision; for choosing ranges, not for results.
double apply(const graph::Activation& f, double x) noexcept;

}  // namespace dotori::quantize
