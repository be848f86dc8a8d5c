// SPDX-License-Identifier: Apache-2.0
#include "routes.h"

#include <openssl/crypto.h>

#include <chrono>
#include <limits>
#include <nlohmann/json.hpp>

#include <dotori/version.h>

#include "page.h"

namespace dotori::edge {
namespace {

using Json = nlohmann::ordered_json;
using httplib::Response;

constexpr int kMaxTop = 1000;
constexpr std::size_t kMaxOtherBody = 4096;    // of requests that carry no photo
constexpr std::chrono::seconds kRunTime(120);  // above what any model takes for a photo

void send(Response& res, Answer answer) {
  res.status = answer.status;
  if (answer.status == 503) res.set_header("Retry-After", "1");
  if (answer.status == 401) res.set_header("WWW-Authenticate", "Bearer");
  res.set_content(std::move(answer.body), answer.type);
}

// The answer to a request whose body is left unread: the connection cannot go on after it.
void send_last(Response& res, Answer answer) {
  if (Connection* connection = Connection::current()) connection->close_after_answer();
  res.set_header("Connection", "close");
  send(res, std::move(answer));
}

bool may_enter(const httplib::Request& req, const std::string& key) {
  if (key.empty()) return true;
  std::string shown = req.get_header_value("X-API-Key");
  const std::string bearer = req.get_header_value("Authorization");
  if (shown.empty() && bearer.rfind("Bearer ", 0) == 0) shown = bearer.substr(7);
  // The time must not tell how many characters were right.
  return shown.size() == key.size() && CRYPTO_memcmp(shown.data(), key.data(), key.size()) == 0;
}

bool is_photo_route(const std::string& path) {
  return path == "/v1/classify" || path == "/v1/detect" || path == "/v1/segment";
}

Answer too_large(std::size_t limit) {
  return error_answer(413, "the request's body is above " + std::to_string(limit) + " bytes");
}

// What can be said by the headers alone. True: `res` holds the answer, and the body is not to be read.
bool refuse_early(const Site& site, const httplib::Request& req, Response& res) {
  const ServerOptions& o = site.options;
  const bool in_chunks = req.has_header("Transfer-Encoding");
  const std::string length = req.get_header_value("Content-Length");
  const bool post = req.method == "POST";
  if (req.get_header_value_count("Content-Length") > 1 || (in_chunks && !length.empty()) || length.size() > 15 ||
      length.find_first_not_of("0123456789") != std::string::npos) {
    send_last(res, error_answer(400, "Content-Length: expected one number, and no Transfer-Encoding next to it"));
    return true;
  }
  const bool is_public = req.path.rfind("/v1/", 0) != 0 && req.path != "/metrics";
  if (!is_public && !may_enter(req, o.api_key)) {
    res.set_header("WWW-Authenticate", "Bearer");
    send_last(res, error_answer(401, "the API key is missing or wrong"));
    return true;
  }
  const unsigned long long bytes = length.empty() ? 0 : std::stoull(length);
  const std::size_t limit = post && is_photo_route(req.path) ? o.max_body_bytes : kMaxOtherBody;
  if (bytes > limit) {
    send_last(res, too_large(limit));
    return true;
  }
  if (in_chunks && !(post && is_photo_route(req.path))) {
    send_last(res, error_answer(411, "the length of the request's body is needed"));
    return true;
  }
  return false;
}

// The photo of a request, and its share of the memory for photos.
class Upload {
 public:
  explicit Upload(Site& site) : site_(site) {}
  ~Upload() { site_.receiving_bytes -= total_; }
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  // Reads the body: raw, or the field "photo" (else the first part) of a form. 0, or the HTTP status of what went
  // wrong.
  int read(const httplib::Request& req, const httplib::ContentReader& reader) {
    bool whole = false;
    if (req.is_multipart_form_data()) {
      bool keep = false, named = false, any = false;
      whole = reader(
          [&](const httplib::MultipartFormData& part) {
            keep = (part.name == "photo" && !named) || !any;
            named = named || part.name == "photo";
            any = true;
            if (keep) photo.clear();
            return true;
          },
          [&](const char* data, std::size_t bytes) { return take(data, bytes, keep); });
    } else {
      whole = reader([&](const char* data, std::size_t bytes) { return take(data, bytes, true); });
    }
    if (whole) return 0;
    if (status_ != 0) return status_;
    return Connection::current()->late() ? 408 : 400;
  }

