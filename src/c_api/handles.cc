// SPDX-License-Identifier: Apache-2.0
#include "c_api/handles.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

namespace dotori::c_api {
namespace {

struct Slot {
  Object* object;
  std::uint32_t generation;  // of the handle that is open or was last
  std::uint32_t pins;
  std::uint32_t next_free;  // index + 1; 0: none
  bool open;
};

// Kept to the end of the process: another thread may ask about a handle at any time.
struct Table {
  std::atomic<std::uint32_t> lock{0};  // 0: free, 1: held, 2: held and somebody may sleep
  Slot* slots = nullptr;
  std::uint32_t size = 0, free = 0;
};
Table table;

void futex(int operation, std::uint32_t value) noexcept {
  static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));
  syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&table.lock), operation, value, nullptr, nullptr, 0);
}

// Not a pthread mutex, whose size differs between C libraries. Sleeps instead of yielding, because a real-time thread
// that yields keeps the holder from running on its core.
class Lock {
 public:
  Lock() noexcept {
    std::uint32_t found = 0;
    if (table.lock.compare_exchange_strong(found, 1, std::memory_order_acquire, std::memory_order_relaxed)) return;
    while (table.lock.exchange(2, std::memory_order_acquire) != 0) futex(FUTEX_WAIT_PRIVATE, 2);
  }
  ~Lock() {
    if (table.lock.exchange(0, std::memory_order_release) == 2) futex(FUTEX_WAKE_PRIVATE, 1);
  }
};

// Locked.
bool grow() noexcept {
  constexpr std::uint32_t kFirst = 64, kMost = 1u << 24;
  if (table.size >= kMost) return false;
  const std::uint32_t size = table.size == 0 ? kFirst : 2 * table.size;
  void* memory = std::realloc(table.slots, size * sizeof(Slot));
  if (memory == nullptr) return false;
  table.slots = static_cast<Slot*>(memory);
  for (std::uint32_t i = size; i-- > table.size;) {
    table.slots[i] = {nullptr, 0, 0, table.free, false};
    table.free = i + 1;
  }
  table.size = size;
  return true;
}

// Locked. The open slot of `id`, or null.
Slot* find(std::uint64_t id, Kind kind) noexcept {
  const std::uint32_t number = static_cast<std::uint32_t>(id);
  if (number == 0 || number > table.size) return nullptr;
  Slot& slot = table.slots[number - 1];
  const bool same = slot.open && slot.generation == static_cast<std::uint32_t>(id >> 32) && slot.object->kind() == kind;
  return same ? &slot : nullptr;
}

// Locked. What is to be destroyed once the lock is gone.
Object* release(Slot& slot) noexcept {
  if (slot.open || slot.pins > 0) return nullptr;
  Object* object = slot.object;
  slot.object = nullptr;
  slot.next_free = table.free;
  table.free = static_cast<std::uint32_t>(&slot - table.slots) + 1;
  return object;
}

}  // namespace

std::uint64_t open_handle(std::unique_ptr<Object> object) noexcept {
  const Lock lock;
  if (table.free == 0 && !grow()) return 0;
  const std::uint32_t number = table.free;
  Slot& slot = table.slots[number - 1];
  table.free = slot.next_free;
  slot = {object.release(), slot.generation + 1, 0, 0, true};
  return std::uint64_t{slot.generation} << 32 | number;
}

Object* pin(std::uint64_t id, Kind kind) noexcept {
  const Lock lock;
  Slot* slot = find(id, kind);
  if (slot == nullptr) return nullptr;
  ++slot->pins;
  return slot->object;
}

void unpin(std::uint64_t id) noexcept {
  std::unique_ptr<Object> gone;
  const Lock lock;
  Slot& slot = table.slots[static_cast<std::uint32_t>(id) - 1];
  --slot.pins;
  gone.reset(release(slot));
}

bool close_handle(std::uint64_t id, Kind kind) noexcept {
  std::unique_ptr<Object> gone;
  const Lock lock;
  Slot* slot = find(id, kind);
  if (slot == nullptr) return false;
  slot->open = false;
  gone.reset(release(*slot));
  return true;
}

}  // namespace dotori::c_api
