// SPDX-License-Identifier: Apache-2.0
#include "routes.h"

#include <openssl/crypto.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include <dotori/version.h>

#include "connections.h"
#include "page.h"

namespace dotori::edge {
namespace {

using Json = nlohmann::ordered_json;
using httplib::Response;

constexpr int kMaxTop = 1000;
constexpr std::chrono::seconds kRunTime(120);  // above what any model takes for a photo

void send(Response& res, Answer answer) {
  res.status = answer.status;
  if (answer.status == 503) res.set_header("Retry-After", "1");
  if (answer.status == 401) res.set_header("WWW-Authenticate", "Bearer");
  res.set_content(std::move(answer.body), answer.type);
}

bool may_enter(const httplib::Request& req, const std::string& key) {
  if (key.empty()) return true;
  std::string shown = req.get_header_value("X-API-Key");
  const std::string bearer = req.get_header_value("Authorization");
  if (shown.empty() && bearer.rfind("Bearer ", 0) == 0) shown = bearer.substr(7);
  // The time must not tell how many characters were right.
  return shown.size() == key.size() && CRYPTO_memcmp(shown.data(), key.data(), key.size()) == 0;
}

// The photo in the body: raw, or the field "photo" (else the first part) of a form. Reads the whole body, so that the
// next request of the connection begins where it should. 0, or the status of what went wrong.
int read_photo(const httplib::Request& req, const httplib::ContentReader& read, std::size_t limit, std::string& photo) {
  bool too_large = false, late = false;
  std::size_t total = 0;
  const auto take = [&](const char* data, std::size_t bytes, bool keep) {
    late = deadline_passed();
    total += bytes;
    too_large = total > limit;
    if (late || too_large) return false;
    if (keep) photo.append(data, bytes);
    return true;
  };
  bool whole = false;
  if (req.is_multipart_form_data()) {
    bool keep = false, named = false, any = false;
    whole = read(
        [&](const httplib::MultipartFormData& part) {
          keep = (part.name == "photo" && !named) || !any;
          named = named || part.name == "photo";
          any = true;
          if (keep) photo.clear();
          return true;
        },
        [&](const char* data, std::size_t bytes) { return take(data, bytes, keep); });
  } else {
    whole = read([&](const char* data, std::size_t bytes) { return take(data, bytes, true); });
  }
  if (whole) return 0;
  if (too_large) return 413;
  return late || deadline_passed() ? 408 : 400;
}

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
  request.model =
      name.empty() ? request.generation->find_for(task, site.options.defaults) : request.generation->find(name);
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
  request.mask_as_png = req.get_header_value("Accept") == "image/png";
  std::future<Answer> answer = site.workers.submit(std::move(request));
  if (!answer.valid()) return error_answer(503, "all workers are busy and the queue is full; try again");
  if (answer.wait_for(std::chrono::seconds(site.options.queue_seconds) + kRunTime) != std::future_status::ready)
    return error_answer(503, "the photo took too long");
  return answer.get();
}

Answer list_models(const Site& site) {
  const std::shared_ptr<const Generation> generation = site.models.current();
  Json list = Json::array();
  for (const NamedModel& m : generation->models) {
    Json inputs = Json::array();
    for (const TensorInfo& input : m.model.inputs()) inputs.push_back(input.shape.to_string());
    const Task task = m.model.task().task;
    const NamedModel* chosen = generation->find_for(task, site.options.defaults);
    list.push_back({{"name", m.name},
                    {"task", route_of(task)},
                    {"default", chosen == &m},
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
void add_photo_route(httplib::Server& server, Site& site, Task task) {
  const std::string route = route_of(task);
  server.Post("/v1/" + route, [&site, task, route](const httplib::Request& req, Response& res,
                                                   const httplib::ContentReader& read) {
    std::string photo;
    const int wrong = read_photo(req, read, site.options.max_body_bytes, photo);
    const std::size_t bytes = photo.size();
    const auto start = std::chrono::steady_clock::now();
    if (wrong == 413)
      send(res,
           error_answer(413, "the photo's file is above " + std::to_string(site.options.max_body_bytes) + " bytes"));
    else if (wrong == 408)
      send(res, error_answer(
                    408, "the request did not arrive within " + std::to_string(site.options.request_seconds) + " s"));
    else if (wrong != 0) send(res, error_answer(wrong, "the request's body cannot be read"));
    else if (!may_enter(req, site.options.api_key)) send(res, error_answer(401, "the API key is missing or wrong"));
    else send(res, answer_photo(site, task, req, std::move(photo)));
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    site.metrics.count_request(route, res.status, took.count(), bytes);
  });
}

}  // namespace

void set_up(httplib::Server& server, Site& site) {
  const ServerOptions& o = site.options;
  // Without it the answer's last packet waits for an acknowledgement: about 40 ms a request.
  server.set_tcp_nodelay(true);
  server.set_read_timeout(o.request_seconds);
  server.set_write_timeout(o.request_seconds);
  server.set_keep_alive_timeout(o.keep_alive_seconds);
  server.set_keep_alive_max_count(1000);
  server.set_payload_max_length(o.max_body_bytes);
  server.set_default_headers(
      {{"X-Content-Type-Options", "nosniff"},
       {"Content-Security-Policy",
        "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; frame-ancestors 'none'"},
       {"Referrer-Policy", "no-referrer"},
       {"Cache-Control", "no-store"}});
  server.new_task_queue = [&site] {
    return new Connections(site.options.max_connections, std::chrono::seconds(site.options.request_seconds),
                           site.metrics);
  };
  server.set_pre_routing_handler([&site](const httplib::Request& req, Response& res) {
    const bool public_path = req.path.rfind("/v1/", 0) != 0 && req.path != "/metrics";
    if (Connections::refuses()) {
      send(res, error_answer(503, "too many connections; try again"));
    } else if (req.method != "POST" && !public_path && !may_enter(req, site.options.api_key)) {
      send(res, error_answer(401, "the API key is missing or wrong"));
    } else {
      return httplib::Server::HandlerResponse::Unhandled;
    }
    return httplib::Server::HandlerResponse::Handled;
  });
  server.set_error_handler([](const httplib::Request& req, Response& res) {
    if (!res.body.empty()) return;
    send(res, error_answer(res.status, res.status == 404   ? "there is nothing at " + req.path
                                       : res.status == 413 ? "the request is too large"
                                                           : "the request is not valid HTTP"));
  });
  server.set_exception_handler([](const httplib::Request&, Response& res, std::exception_ptr) {
    send(res, error_answer(500, "the request could not be answered"));
  });
  server.set_logger([&site](const httplib::Request&, const Response&) {
    Connections::expect_next(std::chrono::seconds(site.options.keep_alive_seconds));
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
  server.Get("/metrics", [&site](const httplib::Request&, Response& res) {
    const std::shared_ptr<const Generation> generation = site.models.current();
    res.set_content(site.metrics.text({{"edge_queue_waiting", site.workers.waiting()},
                                       {"edge_workers_busy", site.workers.running()},
                                       {"edge_models", static_cast<double>(generation->models.size())},
                                       {"edge_generation", generation->number}}),
                    "text/plain; version=0.0.4");
  });
  server.Get("/v1/models", [&site](const httplib::Request&, Response& res) { send(res, list_models(site)); });
  server.Post("/v1/reload", [&site](const httplib::Request& req, Response& res) {
    send(res,
         may_enter(req, site.options.api_key) ? reload(site) : error_answer(401, "the API key is missing or wrong"));
  });
  for (Task task : {Task::kClassification, Task::kDetection, Task::kSegmentation}) add_photo_route(server, site, task);
}

}  // namespace dotori::edge
