// SPDX-License-Identifier: Apache-2.0
// The importer's own exception: deep code throws, import_onnx_bytes() catches. It never leaves this folder.
#pragma once

#include <exception>
#include <string>
#include <utility>

#include <dotori/status.h>

namespace dotori::convert::onnx {

class ImportError : public std::exception {
 public:
  explicit ImportError(Status status) : status_(std::move(status)) {}
  const Status& status() const noexcept { return status_; }
  const char* what() const noexcept override { return status_.message().c_str(); }

 private:
  Status status_;
};

[[noreturn]] inline void fail(Status status) {
  throw ImportError(std::move(status));
}

inline void check(Status status) {
  if (!status.ok()) throw ImportError(std::move(status));
}

template <class T>
T take(Result<T> result) {
  if (!result.ok()) throw ImportError(result.status());
  return std::move(*result);
}

}  // namespace dotori::convert::onnx
