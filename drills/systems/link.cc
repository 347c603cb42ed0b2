#include "drills/systems/link.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "engine/proxy/address.h"

namespace gameday {

Json to_json(const LinkInForce& link) {
  Json value = Json::object(
      {{"name", link.name}, {"listen", link.listen}, {"to", link.to}, {"control", link.control}});
  if (!link.before.is_null()) value.set("before", link.before);
  return value;
}

Result<LinkInForce> link_from(const Json& value) {
  LinkInForce link{value.text("name"), value.text("listen"), value.text("to"),
                   value.text("control"), value.get("before")};
  if (link.control.empty()) return fail(ErrorCode::invalid, "an undo's link lacks its control");
  return link;
}

ProxyLink proxy_link(const Link& link) { return {link.name, link.listen, link.to}; }

Result<std::vector<LinkInForce>> links_hit(const System& system, const Deed& deed) {
  const std::string region = deed.arguments.text("region");
  std::vector<LinkInForce> links;
  for (const Link& link : system.links) {
    if (deed.target.empty() ? link.region != region : link.name != deed.target) continue;
    TRY(control, proxy_control_path(link.listen));
    links.push_back({link.name, link.listen, link.to, control, {}});
  }
  if (links.empty()) {
    return fail(ErrorCode::not_found, deed.target.empty() ? "no link has the region " + region
                                                          : "no link is called " + deed.target);
  }
  return links;
}

Result<Json> ask_link(const LinkInForce& link, const Json& request, const DeedContext& context) {
  const std::string op = request.text("op");
  const bool changes = context.doors.observer && op != "status" && op != "divert";
  if (changes) context.doors.observer("proxy", Side::before);
  auto answer = ask_proxy(link.control, request, context.doors.clock, context.until);
  if (changes) context.doors.observer("proxy", Side::after);
  return answer ? std::move(answer) : std::unexpected(answer.error().in("link " + link.name));
}

Result<Toxic> look_for_toxic(const LinkInForce& link, const std::string& mark,
                             const DeedContext& context) {
  const auto status = ask_link(link, Json::object({{"op", "status"}}), context);
  if (!status && status.error().code == ErrorCode::not_found) return Toxic::no_proxy;
  if (!status) return std::unexpected(status.error());
  for (const Json& toxic : status->items("toxics")) {
    if (toxic.text("mark") == mark) return Toxic::there;
  }
  return Toxic::not_there;
}

Result<Descriptor> connect_to(const std::string& address, const DeedContext& context) {
  TRY(where, resolve_address(address, context.doors.clock, context.until));
  Descriptor made(socket(where.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!made) return std::unexpected(system_error(errno, "cannot make a socket"));
  if (connect(made.get(), where.get(), where.size) != 0) {
    if (errno != EINPROGRESS) {
      return std::unexpected(system_error(errno, "cannot connect to " + address));
    }
    TRY(ready, wait_for(made.get(), POLLOUT, context.doors.clock, context.until));
    static_cast<void>(ready);
  }
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(made.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return std::unexpected(system_error(error, "cannot connect to " + address));
  return made;
}

}  // namespace gameday
