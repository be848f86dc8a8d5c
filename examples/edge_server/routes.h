// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#include "listener.h"
#include "metrics.h"
#include "models.h"
#include "options.h"
#include "workers.h"

namespace dotori::edge {

// All that the routes use; outlives the server.
struct Site {
  const ServerOptions& options;
  ModelFolder& models;
  Workers& workers;
  Metrics& metrics;
  std::atomic<std::size_t> receiving_bytes{0};  // of photos that are arriving or wait for a worker
};

// Limits, headers and routes.
void set_up(Listener& server, Site& site);

}  // namespace dotori::edge
