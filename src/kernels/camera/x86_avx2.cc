// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "kernels/camera/camera.h"
#include "kernels/camera/vec8_pixels.h"

namespace dotori::kernels {
namespace {

inline __m256i load32(const uint8_t* p) noexcept {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}

// 32 columns. Two rows at a time: their bytes side by side as words, multiplied and added in pairs.
inline void columns32(const uint8_t* src, ptrdiff_t row_stride, const int16_t* weights, int32_t count,
                      int16_t* dst) noexcept {
  const __m256i zero = _mm256_setzero_si256(), half = _mm256_set1_epi32(1 << (kCameraSumBits - 1));
  __m256i sum0 = half, sum1 = half, sum2 = half, sum3 = half;
  for (int32_t t = 0; t < count; t += 2) {
    const bool pair = t + 1 < count;
    const __m256i a = load32(src), b = pair ? load32(src + row_stride) : zero;
    const uint32_t second = pair ? static_cast<uint16_t>(weights[t + 1]) : 0;
    const __m256i w = _mm256_set1_epi32(static_cast<int32_t>(static_cast<uint16_t>(weights[t]) | second << 16));
    const __m256i low = _mm256_unpacklo_epi8(a, b), high = _mm256_unpackhi_epi8(a, b);
    sum0 = _mm256_add_epi32(sum0, _mm256_madd_epi16(_mm256_unpacklo_epi8(low, zero), w));
    sum1 = _mm256_add_epi32(sum1, _mm256_madd_epi16(_mm256_unpackhi_epi8(low, zero), w));
    sum2 = _mm256_add_epi32(sum2, _mm256_madd_epi16(_mm256_unpacklo_epi8(high, zero), w));
    sum3 = _mm256_add_epi32(sum3, _mm256_madd_epi16(_mm256_unpackhi_epi8(high, zero), w));
    src += 2 * row_stride;
  }
  // Unpacking and packing stay within halves of a register: columns 0..15 are in the low halves.
  const __m256i p =
      _mm256_packs_epi32(_mm256_srai_epi32(sum0, kCameraSumBits), _mm256_srai_epi32(sum1, kCameraSumBits));
  const __m256i q =
      _mm256_packs_epi32(_mm256_srai_epi32(sum2, kCameraSumBits), _mm256_srai_epi32(sum3, kCameraSumBits));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(dst), _mm256_permute2x128_si256(p, q, 0x20));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(dst + 16), _mm256_permute2x128_si256(p, q, 0x31));
}

inline __m256i two_blocks(const int16_t* low, const int16_t* high) noexcept {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(low))),
                                 _mm_loadu_si128(reinterpret_cast<const __m128i*>(high)), 1);
}

// Results x and x + 4 share a register; its halves are each one result's four partial sums.
inline __m256i partial_sums(const int16_t* src, const int32_t* first, const int16_t* weights, int32_t blocks) noexcept {
  const ptrdiff_t taps = static_cast<ptrdiff_t>(blocks) * kCameraTapBlock;
  const int16_t *src0 = src + first[0], *src4 = src + first[4], *weights4 = weights + 4 * taps;
  __m256i sum = _mm256_madd_epi16(two_blocks(src0, src4), two_blocks(weights, weights4));
  for (ptrdiff_t t = kCameraTapBlock; t < taps; t += kCameraTapBlock)
    sum =
        _mm256_add_epi32(sum, _mm256_madd_epi16(two_blocks(src0 + t, src4 + t), two_blocks(weights + t, weights4 + t)));
  return sum;
}

}  // namespace

void camera_columns__avx2(const uint8_t* src, ptrdiff_t row_stride, const int16_t* weights, int32_t count, int16_t* dst,
                          size_t n) noexcept {
  size_t i = 0;
  for (; i + 32 <= n; i += 32) columns32(src + i, row_stride, weights, count, dst + i);
  if (i == n) return;
  if (n >= 32) {
    // Once more over some columns of the block before.
    columns32(src + n - 32, row_stride, weights, count, dst + n - 32);
    return;
  }
  for (; i < n; ++i) {
    int32_t sum = 1 << (kCameraSumBits - 1);
    for (int32_t t = 0; t < count; ++t) sum += weights[t] * src[t * row_stride + static_cast<ptrdiff_t>(i)];
    dst[i] = static_cast<int16_t>(sum >> kCameraSumBits);
  }
}

void camera_row__avx2(const int16_t* src, const int32_t* first, const int16_t* weights, int32_t blocks, int32_t* dst,
                      size_t n) noexcept {
  const size_t taps = static_cast<size_t>(blocks) * kCameraTapBlock;
  size_t x = 0;
  for (; x + 8 <= n; x += 8, weights += 8 * taps) {
    const __m256i a = partial_sums(src, first + x, weights, blocks);
    const __m256i b = partial_sums(src, first + x + 1, weights + taps, blocks);
    const __m256i c = partial_sums(src, first + x + 2, weights + 2 * taps, blocks);
    const __m256i d = partial_sums(src, first + x + 3, weights + 3 * taps, blocks);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(dst + x),
                        _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d)));
  }
  for (; x < n; ++x, weights += taps) {
    int32_t sum = 0;
    for (size_t t = 0; t < taps; ++t) sum += weights[t] * src[static_cast<size_t>(first[x]) + t];
    dst[x] = sum;
  }
}

void camera_pixels_f32__avx2(const int32_t* y, const int32_t* u, const int32_t* v, const CameraColors& how, float* dst,
                             size_t n) noexcept {
  pixels_f32_row(y, u, v, how, dst, n);
}

void camera_pixels_b8__avx2(const int32_t* y, const int32_t* u, const int32_t* v, const CameraColors& how, uint8_t* dst,
                            size_t n) noexcept {
  pixels_b8_row(y, u, v, how, dst, n);
}

float camera_largest__avx2(const int32_t* y, const int32_t* u, const int32_t* v, const CameraColors& how,
                           size_t n) noexcept {
  return largest_of_row(y, u, v, how, n);
}

}  // namespace dotori::kernels
