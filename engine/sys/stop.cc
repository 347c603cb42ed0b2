#include "engine/sys/stop.h"

#include <sys/eventfd.h>

#include <atomic>
#include <system_error>

#include "engine/sys/descriptor.h"

namespace gameday {

struct Stop::State {
  std::atomic<bool> requested{false};
  Descriptor readable;
};

bool Stop::requested() const { return state_ != nullptr && state_->requested.load(); }

int Stop::descriptor() const { return state_ != nullptr ? state_->readable.get() : -1; }

StopSource::StopSource() : state_(std::make_shared<Stop::State>()) {
  state_->readable = Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!state_->readable) throw std::system_error(errno, std::generic_category(), "eventfd");
}

void StopSource::request() {
  if (state_->requested.exchange(true)) return;
  eventfd_write(state_->readable.get(), 1);
}

}  // namespace gameday
