// SPDX-License-Identifier: Apache-2.0
#include "c_api/objects.h"

#include <algorithm>

namespace dotori::c_api {

void copy_text(const char* text, std::size_t length, char* out, std::size_t size_bytes) noexcept {
  if (size_bytes == 0) return;
  std::size_t n = std::min(length, size_bytes - 1);
  // 10xxxxxx goes on with a character that began before.
  if (n < length) {
    while (n > 0 && (static_cast<unsigned char>(text[n]) & 0xC0) == 0x80) --n;
  }
  std::memcpy(out, text, n);
  out[n] = 0;
}

std::int32_t answer(const Status& status, dotori_error* error) noexcept {
  const std::int32_t code = static_cast<std::int32_t>(status.code());
  // Too small for a word of explanation: taken for a structure that was never set up.
  constexpr std::size_t kLeast = offsetof(dotori_error, message) + 64;
  if (error == nullptr || error->struct_size < kLeast) return code;
  error->code = code;
  const std::size_t room = std::min(error->struct_size, sizeof *error) - offsetof(dotori_error, message);
  copy_text(status.message().data(), status.message().size(), error->message, room);
  return code;
}

Status give_text(const std::string& text, char* out, std::size_t size_bytes, std::size_t* needed) {
  if (out == nullptr && size_bytes > 0) return invalid_argument("text is NULL, but its size is not 0");
  copy_text(text.data(), text.size(), out, size_bytes);
  if (needed != nullptr) *needed = text.size() + 1;
  return {};
}

Status check_struct_size(const char* name, std::size_t found, std::size_t first, std::size_t latest) {
  if (found >= first && found <= latest) return {};
  return invalid_argument(std::string(name) + ".struct_size is " + std::to_string(found) + ", expected " +
                          std::to_string(latest) + " (DOTORI_INIT sets it)");
}

Status not_open(Kind kind, std::uint64_t id) {
  const std::string name = kind_name(kind);
  if (id == 0) return invalid_argument("the " + name + " is {0}: no handle");
  return invalid_argument("the " + name + " handle is closed, was never open or is of another kind");
}

Status check_pointer(const char* name, const void* pointer) {
  return pointer != nullptr ? Status() : invalid_argument(std::string(name) + " is NULL");
}

dotori_tensor describe(const TensorInfo& info) {
  dotori_tensor t;
  DOTORI_INIT(t);
  t.type = static_cast<std::int32_t>(info.type);
  t.rank = info.shape.rank();
  for (int i = 0; i < t.rank; ++i) t.dims[i] = info.shape[i];
  if (info.quantization.scales.size() == 1) {
    t.scale = info.quantization.scales[0];
    t.zero_point = info.quantization.zero_points[0];
  }
  t.size_bytes = static_cast<std::size_t>(info.shape.elements()) * data_type_bytes(info.type);
  copy_text(info.name.data(), info.name.size(), t.name, sizeof t.name);
  return t;
}

}  // namespace dotori::c_api

extern "C" {

uint32_t dotori_abi_version(void) {
  return 2;
}

const char* dotori_version(void) {
  return DOTORI_VERSION_STRING;
}

const char* dotori_code_name(int32_t code) {
  if (code < 0 || code > DOTORI_INTERNAL) return "unknown code";
  return dotori::status_code_name(static_cast<dotori::StatusCode>(code));
}

const char* dotori_instruction_set(void) {
  return dotori::host_isa_name();
}

}  // extern "C"
