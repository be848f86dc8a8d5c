// SPDX-License-Identifier: Apache-2.0
#include "kernels/camera/camera.h"

namespace dotori::kernels {

#define DOTORI_CAMERA(isa, bit)                                                                               \
  void camera_columns__##isa(const uint8_t*, ptrdiff_t, const int16_t*, int32_t, int16_t*, size_t) noexcept;  \
  void camera_row__##isa(const int16_t*, const int32_t*, const int16_t*, int32_t, int32_t*, size_t) noexcept; \
  void camera_pixels_f32__##isa(const int32_t*, const int32_t*, const int32_t*, const CameraColors&, float*,  \
                                size_t) noexcept;                                                             \
  void camera_pixels_b8__##isa(const int32_t*, const int32_t*, const int32_t*, const CameraColors&, uint8_t*, \
                               size_t) noexcept;                                                              \
  float camera_largest__##isa(const int32_t*, const int32_t*, const int32_t*, const CameraColors&, size_t) noexcept;
#include "kernels/camera/kernels.inc"

namespace {

constexpr CameraKernels kCamera[] = {
#define DOTORI_CAMERA(isa, bit)                       \
  {"camera__" #isa,          bit,                     \
   camera_columns__##isa,    camera_row__##isa,       \
   camera_pixels_f32__##isa, camera_pixels_b8__##isa, \
   camera_largest__##isa},
#include "kernels/camera/kernels.inc"
};
constexpr size_t kCount = sizeof kCamera / sizeof kCamera[0];

}  // namespace

const CameraKernels* camera_kernels(size_t* count) noexcept {
  *count = kCount;
  return kCamera;
}

const CameraKernels& select_camera(Isa isa) noexcept {
  for (const CameraKernels& kernels : kCamera)
    if (isa_covers(isa, kernels.isa)) return kernels;
  return kCamera[kCount - 1];
}

}  // namespace dotori::kernels
