// SPDX-License-Identifier: Apache-2.0
// What the runtime uses of the C++ run-time library, so that the packaged archive links into a C program. Part of that
// archive only: there the names below are local, so a C++ program's own library is not disturbed.
//
// Memory comes from the program's operator new where there is one (cmake/archive renames our calls to the functions
// dotori_cxx_* here), so that a string or a vector made on one side of the interface can be freed on the other,
// whatever allocator the program brings. A C program has none: then it is malloc.
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include <charconv>
#include <functional>
#include <memory>
#include <new>
#include <typeinfo>

extern "C" {

// Undefined and weak: null in a program without a C++ library.
__attribute__((weak)) void* program_new(std::size_t) __asm__("_Znwm");
__attribute__((weak)) void* program_new_nothrow(std::size_t, const std::nothrow_t&) __asm__("_ZnwmRKSt9nothrow_t");
__attribute__((weak)) void* program_new_aligned(std::size_t, std::align_val_t) __asm__("_ZnwmSt11align_val_t");
__attribute__((weak)) void program_delete(void*) __asm__("_ZdlPv");
__attribute__((weak)) void program_delete_aligned(void*, std::align_val_t) __asm__("_ZdlPvSt11align_val_t");

void* dotori_cxx_new_nothrow(std::size_t bytes, const std::nothrow_t&) {
  if (program_new_nothrow != nullptr) return program_new_nothrow(bytes, std::nothrow);
  return malloc(bytes == 0 ? 1 : bytes);
}
void* dotori_cxx_new_array_nothrow(std::size_t bytes, const std::nothrow_t& tag) {
  return dotori_cxx_new_nothrow(bytes, tag);
}

// The language does not let these return null. What may be large is asked for with nothrow.
void* dotori_cxx_new(std::size_t bytes) {
  if (program_new != nullptr) return program_new(bytes);
  void* memory = malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) abort();
  return memory;
}
void* dotori_cxx_new_array(std::size_t bytes) {
  return dotori_cxx_new(bytes);
}
void* dotori_cxx_new_aligned(std::size_t bytes, std::align_val_t alignment) {
  if (program_new_aligned != nullptr) return program_new_aligned(bytes, alignment);
  const std::size_t step = static_cast<std::size_t>(alignment);
  void* memory = aligned_alloc(step, (bytes + step - 1) / step * step);
  if (memory == nullptr) abort();
  return memory;
}

void dotori_cxx_delete(void* memory) {
  if (program_delete != nullptr) return program_delete(memory);
  free(memory);
}
void dotori_cxx_delete_sized(void* memory, std::size_t) {
  dotori_cxx_delete(memory);
}
void dotori_cxx_delete_array(void* memory) {
  dotori_cxx_delete(memory);
}
void dotori_cxx_delete_array_sized(void* memory, std::size_t) {
  dotori_cxx_delete(memory);
}
void dotori_cxx_delete_aligned(void* memory, std::align_val_t alignment) {
  if (program_delete_aligned != nullptr) return program_delete_aligned(memory, alignment);
  free(memory);
}
void dotori_cxx_delete_sized_aligned(void* memory, std::size_t, std::align_val_t alignment) {
  dotori_cxx_delete_aligned(memory, alignment);
}

// libjpeg's own error functions, which vision replaces: linked, never called. Without the stream the archive fits into
// a shared library, and nothing in it can print or end the program.
void* dotori_no_stream = nullptr;
int dotori_no_fprintf(void*, const char*, ...) {
  return 0;
}
int dotori_no_fprintf_chk(void*, int, const char*, ...) {
  return 0;
}
[[noreturn]] void dotori_no_exit(int) {
  abort();
}

[[noreturn]] void __cxa_pure_virtual() {
  abort();
}

// A static local's first use. The guard's first byte says "done" (the compiler reads it); the second is our lock.
int __cxa_guard_acquire(unsigned char* guard) {
  for (;;) {
    if (__atomic_load_n(guard, __ATOMIC_ACQUIRE) != 0) return 0;
    if (__atomic_exchange_n(guard + 1, 1, __ATOMIC_ACQUIRE) == 0) break;
    sched_yield();
  }
  if (__atomic_load_n(guard, __ATOMIC_ACQUIRE) == 0) return 1;
  __atomic_store_n(guard + 1, 0, __ATOMIC_RELEASE);
  return 0;
}
void __cxa_guard_release(unsigned char* guard) {
  __atomic_store_n(guard, 1, __ATOMIC_RELEASE);
  __atomic_store_n(guard + 1, 0, __ATOMIC_RELEASE);
}

}  // extern "C"

namespace std {

const nothrow_t nothrow = nothrow_t{};

// Reached by a defect in the runtime only: no input makes it ask for a length or an index beyond the limits.
void __throw_bad_alloc() {
  abort();
}
void __throw_bad_array_new_length() {
  abort();
}
void __throw_logic_error(const char*) {
  abort();
}
void __throw_length_error(const char*) {
  abort();
}
void __throw_out_of_range(const char*) {
  abort();
}
void __throw_out_of_range_fmt(const char*, ...) {
  abort();
}
void __throw_bad_function_call() {
  abort();
}

// make_shared without RTTI compares the tag's address before it asks this.
bool _Sp_make_shared_tag::_S_eq(const type_info&) noexcept {
  return false;
}

// The shortest of %.1g to %.9g that reads back as the same number; the library's own has tables of 40 KB.
to_chars_result to_chars(char* first, char* last, float value) noexcept {
  char text[32];
  int length = 0;
  for (int digits = 1; digits <= 9; ++digits) {
    length = snprintf(text, sizeof text, "%.*g", digits, static_cast<double>(value));
    if (strtof(text, nullptr) == value) break;
  }
  if (last - first < length) return {last, errc::value_too_large};
  // A locale of the program may write a comma.
  for (int i = 0; i < length; ++i) first[i] = text[i] == ',' ? '.' : text[i];
  return {first + length, errc{}};
}

}  // namespace std
