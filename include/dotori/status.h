// SPDX-License-Identifier: Apache-2.0
// Status and Result<T>: how every function that can fail says so. Nothing in the library throws, aborts or prints.
#pragma once

#include <memory>
#include <new>
#include <string>
#include <utility>

namespace dotori {

// Each code answers "whose fault, and what next?".
enum class StatusCode {
  kOk = 0,
  kInvalidArgument,  // the caller passed a value the function does not accept
  kNotFound,         // a file or a name does not exist
  kCorruptModel,     // the file is damaged, truncated or inconsistent
  kUnsupported,      // well-formed, but an operator, option or version this build does not know
  kOutOfMemory,      // an allocation failed or a stated budget would be passed
  kIoError,          // the operating system refused a read or a write
  kBusy,             // the session is running already
  kInternal,         // a defect in Dotori; please report it
};

// The code's stable name, such as "corrupt model". Static storage.
const char* status_code_name(StatusCode code) noexcept;

// Success (free: one null pointer) or a code with a message that names the file, node and value at fault, what was
// expected and what was found. Movable and copyable; thread-compatible.
class [[nodiscard]] Status {
 public:
  Status() noexcept = default;
  Status(StatusCode code, std::string message)
      : state_(code == StatusCode::kOk ? nullptr : new State{code, std::move(message)}) {}
  Status(const Status& other) : state_(other.state_ ? new State(*other.state_) : nullptr) {}
  Status(Status&&) noexcept = default;
  Status& operator=(const Status& other) {
    if (this != &other) state_.reset(other.state_ ? new State(*other.state_) : nullptr);
    return *this;
  }
  Status& operator=(Status&&) noexcept = default;

  bool ok() const noexcept { return state_ == nullptr; }
  StatusCode code() const noexcept { return state_ ? state_->code : StatusCode::kOk; }
  // Empty on success. Owned by this Status.
  const std::string& message() const noexcept;
  // The same failure with `where` and ": " put in front of the message; success stays success.
  Status with_context(const std::string& where) const {
    return ok() ? Status() : Status(state_->code, where + ": " + state_->message);
  }

 private:
  struct State {
    StatusCode code;
    std::string message;
  };
  std::unique_ptr<State> state_;
};

inline Status invalid_argument(std::string m) {
  return {StatusCode::kInvalidArgument, std::move(m)};
}
inline Status not_found(std::string m) {
  return {StatusCode::kNotFound, std::move(m)};
}
inline Status corrupt_model(std::string m) {
  return {StatusCode::kCorruptModel, std::move(m)};
}
inline Status unsupported(std::string m) {
  return {StatusCode::kUnsupported, std::move(m)};
}
inline Status out_of_memory(std::string m) {
  return {StatusCode::kOutOfMemory, std::move(m)};
}
inline Status io_error(std::string m) {
  return {StatusCode::kIoError, std::move(m)};
}
inline Status internal_error(std::string m) {
  return {StatusCode::kInternal, std::move(m)};
}

// A value of type T or the Status that says why there is none.
//   Result<Model> model = Model::load_file("net.dtr");
//   if (!model.ok()) return model.status();
//   use(*model);
template <class T>
class [[nodiscard]] Result {
 public:
  Result(Status status) : status_(std::move(status)) {
    if (status_.ok()) status_ = internal_error("a Result was made from an OK status");
  }
  Result(T value) : has_value_(true) { new (&storage_) T(std::move(value)); }
  Result(Result&& other) noexcept : status_(std::move(other.status_)), has_value_(other.has_value_) {
    if (has_value_) new (&storage_) T(std::move(*other));
  }
  Result(const Result& other) : status_(other.status_), has_value_(other.has_value_) {
    if (has_value_) new (&storage_) T(*other);
  }
  Result& operator=(Result other) noexcept {
    reset();
    status_ = std::move(other.status_);
    has_value_ = other.has_value_;
    if (has_value_) new (&storage_) T(std::move(*other));
    return *this;
  }
  ~Result() { reset(); }

  bool ok() const noexcept { return has_value_; }
  // OK when a value is held.
  const Status& status() const noexcept { return status_; }

  // Only when ok(); not checked.
  T& operator*() noexcept { return *std::launder(reinterpret_cast<T*>(&storage_)); }
  const T& operator*() const noexcept { return *std::launder(reinterpret_cast<const T*>(&storage_)); }
  T* operator->() noexcept { return &**this; }
  const T* operator->() const noexcept { return &**this; }

 private:
  void reset() noexcept {
    if (has_value_) (**this).~T();
    has_value_ = false;
  }
  Status status_;
  bool has_value_ = false;
  alignas(T) unsigned char storage_[sizeof(T)];
};

}  // namespace dotori

#define DOTORI_CONCAT_INNER(a, b) a##b
#define DOTORI_CONCAT(a, b) DOTORI_CONCAT_INNER(a, b)
// Returns from the enclosing function when `expr` (a Status) is a failure.
#define DOTORI_RETURN_IF_ERROR(expr)                 \
  do {                                               \
    ::dotori::Status dotori_status_ = (expr);        \
    if (!dotori_status_.ok()) return dotori_status_; \
  } while (0)
// `lhs` receives the value of `expr` (a Result); returns its Status from the enclosing function when there is none.
#define DOTORI_ASSIGN_OR_RETURN(lhs, expr) \
  DOTORI_ASSIGN_OR_RETURN_INNER(DOTORI_CONCAT(dotori_result_, __LINE__), lhs, expr)
#define DOTORI_ASSIGN_OR_RETURN_INNER(result, lhs, expr) \
  auto result = (expr);                                  \
  if (!result.ok()) return result.status();              \
  lhs = std::move(*result)
