// SPDX-License-Identifier: Apache-2.0
// What the server is told, on the command line or in a JSON file with the same names; the command line wins.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include <dotori/status.h>

namespace dotori::edge {

struct ServerOptions {
  std::string models;  // folder of .dtr files
  std::string host = "127.0.0.1";
  int port = 8080;  // 0: any free one, printed
  int workers = 0;  // 0: one a core
  int queue = 16;   // photos that wait; more get 503
  // Model name for "classify", "detect", "segment"; else the first by name with that task.
  std::map<std::string, std::string> defaults;
  std::size_t max_body_bytes = std::size_t{16} << 20;
  std::size_t max_pixels = 40'000'000;
  // Of all photos that are arriving; more get 503.
  std::size_t max_receiving_bytes = std::size_t{256} << 20;
  int max_connections = 256;      // at most 900: cpp-httplib refuses sockets with a number above 1023
  int request_seconds = 15;       // for a request to arrive whole, and for its answer to leave
  int keep_alive_seconds = 10;    // idle between two requests
  int queue_seconds = 10;         // a photo that waited longer gets 503
  std::string api_key;            // empty: none is asked for
  std::string tls_cert, tls_key;  // PEM files; both or none
};

// Parses the command line. `exit_code` is -1 to go on; else the program is to end with it (--help, errors; the text is
// printed).
ServerOptions read_options(int argc, const char* const* argv, int& exit_code);

// Overlays `options` with a JSON object. Errors name the key, what was expected and what was found.
Status read_config(const std::string& text, ServerOptions& options);

}  // namespace dotori::edge
