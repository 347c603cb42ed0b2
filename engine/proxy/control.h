// A control socket: one JSON object a line in, one a line out. Who asks is what the kernel says of
// the connection, never what a request says. Knows nothing of what the requests mean.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "engine/base/json.h"
#include "engine/proxy/poller.h"
#include "engine/sys/descriptor.h"

namespace gameday {

struct Asking {  // whoever is at the other end
  uid_t uid = 0;
};

class Control {
 public:
  using Handler = std::function<Result<Json>(const Json& request, const Asking& who)>;

  // Takes over the path: whoever listens on it owns it by another right (a link's TCP address, a
  // drill's lock), so a socket file that is there was left behind. Open to the same user and to
  // root; with a group, to its members too.
  [[nodiscard]] static Result<Control> listen(const std::string& path, Poller& poller,
                                              std::optional<gid_t> group = {});
  ~Control();
  Control(Control&&) noexcept = default;
  Control& operator=(Control&&) = delete;

  void accept_askers(Poller& poller);
  void serve(std::uint64_t number, const Handler& handler, Poller& poller);

 private:
  struct Asker {
    Descriptor socket;
    Asking who;
    Watched watched;
    std::string in;
    std::string out;
  };

  Control(std::string path, Descriptor listener, bool for_a_group)
      : path_(std::move(path)), listener_(std::move(listener)), for_a_group_(for_a_group) {}
  [[nodiscard]] bool may_ask(const Asking& who) const;
  [[nodiscard]] static bool read_and_answer(Asker& asker, const Handler& handler);

  std::string path_;
  Descriptor listener_;
  bool for_a_group_ = false;
  Watched watched_;
  std::map<std::uint64_t, Asker> askers_;
  std::uint64_t next_ = 1;
};

}  // namespace gameday
