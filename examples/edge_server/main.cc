// SPDX-License-Identifier: Apache-2.0
// edge_server: photos in by HTTP, answers out; see docs/edge_server.md.
#include <pthread.h>
#include <malloc.h>
#include <signal.h>

#include <cstdio>
#include <thread>

#include "routes.h"

int main(int argc, char** argv) {
  using namespace dotori::edge;
  int exit_code = -1;
  const ServerOptions options = read_options(argc, argv, exit_code);
  if (exit_code >= 0) return exit_code;
  const auto fail = [](const std::string& why) {
    std::fprintf(stderr, "edge_server: %s\n", why.c_str());
    return 1;
  };

  // Signals go to one thread that waits for them; all others, which are started later, never see one.
  sigset_t signals;
  sigemptyset(&signals);
  for (int s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, s);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);

#ifdef __GLIBC__
  // Models and photos go back to the system when they are freed. Otherwise the limit grows with the largest block that
  // was ever freed, and every reload leaves holes in some thread's heap (18 MB each, seen with the shipped models).
  mallopt(M_MMAP_THRESHOLD, 256 * 1024);
#endif

  ModelFolder models(options.models, options.defaults);
  const dotori::Status loaded = models.load();
  if (!loaded.ok()) return fail(loaded.message());
  Metrics metrics;
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  const int threads = options.workers > 0 ? options.workers : cores > 0 ? cores : 1;
  Workers workers(threads, options.queue, std::chrono::seconds(options.queue_seconds));

  ListenerOptions limits;
  limits.max_connections = options.max_connections;
  limits.request_time = std::chrono::seconds(options.request_seconds);
  limits.idle_time = std::chrono::seconds(options.keep_alive_seconds);
  Listener server(limits);
  if (!options.tls_cert.empty()) {
    const dotori::Status tls = server.use_tls(options.tls_cert, options.tls_key);
    if (!tls.ok()) return fail(tls.message());
  }
  Site site{options, models, workers, metrics};
  set_up(server, site);
  const int port = options.port == 0                                 ? server.bind_to_any_port(options.host)
                   : server.bind_to_port(options.host, options.port) ? options.port
                                                                     : -1;
  if (port < 0) return fail("cannot listen on " + options.host + ":" + std::to_string(options.port));

  std::thread waiter([&] {
    for (;;) {
      int signal = 0;
      if (sigwait(&signals, &signal) != 0) continue;
      if (signal != SIGHUP) break;
      const dotori::Status status = models.load();
      metrics.count_reload(status.ok());
      std::fprintf(stderr, "edge_server: %s\n",
                   status.ok() ? "models reloaded" : ("the models stay as they were: " + status.message()).c_str());
    }
    server.end();
  });
  std::printf("edge_server: %zu models, %d workers, %s://%s:%d\n", models.current()->models.size(), threads,
              options.tls_cert.empty() ? "http" : "https", options.host.c_str(), port);
  std::fflush(stdout);
  const bool good = server.listen_after_bind();
  server.finished();
  pthread_kill(waiter.native_handle(), SIGTERM);  // when listening ended by itself
  waiter.join();
  return good ? 0 : fail("stopped listening");
}
