// SPDX-License-Identifier: Apache-2.0
#include "connection.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

namespace dotori::edge {
namespace {

constexpr std::size_t kMaxHeaderBytes = 65536;
constexpr std::chrono::seconds kLinger(1);

thread_local Connection* t_current = nullptr;

void address_of(const sockaddr_storage& address, std::string& ip, int& port) {
  char text[NI_MAXHOST] = "", service[NI_MAXSERV] = "";
  if (getnameinfo(reinterpret_cast<const sockaddr*>(&address), sizeof(address), text, sizeof(text), service,
                  sizeof(service), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return;
  ip = text;
  port = std::atoi(service);
}

}  // namespace

Connection::Connection(int socket, SSL_CTX* tls, int stopping, std::chrono::seconds request_time)
    : socket_(socket), stopping_(stopping), context_(tls), request_time_(request_time) {
  fcntl(socket_, F_SETFL, fcntl(socket_, F_GETFL) | O_NONBLOCK);
  begin_request();
  t_current = this;
}

Connection::~Connection() {
  t_current = nullptr;
  if (tls_ != nullptr) {
    if (!failed_) SSL_shutdown(tls_);
    SSL_free(tls_);
  }
  ::shutdown(socket_, SHUT_WR);
  if (!failed_ && !ended_ && (close_ || late_ || headers_too_large_)) linger();
  ::close(socket_);
}

// A socket that is closed with bytes unread resets the connection, and the client may never see its answer.
void Connection::linger() {
  const Clock::time_point deadline = Clock::now() + kLinger;
  for (;;) {
    const ssize_t n = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return;
    if (Clock::now() > deadline || (n < 0 && !wait(POLLIN, deadline))) return;
  }
}

Connection* Connection::current() {
  return t_current;
}

bool Connection::wait(short events, Clock::time_point deadline) const {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    pollfd waiting = {socket_, events, 0};
    const int n = ::poll(&waiting, 1, static_cast<int>(std::min<long long>(left, INT_MAX)));
    if (n > 0) return true;
    if (n < 0 && errno != EINTR) return false;
  }
}

bool Connection::open() {
  if (context_ == nullptr) return true;
  tls_ = SSL_new(context_);
  if (tls_ == nullptr || SSL_set_fd(tls_, socket_) != 1) {
    failed_ = true;
    return false;
  }
  for (;;) {
    ERR_clear_error();
    const int n = SSL_accept(tls_);
    if (n == 1) return true;
    const int error = SSL_get_error(tls_, n);
    const short wanted = error == SSL_ERROR_WANT_READ ? POLLIN : error == SSL_ERROR_WANT_WRITE ? POLLOUT : 0;
    if (wanted == 0 || !wait(wanted, read_deadline_)) {
      failed_ = true;
      return false;
    }
  }
}

bool Connection::wait_for_request(std::chrono::seconds idle) {
  if (begin_ < end_ || (tls_ != nullptr && SSL_pending(tls_) > 0)) return true;
  const Clock::time_point deadline = Clock::now() + idle;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    pollfd waiting[2] = {{socket_, POLLIN, 0}, {stopping_, POLLIN, 0}};
    const int n = ::poll(waiting, 2, static_cast<int>(std::min<long long>(left, INT_MAX)));
    if (n < 0 && errno != EINTR) return false;
    if (n <= 0) continue;
    if (waiting[0].revents != 0) return true;
    return false;
  }
}

void Connection::begin_request() {
  read_deadline_ = Clock::now() + request_time_;
  header_bytes_left_ = kMaxHeaderBytes;
  in_headers_ = true;
  answered_ = false;
  photo_bytes = 0;
  request_is_whole();
}

void Connection::begin_body() {
  in_headers_ = false;
  request_is_whole();
}

double Connection::ms_since_whole() const {
  return std::chrono::duration<double, std::milli>(Clock::now() - whole_at_).count();
}

ssize_t Connection::receive_some(char* to, std::size_t bytes, short& wanted) {
  wanted = 0;
  if (tls_ == nullptr) {
    const ssize_t n = ::recv(socket_, to, bytes, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) wanted = POLLIN;
    return n;
  }
  ERR_clear_error();
  const int n = SSL_read(tls_, to, static_cast<int>(std::min<std::size_t>(bytes, INT_MAX)));
  if (n > 0) return n;
  const int error = SSL_get_error(tls_, n);
  if (error == SSL_ERROR_ZERO_RETURN) return 0;
  wanted = error == SSL_ERROR_WANT_READ ? POLLIN : error == SSL_ERROR_WANT_WRITE ? POLLOUT : 0;
  return -1;
}

ssize_t Connection::send_some(const char* from, std::size_t bytes, short& wanted) {
  wanted = 0;
  if (tls_ == nullptr) {
    const ssize_t n = ::send(socket_, from, bytes, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) wanted = POLLOUT;
    return n;
  }
  ERR_clear_error();
  const int n = SSL_write(tls_, from, static_cast<int>(std::min<std::size_t>(bytes, INT_MAX)));
  if (n > 0) return n;
  const int error = SSL_get_error(tls_, n);
  wanted = error == SSL_ERROR_WANT_READ ? POLLIN : error == SSL_ERROR_WANT_WRITE ? POLLOUT : 0;
  return -1;
}

ssize_t Connection::read(char* to, std::size_t bytes) {
  if (begin_ == end_) {
    for (;;) {
      if (failed_ || Clock::now() > read_deadline_) {
        late_ = !failed_;
        return -1;
      }
      short wanted = 0;
      const ssize_t n = receive_some(buffer_.data(), buffer_.size(), wanted);
      if (n == 0) ended_ = true;
      if (n < 0 && wanted != 0) {
        // Late or not is found at the loop's head.
        wait(wanted, read_deadline_);
        continue;
      }
      if (n < 0) failed_ = true;
      if (n <= 0) return n;
      begin_ = 0;
      end_ = static_cast<std::size_t>(n);
      break;
    }
  }
  const std::size_t n = std::min(bytes, end_ - begin_);
  if (in_headers_) {
    if (n > header_bytes_left_) {
      headers_too_large_ = true;
      return -1;
    }
    header_bytes_left_ -= n;
  }
  std::memcpy(to, buffer_.data() + begin_, n);
  begin_ += n;
  return static_cast<ssize_t>(n);
}

ssize_t Connection::write(const char* from, std::size_t bytes) {
  if (!answered_) write_deadline_ = Clock::now() + request_time_;
  answered_ = true;
  std::size_t done = 0;
  while (done < bytes) {
    short wanted = 0;
    const ssize_t n = failed_ ? -1 : send_some(from + done, bytes - done, wanted);
    if (n > 0) done += static_cast<std::size_t>(n);
    else if (wanted == 0 || !wait(wanted, write_deadline_)) failed_ = true;
    if (failed_) return -1;
  }
  return static_cast<ssize_t>(done);
}

void Connection::get_remote_ip_and_port(std::string& ip, int& port) const {
  sockaddr_storage address = {};
  socklen_t bytes = sizeof(address);
  if (getpeername(socket_, reinterpret_cast<sockaddr*>(&address), &bytes) == 0) address_of(address, ip, port);
}

void Connection::get_local_ip_and_port(std::string& ip, int& port) const {
  sockaddr_storage address = {};
  socklen_t bytes = sizeof(address);
  if (getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &bytes) == 0) address_of(address, ip, port);
}

}  // namespace dotori::edge