  std::string photo;

 private:
  bool take(const char* data, std::size_t bytes, bool keep) {
    total_ += bytes;
    if ((site_.receiving_bytes += bytes) > site_.options.max_receiving_bytes) status_ = 503;
    else if (total_ > site_.options.max_body_bytes) status_ = 413;
    if (status_ != 0) return false;
    if (keep) photo.append(data, bytes);
    return true;
  }

  Site& site_;
  std::size_t total_ = 0;
  int status_ = 0;
};

Result<int> read_top(const httplib::Request& req) {
  if (!req.has_param("top")) return 5;
  const std::string text = req.get_param_value("top");
  if (text.empty() || text.size() > 4 || text.find_first_not_of("0123456789") != std::string::npos ||
      std::stoi(text) < 1 || std::stoi(text) > kMaxTop)
    return invalid_argument("top: expected a number from 1 to " + std::to_string(kMaxTop) + ", found '" + text + "'");
  return std::stoi(text);
}

Answer answer_photo(Site& site, Task task, const httplib::Request& req, std::string photo) {
  Request request;
  request.generation = site.models.current();
  const std::string name = req.get_param_value("model");
  request.model = name.empty() ? request.generation->find_for(task) : request.generation->find(name);
  if (request.model == nullptr)
    return error_answer(
        404, name.empty() ? std::string("there is no model to ") + route_of(task) : "there is no model '" + name + "'");
  const Task found = request.model->model.task().task;
  if (found != task)
    return error_answer(
        404, "model '" + request.model->name + "' is for " + task_name(found) + ", not for " + task_name(task));
  const Result<int> top = read_top(req);
  if (!top.ok()) return error_answer(400, top.status().message());
  if (photo.empty()) return error_answer(400, "the request has no photo in its body");
  request.top = *top;
  request.photo = std::move(photo);
  request.max_pixels = site.options.max_pixels;
  request.mask_as_png = req.get_header_value("Accept").find("image/png") != std::string::npos;
  std::future<Answer> answer = site.workers.submit(std::move(request));
  if (!answer.valid()) {
    site.metrics.count_rejected_photo();
    return error_answer(503, "all workers are busy and the queue is full; try again");
  }
  if (answer.wait_for(std::chrono::seconds(site.options.queue_seconds) + kRunTime) != std::future_status::ready)
    return error_answer(503, "the photo took too long");
  return answer.get();
}

Answer list_models(const Site& site) {
  const std::shared_ptr<const Generation> generation = site.models.current();
  Json list = Json::array();
  for (const NamedModel& m : generation->models) {
    Json inputs = Json::array();
    bool whole_numbers = false;
    for (const TensorInfo& input : m.model.inputs()) {
      inputs.push_back(
          {{"name", input.name}, {"shape", input.shape.to_string()}, {"type", data_type_name(input.type)}});
      whole_numbers = whole_numbers || input.type != DataType::kFloat32;
    }
    const Task task = m.model.task().task;
    list.push_back({{"name", m.name},
                    {"task", route_of(task)},
                    {"default", generation->find_for(task) == &m},
                    {"precision", whole_numbers ? "int8" : "float32"},
                    {"label_count", m.model.task().labels.size()},
                    {"labels", m.model.task().labels},
                    {"inputs", inputs},
                    {"bytes", m.model.file_bytes()}});
  }
  return {200, "application/json",
          Json({{"generation", generation->number}, {"models", list}})
                  .dump(-1, ' ', false, Json::error_handler_t::replace) +
              "\n"};
}

Answer reload(Site& site) {
  const Status status = site.models.load();
  site.metrics.count_reload(status.ok());
  if (!status.ok()) return error_answer(409, "the models stay as they were: " + status.message());
  return list_models(site);
}

// One route of photos.
void add_photo_route(Listener& server, Site& site, Task task) {
  server.Post(std::string("/v1/") + route_of(task),
              [&site, task](const httplib::Request& req, Response& res, const httplib::ContentReader& reader) {
                Upload upload(site);
                const int wrong = upload.read(req, reader);
                Connection::current()->request_is_whole();
                Connection::current()->photo_bytes = upload.photo.size();
                switch (wrong) {
                  case 0: return send(res, answer_photo(site, task, req, std::move(upload.photo)));
                  case 408:
                    return send_last(res, error_answer(408, "the request did not arrive within " +
                                                                std::to_string(site.options.request_seconds) + " s"));
                  case 413: return send_last(res, too_large(site.options.max_body_bytes));
                  case 503: return send_last(res, error_answer(503, "too many photos arrive at once; try again"));
                  default: return send_last(res, error_answer(wrong, "the request's body cannot be read"));
                }
              });
}

std::string known_route(const std::string& path) {
  static const std::string kPaths[] = {"/",          "/app.js",    "/style.css",   "/healthz",   "/metrics",
                                       "/v1/models", "/v1/reload", "/v1/classify", "/v1/detect", "/v1/segment"};
  for (const std::string& known : kPaths)
    if (path == known) return known;
  return "other";
}

}  // namespace

void set_up(Listener& server, Site& site) {
  server.set_keep_alive_max_count(std::numeric_limits<int>::max());
  server.set_payload_max_length(site.options.max_body_bytes);
  server.set_default_headers(
      {{"X-Content-Type-Options", "nosniff"},
       {"Content-Security-Policy",
        "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; frame-ancestors 'none'"},
       {"Referrer-Policy", "no-referrer"},
       {"Cache-Control", "no-store"}});
  // A client that asks first is answered before it sends its photo.
  server.set_expect_100_continue_handler(
      [&site](const httplib::Request& req, Response& res) { return refuse_early(site, req, res) ? res.status : 100; });
  server.set_pre_routing_handler([&site](const httplib::Request& req, Response& res) {
    Connection::current()->begin_body();
    return refuse_early(site, req, res) ? httplib::Server::HandlerResponse::Handled
                                        : httplib::Server::HandlerResponse::Unhandled;
  });
  server.set_error_handler([](const httplib::Request& req, Response& res) {
    if (!res.body.empty()) return;
    send(res, error_answer(res.status, res.status == 404   ? "there is nothing at " + req.path
                                       : res.status == 413 ? "the request is too large"
                                                           : "the request is not valid HTTP"));
  });
  server.set_exception_handler([](const httplib::Request&, Response& res, std::exception_ptr) {
    send_last(res, error_answer(500, "the request could not be answered"));
  });
  server.set_logger([&site](const httplib::Request& req, const Response& res) {
    const Connection& connection = *Connection::current();
    site.metrics.count_request(known_route(req.path), res.status, connection.ms_since_whole(), connection.photo_bytes);
  });

  int count = 0;
  const PageFile* files = page_files(&count);
  for (int i = 0; i < count; ++i)
    server.Get(files[i].path, [file = files[i]](const httplib::Request&, Response& res) {
      res.set_content(file.bytes.data(), file.bytes.size(), file.type);
    });
  server.Get("/healthz", [&site](const httplib::Request&, Response& res) {
    send(res,
         {200, "application/json",
          Json({{"status", "ok"}, {"version", DOTORI_VERSION_STRING}, {"generation", site.models.current()->number}})
                  .dump() +
              "\n"});
  });
  server.Get("/metrics", [&site, &server](const httplib::Request&, Response& res) {
    const std::shared_ptr<const Generation> generation = site.models.current();
    res.set_content(site.metrics.text(server.refused_connections(),
                                      {{"edge_connections_open", server.open_connections()},
                                       {"edge_queue_waiting", site.workers.waiting()},
                                       {"edge_workers_busy", site.workers.running()},
                                       {"edge_models", static_cast<double>(generation->models.size())},
                                       {"edge_generation", generation->number}}),
                    "text/plain; version=0.0.4");
  });
  server.Get("/v1/models", [&site](const httplib::Request&, Response& res) { send(res, list_models(site)); });
  server.Post("/v1/reload", [&site](const httplib::Request&, Response& res) { send(res, reload(site)); });
  for (Task task : {Task::kClassification, Task::kDetection, Task::kSegmentation}) add_photo_route(server, site, task);
}

}  // namespace dotori::edge
