// SPDX-License-Identifier: Apache-2.0
// Reading of a FlatBuffers file that trusts nothing: every offset, size and count is checked against the file before
// use.
//
// A table starts with a signed offset back to its vtable; the vtable holds, as 16-bit numbers, its own size, the
// table's size, and for each field the offset inside the table (0: the field has its default). Strings, vectors and
// sub-tables are stored as unsigned 32-bit offsets forward. Source: FlatBuffers, "Internals", binary format.
//
// The first damage found is kept in the FlatFile: a getter that meets it returns its default, and status() says what
// and where. So a caller may read a whole structure and check once, before it uses what it read. Getters are total: any
// bytes, any field number.
#pragma once

#include <dotori/span.h>
#include <dotori/status.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace dotori::convert::tflite {

class FlatTable;

// Does not own the bytes; they must outlive it and everything read from it. Not thread-safe.
class FlatFile {
 public:
  explicit FlatFile(Span<const unsigned char> bytes) : bytes_(bytes) {}
  FlatFile(const FlatFile&) = delete;
  FlatFile& operator=(const FlatFile&) = delete;

  // The root table of a file whose bytes 4..7 are `identifier`; a missing table otherwise.
  FlatTable root(const char (&identifier)[5]);
  Span<const unsigned char> bytes() const noexcept { return bytes_; }
  // kCorruptModel with the first damage found so far.
  const Status& status() const noexcept { return status_; }
  bool ok() const noexcept { return status_.ok(); }

 private:
  friend class FlatTable;
  friend class FlatTables;

  // Whether [position, position + count) lies in the file.
  bool contains(std::uint64_t position, std::uint64_t count) const noexcept {
    return position <= bytes_.size() && count <= bytes_.size() - position;
  }
  // `position` must have been checked.
  template <class T>
  T load(std::uint64_t position) const noexcept {
    T value;
    std::memcpy(&value, bytes_.data() + position, sizeof(T));
    return value;
  }
  void fail(const char* what, std::uint64_t position);
  // The table at `position`, or a missing one.
  FlatTable table_at(std::uint64_t position);

  Span<const unsigned char> bytes_;
  Status status_;
};

// Consecutive little-endian numbers, possibly unaligned. A view into the file.
template <class T>
class FlatNumbers {
 public:
  FlatNumbers() = default;
  explicit FlatNumbers(Span<const unsigned char> bytes) : bytes_(bytes) {}
  std::size_t size() const noexcept { return bytes_.size() / sizeof(T); }
  bool empty() const noexcept { return size() == 0; }
  // `i` must be below size(); not checked.
  T operator[](std::size_t i) const noexcept {
    T value;
    std::memcpy(&value, bytes_.data() + i * sizeof(T), sizeof(T));
    return value;
  }
  Span<const unsigned char> bytes() const noexcept { return bytes_; }

 private:
  Span<const unsigned char> bytes_;
};

// A vector of tables.
class FlatTables {
 public:
  FlatTables() = default;
  std::size_t size() const noexcept { return size_; }
  // A missing table when `i` is out of range or the element is damaged.
  FlatTable operator[](std::size_t i) const;

 private:
  friend class FlatTable;
  FlatTables(FlatFile* file, std::uint64_t position, std::size_t size)
      : file_(file), position_(position), size_(size) {}
  FlatFile* file_ = nullptr;
  std::uint64_t position_ = 0;
  std::size_t size_ = 0;
};

// A table; a missing one (default-made) has no fields. `field` is the field's number in the schema, from 0. Copy it
// freely.
class FlatTable {
 public:
  FlatTable() = default;
  bool present() const noexcept { return file_ != nullptr; }

  // A number stored inside the table, or `otherwise` when the field is not there.
  template <class T>
  T number(int field, T otherwise = T{}) const {
    const std::uint64_t position = scalar_position(field, sizeof(T));
    return position == 0 ? otherwise : file_->load<T>(position);
  }
  bool boolean(int field) const { return number<std::uint8_t>(field) != 0; }

  FlatTable table(int field) const;
  FlatTables tables(int field) const;
  // At most `max_bytes` of a string (names in hostile files may all point at one huge string).
  std::string string(int field, std::size_t max_bytes = 1024) const;
  template <class T>
  FlatNumbers<T> numbers(int field) const {
    return FlatNumbers<T>(vector_bytes(field, sizeof(T)));
  }
  Span<const unsigned char> bytes(int field) const { return vector_bytes(field, 1); }

 private:
  friend class FlatFile;
  FlatTable(FlatFile* file, std::uint64_t position, std::uint64_t vtable)
      : file_(file), position_(position), vtable_(vtable) {}
  // Where the field's value stands in the file; 0 when it is not there.
  std::uint64_t scalar_position(int field, std::size_t bytes) const;
  // Where the field's offset leads; 0 when it is not there.
  std::uint64_t target(int field) const;
  Span<const unsigned char> vector_bytes(int field, std::size_t element_bytes) const;

  FlatFile* file_ = nullptr;
  std::uint64_t position_ = 0;
  std::uint64_t vtable_ = 0;
};

}  // namespace dotori::convert::tflite
