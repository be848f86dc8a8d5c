// SPDX-License-Identifier: Apache-2.0
#include "convert/tflite/flatbuffer.h"

#include <algorithm>

namespace dotori::convert::tflite {

void FlatFile::fail(const char* what, std::uint64_t position) {
  if (!status_.ok()) return;
  status_ = corrupt_model(std::string(what) + " at byte " + std::to_string(position) + " of " +
                          std::to_string(bytes_.size()));
}

FlatTable FlatFile::root(const char (&identifier)[5]) {
  if (bytes_.size() < 8) {
    fail("the file ends inside its header", bytes_.size());
    return {};
  }
  if (std::memcmp(bytes_.data() + 4, identifier, 4) != 0) {
    fail((std::string("the file identifier is not ") + identifier).c_str(), 4);
    return {};
  }
  return table_at(load<std::uint32_t>(0));
}

FlatTable FlatFile::table_at(std::uint64_t position) {
  if (!contains(position, 4)) {
    fail("a table lies outside the file", position);
    return {};
  }
  const std::int64_t vtable = static_cast<std::int64_t>(position) - load<std::int32_t>(position);
  if (vtable < 0 || !contains(static_cast<std::uint64_t>(vtable), 4)) {
    fail("a table's field list lies outside the file", position);
    return {};
  }
  const std::uint64_t start = static_cast<std::uint64_t>(vtable);
  const std::uint16_t vtable_bytes = load<std::uint16_t>(start);
  const std::uint16_t table_bytes = load<std::uint16_t>(start + 2);
  if (vtable_bytes < 4 || vtable_bytes % 2 != 0 || !contains(start, vtable_bytes)) {
    fail("a table's field list is damaged", start);
    return {};
  }
  if (table_bytes < 4 || !contains(position, table_bytes)) {
    fail("a table reaches past the end of the file", position);
    return {};
  }
  return FlatTable(this, position, start);
}

std::uint64_t FlatTable::scalar_position(int field, std::size_t bytes) const {
  if (file_ == nullptr || field < 0) return 0;
  const std::uint64_t entry = 4 + 2 * static_cast<std::uint64_t>(field);
  if (entry + 2 > file_->load<std::uint16_t>(vtable_)) return 0;
  const std::uint16_t offset = file_->load<std::uint16_t>(vtable_ + entry);
  if (offset == 0) return 0;
  if (offset < 4 || offset + bytes > file_->load<std::uint16_t>(vtable_ + 2)) {
    file_->fail("a field lies outside its table", vtable_ + entry);
    return 0;
  }
  return position_ + offset;
}

std::uint64_t FlatTable::target(int field) const {
  const std::uint64_t position = scalar_position(field, 4);
  if (position == 0) return 0;
  const std::uint32_t offset = file_->load<std::uint32_t>(position);
  if (offset < 4) {
    file_->fail("an offset points at itself", position);
    return 0;
  }
  return position + offset;
}

FlatTable FlatTable::table(int field) const {
  const std::uint64_t position = target(field);
  return position == 0 ? FlatTable() : file_->table_at(position);
}

Span<const unsigned char> FlatTable::vector_bytes(int field, std::size_t element_bytes) const {
  const std::uint64_t position = target(field);
  if (position == 0) return {};
  if (!file_->contains(position, 4)) {
    file_->fail("a vector lies outside the file", position);
    return {};
  }
  const std::uint64_t bytes = std::uint64_t{file_->load<std::uint32_t>(position)} * element_bytes;
  if (!file_->contains(position + 4, bytes)) {
    file_->fail("a vector reaches past the end of the file", position);
    return {};
  }
  return {file_->bytes_.data() + position + 4, static_cast<std::size_t>(bytes)};
}

FlatTables FlatTable::tables(int field) const {
  const Span<const unsigned char> offsets = vector_bytes(field, 4);
  if (offsets.empty()) return {};
  return FlatTables(file_, static_cast<std::uint64_t>(offsets.data() - file_->bytes_.data()), offsets.size() / 4);
}

FlatTable FlatTables::operator[](std::size_t i) const {
  if (i >= size_) return {};
  const std::uint64_t position = position_ + 4 * static_cast<std::uint64_t>(i);
  return file_->table_at(position + file_->load<std::uint32_t>(position));
}

std::string FlatTable::string(int field, std::size_t max_bytes) const {
  const Span<const unsigned char> text = vector_bytes(field, 1);
  return std::string(reinterpret_cast<const char*>(text.data()), std::min(text.size(), max_bytes));
}

}  // namespace dotori::convert::tflite
