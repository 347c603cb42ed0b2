#include "drills/systems/shaping.h"

#include <algorithm>
#include <cstdlib>

#include "drills/systems/own_rights.h"
#include "engine/base/digest.h"
#include "engine/base/text.h"
#include "engine/sys/processes_run.h"

namespace gameday {
namespace {

constexpr std::string_view kNobodys = "0:";  // the handle of a queue that the kernel has put there

// By its path: nsenter, which runs it, would look in PATH alone.
Result<std::string> tool(const std::string& name) {
  if (auto found = program_of({{name}, "/", {}})) return found;
  return fail(ErrorCode::unsupported, name + " is not installed", "apt-get install iproute2");
}

std::unexpected<Error> said_no(const std::string& what, const std::string& entrance,
                               const Ended& ended) {
  const std::string said(trimmed(ended.output));
  const bool refused = said.contains("not permitted") || said.contains("ermission denied");
  if (refused) {
    return fail(ErrorCode::refused, what + ": " + said + in_brackets(lacking_inside(entrance)),
                "be root, or hold CAP_NET_ADMIN (and CAP_SYS_ADMIN for a namespace that is not "
                "ours)");
  }
  const bool unknown = said.contains("qdisc kind is unknown");
  return fail(unknown ? ErrorCode::unsupported : ErrorCode::failed,
              what + ": " + (said.empty() ? "no answer" : said),
              unknown ? "this kernel has no tbf: slow a link, by `gameday proxy`" : "");
}

// What `tc` or `ip` answers in JSON.
Result<Json> asked(const std::string& entrance, std::vector<std::string> argv,
                   const DeedContext& context) {
  const std::string name = argv.front();
  TRY(path, tool(name));
  argv.front() = path;
  TRY(ended, run_inside(entrance, std::move(argv), context));
  if (!ended.succeeded()) return said_no(name, entrance, ended);
  TRY(answer, Json::parse(ended.output));
  return answer;
}

Status told_tc(const std::string& entrance, std::vector<std::string> arguments,
               const DeedContext& context) {
  TRY(path, tool("tc"));
  arguments.insert(arguments.begin(), {path, "qdisc"});
  TRY(ended, run_inside(entrance, std::move(arguments), context));
  if (!ended.succeeded()) return said_no("tc", entrance, ended);
  return {};
}

// The interface under the name that it has now; nothing: it is gone.
Result<std::optional<Interface>> still_there(const Shaped& shaped, const std::string& entrance,
                                             const DeedContext& context) {
  TRY(all, interfaces_in(entrance, context));
  const auto found = std::ranges::find(all, shaped.interface.index, &Interface::index);
  // Its number may have been given to another one: whose other end is another one, too.
  if (found == all.end() || found->peer != shaped.interface.peer) return std::nullopt;
  return *found;
}

struct Queue {
  std::string kind, handle;
  std::int64_t rate = 0;
  Shaping use;
};

Result<Queue> queue_at(const std::string& entrance, const Interface& interface,
                       const DeedContext& context) {
  TRY(listed, asked(entrance, {"tc", "-s", "-j", "qdisc", "show", "dev", interface.name}, context));
  for (const Json& one : listed.items()) {
    const Json* root = one.find("root");
    if (root == nullptr) continue;
    return Queue{one.text("kind"),
                 one.text("handle"),
                 one.get("options").integer("rate", 0),
                 {.there = false,
                  .bytes = one.integer("bytes", 0),
                  .held_up = one.integer("overlimits", 0) + one.integer("drops", 0)}};
  }
  return Queue{"none", std::string(kNobodys), 0, {}};
}

bool is_ours(const Queue& queue, const Shaped& shaped) {
  return queue.kind == "tbf" && queue.handle == shaped.handle && queue.rate == shaped.rate;
}

}  // namespace

Result<std::vector<Interface>> interfaces_in(const std::string& entrance,
                                             const DeedContext& context) {
  TRY(listed, asked(entrance, {"ip", "-j", "link", "show"}, context));
  std::vector<Interface> found;
  for (const Json& one : listed.items()) {
    if (one.text("link_type") == "loopback") continue;
    found.push_back({one.text("ifname"), one.integer("ifindex", 0), one.integer("link_index", 0)});
  }
  return found;
}

Json to_json(const Shaped& shaped) {
  return Json::object({{"netns", to_json(shaped.netns)},
                       {"interface", shaped.interface.name},
                       {"index", shaped.interface.index},
                       {"peer", shaped.interface.peer},
                       {"handle", shaped.handle},
                       {"rate", shaped.rate}});
}

Result<Shaped> shaped_from(const Json& value) {
  TRY(netns, netns_from(value.get("netns")));
  Shaped shaped{std::move(netns),
                {value.text("interface"), value.integer("index", 0), value.integer("peer", 0)},
                value.text("handle"),
                value.integer("rate", 0)};
  if (shaped.interface.index <= 0 || shaped.handle.empty() || shaped.rate <= 0) {
    return fail(ErrorCode::corrupt, "an undo lacks the interface that was slowed");
  }
  return shaped;
}

// Fifteen bits: the kernel gives the others out itself.
std::string handle_of(const std::string& mark) {
  constexpr std::size_t kHexDigits = 4;
  const std::string digest = sha256(mark).substr(std::string_view("sha256:").size(), kHexDigits);
  const auto number = std::max(1UL, std::strtoul(digest.c_str(), nullptr, 16) & 0x7FFF);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = ":";
  for (auto left = number; left > 0; left /= kDigits.size()) {
    text.insert(text.begin(), kDigits[left % kDigits.size()]);
  }
  return text;
}

Status may_shape(const Shaped& shaped, const DeedContext& context) {
  TRY(entrance, entrance_to(shaped.netns, context.doors));
  if (!entrance) return fail(ErrorCode::not_found, shaped.netns.shown + " is gone");
  TRY(queue, queue_at(*entrance, shaped.interface, context));
  if (queue.handle != kNobodys) {
    return fail(ErrorCode::conflict,
                "interface " + shaped.interface.name + " of " + shaped.netns.shown +
                    " has a queue of somebody else's, " + queue.kind + " " + queue.handle,
                "take it away first, or slow a link");
  }
  // Everybody may look. Whether we may change it is what the kernel says first, and then that none
  // has this handle: nothing is taken away.
  const auto tried = told_tc(
      *entrance, {"del", "dev", shaped.interface.name, "root", "handle", shaped.handle}, context);
  return tried || tried.error().code != ErrorCode::refused ? Status() : tried;
}

Status shape(const Shaped& shaped, const DeedContext& context) {
  // As much as passes in 20 ms, and a packet at least; what waits longer than this is thrown away.
  constexpr std::int64_t kBursts = 50, kLeast = 16'000;
  constexpr const char* kLatency = "400ms";
  TRY(entrance, entrance_to(shaped.netns, context.doors));
  if (!entrance) return fail(ErrorCode::not_found, shaped.netns.shown + " is gone");
  TRY(now, still_there(shaped, *entrance, context));
  if (!now) return fail(ErrorCode::not_found, "interface " + shaped.interface.name + " is gone");
  // `add` takes nobody's place.
  return told_tc(*entrance,
                 {"add", "dev", now->name, "root", "handle", shaped.handle, "tbf", "rate",
                  std::to_string(shaped.rate) + "bps", "burst",
                  std::to_string(std::max(kLeast, shaped.rate / kBursts)), "latency", kLatency},
                 context);
}

Result<Shaping> look_at_shaping(const Shaped& shaped, const DeedContext& context) {
  TRY(entrance, entrance_to(shaped.netns, context.doors));
  if (!entrance) return Shaping{};
  TRY(now, still_there(shaped, *entrance, context));
  if (!now) return Shaping{};
  TRY(queue, queue_at(*entrance, *now, context));
  queue.use.there = is_ours(queue, shaped);
  return queue.use;
}

Status unshape(const Shaped& shaped, const DeedContext& context) {
  TRY(seen, look_at_shaping(shaped, context));
  if (!seen.there) return {};
  TRY(entrance, entrance_to(shaped.netns, context.doors));
  if (!entrance) return {};
  TRY(now, still_there(shaped, *entrance, context));
  if (!now) return {};
  // The kernel takes it away only if the handle is its own.
  const auto done =
      told_tc(*entrance, {"del", "dev", now->name, "root", "handle", shaped.handle}, context);
  if (done) return {};
  TRY(again, look_at_shaping(shaped, context));
  return again.there ? done : Status();
}

}  // namespace gameday
