// SPDX-License-Identifier: Apache-2.0
#include "jni/call.h"

namespace dotori::jni {
namespace {

dotori_session session_of(jlong handle) noexcept {
  return {static_cast<std::uint64_t>(handle)};
}
dotori_image image_of(jlong handle) noexcept {
  return {static_cast<std::uint64_t>(handle)};
}

void fill_image(JNIEnv* env, jclass, jlong session, jlong image) {
  Call call(env);
  call.ok(dotori_session_fill_image(session_of(session), image_of(image), call.error()));
}

// Runs `use(pixels, count, error)` on an int[] where it lies; the exception comes when the array is free again.
template <class Use>
bool with_pixels(JNIEnv* env, jintArray array, Use use) {
  Call call(env);
  const std::size_t count = static_cast<std::size_t>(env->GetArrayLength(array));
  std::int32_t code;
  {
    const CriticalArray pixels(env, array, JNI_ABORT);
    code = pixels.data() == nullptr ? DOTORI_OUT_OF_MEMORY
                                    : use(static_cast<const std::uint32_t*>(pixels.data()), count, call.error());
  }
  return call.ok(code);
}

void fill_argb(JNIEnv* env, jclass, jlong session, jintArray array, jint width, jint height, jint row_stride) {
  with_pixels(env, array, [&](const std::uint32_t* pixels, std::size_t count, dotori_error* error) {
    return dotori_session_fill_argb(session_of(session), pixels, count, width, height,
                                    static_cast<std::size_t>(row_stride), error);
  });
}

jlong image_from_argb(JNIEnv* env, jclass, jintArray array, jint width, jint height, jint row_stride) {
  dotori_image image = {0};
  const bool made = with_pixels(env, array, [&](const std::uint32_t* pixels, std::size_t count, dotori_error* error) {
    return dotori_image_from_argb(pixels, count, width, height, static_cast<std::size_t>(row_stride), &image, error);
  });
  return made ? static_cast<jlong>(image.id) : 0;
}

// YuvPhoto's geometry.
enum {
  kYStart,
  kYBytes,
  kUStart,
  kUBytes,
  kVStart,
  kVBytes,
  kWidth,
  kHeight,
  kYRowStride,
  kUvRowStride,
  kUvPixelStride,
  kMatrix,
  kRotation,
  kGeometryCount
};

// Runs `use(photo, rotation, error)` on planes where they lie: parts of one array or, where that is null, of three
// buffers.
template <class Use>
bool with_yuv(JNIEnv* env, jbyteArray array, jobject y, jobject u, jobject v, jintArray geometry, Use use) {
  Call call(env);
  jint g[kGeometryCount];
  env->GetIntArrayRegion(geometry, 0, kGeometryCount, g);
  if (env->ExceptionCheck()) return false;
  dotori_yuv photo;
  DOTORI_INIT(photo);
  photo.y_size_bytes = static_cast<std::size_t>(g[kYBytes]);
  photo.u_size_bytes = static_cast<std::size_t>(g[kUBytes]);
  photo.v_size_bytes = static_cast<std::size_t>(g[kVBytes]);
  photo.width = g[kWidth];
  photo.height = g[kHeight];
  photo.y_row_stride = g[kYRowStride];
  photo.uv_row_stride = g[kUvRowStride];
  photo.uv_pixel_stride = g[kUvPixelStride];
  photo.matrix = g[kMatrix];
  const auto on_planes = [&](const void* y_base, const void* u_base, const void* v_base) {
    photo.y = static_cast<const std::uint8_t*>(y_base) + g[kYStart];
    photo.u = static_cast<const std::uint8_t*>(u_base) + g[kUStart];
    photo.v = static_cast<const std::uint8_t*>(v_base) + g[kVStart];
    return use(photo, g[kRotation], call.error());
  };
  std::int32_t code;
  if (array != nullptr) {
    const CriticalArray bytes(env, array, JNI_ABORT);
    code = bytes.data() == nullptr ? DOTORI_OUT_OF_MEMORY : on_planes(bytes.data(), bytes.data(), bytes.data());
  } else {
    const void* y_base = env->GetDirectBufferAddress(y);
    const void* u_base = env->GetDirectBufferAddress(u);
    const void* v_base = env->GetDirectBufferAddress(v);
    if (y_base == nullptr || u_base == nullptr || v_base == nullptr) {
      throw_error(env, DOTORI_INVALID_ARGUMENT, "a plane of the photo is an empty or indirect buffer");
      return false;
    }
    code = on_planes(y_base, u_base, v_base);
  }
  return call.ok(code);
}

void fill_yuv(JNIEnv* env, jclass, jlong session, jbyteArray array, jobject y, jobject u, jobject v,
              jintArray geometry) {
  with_yuv(env, array, y, u, v, geometry, [&](const dotori_yuv& photo, jint rotation, dotori_error* error) {
    return dotori_session_fill_yuv(session_of(session), &photo, rotation, error);
  });
}

jlong image_from_yuv(JNIEnv* env, jclass, jbyteArray array, jobject y, jobject u, jobject v, jintArray geometry) {
  dotori_image image = {0};
  const bool made =
      with_yuv(env, array, y, u, v, geometry, [&](const dotori_yuv& photo, jint rotation, dotori_error* error) {
        return dotori_image_from_yuv(&photo, rotation, &image, error);
      });
  return made ? static_cast<jlong>(image.id) : 0;
}

// Not held in place: decoding takes long enough to keep the garbage collector waiting.
jlong decode(JNIEnv* env, jclass, jbyteArray array, jlong max_pixels) {
  const Bytes bytes(env, array);
  if (bytes.data() == nullptr) return 0;
  Call call(env);
  dotori_image image = {0};
  const std::int32_t code =
      dotori_image_decode(bytes.data(), bytes.size(), static_cast<std::uint64_t>(max_pixels), &image, call.error());
  return call.ok(code) ? static_cast<jlong>(image.id) : 0;
}

jlong load_file(JNIEnv* env, jclass, jbyteArray path, jlong max_pixels) {
  const Bytes text(env, path);
  if (text.data() == nullptr) return 0;
  Call call(env);
  dotori_image image = {0};
  const std::int32_t code =
      dotori_image_load_file(text.data(), static_cast<std::uint64_t>(max_pixels), &image, call.error());
  return call.ok(code) ? static_cast<jlong>(image.id) : 0;
}

void close(JNIEnv* env, jclass, jlong image) {
  Call call(env);
  call.ok(dotori_image_close(image_of(image), call.error()));
}

jintArray size(JNIEnv* env, jclass, jlong image) {
  Call call(env);
  std::int32_t sides[2] = {0, 0};
  if (!call.ok(dotori_image_size(image_of(image), &sides[0], &sides[1], call.error()))) return nullptr;
  return int_array(env, sides, 2);
}

void pixels(JNIEnv* env, jclass, jlong image, jbyteArray rgb) {
  Call call(env);
  const std::size_t size_bytes = static_cast<std::size_t>(env->GetArrayLength(rgb));
  std::int32_t code;
  {
    const CriticalArray to(env, rgb, 0);
    code = to.data() == nullptr
               ? DOTORI_OUT_OF_MEMORY
               : dotori_image_pixels(image_of(image), static_cast<std::uint8_t*>(to.data()), size_bytes, call.error());
  }
  call.ok(code);
}

void save_png(JNIEnv* env, jclass, jlong image, jbyteArray path) {
  const Bytes text(env, path);
  if (text.data() == nullptr) return;
  Call call(env);
  call.ok(dotori_image_save_png(image_of(image), text.data(), call.error()));
}

const JNINativeMethod kMethods[] = {
    {const_cast<char*>("sessionFillImage"), const_cast<char*>("(JJ)V"), reinterpret_cast<void*>(fill_image)},
    {const_cast<char*>("sessionFillArgb"), const_cast<char*>("(J[IIII)V"), reinterpret_cast<void*>(fill_argb)},
    {const_cast<char*>("sessionFillYuv"),
     const_cast<char*>("(J[BLjava/nio/ByteBuffer;Ljava/nio/ByteBuffer;Ljava/nio/ByteBuffer;[I)V"),
     reinterpret_cast<void*>(fill_yuv)},
    {const_cast<char*>("imageFromArgb"), const_cast<char*>("([IIII)J"), reinterpret_cast<void*>(image_from_argb)},
    {const_cast<char*>("imageFromYuv"),
     const_cast<char*>("([BLjava/nio/ByteBuffer;Ljava/nio/ByteBuffer;Ljava/nio/ByteBuffer;[I)J"),
     reinterpret_cast<void*>(image_from_yuv)},
    {const_cast<char*>("imageDecode"), const_cast<char*>("([BJ)J"), reinterpret_cast<void*>(decode)},
    {const_cast<char*>("imageLoadFile"), const_cast<char*>("([BJ)J"), reinterpret_cast<void*>(load_file)},
    {const_cast<char*>("imageClose"), const_cast<char*>("(J)V"), reinterpret_cast<void*>(close)},
    {const_cast<char*>("imageSize"), const_cast<char*>("(J)[I"), reinterpret_cast<void*>(size)},
    {const_cast<char*>("imagePixels"), const_cast<char*>("(J[B)V"), reinterpret_cast<void*>(pixels)},
    {const_cast<char*>("imageSavePng"), const_cast<char*>("(J[B)V"), reinterpret_cast<void*>(save_png)},
};

}  // namespace

Methods photo_methods() noexcept {
  return {kMethods, sizeof kMethods / sizeof kMethods[0]};
}

}  // namespace dotori::jni
