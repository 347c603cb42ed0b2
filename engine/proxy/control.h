// The proxy's control socket: one JSON object a line in, one a line out, from the same user or root
// only. Knows nothing of what the requests mean.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "engine/base/json.h"
#include "engine/proxy/poller.h"
#include "engine/sys/descriptor.h"

namespace gameday {

class Control {
 public:
  using Handler = std::function<Result<Json>(const Json& request)>;

  // Takes over the path: whoever is bound to the link's TCP address owns it, so a socket file that
  // is there was left behind.
  [[nodiscard]] static Result<Control> listen(const std::string& path, Poller& poller);
  ~Control();
  Control(Control&&) noexcept = default;
  Control& operator=(Control&&) = delete;

  void accept_askers(Poller& poller);
  void serve(std::uint64_t number, const Handler& handler, Poller& poller);

 private:
  struct Asker {
    Descriptor socket;
    Watched watched;
    std::string in;
    std::string out;
  };

  Control(std::string path, Descriptor listener)
      : path_(std::move(path)), listener_(std::move(listener)) {}
  [[nodiscard]] static bool read_and_answer(Asker& asker, const Handler& handler);

  std::string path_;
  Descriptor listener_;
  Watched watched_;
  std::map<std::uint64_t, Asker> askers_;
  std::uint64_t next_ = 1;
};

}  // namespace gameday
