// shop-watch: the shop's alerts. Asks every other program whether it is well, and says which alerts
// are firing.

#include <atomic>
#include <thread>

#include "lib/program.h"

namespace shop {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct Watched {
  Watched(std::string part, int port) : name(std::move(part)), client(port) {}

  std::string name;
  HttpClient client;
  std::atomic<bool> firing = false;
};

class Watch {
 public:
  explicit Watch(const Options& options) : kind_(options.text("alerts", "on")) {
    for (const char* name : {"west", "north", "worker", "queue", "store"}) {
      parts_.push_back(std::make_unique<Watched>(name, options.number(name)));
    }
  }

  // One of these runs for each part. An alert fires once a part has not been well for 300 ms.
  void look(std::size_t index, Metrics& metrics) {
    Watched& part = *parts_.at(index);
    auto well = Clock::now();
    while (true) {
      const auto now = Clock::now();
      if (part.client.call("GET", "/healthz", "", 200ms).ok()) well = now;
      part.firing = Clock::now() - well > 300ms;
      metrics.set("shop_alert_" + part.name, part.firing ? 1 : 0);
      std::this_thread::sleep_for(100ms);
    }
  }

  Response handle(const Request& request) const {
    if (request.path == "/healthz") return json_response(200, {{"ok", true}});
    if (request.path != "/alerts") return error_response(404, "no such path");
    auto firing = nlohmann::json::array();
    for (const auto& part : parts_) {
      if (part->firing && kind_ != "deaf") firing.push_back(part->name);
    }
    if (kind_ == "nervous" && Clock::now().time_since_epoch() % 3s < 1s) firing.push_back("nerves");
    const bool any = !firing.empty();
    return json_response(200, {{"any", any}, {"firing", std::move(firing)}});
  }

  std::size_t size() const { return parts_.size(); }

 private:
  std::string kind_;  // on, deaf, or nervous
  std::vector<std::unique_ptr<Watched>> parts_;
};

void serve(const Options& options) {
  hold_lock(options.text("run") + "/watch.lock");
  Service service(options);
  Watch watch(options);
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < watch.size(); ++i) {
    threads.emplace_back([&, i] { watch.look(i, service.metrics()); });
  }
  service.run(4, [&](const Request& request) { return watch.handle(request); });
}

}  // namespace
}  // namespace shop

int main(int argc, char** argv) { return shop::run_program(argc, argv, shop::serve); }
