// What a machine sends, or a network namespace, passes no more than so many bytes a second through
// an interface: by the kernel's token bucket at the root of its queue. What it gets is limited at
// whoever sends it: the kernel has no such queue for what comes in.
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "drills/systems/packets.h"
#include "drills/systems/shaped_ends.h"
#include "engine/playbook/arguments.h"
#include "engine/proxy/address.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "bytes_per_second",
     .type = FieldType::size,
     .help = "What each of these interfaces may send in a second.",
     .required = true,
     .least = 2000,
     .most = 1e9},
    {.name = "interfaces",
     .type = FieldType::texts,
     .help = "Which interfaces are limited, by their names, as `[eth1]`. The loopback only where "
             "it is named: all that stays inside of the machine goes through it.",
     .otherwise = "[]"},
    {.name = "i_mean",
     .type = FieldType::choice,
     .help = "Without interfaces, all of them but the loopback are limited only where `everything` "
             "stands here, that by which you reach it among them.",
     .otherwise = "nothing",
     .choices = kMeant},
};

bool means_everything(const Json& arguments) { return arguments.text("i_mean") == "everything"; }

Status check(const Json& arguments) {
  const bool named = !texts_in(arguments, "interfaces").empty();
  if (named && means_everything(arguments)) {
    return fail(ErrorCode::invalid,
                "`i_mean: everything` has no use for `interfaces`: say one or the other");
  }
  if (named || means_everything(arguments)) return {};
  return fail(ErrorCode::refused,
              "without `interfaces` it would slow all that a machine sends; name them, or say "
              "`i_mean: everything`");
}

Status fits(const Step& step) { return check(step.arguments); }

Result<std::vector<Interface>> meant(const Netns& netns, const Json& arguments,
                                     const DeedContext& context) {
  TRY_OK(check(arguments));
  TRY(all, every_interface_in(netns.path, context));
  std::vector<Interface> found;
  for (const auto& name : texts_in(arguments, "interfaces")) {
    const auto one = std::ranges::find(all, name, &Interface::name);
    if (one == all.end()) {
      return fail(ErrorCode::not_found, "no interface " + name + " in " + netns.shown,
                  "`ip link` shows those that there are");
    }
    const bool again = std::ranges::find(found, name, &Interface::name) != found.end();
    if (!again) found.push_back(*one);
  }
  if (means_everything(arguments)) {
    found = all;
    std::erase_if(found, [](const auto& one) { return one.loopback; });
  }
  if (!found.empty()) return found;
  return fail(ErrorCode::refused, netns.shown + " has no interface but its loopback");
}

struct Limited {
  std::string whose;
  std::vector<Shaped> ends;
};

Result<Limited> found(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target " + deed.target);
  const auto rate = size_in(deed.arguments, "bytes_per_second");
  if (!rate) return fail(ErrorCode::invalid, "limit needs `bytes_per_second`");
  TRY(netns, netns_of(*target));
  TRY(interfaces, meant(netns, deed.arguments, context));
  Limited limited{netns.shown, {}};
  for (const auto& interface : interfaces) {
    limited.ends.push_back({netns, interface, handle_of(context.mark), *rate});
    TRY_OK(may_shape(limited.ends.back(), context));
  }
  return limited;
}

Result<Limited> limited_in(const Undo& undo) {
  TRY(ends, shaped_ends_from(undo.arguments.get("ends")));
  return Limited{undo.arguments.text("whose"), std::move(ends)};
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(limited, found(deed, context));
  return Undo{"limit-host",
              Json::object({{"whose", limited.whose}, {"ends", to_json(limited.ends)}})};
}

Status may(const Deed& deed, const DeedContext& context) {
  const auto limited = found(deed, context);
  return limited ? Status() : std::unexpected(limited.error());
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(limited, limited_in(undo));
  return shape_each(limited.ends, context);
}

// Through the loopback, from ourselves to ourselves: as much as passes at once, and a little that
// has to wait. Nobody else's machine is sent any: there, what others send must show it.
Status push_inside(const Shaped& end, const DeedContext& context) {
  constexpr std::int64_t kMore = 16'000, kMost = 4 << 20;
  constexpr std::array<char, 1400> kBytes{};
  TRY(entrance, entrance_to(end.netns, context.doors));
  if (!entrance) return {};
  TRY(where, resolve_address("127.0.0.1:0"));
  TRY(own, socket_inside(*entrance, where.family(), SOCK_DGRAM));
  // Where even that address is not there, it shows by others.
  if (bind(own.get(), where.get(), where.size) != 0) return {};
  TRY(here, resolve_address(bound_address(own.get())));
  if (connect(own.get(), here.get(), here.size) != 0) return {};
  const std::int64_t wanted = std::min(kMost, burst_of(end) + kMore);
  for (std::int64_t sent = 0; sent < wanted; sent += static_cast<std::int64_t>(kBytes.size())) {
    if (send(own.get(), kBytes.data(), kBytes.size(), MSG_NOSIGNAL) < 0) return {};
  }
  return {};
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(limited, limited_in(undo));
  const auto push = [&]() -> Status {
    for (const auto& end : limited.ends) {
      if (end.interface.loopback) TRY_OK(push_inside(end, context));
    }
    return {};
  };
  return prove_rate(limited.ends, limited.whose, push, context);
}

Status undo(const Undo& undo, const DeedContext& context) {
  TRY(limited, limited_in(undo));
  return unshape_each(limited.ends, context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(limited, limited_in(undo));
  return each_gone(limited.ends, limited.whose, context);
}

}  // namespace

extern const FaultRow limit_host_fault;
const FaultRow limit_host_fault{
    .name = "limit-host",
    .summary =
        "A machine, or a network namespace, sends no more than so many bytes a second through an "
        "interface, as one with a line that is too thin does.",
    .fields = kFields,
    .facet = "host",
    .reversal = Reversal::exact,
    .effect = Effect::slows,
    .rights = "to set queues by tc: root, or CAP_NET_ADMIN and CAP_SYS_ADMIN",
    .example =
        "- { fault: limit-host, target: machine, interfaces: [lo], bytes_per_second: 4MiB, for: 5s "
        "}",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = nullptr,
    .fits = fits,
    .as = "limit",
    .may = may,
    .ends_with_instance = true,
};

}  // namespace gameday
