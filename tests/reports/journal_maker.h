// Makes journals by hand, through the chain, in the shapes in which drills leave them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/journal/chain.h"

namespace gameday {

inline constexpr std::string_view kExampleDigest =
    "sha256:5df6e0e2761359d30a8275058e299fcc0381534545f55cf43e41983f5d4c9456";
inline constexpr std::string_view kExampleDrill = "01JD2Z8Q6V4N7Y3M5K9T1W0XRA";

class JournalMaker {
 public:
  JournalMaker();

  // Time only goes on: `at_s` counts from the drill's start.
  void event(double at_s, std::string_view type, Json data);
  void reboot();  // what follows is of another boot, with clocks of its own
  void close();

  // Events in the shapes in which the conductor and the runtime write them.
  void planned(const Json& changes = Json::object());
  void step(double at_s, std::string_view id, std::string_view kind, std::string_view what,
            bool ok = true);
  void deed(double at_s, std::string_view id, std::string_view kind, std::string_view target);
  void deed_event(double at_s, std::string_view type, std::string_view id, Json more);
  void sample(double at_s, bool ok, std::string_view text = "status 200",
              std::string_view probe = "shop-answers");
  void link(double at_s, std::string_view name, std::int64_t accepted, std::int64_t bytes_up);
  void window(double at_s, int ok, int errors, double p50_s, double p99_s);

  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }
  [[nodiscard]] std::string utc(double at_s) const;

 private:
  [[nodiscard]] std::string mark_of(std::string_view id) const;
  [[nodiscard]] std::int64_t nanoseconds(double at_s) const;

  Chain chain_;
  Instant boot_start_;
  std::vector<std::string> lines_;
  std::vector<std::pair<std::string, std::string>> kinds_;  // of deeds, by id
};

}  // namespace gameday
