#include "engine/runtime/link_watch.h"

#include "engine/proxy/client.h"

namespace gameday {
namespace {

constexpr Duration kEvery = std::chrono::seconds(1);
constexpr Duration kPatience = std::chrono::milliseconds(500);

bool same_totals(const Json& a, const Json& b) {
  return a.get("accepted") == b.get("accepted") && a.get("bytes_up") == b.get("bytes_up") &&
         a.get("bytes_down") == b.get("bytes_down");
}

}  // namespace

LinkWatch::LinkWatch(std::vector<Link> links, const Clock& clock, std::function<void(Json)> each)
    : clock_(clock), each_(std::move(each)) {
  for (auto& link : links) looked_.push_back({std::move(link), {}, {}});
  if (!looked_.empty()) thread_ = std::jthread([this] { look(stop_.stop()); });
}

LinkWatch::~LinkWatch() { stop_.request(); }

void LinkWatch::look(const Stop& stop) {
  Instant due = clock_.now().boot;
  do {
    for (auto& looked : looked_) look_at(looked, stop);
    due = std::max(due + kEvery, clock_.now().boot);
  } while (clock_.sleep({stop, due}));
}

void LinkWatch::look_at(Looked& looked, const Stop& stop) {
  const auto path = proxy_control_path(looked.link.listen);
  if (!path) return;
  const auto status =
      ask_proxy(*path, Json::object({{"op", "status"}}), clock_, {stop, clock_.in(kPatience)});
  if (!status || stop.requested()) return;
  Json seen = Json::object({{"link", looked.link.name},
                            {"at_ns", clock_.now().boot.time_since_epoch().count()},
                            {"accepted", status->get("accepted")},
                            {"bytes_up", status->get("bytes_up")},
                            {"bytes_down", status->get("bytes_down")}});
  if (!looked.told.is_null() && same_totals(looked.told, seen)) {
    looked.held_back = std::move(seen);
    return;
  }
  if (!looked.held_back.is_null()) each_(std::exchange(looked.held_back, Json()));
  looked.told = seen;
  each_(std::move(seen));
}

}  // namespace gameday
