// Which part of a repository is due to be read whole. A part is not the whole: so that all of it is
// read in time, each drill takes the one whose last reading is longest ago, and says when that was.
#pragma once

#include <map>
#include <string>

#include "drills/systems/restic.h"

namespace gameday {

class PartRotation {
 public:
  // Of the repository of that identity, in so many parts; what the drills of this store have read.
  // Where that cannot be known, nothing was.
  PartRotation(const std::string& identity, std::int64_t parts, const DeedContext& context);

  [[nodiscard]] std::int64_t due() const;
  // It was read, and is whole; on disk when it returns.
  [[nodiscard]] Status note(std::int64_t part, Utc when);
  // How many were read ever, and since when all of them were; a null where one never was.
  [[nodiscard]] Json evidence() const;

 private:
  const DeedContext& context_;
  std::string path_;
  std::int64_t parts_;
  std::map<std::int64_t, Utc> read_;
};

}  // namespace gameday
