// Which phase a moment of a load belongs to: the newest fault open then, else the fault of the
// outage that ran then, else the steady state.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "engine/load/summary.h"

namespace gameday {

class Phases {
 public:
  // All three outlive this. Outages in order of time.
  Phases(std::span<const FaultSpan> faults, std::span<const Outage> outages,
         const LoadWindow& window);

  static constexpr std::size_t kSteady = 0;
  [[nodiscard]] std::size_t count() const { return faults_.size() + 1; }
  [[nodiscard]] std::string name(std::size_t phase) const;
  // Phases as they are listed: steady, then the faults in order of injection.
  [[nodiscard]] std::vector<std::size_t> listed() const;

  [[nodiscard]] std::optional<std::size_t> of(const Sample& sample) const;
  // How long each phase lasted inside the window, by its number.
  [[nodiscard]] std::vector<Duration> lengths() const;

 private:
  [[nodiscard]] std::optional<std::size_t> newest_open(Instant at) const;
  [[nodiscard]] std::size_t of_outage(const Outage& outage) const;
  [[nodiscard]] const Outage* outage_at(Instant due, bool bad) const;
  [[nodiscard]] std::size_t at(Instant due, bool bad) const;

  std::span<const FaultSpan> faults_;
  std::span<const Outage> outages_;
  const LoadWindow& window_;
};

}  // namespace gameday
