// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "jni/call.h"

namespace dotori::jni {
namespace {

dotori_model model_of(jlong handle) noexcept {
  return {static_cast<std::uint64_t>(handle)};
}
dotori_session session_of(jlong handle) noexcept {
  return {static_cast<std::uint64_t>(handle)};
}

jlong load_file(JNIEnv* env, jclass, jbyteArray path) {
  const Bytes text(env, path);
  if (text.data() == nullptr) return 0;
  Call call(env);
  dotori_model model = {0};
  return call.ok(dotori_model_load_file(text.data(), &model, call.error())) ? static_cast<jlong>(model.id) : 0;
}

jlong load(JNIEnv* env, const void* bytes, std::size_t size, jbyteArray name) {
  const Bytes text(env, name);
  if (text.data() == nullptr) return 0;
  Call call(env);
  dotori_model model = {0};
  const std::int32_t code = dotori_model_load_memory(bytes, size, text.data(), &model, call.error());
  return call.ok(code) ? static_cast<jlong>(model.id) : 0;
}

// Not held in place: building a model takes long enough to keep the garbage collector waiting.
jlong load_array(JNIEnv* env, jclass, jbyteArray bytes, jbyteArray name) {
  const Bytes copy(env, bytes);
  return copy.data() == nullptr ? 0 : load(env, copy.data(), copy.size(), name);
}

jlong load_buffer(JNIEnv* env, jclass, jobject buffer, jint position, jint size, jbyteArray name) {
  const char* bytes = static_cast<const char*>(env->GetDirectBufferAddress(buffer));
  return load(env, bytes == nullptr ? nullptr : bytes + position, static_cast<std::size_t>(size), name);
}

void close(JNIEnv* env, jclass, jlong model) {
  Call call(env);
  call.ok(dotori_model_close(model_of(model), call.error()));
}

bool get_info(JNIEnv* env, jlong model, dotori_model_info* info) noexcept {
  Call call(env);
  DOTORI_INIT(*info);
  return call.ok(dotori_model_get_info(model_of(model), info, call.error()));
}

jlongArray info(JNIEnv* env, jclass, jlong model) {
  dotori_model_info i;
  if (!get_info(env, model, &i)) return nullptr;
  const jlong numbers[] = {i.task, i.input_count, i.output_count, i.label_count, static_cast<jlong>(i.file_bytes)};
  return long_array(env, numbers, 5);
}

jbyteArray name(JNIEnv* env, jclass, jlong model) {
  dotori_model_info i;
  return get_info(env, model, &i) ? text_array(env, i.name) : nullptr;
}

// A text of the C API that says how long it is.
template <class Get>
jbyteArray text(JNIEnv* env, Get get) {
  Call call(env);
  std::size_t needed = 0;
  char none = 0;
  if (!call.ok(get(&none, std::size_t{1}, &needed, call.error()))) return nullptr;
  const Buffer<char> buffer(env, needed);
  if (buffer.data() == nullptr) return nullptr;
  if (!call.ok(get(buffer.data(), needed, &needed, call.error()))) return nullptr;
  return text_array(env, buffer.data());
}

jbyteArray label(JNIEnv* env, jclass, jlong model, jint index) {
  return text(env, [&](char* to, std::size_t size, std::size_t* needed, dotori_error* error) {
    return dotori_model_label(model_of(model), index, to, size, needed, error);
  });
}

jbyteArray json(JNIEnv* env, jclass, jlong model) {
  return text(env, [&](char* to, std::size_t size, std::size_t* needed, dotori_error* error) {
    return dotori_model_json(model_of(model), to, size, needed, error);
  });
}

// The kinds are those of Native.java.
jbyteArray tensor(JNIEnv* env, jclass, jlong handle, jint kind, jint index, jlongArray numbers) {
  Call call(env);
  dotori_tensor t;
  DOTORI_INIT(t);
  std::int32_t code = DOTORI_INTERNAL;
  switch (kind) {
    case 0: code = dotori_model_input(model_of(handle), index, &t, call.error()); break;
    case 1: code = dotori_model_output(model_of(handle), index, &t, call.error()); break;
    case 2: code = dotori_session_input(session_of(handle), index, &t, call.error()); break;
    case 3: code = dotori_session_output(session_of(handle), index, &t, call.error()); break;
  }
  if (!call.ok(code)) return nullptr;
  jlong values[5 + DOTORI_MAX_RANK] = {t.type, t.rank};
  for (int i = 0; i < DOTORI_MAX_RANK; ++i) values[2 + i] = t.dims[i];
  jint scale_bits;
  std::memcpy(&scale_bits, &t.scale, sizeof scale_bits);
  values[2 + DOTORI_MAX_RANK] = scale_bits;
  values[3 + DOTORI_MAX_RANK] = t.zero_point;
  values[4 + DOTORI_MAX_RANK] = static_cast<jlong>(t.size_bytes);
  env->SetLongArrayRegion(numbers, 0, 5 + DOTORI_MAX_RANK, values);
  return text_array(env, t.name);
}

const JNINativeMethod kMethods[] = {
    {const_cast<char*>("modelLoadFile"), const_cast<char*>("([B)J"), reinterpret_cast<void*>(load_file)},
    {const_cast<char*>("modelLoadArray"), const_cast<char*>("([B[B)J"), reinterpret_cast<void*>(load_array)},
    {const_cast<char*>("modelLoadBuffer"), const_cast<char*>("(Ljava/nio/ByteBuffer;II[B)J"),
     reinterpret_cast<void*>(load_buffer)},
    {const_cast<char*>("modelClose"), const_cast<char*>("(J)V"), reinterpret_cast<void*>(close)},
    {const_cast<char*>("modelInfo"), const_cast<char*>("(J)[J"), reinterpret_cast<void*>(info)},
    {const_cast<char*>("modelName"), const_cast<char*>("(J)[B"), reinterpret_cast<void*>(name)},
    {const_cast<char*>("modelLabel"), const_cast<char*>("(JI)[B"), reinterpret_cast<void*>(label)},
    {const_cast<char*>("modelJson"), const_cast<char*>("(J)[B"), reinterpret_cast<void*>(json)},
    {const_cast<char*>("tensor"), const_cast<char*>("(JII[J)[B"), reinterpret_cast<void*>(tensor)},
};

}  // namespace

Methods model_methods() noexcept {
  return {kMethods, sizeof kMethods / sizeof kMethods[0]};
}

}  // namespace dotori::jni
