// SPDX-License-Identifier: Apache-2.0
// cpp-httplib's server, with connections of our own and a limit to them: one light thread each, and nobody waits for
// one to become free.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <dotori/status.h>

#include "connection.h"

namespace dotori::edge {

// Keeps sockets that were refused open for a moment, so that the refusal is read before they close.
class Doorman {
 public:
  Doorman();
  ~Doorman();
  // Sends `text` (unless empty) and closes the socket, soon. Never blocks.
  void refuse(int socket, const std::string& text);

 private:
  struct Guest {
    int socket;
    std::chrono::steady_clock::time_point until;
  };
  void work();

  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<Guest> guests_;
  bool stopping_ = false;
  std::thread thread_;
};

struct ListenerOptions {
  int max_connections = 256;
  std::chrono::seconds request_time{15};  // for a request to arrive, and for its answer to leave
  std::chrono::seconds idle_time{10};     // between two requests
};

class Listener : public httplib::Server {
 public:
  explicit Listener(const ListenerOptions& options);
  ~Listener() override;

  // HTTPS from now on. Before listening. Errors: kInvalidArgument (files that are not PEM or do not fit each other).
  Status use_tls(const std::string& cert, const std::string& key);

  // Stops listening; idle connections close, requests under way are answered, then listen_after_bind() returns. From
  // any thread, also a moment before the server listens; returns when it has returned, see finished().
  void end();
  // To be called when listen_after_bind() has returned.
  void finished() { ended_ = true; }

  int open_connections() const { return open_; }
  long refused_connections() const { return refused_; }

 private:
  class OneThreadEach;
  bool process_and_close_socket(socket_t socket) override;
  void serve(Connection& connection);

  const ListenerOptions options_;
  const int stopping_;  // an eventfd
  SSL_CTX* tls_ = nullptr;
  std::atomic<int> open_{0};
  std::atomic<long> refused_{0};
  std::atomic<bool> ending_{false}, ended_{false};
  Doorman doorman_;
};

}  // namespace dotori::edge
