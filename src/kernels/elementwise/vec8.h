// SPDX-License-Identifier: Apache-2.0
// F8 of the ISA that the including kernel file is compiled for. Every function has internal linkage.
#pragma once

#if defined(__x86_64__)
#include "kernels/elementwise/vec8_avx2.h"
#elif defined(__aarch64__)
#include "kernels/elementwise/vec8_neon.h"
#endif
