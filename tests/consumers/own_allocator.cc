// SPDX-License-Identifier: Apache-2.0
// own_allocator FOLDER: a program that replaces operator new and delete. Every block is marked, so that one which the
// library frees in another way than it was made, or the other way round, ends the program.
#include <dotori/dotori.h>
#include <dotori/vision.h>

#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>

namespace {

constexpr std::size_t kHeader = 64;
constexpr unsigned long kMark = 0x444F544F52494E45ul;
long blocks = 0, made = 0;

void* marked(std::size_t bytes) {
  unsigned char* memory = static_cast<unsigned char*>(std::aligned_alloc(64, (bytes + kHeader + 63) / 64 * 64));
  if (memory == nullptr) std::abort();
  *reinterpret_cast<unsigned long*>(memory) = kMark;
  __atomic_add_fetch(&blocks, 1, __ATOMIC_RELAXED);
  __atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
  return memory + kHeader;
}

void release(void* p) {
  if (p == nullptr) return;
  unsigned char* memory = static_cast<unsigned char*>(p) - kHeader;
  if (*reinterpret_cast<unsigned long*>(memory) != kMark) {
    std::fputs("own_allocator: a block of another allocator was freed\n", stderr);
    std::abort();
  }
  *reinterpret_cast<unsigned long*>(memory) = 0;
  __atomic_sub_fetch(&blocks, 1, __ATOMIC_RELAXED);
  std::free(memory);
}

// Strings, vectors and images go over the interface in both directions.
int run(const std::string& folder) {
  dotori::Result<dotori::Model> model = dotori::Model::load_file(folder + "/f32.dtr");
  if (!model.ok()) return 1;
  dotori::SessionOptions options;
  options.num_threads = 2;
  dotori::Result<dotori::Session> session = dotori::Session::create(*model, options);
  if (!session.ok() || !session->run().ok()) return 1;
  dotori::vision::Image image = dotori::vision::make_image(64, 48);
  image.pixels.resize(image.pixels.size() * 2);
  const dotori::Result<dotori::Model> missing = dotori::Model::load_file(std::string(200, 'x'));
  const std::string message = missing.status().message();
  return missing.ok() || message.size() < 200 ? 1 : 0;
}

}  // namespace

void* operator new(std::size_t bytes) {
  return marked(bytes);
}
void* operator new[](std::size_t bytes) {
  return marked(bytes);
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return marked(bytes);
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  return marked(bytes);
}
void* operator new(std::size_t bytes, std::align_val_t) {
  return marked(bytes);
}
void operator delete(void* p) noexcept {
  release(p);
}
void operator delete[](void* p) noexcept {
  release(p);
}
void operator delete(void* p, std::size_t) noexcept {
  release(p);
}
void operator delete[](void* p, std::size_t) noexcept {
  release(p);
}
void operator delete(void* p, std::align_val_t) noexcept {
  release(p);
}
void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
  release(p);
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const int result = run(argv[1]);
  std::printf("own allocator: %ld blocks, %s\n", made, result == 0 ? "all freed where they were made" : "failed");
  return result != 0 || made < 100 ? 1 : 0;
}
