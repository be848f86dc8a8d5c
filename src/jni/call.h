// SPDX-License-Identifier: Apache-2.0
// What all native functions share. This folder knows the C API and nothing else of the library, and needs no C++
// run-time library: no function allocates with new, throws or has a static object.
#pragma once

#include <jni.h>

#include <cstdint>
#include <cstdlib>

#include <dotori/c_api.h>

namespace dotori::jni {

// Looks up what throw_error() needs. False with a Java exception pending.
bool find_exception(JNIEnv* env) noexcept;
// Makes a DotoriException pending, unless another exception is.
void throw_error(JNIEnv* env, std::int32_t code, const char* message) noexcept;

// The error text of one call of the C API.
class Call {
 public:
  explicit Call(JNIEnv* env) noexcept : env_(env) { DOTORI_INIT(error_); }
  dotori_error* error() noexcept { return &error_; }
  // Whether `code` is DOTORI_OK; if not, a DotoriException is pending.
  bool ok(std::int32_t code) noexcept {
    if (code == DOTORI_OK) return true;
    throw_error(env_, code, error_.message[0] != 0 ? error_.message : dotori_code_name(code));
    return false;
  }

 private:
  JNIEnv* env_;
  dotori_error error_;
};

// The elements of a Java array where they are, without a copy; between the constructor and the destructor there must be
// no call of JNI. `data` is null when the array could not be held.
class CriticalArray {
 public:
  // release_mode: 0 to keep what was written, JNI_ABORT for an array that is only read.
  CriticalArray(JNIEnv* env, jarray array, jint release_mode) noexcept
      : env_(env), array_(array), release_mode_(release_mode), data_(env->GetPrimitiveArrayCritical(array, nullptr)) {}
  ~CriticalArray() {
    if (data_ != nullptr) env_->ReleasePrimitiveArrayCritical(array_, data_, release_mode_);
  }
  CriticalArray(const CriticalArray&) = delete;
  CriticalArray& operator=(const CriticalArray&) = delete;
  void* data() const noexcept { return data_; }

 private:
  JNIEnv* env_;
  jarray array_;
  jint release_mode_;
  void* data_;
};

// Memory of the C library, freed at the end of the scope; null when there is none.
template <class T>
class Buffer {
 public:
  Buffer(JNIEnv* env, std::size_t elements) noexcept
      : data_(elements > SIZE_MAX / sizeof(T) ? nullptr : static_cast<T*>(std::malloc((elements + 1) * sizeof(T)))) {
    if (data_ == nullptr) throw_error(env, DOTORI_OUT_OF_MEMORY, "no memory for a buffer between Java and native code");
  }
  ~Buffer() { std::free(data_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  T* data() const noexcept { return data_; }

 private:
  T* data_;
};

// A byte[] copied into memory of the C library; null with an exception pending.
class Bytes : public Buffer<char> {
 public:
  Bytes(JNIEnv* env, jbyteArray array) noexcept
      : Buffer(env, static_cast<std::size_t>(env->GetArrayLength(array))),
        size_(static_cast<std::size_t>(env->GetArrayLength(array))) {
    if (data() != nullptr) {
      env->GetByteArrayRegion(array, 0, static_cast<jsize>(size_), reinterpret_cast<jbyte*>(data()));
    }
  }
  std::size_t size() const noexcept { return size_; }

 private:
  std::size_t size_;
};

// Java arrays of what lies in native memory; null with an exception pending.
jbyteArray byte_array(JNIEnv* env, const void* bytes, std::size_t size) noexcept;
jbyteArray text_array(JNIEnv* env, const char* text) noexcept;
jintArray int_array(JNIEnv* env, const jint* elements, jsize count) noexcept;
jlongArray long_array(JNIEnv* env, const jlong* elements, jsize count) noexcept;
jdoubleArray double_array(JNIEnv* env, const double* elements, std::size_t count) noexcept;

// The functions of one file, for RegisterNatives.
struct Methods {
  const JNINativeMethod* methods;
  jint count;
};
Methods model_methods() noexcept;
Methods session_methods() noexcept;
Methods photo_methods() noexcept;
Methods answer_methods() noexcept;

}  // namespace dotori::jni
