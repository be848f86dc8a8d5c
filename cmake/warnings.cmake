# SPDX-License-Identifier: Apache-2.0
option(DOTORI_WERROR "Treat warnings as errors" OFF)

# Warnings for our own code. No contraction anywhere: an FMA is an explicit intrinsic, so the bits do not depend on the compiler.
function(dotori_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -ffp-contract=off $<$<BOOL:${DOTORI_WERROR}>:-Werror>)
endfunction()

# The runtime: no exceptions, no RTTI.
function(dotori_core_flags target)
  dotori_warnings(${target})
  target_compile_options(${target} PRIVATE -fno-exceptions -fno-rtti -fvisibility=hidden)
endfunction()
