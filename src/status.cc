// SPDX-License-Identifier: Apache-2.0
#include <dotori/status.h>

namespace dotori {

const char* status_code_name(StatusCode code) noexcept {
  switch (code) {
    case StatusCode::kOk: return "ok";
    case StatusCode::kInvalidArgument: return "invalid argument";
    case StatusCode::kNotFound: return "not found";
    case StatusCode::kCorruptModel: return "corrupt model";
    case StatusCode::kUnsupported: return "unsupported";
    case StatusCode::kOutOfMemory: return "out of memory";
    case StatusCode::kIoError: return "i/o error";
    case StatusCode::kBusy: return "busy";
    case StatusCode::kInternal: return "internal error";
  }
  return "unknown";
}

const std::string& Status::message() const noexcept {
  // A leaked empty string would be a static initialiser; a function-local reference to a constant-initialised holder is
  // not.
  static const std::string* const empty = new (std::nothrow) std::string;
  return state_ ? state_->message : *empty;
}

}  // namespace dotori
