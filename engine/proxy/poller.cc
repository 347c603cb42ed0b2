#include "engine/proxy/poller.h"

#include <cerrno>

#include "engine/base/assert.h"

namespace gameday {
namespace {

constexpr int kRoleBits = 8;

}  // namespace

Result<Poller> Poller::make() {
  Poller poller;
  poller.epoll_ = Descriptor(epoll_create1(EPOLL_CLOEXEC));
  if (!poller.epoll_) return std::unexpected(system_error(errno, "epoll_create"));
  return poller;
}

void Poller::watch(int descriptor, Watched& watched, std::uint32_t events, Role role,
                   std::uint64_t number) {
  if (watched.events == events) return;
  epoll_event event{};
  event.events = events;
  event.data.u64 = (number << kRoleBits) | static_cast<std::uint64_t>(role);
  const int operation = events == 0           ? EPOLL_CTL_DEL
                        : watched.events == 0 ? EPOLL_CTL_ADD
                                              : EPOLL_CTL_MOD;
  GD_ASSERT(epoll_ctl(epoll_.get(), operation, descriptor, &event) == 0);
  watched.events = events;
}

Result<std::vector<PollEvent>> Poller::wait(const Clock& clock,
                                            std::optional<Instant> deadline) const {
  epoll_event events[256];
  const int milliseconds = deadline ? poll_milliseconds(clock.now().boot, *deadline) : -1;
  const int count = epoll_wait(epoll_.get(), events, 256, milliseconds);
  if (count < 0 && errno != EINTR) return std::unexpected(system_error(errno, "epoll_wait"));
  std::vector<PollEvent> seen;
  for (int i = 0; i < count; ++i) {
    const std::uint64_t token = events[i].data.u64;
    seen.push_back(
        {static_cast<Role>(token & ((1u << kRoleBits) - 1)), token >> kRoleBits, events[i].events});
  }
  return seen;
}

}  // namespace gameday
