// The files that a load leaves where it was asked to, each written whole at its end.
#pragma once

#include <optional>
#include <string>

#include "cli/load_order.h"
#include "engine/load/hdr_log.h"

namespace gameday {

class LoadFiles {
 public:
  LoadFiles(const Arguments& arguments, const LoadOrder& order);

  // Before anything is sent: each has a folder that can be written to.
  [[nodiscard]] Status look() const;
  void see(const RunSecond& second, const Histogram& response);
  // All of them; the first one that could not be written is the error.
  [[nodiscard]] Status write(const LoadRun& run, const Json& document) const;

 private:
  std::string hdr_, html_, times_, percentages_;
  struct Interval {
    RunSecond second;
    Histogram response;
  };
  std::vector<Interval> intervals_;
};

}  // namespace gameday
