// SPDX-License-Identifier: Apache-2.0
#include "connections.h"

#include <sys/socket.h>

#include <cerrno>

namespace dotori::edge {
namespace {

constexpr int kDoormen = 4;
constexpr std::chrono::seconds kRefusalTime(1);

thread_local std::chrono::steady_clock::time_point t_deadline = std::chrono::steady_clock::time_point::max();
thread_local std::chrono::seconds t_request_time(0);
thread_local bool t_refuses = false;

}  // namespace

void set_deadline(std::chrono::steady_clock::time_point deadline) {
  t_deadline = deadline;
}
bool deadline_passed() {
  return std::chrono::steady_clock::now() > t_deadline;
}

Connections::Connections(int limit, std::chrono::seconds request_time, Metrics& metrics)
    : limit_(limit),
      request_time_(request_time),
      metrics_(metrics),
      guests_(static_cast<std::size_t>(limit)),
      doormen_(kDoormen) {}

void Connections::serve_one(const std::function<void()>& serve, bool refuse) {
  t_refuses = refuse;
  t_request_time = refuse ? kRefusalTime : request_time_;
  set_deadline(std::chrono::steady_clock::now() + t_request_time);
  serve();
}

void Connections::enqueue(std::function<void()> serve) {
  if (open_.fetch_add(1) < limit_) {
    guests_.enqueue([this, serve = std::move(serve)] {
      serve_one(serve, false);
      open_.fetch_sub(1);
    });
    return;
  }
  open_.fetch_sub(1);
  metrics_.count_refused_connection();
  doormen_.enqueue([this, serve = std::move(serve)] { serve_one(serve, true); });
}

void Connections::shutdown() {
  guests_.shutdown();
  doormen_.shutdown();
}

bool Connections::refuses() {
  return t_refuses;
}

void Connections::expect_next(std::chrono::seconds idle) {
  set_deadline(std::chrono::steady_clock::now() + idle + t_request_time);
}

}  // namespace dotori::edge

// See http.h. Visible to the shared library as well, because the linker exports what a library it links asks for.
extern "C" ssize_t recv(int socket, void* buffer, std::size_t bytes, int flags) {
  if (dotori::edge::deadline_passed()) {
    errno = ETIMEDOUT;
    return -1;
  }
  return recvfrom(socket, buffer, bytes, flags, nullptr, nullptr);
}
