// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace dotori::edge {
namespace {

using Json = nlohmann::json;

constexpr int kMaxConnections = 900;

Status wrong(const std::string& key, const char* expected, const Json& found) {
  return invalid_argument("'" + key + "': expected " + expected + ", found " + found.dump());
}

Status read_text(const std::string& key, const Json& value, std::string& out) {
  if (!value.is_string()) return wrong(key, "a text", value);
  out = value.get<std::string>();
  return {};
}

template <class Number>
Status read_number(const std::string& key, const Json& value, long long low, long long high, Number& out) {
  if (!value.is_number_integer() || value.get<double>() < static_cast<double>(low) ||
      value.get<double>() > static_cast<double>(high))
    return wrong(key, ("a whole number from " + std::to_string(low) + " to " + std::to_string(high)).c_str(), value);
  out = static_cast<Number>(value.get<long long>());
  return {};
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) return not_found(path + ": cannot be read");
  return text.str();
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find_first_of("\r\n"));
}

Status check(const ServerOptions& o) {
  if (o.models.empty()) return invalid_argument("--models: the folder of .dtr files is missing");
  if (o.tls_cert.empty() != o.tls_key.empty()) return invalid_argument("--tls-cert and --tls-key belong together");
  return {};
}

}  // namespace

Status read_config(const std::string& text, ServerOptions& o) {
  const Json json = Json::parse(text, nullptr, false, true);
  if (json.is_discarded() || !json.is_object()) return invalid_argument("expected one JSON object");
  for (const auto& [key, value] : json.items()) {
    Status status;
    if (key == "models") status = read_text(key, value, o.models);
    else if (key == "host") status = read_text(key, value, o.host);
    else if (key == "port") status = read_number(key, value, 0, 65535, o.port);
    else if (key == "workers") status = read_number(key, value, 0, 256, o.workers);
    else if (key == "queue") status = read_number(key, value, 1, 4096, o.queue);
    else if (key == "max-body-bytes") status = read_number(key, value, 1024, 1LL << 30, o.max_body_bytes);
    else if (key == "max-pixels") status = read_number(key, value, 1, 1'000'000'000, o.max_pixels);
    else if (key == "max-receiving-bytes") status = read_number(key, value, 1024, 1LL << 40, o.max_receiving_bytes);
    else if (key == "max-connections") status = read_number(key, value, 1, kMaxConnections, o.max_connections);
    else if (key == "request-seconds") status = read_number(key, value, 1, 3600, o.request_seconds);
    else if (key == "keep-alive-seconds") status = read_number(key, value, 1, 3600, o.keep_alive_seconds);
    else if (key == "queue-seconds") status = read_number(key, value, 1, 3600, o.queue_seconds);
    else if (key == "tls-cert") status = read_text(key, value, o.tls_cert);
    else if (key == "tls-key") status = read_text(key, value, o.tls_key);
    else if (key == "api-key") status = read_text(key, value, o.api_key);
    else if (key == "api-key-file") {
      std::string path;
      status = read_text(key, value, path);
      if (status.ok()) {
        const Result<std::string> secret = read_file(path);
        if (secret.ok()) o.api_key = first_line(*secret);
        else status = secret.status();
        if (status.ok() && o.api_key.empty()) status = invalid_argument(path + ": the first line is empty");
      }
    } else if (key == "defaults") {
      if (!value.is_object()) return wrong(key, "an object", value);
      for (const auto& [task, model] : value.items()) {
        if (task != "classify" && task != "detect" && task != "segment")
          return invalid_argument("'defaults': expected classify, detect or segment, found '" + task + "'");
        DOTORI_RETURN_IF_ERROR(read_text("defaults." + task, model, o.defaults[task]));
      }
    } else {
      return invalid_argument("unknown key '" + key + "'");
    }
    DOTORI_RETURN_IF_ERROR(status);
  }
  return {};
}

ServerOptions read_options(int argc, const char* const* argv, int& exit_code) {
  ServerOptions o;
  std::string config, key_file;
  CLI::App app{"Answers photos that are posted to it: classes, boxes, masks"};
  // The file is read first, so that options override it.
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--config" && i + 1 < argc) config = argv[i + 1];
    if (argument.rfind("--config=", 0) == 0) config = argument.substr(9);
  }
  exit_code = 2;
  if (!config.empty()) {
    const Result<std::string> text = read_file(config);
    const Status status = text.ok() ? read_config(*text, o).with_context(config) : text.status();
    if (!status.ok()) {
      std::fprintf(stderr, "edge_server: %s\n", status.message().c_str());
      return o;
    }
  }
  app.add_option("--config", config,
                 "JSON file with these options by name, and \"defaults\": {\"classify\": MODEL, ...}");
  app.add_option("--models", o.models, "folder of .dtr files; a file's name without suffix is the model's name");
  app.add_option("--host", o.host, "address to listen on; 0.0.0.0 for all")->capture_default_str();
  app.add_option("--port", o.port, "0: any free port")->check(CLI::Range(0, 65535))->capture_default_str();
  app.add_option("--workers", o.workers, "photos computed at once; 0: one a core")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  app.add_option("--queue", o.queue, "photos that wait for a worker; further ones get 503")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("--max-body-bytes", o.max_body_bytes, "larger requests get 413")
      ->check(CLI::Range(1024, 1 << 30))
      ->capture_default_str();
  app.add_option("--max-pixels", o.max_pixels, "larger photos get 413 before they are decoded")
      ->check(CLI::Range(1, 1000000000))
      ->capture_default_str();
  app.add_option("--max-connections", o.max_connections, "further ones get 503")
      ->check(CLI::Range(1, kMaxConnections))
      ->capture_default_str();
  app.add_option("--max-receiving-bytes", o.max_receiving_bytes, "of all photos that are arriving; more get 503")
      ->check(CLI::Range(std::size_t{1024}, std::size_t{1} << 40))
      ->capture_default_str();
  app.add_option("--request-seconds", o.request_seconds, "time for a request to arrive whole, and for its answer")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  app.add_option("--keep-alive-seconds", o.keep_alive_seconds, "idle time between requests of a connection")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  app.add_option("--queue-seconds", o.queue_seconds, "a photo that waited longer gets 503")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  app.add_option("--api-key-file", key_file,
                 "file whose first line every request must carry as X-API-Key (or set EDGE_SERVER_API_KEY)");
  app.add_option("--tls-cert", o.tls_cert, "PEM certificate: HTTPS, which phones want for the camera");
  app.add_option("--tls-key", o.tls_key, "PEM key");
  app.footer(
      "Signals: SIGTERM and SIGINT finish what was taken and end; SIGHUP (or POST /v1/reload) reads the models again.\n"
      "Examples:\n"
      "  edge_server --models examples/models\n"
      "  edge_server --models models --host 0.0.0.0 --port 8443 --tls-cert cert.pem --tls-key key.pem\n"
      "  edge_server --config /etc/dotori/edge.json\n"
      "  curl --data-binary @dog.jpg http://localhost:8080/v1/classify?top=3");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    exit_code = app.exit(e) == 0 ? 0 : 2;
    return o;
  }
  Status status;
  const char* key = std::getenv("EDGE_SERVER_API_KEY");
  if (key != nullptr && *key != '\0') o.api_key = key;
  if (!key_file.empty()) status = read_config("{\"api-key-file\": " + Json(key_file).dump() + "}", o);
  if (status.ok()) status = check(o);
  if (!status.ok()) {
    std::fprintf(stderr, "edge_server: %s\n", status.message().c_str());
    return o;
  }
  exit_code = -1;
  return o;
}

}  // namespace dotori::edge
