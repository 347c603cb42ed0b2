// An epoll set whose members are known by a role and a number, so that an event for something that
// was closed meanwhile is recognised and never taken for its successor's.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/base/result.h"
#include "engine/sys/clock.h"
#include "engine/sys/descriptor.h"

namespace gameday {

enum class Role : std::uint8_t { stop, traffic, client, upstream, control, asker };

struct PollEvent {
  Role role;
  std::uint64_t number;
  std::uint32_t events;
};

// What is being waited for on one descriptor.
struct Watched {
  std::uint32_t events = 0;
};

class Poller {
 public:
  [[nodiscard]] static Result<Poller> make();

  // Waits for `events` on `descriptor` from now on. With no events the descriptor leaves the set:
  // epoll would otherwise report a hang-up again and again that nobody may look at yet.
  void watch(int descriptor, Watched& watched, std::uint32_t events, Role role,
             std::uint64_t number);
  // Waits until something happens or `deadline` (none: for ever). Valid until the next call.
  [[nodiscard]] Result<std::vector<PollEvent>> wait(const Clock& clock,
                                                    std::optional<Instant> deadline) const;

 private:
  Descriptor epoll_;
};

}  // namespace gameday
