// SPDX-License-Identifier: Apache-2.0
// What libc++'s headers expect of its library, for the check build only: a build with the NDK links libc++_static
// instead.
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <new>
#include <string>

namespace {

void* allocate(std::size_t bytes) {
  void* memory = malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) abort();
  return memory;
}

template <class T>
std::string printed(const char* format, T value) {
  char text[400];
  snprintf(text, sizeof text, format, value);
  return text;
}

}  // namespace

void* operator new(std::size_t bytes) {
  return allocate(bytes);
}
void* operator new[](std::size_t bytes) {
  return allocate(bytes);
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return malloc(bytes == 0 ? 1 : bytes);
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  return malloc(bytes == 0 ? 1 : bytes);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  void* memory = nullptr;
  if (posix_memalign(&memory, static_cast<std::size_t>(alignment), bytes == 0 ? 1 : bytes) != 0) abort();
  return memory;
}
void operator delete(void* memory) noexcept {
  free(memory);
}
void operator delete[](void* memory) noexcept {
  free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  free(memory);
}

extern "C" {

// What clang emits for a function that must not be reached.
[[noreturn]] void __cxa_pure_virtual() {
  abort();
}

// A static local's first use: byte 0 says "done" to the compiler's code, byte 1 is the lock.
int __cxa_guard_acquire(unsigned char* guard) {
  for (;;) {
    if (__atomic_load_n(guard, __ATOMIC_ACQUIRE) != 0) return 0;
    if (__atomic_exchange_n(guard + 1, 1, __ATOMIC_ACQUIRE) == 0) break;
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

inline namespace __1 {

template class basic_string<char>;
template string operator+(const char*, const string&);

// The header declares it for arithmetic types and their own order only.
template <class Compare, class Iterator>
void __sort(Iterator first, Iterator last, Compare) {
  std::partial_sort(first, last, last);
}
template void __sort<__less<int, int>&, int*>(int*, int*, __less<int, int>&);
template void __sort<__less<unsigned long, unsigned long>&, unsigned long*>(unsigned long*, unsigned long*,
                                                                            __less<unsigned long, unsigned long>&);
template void __sort<__less<float, float>&, float*>(float*, float*, __less<float, float>&);

[[noreturn]] void __libcpp_verbose_abort(const char*, ...) {
  abort();
}

string to_string(int v) {
  return printed("%d", v);
}
string to_string(unsigned v) {
  return printed("%u", v);
}
string to_string(long v) {
  return printed("%ld", v);
}
string to_string(unsigned long v) {
  return printed("%lu", v);
}
string to_string(long long v) {
  return printed("%lld", v);
}
string to_string(unsigned long long v) {
  return printed("%llu", v);
}
string to_string(float v) {
  return printed("%f", static_cast<double>(v));
}
string to_string(double v) {
  return printed("%f", v);
}

to_chars_result to_chars(char* first, char* last, float value) {
  char text[32];
  int length = 0;
  for (int digits = 1; digits <= 9; ++digits) {
    length = snprintf(text, sizeof text, "%.*g", digits, static_cast<double>(value));
    if (strtof(text, nullptr) == value) break;
  }
  if (last - first < length) return {last, errc::value_too_large};
  return {std::copy(text, text + length, first), errc{}};
}

__shared_count::~__shared_count() {}
__shared_weak_count::~__shared_weak_count() {}
void __shared_weak_count::__release_weak() noexcept {
  if (__atomic_fetch_sub(&__shared_weak_owners_, 1, __ATOMIC_ACQ_REL) == 0) __on_zero_shared_weak();
}
const void* __shared_weak_count::__get_deleter(const type_info&) const noexcept {
  return nullptr;
}

}  // namespace __1
}  // namespace std
