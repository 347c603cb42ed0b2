// The links of a region and the proxies behind them, as faults speak to them.
#pragma once

#include <string>
#include <vector>

#include "engine/proxy/client.h"
#include "engine/rows.h"

namespace gameday {

struct LinkInForce {
  std::string name;
  std::string listen;
  std::string to;
  std::string control;  // the path of its proxy's control socket
  Json before;          // what was measured of it before the deed; none: nothing
};
[[nodiscard]] Json to_json(const LinkInForce& link);
[[nodiscard]] Result<LinkInForce> link_from(const Json& value);
[[nodiscard]] ProxyLink proxy_link(const Link& link);

// The link that the deed names, or every link of its region. not_found: there is none.
[[nodiscard]] Result<std::vector<LinkInForce>> links_hit(const System& system, const Deed& deed);

[[nodiscard]] Result<Json> ask_link(const LinkInForce& link, const Json& request,
                                    const DeedContext& context);

// Whether the proxy of that link runs and holds a toxic with the mark.
enum class Toxic { there, not_there, no_proxy };
[[nodiscard]] Result<Toxic> look_for_toxic(const LinkInForce& link, const std::string& mark,
                                           const DeedContext& context);

// A TCP connection to that address, on which nothing has been sent.
[[nodiscard]] Result<Descriptor> connect_to(const std::string& address, const DeedContext& context);

}  // namespace gameday
