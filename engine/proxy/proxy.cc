#include "engine/proxy/proxy.h"

#include <unistd.h>

#include <algorithm>

#include "engine/proxy/control.h"
#include "engine/proxy/relay.h"
#include "engine/sys/descriptor_room.h"

namespace gameday {
namespace {

std::optional<Instant> earlier(std::optional<Instant> a, std::optional<Instant> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

class Proxy {
 public:
  Proxy(const ProxyOptions& options, const Clock& clock, Poller poller, Relay relay,
        Control control)
      : options_(options),
        clock_(clock),
        poller_(std::move(poller)),
        relay_(std::move(relay)),
        control_(std::move(control)) {}

  Status run(const Stop& stop) {
    Watched watched;
    if (stop.descriptor() >= 0) {
      poller_.watch(stop.descriptor(), watched, EPOLLIN, Role::stop, 0);
    }
    relay_.start(poller_);
    while (!over_ && !stop.requested()) {
      const Instant now = clock_.now().boot;
      toxics_.expire(now);
      relay_.set_passage(toxics_.passage(), poller_);
      const auto resume = relay_.resume(now, poller_);
      TRY(events, poller_.wait(clock_, earlier(resume, toxics_.next_end())));
      for (const PollEvent& event : events) take(event);
    }
    return {};
  }

 private:
  void take(const PollEvent& event) {
    switch (event.role) {
      case Role::stop: return;
      case Role::traffic: return relay_.accept_clients(poller_);
      case Role::client:
      case Role::upstream: return relay_.advance(event.number, event.role, poller_);
      case Role::control: return control_.accept_askers(poller_);
      case Role::asker:
        return control_.serve(
            event.number, [this](const Json& request, const Asking&) { return answer(request); },
            poller_);
    }
  }

  Result<Json> answer(const Json& request) {
    const std::string op = request.text("op");
    const std::string mark = request.text("mark");
    const Instant now = clock_.now().boot;
    // A lease that has ended is never renewed, even before its end was acted on.
    toxics_.expire(now);
    if (op == "status") return status(now);
    if (op == "shutdown") {
      over_ = true;
    } else if (op == "add") {
      TRY_OK(toxics_.add(request, now));
    } else if (op == "renew") {
      TRY_OK(toxics_.renew(mark, now));
    } else if (op == "remove") {
      toxics_.remove(mark);
    } else if (op == "divert") {
      TRY_OK(relay_.divert(request.text("from"), request.text("to")));
    } else {
      return fail(ErrorCode::invalid, "no request is called \"" + op + "\"");
    }
    // What an answer says already holds.
    relay_.set_passage(toxics_.passage(), poller_);
    return Json::object();
  }

  Json status(Instant now) const {
    Json status = Json::object({{"name", options_.name},
                                {"listen", options_.listen},
                                {"to", options_.to},
                                {"bound", relay_.address()},
                                {"pid", static_cast<int>(getpid())}});
    relay_.describe(status);
    status.set("toxics", toxics_.to_json(now));
    return status;
  }

  const ProxyOptions& options_;
  const Clock& clock_;
  Poller poller_;
  Relay relay_;
  Control control_;
  Toxics toxics_;
  bool over_ = false;
};

}  // namespace

Status run_proxy(const ProxyOptions& options, const Clock& clock, const Stop& stop) {
  allow_many_descriptors();
  TRY(poller, Poller::make());
  TRY(relay, Relay::listen(options.listen, options.to, clock));
  TRY(control, Control::listen(options.control, poller));
  return Proxy(options, clock, std::move(poller), std::move(relay), std::move(control)).run(stop);
}

}  // namespace gameday
