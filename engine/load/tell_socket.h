// Where processes that carry a load tell of it: a Unix socket without a file, of our own user
// alone. A process that tells sees the end of its connection when we die, however we do.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/sys/clock.h"
#include "engine/sys/descriptor.h"

namespace gameday {

// Of one thread.
class TellSocket {
 public:
  // By that name, which others of this machine must not have.
  [[nodiscard]] static Result<TellSocket> listen(const std::string& name);

  struct Ears {
    std::function<void(int teller, std::string_view line)> line;
    std::function<void(int teller)> left;
  };
  // What has come until then, or until `wake` is readable; -1: none is.
  void work(Instant until, int wake, const Clock& clock, const Ears& ears);
  void say_to_all(std::string_view words);  // what does not go at once does not go
  void hang_up(const Ears& ears);           // on all of them
  [[nodiscard]] bool empty() const { return heard_.empty(); }

 private:
  void greet();
  [[nodiscard]] bool read_from(int teller, const Ears& ears);

  Descriptor listener_;
  struct Teller {
    Descriptor socket;
    std::string pending;  // of a line that has not ended
  };
  std::map<int, Teller> heard_;
  int next_ = 0;
};

}  // namespace gameday
