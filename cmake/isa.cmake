# SPDX-License-Identifier: Apache-2.0
# The one table ISA -> compile flags. A kernel file is named <arch>_<isa>.cc and compiled only for its architecture.
#   dotori_kernel_sources(reference.cc select.cc)      every machine
#   dotori_isa_source(x86_avx2.cc AVX2)                x86-64, with that ISA's flags; a build for size keeps it fast
#   dotori_isa_source(x86_avx2.cc AVX2 -O2)            where -O3 makes more code and not more speed
set(DOTORI_ISA_AVX2_ARCH x86_64)
set(DOTORI_ISA_AVX2_FLAGS -mavx2 -mfma)
set(DOTORI_ISA_AVX512_ARCH x86_64)
set(DOTORI_ISA_AVX512_FLAGS -mavx2 -mfma -mavx512f -mavx512bw -mavx512dq -mavx512vl
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized$<SEMICOLON>-Wno-uninitialized>)  # gcc 12 takes the intrinsics' own undefined operands for ours
set(DOTORI_ISA_VNNI_ARCH x86_64)
set(DOTORI_ISA_VNNI_FLAGS ${DOTORI_ISA_AVX512_FLAGS} -mavx512vnni)
set(DOTORI_ISA_NEON_ARCH aarch64)
set(DOTORI_ISA_NEON_FLAGS -march=armv8-a)
set(DOTORI_ISA_NEON_DOT_ARCH aarch64)
set(DOTORI_ISA_NEON_DOT_FLAGS -march=armv8.2-a+dotprod)

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(DOTORI_ARCH x86_64)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  set(DOTORI_ARCH aarch64)
else()
  set(DOTORI_ARCH other)
endif()

function(dotori_kernel_sources)
  foreach(file ${ARGN})
    target_sources(dotori PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  endforeach()
endfunction()

function(dotori_isa_source file isa)
  if(NOT DOTORI_ISA_${isa}_ARCH STREQUAL DOTORI_ARCH)
    return()
  endif()
  set(level ${ARGN} -O3)
  list(GET level 0 level)
  target_sources(dotori PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/${file} TARGET_DIRECTORY dotori
                              PROPERTIES COMPILE_OPTIONS
                              "${DOTORI_ISA_${isa}_FLAGS};$<$<CONFIG:MinSizeRel>:-O2>;$<$<CONFIG:Release>:${level}>")
endfunction()
