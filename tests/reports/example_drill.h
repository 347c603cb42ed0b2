// Journals as drills leave them, made by hand through the chain: what reports are tested on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/journal/chain.h"

namespace gameday {

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
  void sample(double at_s, bool ok, std::string_view text = "status 200");
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

inline constexpr std::string_view kExampleDrill = "01JD2Z8Q6V4N7Y3M5K9T1W0XRA";

// The store is lost and comes back: two outages, a ledger, a backup, a restore. Passed.
[[nodiscard]] std::vector<std::string> passed_drill();
// The same as far as its last fault, when the runner died: the guardian puts all back but one deed.
enum class Guardian { undoes_all, fails_at_one, absent };
[[nodiscard]] std::vector<std::string> interrupted_drill(Guardian guardian);
[[nodiscard]] std::vector<std::string> not_started_drill();
// Stopped by a condition, with residue, data lost, objectives missed and not judged.
[[nodiscard]] std::vector<std::string> bad_drill();
// Ten minutes with two loads and four probes.
[[nodiscard]] std::vector<std::string> long_drill();

}  // namespace gameday
