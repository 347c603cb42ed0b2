// A restic repository, as a playbook's `restic` facet names it, and what is asked of it. Nothing
// but a backup takes a lock in it: one that a killed check left behind would keep others from
// backing up. Nothing reads from restic's cache, which would hide that the repository lacks it.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "drills/systems/truth.h"
#include "engine/rows.h"

namespace gameday {

struct Restic {
  std::string target = {};
  std::string repository = {}, password = {};                    // with references to secrets
  std::vector<std::pair<std::string, std::string>> environment;  // of restic, with references
  std::string program = {}, scratch = {};
  std::vector<std::string> paths = {};             // that a backup's step backs up; none: it takes
                                                   // the newest snapshot that is there
  std::string host = {}, tag = {}, manifest = {};  // of that one
  std::int64_t parts = 10;                         // one of so many is read in each drill
  std::optional<Duration> max_age = {};
};
[[nodiscard]] Result<Restic> restic_of(const Target& target);

// An ending, and what it means.
struct ResticSaid {
  Ended ended;
  Reading reading;
};
class ResticRun {
 public:
  // unsupported: nobody knows what this version's endings mean.
  [[nodiscard]] static Result<ResticRun> open(const Restic& restic, const DeedContext& context);

  [[nodiscard]] const std::string& version() const { return version_; }
  [[nodiscard]] const TruthTable& table() const { return *table_; }

  // argv without the program. `folder`: where it works.
  [[nodiscard]] Result<ResticSaid> run(std::vector<std::string> argv,
                                       const std::string& folder = "/") const;
  // The same of one that must be a success, by that: whatever else is an error.
  [[nodiscard]] Result<std::string> ask(std::vector<std::string> argv) const;

 private:
  ResticRun(const Restic& restic, const DeedContext& context)
      : restic_(&restic), context_(&context) {}
  const Restic* restic_;
  const DeedContext* context_;
  std::string version_;
  const TruthTable* table_ = nullptr;
};

struct ResticSnapshot {
  std::string id = {}, host = {};
  Utc taken = {};
  std::vector<std::string> paths = {};
};
// The newest one of that host and tag, where these are given. not_found: there is none.
[[nodiscard]] Result<ResticSnapshot> newest_snapshot(const ResticRun& run, const std::string& host,
                                                     const std::string& tag);
// "restic:" and the id that the repository gave itself.
[[nodiscard]] Result<std::string> restic_identity(const ResticRun& run);
// conflict: somebody holds it alone, and what is read meanwhile may be half of a change.
[[nodiscard]] Status refuse_locked(const ResticRun& run);

// refused: what of the repository, or of what is backed up or restored, we may not read or write.
// Of a repository that is no folder of this machine no more is known than whether it opens.
[[nodiscard]] Status may_use_restic(const Restic& restic, bool backs_up,
                                    const DeedContext& context);

// What a check of a part of the repository came to.
struct PartRead {
  std::int64_t part = 0, parts = 0;
  std::int64_t packs = 0, all = 0;  // of data, in the part and in the repository
};
[[nodiscard]] std::optional<PartRead> part_in(std::string_view output);

}  // namespace gameday
