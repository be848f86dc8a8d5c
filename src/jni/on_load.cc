// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "jni/call.h"

namespace dotori::jni {
namespace {

jclass exception_class = nullptr;
jmethodID exception_constructor = nullptr;

jbyteArray version(JNIEnv* env, jclass) {
  return text_array(env, dotori_version());
}
jint abi_version(JNIEnv*, jclass) {
  return static_cast<jint>(dotori_abi_version());
}
jbyteArray instruction_set(JNIEnv* env, jclass) {
  return text_array(env, dotori_instruction_set());
}

const JNINativeMethod kMethods[] = {
    {const_cast<char*>("version"), const_cast<char*>("()[B"), reinterpret_cast<void*>(version)},
    {const_cast<char*>("abiVersion"), const_cast<char*>("()I"), reinterpret_cast<void*>(abi_version)},
    {const_cast<char*>("instructionSet"), const_cast<char*>("()[B"), reinterpret_cast<void*>(instruction_set)},
};

}  // namespace

bool find_exception(JNIEnv* env) noexcept {
  jclass found = env->FindClass("ai/dotori/DotoriException");
  if (found == nullptr) return false;
  exception_constructor = env->GetMethodID(found, "<init>", "(I[B)V");
  if (exception_constructor == nullptr) return false;
  exception_class = static_cast<jclass>(env->NewGlobalRef(found));
  env->DeleteLocalRef(found);
  return exception_class != nullptr;
}

void throw_error(JNIEnv* env, std::int32_t code, const char* message) noexcept {
  if (env->ExceptionCheck()) return;
  jbyteArray text = text_array(env, message);
  if (text == nullptr) return;  // an OutOfMemoryError is pending
  jobject exception = env->NewObject(exception_class, exception_constructor, static_cast<jint>(code), text);
  if (exception != nullptr) env->Throw(static_cast<jthrowable>(exception));
}

jbyteArray byte_array(JNIEnv* env, const void* bytes, std::size_t size) noexcept {
  jbyteArray array = env->NewByteArray(static_cast<jsize>(size));
  if (array != nullptr) env->SetByteArrayRegion(array, 0, static_cast<jsize>(size), static_cast<const jbyte*>(bytes));
  return array;
}

jbyteArray text_array(JNIEnv* env, const char* text) noexcept {
  return byte_array(env, text, std::strlen(text));
}

jintArray int_array(JNIEnv* env, const jint* elements, jsize count) noexcept {
  jintArray array = env->NewIntArray(count);
  if (array != nullptr) env->SetIntArrayRegion(array, 0, count, elements);
  return array;
}

jlongArray long_array(JNIEnv* env, const jlong* elements, jsize count) noexcept {
  jlongArray array = env->NewLongArray(count);
  if (array != nullptr) env->SetLongArrayRegion(array, 0, count, elements);
  return array;
}

jdoubleArray double_array(JNIEnv* env, const double* elements, std::size_t count) noexcept {
  jdoubleArray array = env->NewDoubleArray(static_cast<jsize>(count));
  if (array != nullptr) env->SetDoubleArrayRegion(array, 0, static_cast<jsize>(count), elements);
  return array;
}

}  // namespace dotori::jni

using namespace dotori::jni;

extern "C" JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM* vm, void*) {
  JNIEnv* env = nullptr;
  if (vm->GetEnv(reinterpret_cast<void**>(&env), JNI_VERSION_1_6) != JNI_OK) return JNI_ERR;
  if (!find_exception(env)) return JNI_ERR;
  jclass natives = env->FindClass("ai/dotori/Native");
  if (natives == nullptr) return JNI_ERR;
  const Methods all[] = {{kMethods, sizeof kMethods / sizeof kMethods[0]},
                         model_methods(),
                         session_methods(),
                         photo_methods(),
                         answer_methods()};
  for (const Methods& part : all) {
    if (env->RegisterNatives(natives, part.methods, part.count) != JNI_OK) return JNI_ERR;
  }
  env->DeleteLocalRef(natives);
  return JNI_VERSION_1_6;
}
