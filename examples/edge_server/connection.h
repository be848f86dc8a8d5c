// SPDX-License-Identifier: Apache-2.0
// One client's connection, plain or TLS, as the stream that cpp-httplib reads requests from and writes answers to. Its
// own streams begin their time-outs anew with every byte, so that a client which sends one now and then would hold a
// thread for ever; here a whole request, and a whole answer, has a deadline, and headers have a total size.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>

#include <httplib.h>

namespace dotori::edge {

// Of one thread. Owns the socket.
class Connection : public httplib::Stream {
 public:
  using Clock = std::chrono::steady_clock;

  // `tls`: null for plain HTTP. `stopping`: a descriptor that becomes readable when the server is to end.
  Connection(int socket, SSL_CTX* tls, int stopping, std::chrono::seconds request_time);
  // Says goodbye to TLS, and waits a moment for a client that is still sending, so that it can read the answer.
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The connection this thread serves; null outside of a request.
  static Connection* current();

  // The TLS handshake, within the time of a request. At once for plain HTTP.
  bool open();
  // Until the next request begins. False: closed by the client, idle for longer, or the server is ending.
  bool wait_for_request(std::chrono::seconds idle);
  // From here on the request has its time and its 64 KiB of headers.
  void begin_request();
  // The headers are in; the rest is limited by the routes.
  void begin_body();
  // All of it is in: the time until the answer counts from here.
  void request_is_whole() { whole_at_ = Clock::now(); }
  // Closed after this answer: what the client still sends is not going to be read.
  void close_after_answer() { close_ = true; }

  bool late() const { return late_; }
  bool headers_too_large() const { return headers_too_large_; }
  bool to_be_closed() const { return close_; }
  bool answered() const { return answered_; }
  double ms_since_whole() const;
  std::size_t photo_bytes = 0;  // of the request, set by the route

  bool is_readable() const override { return !late_; }
  bool is_writable() const override { return !failed_; }
  ssize_t read(char* to, std::size_t bytes) override;
  ssize_t write(const char* from, std::size_t bytes) override;
  using httplib::Stream::write;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

 private:
  // poll() for POLLIN or POLLOUT; false when the deadline comes first.
  bool wait(short events, Clock::time_point deadline) const;
  // One read or write of either kind: above 0, 0 at the end, -1 with `wanted` set to what to wait for (0: failed).
  ssize_t receive_some(char* to, std::size_t bytes, short& wanted);
  ssize_t send_some(const char* from, std::size_t bytes, short& wanted);
  void linger();

  const int socket_, stopping_;
  SSL_CTX* const context_;
  SSL* tls_ = nullptr;
  const std::chrono::seconds request_time_;
  Clock::time_point read_deadline_, write_deadline_, whole_at_;
  std::array<char, 16384> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  std::size_t header_bytes_left_ = 0;
  bool in_headers_ = false, late_ = false, headers_too_large_ = false, close_ = false, answered_ = false;
  bool failed_ = false, ended_ = false;
};

}  // namespace dotori::edge
