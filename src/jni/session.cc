// SPDX-License-Identifier: Apache-2.0
#include "jni/call.h"

namespace dotori::jni {
namespace {

dotori_session session_of(jlong handle) noexcept {
  return {static_cast<std::uint64_t>(handle)};
}

jlong create(JNIEnv* env, jclass, jlong model, jint backend, jint threads, jlong max_memory_bytes, jint cores,
             jlong core_mask) {
  Call call(env);
  dotori_session_options options;
  DOTORI_INIT(options);
  options.backend = backend;
  options.num_threads = threads;
  options.max_memory_bytes = static_cast<std::uint64_t>(max_memory_bytes);
  options.cores = cores;
  options.core_mask = static_cast<std::uint64_t>(core_mask);
  dotori_session session = {0};
  const dotori_model of = {static_cast<std::uint64_t>(model)};
  return call.ok(dotori_session_create(of, &options, &session, call.error())) ? static_cast<jlong>(session.id) : 0;
}

void close(JNIEnv* env, jclass, jlong session) {
  Call call(env);
  call.ok(dotori_session_close(session_of(session), call.error()));
}

jlongArray info(JNIEnv* env, jclass, jlong session) {
  Call call(env);
  dotori_session_info i;
  DOTORI_INIT(i);
  if (!call.ok(dotori_session_get_info(session_of(session), &i, call.error()))) return nullptr;
  const jlong numbers[] = {i.backend,
                           i.num_threads,
                           i.input_count,
                           i.output_count,
                           static_cast<jlong>(i.arena_bytes),
                           static_cast<jlong>(i.packed_bytes),
                           static_cast<jlong>(i.core_mask)};
  return long_array(env, numbers, 7);
}

jlong core_mask(JNIEnv* env, jclass, jint cores) {
  Call call(env);
  std::uint64_t mask = 0;
  call.ok(dotori_core_mask(cores, &mask, call.error()));
  return static_cast<jlong>(mask);
}

// The kinds are those of Native.java: 2 for an input, 3 for an output.
jobject tensor_data(JNIEnv* env, jclass, jlong session, jint kind, jint index) {
  Call call(env);
  dotori_tensor t;
  DOTORI_INIT(t);
  const std::int32_t code = kind == 2 ? dotori_session_input(session_of(session), index, &t, call.error())
                                      : dotori_session_output(session_of(session), index, &t, call.error());
  if (!call.ok(code)) return nullptr;
  if (t.size_bytes > INT32_MAX) {
    throw_error(env, DOTORI_UNSUPPORTED, "the tensor has more than 2147483647 bytes, the most that a ByteBuffer holds");
    return nullptr;
  }
  return env->NewDirectByteBuffer(t.data, static_cast<jlong>(t.size_bytes));
}

// Runs `use(elements, bytes)` on an array where it lies; the exception comes when the array is free again.
template <class Use>
void with_array(JNIEnv* env, jarray array, std::size_t element_bytes, jint release_mode, Use use) {
  Call call(env);
  const std::size_t size_bytes = static_cast<std::size_t>(env->GetArrayLength(array)) * element_bytes;
  std::int32_t code;
  {
    const CriticalArray elements(env, array, release_mode);
    code = elements.data() == nullptr ? DOTORI_OUT_OF_MEMORY : use(elements.data(), size_bytes, call.error());
  }
  call.ok(code);
}

void set_input(JNIEnv* env, jclass, jlong session, jint index, jobject array, jint element_bytes) {
  with_array(env, static_cast<jarray>(array), static_cast<std::size_t>(element_bytes), JNI_ABORT,
             [&](const void* bytes, std::size_t size_bytes, dotori_error* error) {
               return dotori_session_set_input(session_of(session), index, bytes, size_bytes, error);
             });
}

void get_output(JNIEnv* env, jclass, jlong session, jint index, jobject array, jint element_bytes) {
  with_array(env, static_cast<jarray>(array), static_cast<std::size_t>(element_bytes), 0,
             [&](void* bytes, std::size_t size_bytes, dotori_error* error) {
               return dotori_session_get_output(session_of(session), index, bytes, size_bytes, error);
             });
}

void run(JNIEnv* env, jclass, jlong session) {
  Call call(env);
  call.ok(dotori_session_run(session_of(session), call.error()));
}

const JNINativeMethod kMethods[] = {
    {const_cast<char*>("sessionCreate"), const_cast<char*>("(JIIJIJ)J"), reinterpret_cast<void*>(create)},
    {const_cast<char*>("sessionClose"), const_cast<char*>("(J)V"), reinterpret_cast<void*>(close)},
    {const_cast<char*>("sessionInfo"), const_cast<char*>("(J)[J"), reinterpret_cast<void*>(info)},
    {const_cast<char*>("coreMask"), const_cast<char*>("(I)J"), reinterpret_cast<void*>(core_mask)},
    {const_cast<char*>("sessionTensorData"), const_cast<char*>("(JII)Ljava/nio/ByteBuffer;"),
     reinterpret_cast<void*>(tensor_data)},
    {const_cast<char*>("sessionSetInput"), const_cast<char*>("(JILjava/lang/Object;I)V"),
     reinterpret_cast<void*>(set_input)},
    {const_cast<char*>("sessionGetOutput"), const_cast<char*>("(JILjava/lang/Object;I)V"),
     reinterpret_cast<void*>(get_output)},
    {const_cast<char*>("sessionRun"), const_cast<char*>("(J)V"), reinterpret_cast<void*>(run)},
};

}  // namespace

Methods session_methods() noexcept {
  return {kMethods, sizeof kMethods / sizeof kMethods[0]};
}

}  // namespace dotori::jni
