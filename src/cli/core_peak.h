// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace dotori {

// float32 multiply-adds a second that one core's units can do, in units of 1e9 (GMAC/s): independent chains in
// registers, the best of five short rounds by the thread's own clock. 0 where no loop is written for the machine. Takes
// about 0.1 s.
double measure_core_peak() noexcept;

// CPU time of the calling thread, in seconds: not the wall clock, as other programs may be running.
double thread_seconds() noexcept;

}  // namespace dotori
