// SPDX-License-Identifier: Apache-2.0
#include "listener.h"

#include <openssl/err.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>

namespace dotori::edge {
namespace {

constexpr std::size_t kRefusedAtOnce = 64;
constexpr std::chrono::milliseconds kRefusalTime(500);

// Set while the accepting thread refuses a connection instead of handing it on.
thread_local bool t_refuses = false;

std::string plain_answer(const char* status, const char* why, const char* more) {
  const std::string body = std::string("{\"error\":\"") + why + "\"}\n";
  return std::string("HTTP/1.1 ") + status + "\r\nContent-Type: application/json\r\n" + more +
         "Connection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

// ---------------------------------------------------------------- Doorman

Doorman::Doorman() : thread_([this] { work(); }) {}

Doorman::~Doorman() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  more_.notify_one();
  thread_.join();
  for (const Guest& guest : guests_) ::close(guest.socket);
}

void Doorman::refuse(int socket, const std::string& text) {
  if (!text.empty()) (void)!::send(socket, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::shutdown(socket, SHUT_WR);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    guests_.push_back({socket, std::chrono::steady_clock::now() + kRefusalTime});
    if (guests_.size() > kRefusedAtOnce) {
      ::close(guests_.front().socket);
      guests_.pop_front();
    }
  }
  more_.notify_one();
}

void Doorman::work() {
  constexpr std::chrono::milliseconds kRound(20);
  char unread[4096];
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopping_) {
    if (guests_.empty()) {
      more_.wait(lock);
      continue;
    }
    const auto now = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < guests_.size();) {
      const ssize_t n = ::recv(guests_[i].socket, unread, sizeof(unread), MSG_DONTWAIT);
      if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) || now > guests_[i].until) {
        ::close(guests_[i].socket);
        guests_.erase(guests_.begin() + static_cast<std::ptrdiff_t>(i));
      } else {
        ++i;
      }
    }
    more_.wait_for(lock, kRound);
  }
}

// ---------------------------------------------------------------- Listener

class Listener::OneThreadEach : public httplib::TaskQueue {
 public:
  explicit OneThreadEach(Listener& listener)
      : listener_(listener), threads_(static_cast<std::size_t>(listener.options_.max_connections)) {}

  void enqueue(std::function<void()> serve) override {
    if (listener_.open_.fetch_add(1) < listener_.options_.max_connections) {
      threads_.enqueue([this, serve = std::move(serve)] {
        serve();
        listener_.open_.fetch_sub(1);
      });
      return;
    }
    listener_.open_.fetch_sub(1);
    listener_.refused_.fetch_add(1);
    t_refuses = true;
    serve();
    t_refuses = false;
  }
  void shutdown() override { threads_.shutdown(); }

 private:
  Listener& listener_;
  httplib::ThreadPool threads_;
};

Listener::Listener(const ListenerOptions& options) : options_(options), stopping_(eventfd(0, EFD_CLOEXEC)) {
  // Without it a small answer waits for the client's acknowledgement: about 40 ms a request.
  set_tcp_nodelay(true);
  new_task_queue = [this] { return new OneThreadEach(*this); };
}

Listener::~Listener() {
  if (tls_ != nullptr) SSL_CTX_free(tls_);
  ::close(stopping_);
}

Status Listener::use_tls(const std::string& cert, const std::string& key) {
  tls_ = SSL_CTX_new(TLS_server_method());
  if (tls_ == nullptr) return out_of_memory("no memory for TLS");
  SSL_CTX_set_min_proto_version(tls_, TLS1_2_VERSION);
  SSL_CTX_set_options(tls_, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(tls_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS);
  const auto wrong = [](const std::string& file, const char* what) {
    char why[256] = "";
    ERR_error_string_n(ERR_peek_last_error(), why, sizeof(why));
    ERR_clear_error();
    return invalid_argument(file + ": expected " + what + " in PEM form (" + why + ")");
  };
  if (SSL_CTX_use_certificate_chain_file(tls_, cert.c_str()) != 1) return wrong(cert, "a certificate");
  if (SSL_CTX_use_PrivateKey_file(tls_, key.c_str(), SSL_FILETYPE_PEM) != 1) return wrong(key, "the certificate's key");
  return {};
}

void Listener::end() {
  ending_ = true;
  const std::uint64_t one = 1;
  (void)!::write(stopping_, &one, sizeof(one));
  // Has no effect before the server listens.
  while (!ended_) {
    stop();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

bool Listener::process_and_close_socket(socket_t socket) {
  if (t_refuses) {
    // Over TLS the client would first have to be greeted: it finds the connection closed.
    doorman_.refuse(socket, tls_ != nullptr ? ""
                                            : plain_answer("503 Service Unavailable", "too many connections; try again",
                                                           "Retry-After: 1\r\n"));
    return false;
  }
  Connection connection(socket, tls_, stopping_, options_.request_time);
  if (connection.open()) serve(connection);
  return true;
}

void Listener::serve(Connection& connection) {
  while (connection.wait_for_request(options_.idle_time)) {
    connection.begin_request();
    bool closed = false;
    const bool good = process_request(connection, ending_, closed, [](httplib::Request&) {});
    if (!connection.answered() && connection.headers_too_large()) {
      connection.write(plain_answer("431 Request Header Fields Too Large", "the request's headers are too large", ""));
    } else if (!connection.answered() && connection.late()) {
      connection.write(plain_answer("408 Request Timeout", "the request did not arrive in time", ""));
    }
    if (!good || closed || connection.to_be_closed() || connection.late()) return;
  }
}

}  // namespace dotori::edge
