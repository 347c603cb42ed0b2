#include "drills/systems/shaping.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "drills/systems/own_rights.h"
#include "engine/base/digest.h"
#include "engine/base/text.h"
#include "engine/sys/processes_run.h"

namespace gameday {
namespace {

constexpr std::string_view kNobodys = "0:";  // the handle of a queue that the kernel has put there
constexpr std::string_view kHooks = "ffff:";
constexpr std::string_view kDefaultQueue = "/proc/sys/net/core/default_qdisc";

// By its path: nsenter, which runs it, would look in PATH alone.
Result<std::string> tool(const std::string& name) {
  if (auto found = program_of({{name}, "/", {}})) return found;
  return fail(ErrorCode::unsupported, name + " is not installed", "apt-get install iproute2");
}

std::unexpected<Error> said_no(const std::string& what, const std::string& lacking,
                               const Ended& ended) {
  const std::string said(trimmed(ended.output));
  const bool refused = said.contains("not permitted") || said.contains("ermission denied");
  if (refused) {
    return fail(ErrorCode::refused, what + ": " + said + in_brackets(lacking),
                "be root, or hold CAP_NET_ADMIN and CAP_SYS_ADMIN");
  }
  return fail(ErrorCode::failed, what + ": " + (said.empty() ? "no answer" : said));
}

// What `tc` or `ip` answers in JSON.
Result<Json> asked(const std::string& entrance, std::vector<std::string> argv,
                   const DeedContext& context) {
  const std::string name = argv.front();
  TRY(path, tool(name));
  argv.front() = path;
  TRY(ended, run_inside(entrance, std::move(argv), context));
  if (!ended.succeeded()) return said_no(name, lacking_inside(entrance), ended);
  TRY(answer, Json::parse(ended.output));
  return answer;
}

Status told_tc(const std::string& entrance, std::vector<std::string> arguments,
               const DeedContext& context) {
  TRY(path, tool("tc"));
  arguments.insert(arguments.begin(), {path, "qdisc"});
  TRY(ended, run_inside(entrance, std::move(arguments), context));
  if (!ended.succeeded()) return said_no("tc", lacking_inside(entrance), ended);
  return {};
}

// The interface under the name that it has now; nothing: it is gone.
Result<std::optional<Interface>> still_there(const Shaped& shaped, const std::string& entrance,
                                             const DeedContext& context) {
  TRY(all, every_interface_in(entrance, context));
  const auto found = std::ranges::find(all, shaped.interface.index, &Interface::index);
  // Its number may have been given to another one: whose other end is another one, too.
  if (found == all.end() || found->peer != shaped.interface.peer) return std::nullopt;
  return *found;
}

struct Queue {
  std::string kind, handle;
  Json options = Json::object();
  Shaping use;
  std::vector<std::string> below = {};  // the kinds of those that stand in it, of each of its ways
};

Result<Queue> queue_at(const std::string& entrance, const Interface& interface,
                       const DeedContext& context) {
  TRY(listed, asked(entrance, {"tc", "-s", "-j", "qdisc", "show", "dev", interface.name}, context));
  Queue queue{"none", std::string(kNobodys), Json::object(), {}};
  for (const Json& one : listed.items()) {
    if (one.find("root") == nullptr) {
      // Those of what comes in, and the hooks of others' programs, stay where they are.
      if (!one.text("parent").starts_with(kHooks)) queue.below.push_back(one.text("kind"));
      continue;
    }
    queue.kind = one.text("kind");
    queue.handle = one.text("handle");
    queue.options = one.get("options");
    queue.use = {.there = false,
                 .bytes = one.integer("bytes", 0),
                 .held_up = one.integer("overlimits", 0) + one.integer("drops", 0),
                 .dropped = one.integer("drops", 0)};
  }
  return queue;
}

// The kernel keeps no note of what it has put there: it would put what is its default now.
Status refuse_what_stays_away(const Queue& queue, const Shaped& shaped,
                              const DeedContext& context) {
  const auto read = context.doors.files.read(std::string(kDefaultQueue));
  const std::string by_default(trimmed(read.value_or("")));
  std::vector<std::string> kinds = queue.below;
  kinds.push_back(queue.kind);
  for (const auto& kind : kinds) {
    if (comes_back(kind, by_default)) continue;
    return fail(ErrorCode::conflict,
                "interface " + shaped.interface.name + " of " + shaped.netns.shown + " has " +
                    kind + ", in whose place the kernel would put " + by_default + " afterwards",
                "have the interface set up anew, or set `sysctl net.core.default_qdisc`");
  }
  return {};
}

std::string kind_of(const Shaped& shaped) { return shaped.rate > 0 ? "tbf" : "netem"; }

// What netem draws from has its middle and how far to either side of it.
struct Drawn {
  std::int64_t middle = 0, spread = 0;  // microseconds
};
Drawn drawn(const Lateness& late) {
  const std::int64_t half = late.jitter / 2;
  return {late.latency + half, half};
}

// tc shows seconds, with six digits.
bool is_nearly(double shown_s, std::int64_t wanted_us) {
  constexpr double kMicro = 1e6, kDigits = 1e-5;
  const auto wanted = static_cast<double>(wanted_us);
  return std::abs(shown_s * kMicro - wanted) <= 1 + wanted * kDigits;
}

bool does_the_same(const Json& options, const Shaped& shaped) {
  if (shaped.rate > 0) return options.integer("rate", 0) == shaped.rate;
  const Json delay = options.get("delay");
  const Drawn wanted = drawn(shaped.late);
  return is_nearly(delay.number("delay", 0), wanted.middle) &&
         is_nearly(delay.number("jitter", 0), wanted.spread);
}

bool is_ours(const Queue& queue, const Shaped& shaped) {
  return queue.kind == kind_of(shaped) && queue.handle == shaped.handle &&
         does_the_same(queue.options, shaped);
}

// As tc wants to be told.
std::vector<std::string> words_for(const Shaped& shaped) {
  if (shaped.rate > 0) {
    // What waits longer than this is thrown away.
    constexpr const char* kLatency = "400ms";
    return {"tbf",
            "rate",
            std::to_string(shaped.rate) + "bps",
            "burst",
            std::to_string(burst_of(shaped)),
            "latency",
            kLatency};
  }
  // As many packets as may be on their way at once: by its own thousand, a line of 1 Gbit/s that is
  // 100 ms late would lose most of them.
  constexpr const char* kMost = "100000";
  const Drawn wanted = drawn(shaped.late);
  const auto in_us = [](std::int64_t time) { return std::to_string(time) + "us"; };
  std::vector<std::string> words = {"netem", "limit", kMost, "delay", in_us(wanted.middle)};
  if (wanted.spread > 0) words.push_back(in_us(wanted.spread));
  return words;
}

// Where nobody is: a namespace that goes with the one program in it.
Status kernel_has(const Shaped& shaped, const DeedContext& context) {
  TRY(path, tool("tc"));
  std::vector<std::string> argv = {"unshare", "--net", path, "qdisc", "add", "dev", "lo", "root"};
  std::ranges::copy(words_for(shaped), std::back_inserter(argv));
  TRY(ended, context.doors.processes.run({std::move(argv), "/", {}}, context.until));
  if (ended.succeeded()) return {};
  // The second of old kernels.
  const bool unknown = ended.output.contains("kind is unknown") ||
                       ended.output.contains("No such file or directory");
  if (!unknown) return said_no("tc", lacking({cap::kNetAdmin, cap::kSysAdmin}), ended);
  return fail(ErrorCode::refused,
              "this kernel has no " + kind_of(shaped) +
                  ": name a link instead, which `gameday proxy` slows",
              "`gameday doctor` tells which queues it has");
}

}  // namespace

Result<std::vector<Interface>> every_interface_in(const std::string& entrance,
                                                  const DeedContext& context) {
  TRY(listed, asked(entrance, {"ip", "-j", "link", "show"}, context));
  std::vector<Interface> found;
  for (const Json& one : listed.items()) {
    found.push_back({one.text("ifname"), one.integer("ifindex", 0), one.integer("link_index", 0),
                     one.integer("mtu", 0), one.text("link_type") == "loopback"});
  }
  return found;
}

Result<std::vector<Interface>> interfaces_in(const std::string& entrance,
                                             const DeedContext& context) {
  TRY(found, every_interface_in(entrance, context));
  std::erase_if(found, [](const auto& one) { return one.loopback; });
  return found;
}

Json to_json(const Shaped& shaped) {
  return Json::object({{"netns", to_json(shaped.netns)},
                       {"interface", shaped.interface.name},
                       {"index", shaped.interface.index},
                       {"peer", shaped.interface.peer},
                       {"mtu", shaped.interface.mtu},
                       {"loopback", shaped.interface.loopback},
                       {"handle", shaped.handle},
                       {"rate", shaped.rate},
                       {"latency_us", shaped.late.latency},
                       {"jitter_us", shaped.late.jitter}});
}

Result<Shaped> shaped_from(const Json& value) {
  TRY(netns, netns_from(value.get("netns")));
  Shaped shaped{std::move(netns),
                {value.text("interface"), value.integer("index", 0), value.integer("peer", 0),
                 value.integer("mtu", 0), value.boolean("loopback", false)},
                value.text("handle"),
                value.integer("rate", 0),
                {value.integer("latency_us", 0), value.integer("jitter_us", 0)}};
  if (shaped.interface.index <= 0 || shaped.handle.empty() ||
      (shaped.rate > 0) == (shaped.late.latency > 0)) {
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

// As much as passes in 20 ms, and a packet at least, whose own head is beside it: one that is
// larger would never pass.
std::int64_t burst_of(const Shaped& shaped) {
  constexpr std::int64_t kBursts = 50, kLeast = 16'000, kHead = 512;
  return std::max({kLeast, shaped.rate / kBursts, shaped.interface.mtu + kHead});
}

// One queue for each of a card's own, none at all, and none yet: these are no choice of anybody's.
bool comes_back(std::string_view kind, std::string_view by_default) {
  constexpr std::string_view kOfTheKind[] = {"mq", "noqueue", "noop", "none"};
  return by_default.empty() || kind == by_default ||
         std::ranges::find(kOfTheKind, kind) != std::end(kOfTheKind);
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
  TRY_OK(refuse_what_stays_away(queue, shaped, context));
  // Everybody may look. Whether we may change it is what the kernel says first, and then that none
  // has this handle: nothing is taken away.
  const auto tried = told_tc(
      *entrance, {"del", "dev", shaped.interface.name, "root", "handle", shaped.handle}, context);
  if (!tried && tried.error().code == ErrorCode::refused) return tried;
  return kernel_has(shaped, context);
}

Status shape(const Shaped& shaped, const DeedContext& context) {
  TRY(entrance, entrance_to(shaped.netns, context.doors));
  if (!entrance) return fail(ErrorCode::not_found, shaped.netns.shown + " is gone");
  TRY(now, still_there(shaped, *entrance, context));
  if (!now) return fail(ErrorCode::not_found, "interface " + shaped.interface.name + " is gone");
  // `add` takes nobody's place.
  std::vector<std::string> words = {"add", "dev", now->name, "root", "handle", shaped.handle};
  std::ranges::copy(words_for(shaped), std::back_inserter(words));
  return told_tc(*entrance, std::move(words), context);
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
