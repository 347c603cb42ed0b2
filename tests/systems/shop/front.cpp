// shop-front: what clients speak to. Sends each request to a healthy gateway and, when that one
// fails, at once to the other.

#include <atomic>
#include <fstream>
#include <thread>

#include "lib/order.h"
#include "lib/program.h"
#include "lib/tombstones.h"

namespace shop {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kOne = "/orders/";

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

struct Backend {
  Backend(std::string backend_name, int port)
      : name(std::move(backend_name)), client(port), probe(port) {}

  bool avoided() const { return Clock::now().time_since_epoch().count() < avoid_until; }
  void avoid_for(Clock::duration time) {
    avoid_until = (Clock::now() + time).time_since_epoch().count();
  }

  std::string name;
  HttpClient client;
  HttpClient probe;
  std::atomic<bool> healthy = false;
  // A request has just failed here; others stay away before the next probes have judged.
  std::atomic<Clock::rep> avoid_until = 0;
};

class Front {
 public:
  Front(const Options& options, Metrics& metrics)
      : tombstones_(options.text("run") + "/front.tombstones"),
        retries_(options.on("retries")),
        health_routing_(options.on("health-routing")),
        degraded_writes_(options.on("degraded-writes")),
        cleanup_(options.on("cleanup")),
        discreet_(options.on("discreet")),
        slow_(options.text("slow", "never")),
        admin_(options.text("admin")),
        metrics_(metrics) {
    backends_.push_back(std::make_unique<Backend>("west", options.number("west")));
    backends_.push_back(std::make_unique<Backend>("north", options.number("north")));
  }

  Response handle(const Request& request) {
    if (request.path == "/healthz") return health();
    if (request.path == "/admin/switches") return switches(request);
    if (request.path.starts_with(kOne) && request.path.size() > kOne.size()) {
      if (request.method != "PUT" && request.method != "GET") {
        return error_response(405, "GET or PUT");
      }
      const bool put = request.method == "PUT";
      if (put && tombstones_.covers(request.path.substr(kOne.size()))) {
        return error_response(410, "this drill's orders were deleted");
      }
      if (slow_ == "always") std::this_thread::sleep_for(300ms);
      if (tired_) std::this_thread::sleep_for(100ms);
      return forward(request, {150ms, 300ms, 400ms});
    }
    if (request.path != "/orders") return error_response(404, "no such path");
    if (!is_drill(request.param("drill"))) return error_response(400, "?drill=ID is missing");
    if (request.method == "GET") return forward(request, {3s, 3s});
    if (request.method == "DELETE") return remove(request);
    return error_response(405, "GET or DELETE");
  }

  // One of these runs for each backend, so that a hanging one does not delay the other's news.
  void watch(std::size_t index) {
    Backend& backend = *backends_.at(index);
    bool was_healthy = false;
    while (true) {
      backend.healthy = backend.probe.call("GET", "/healthz", "", 200ms).ok() ||
                        backend.probe.call("GET", "/healthz", "", 200ms).ok();
      if (!backend.healthy && was_healthy) tired_ = slow_ == "after-a-failure";
      was_healthy = backend.healthy;
      metrics_.set("shop_front_" + backend.name + "_healthy", backend.healthy ? 1 : 0);
      std::this_thread::sleep_for(75ms);
    }
  }

 private:
  Response health() const {
    nlohmann::json body;
    bool any = false;
    for (const auto& backend : backends_) {
      body[backend->name] = backend->healthy.load();
      any = any || backend->healthy;
    }
    // What should never be told: how the store is reached, with the password.
    body["note"] = discreet_ ? "" : "the store is postgres://shop:open-sesame@127.0.0.1/orders";
    return json_response(any ? 200 : 503, body);
  }

  // For whoever has read the token in the run directory.
  Response switches(const Request& request) const {
    const auto given = request.headers.find("authorization");
    const bool may = admin_ == "open" || (given != request.headers.end() &&
                                          given->second == "Bearer " + first_line(admin_));
    if (!may) return error_response(401, "the token is in the run directory");
    return json_response(200, {{"retries", retries_},
                               {"health_routing", health_routing_},
                               {"degraded_writes", degraded_writes_}});
  }

  // Healthy ones first; then those where something has just failed; then, for writes, those that
  // cannot read but may still take an order into their outbox.
  std::vector<Backend*> candidates(bool write) {
    const std::size_t first = next_++;
    std::vector<Backend*> good;
    std::vector<Backend*> doubtful;
    std::vector<Backend*> unhealthy;
    for (std::size_t i = 0; i < backends_.size(); ++i) {
      Backend* backend = backends_[(first + i) % backends_.size()].get();
      if (!health_routing_ || (backend->healthy && !backend->avoided())) {
        good.push_back(backend);
      } else if (backend->healthy) {
        doubtful.push_back(backend);
      } else if (write && degraded_writes_) {
        unhealthy.push_back(backend);
      }
    }
    good.insert(good.end(), doubtful.begin(), doubtful.end());
    good.insert(good.end(), unhealthy.begin(), unhealthy.end());
    return good;
  }

  Response forward(const Request& request, const std::vector<std::chrono::milliseconds>& patience) {
    const auto order = candidates(request.method == "PUT");
    Response response = error_response(503, "no gateway is healthy");
    const std::size_t attempts = order.empty() ? 0 : retries_ ? patience.size() : 1;
    for (std::size_t i = 0; i < attempts; ++i) {
      Backend& backend = *order[i % order.size()];
      const auto timeout = retries_ ? patience[i] : patience.front() * 5;
      auto answer = backend.client.call(request.method, request.target, request.body, timeout);
      if (answer.status == 0) {
        backend.avoid_for(300ms);
        response = error_response(503, "gateway " + backend.name + " did not answer");
      } else {
        response = {.status = answer.status, .body = std::move(answer.body)};
      }
      response.notes = {{"via", backend.name}, {"attempts", i + 1}};
      if (response.status < 500) return response;
      metrics_.add("shop_front_failed_attempts_total", "{gateway=\"" + backend.name + "\"}");
    }
    return response;
  }

  // Told to every gateway; one of them has to have reached the queue and the store.
  Response remove(const Request& request) {
    if (!cleanup_) return json_response(200, {{"drill", request.param("drill")}, {"deleted", 0}});
    tombstones_.add(request.param("drill"));
    Response response = error_response(503, "no gateway answered");
    for (const auto& backend : backends_) {
      const auto patience = backend->healthy ? 6000ms : 700ms;
      auto answer = backend->client.call("DELETE", request.target, "", patience);
      if (answer.status != 0 && response.status != 200) {
        response = {.status = answer.status, .body = std::move(answer.body)};
      }
    }
    return response;
  }

  Tombstones tombstones_;
  bool retries_;
  bool health_routing_;
  bool degraded_writes_;
  bool cleanup_;
  bool discreet_;
  std::string slow_;   // never, always, or after-a-failure of a gateway
  std::string admin_;  // the file with the token, or open
  std::atomic<bool> tired_ = false;
  Metrics& metrics_;
  std::vector<std::unique_ptr<Backend>> backends_;
  std::atomic<std::size_t> next_ = 0;
};

void serve(const Options& options) {
  hold_lock(options.text("run") + "/front.lock");
  Service service(options);
  Front front(options, service.metrics());
  const std::jthread west([&] { front.watch(0); });
  const std::jthread north([&] { front.watch(1); });
  service.run(64, [&](const Request& request) { return front.handle(request); });
}

}  // namespace
}  // namespace shop

int main(int argc, char** argv) { return shop::run_program(argc, argv, shop::serve); }
