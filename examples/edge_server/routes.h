// SPDX-License-Identifier: Apache-2.0
// What is answered under which address; docs/edge_server.md is the manual.
#pragma once

#include "http.h"
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
};

// Limits, time-outs, headers and routes.
void set_up(httplib::Server& server, Site& site);

}  // namespace dotori::edge
