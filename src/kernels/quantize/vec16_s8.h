// SPDX-License-Identifier: Apache-2.0
// Sixteen int8 elements and their float32 values, for the int8 kernels of every vector ISA; each file defines the same
// types and functions. Internal linkage.
#pragma once

#if defined(__x86_64__)
#include "kernels/quantize/vec16_s8_avx2.h"
#elif defined(__aarch64__)
#include "kernels/quantize/vec16_s8_neon.h"
#endif
