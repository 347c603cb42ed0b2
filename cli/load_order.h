// What `gameday load` was asked to do, from its options.
#pragma once

#include <optional>
#include <string>

#include "cli/command.h"
#include "engine/load/bare_load.h"

namespace gameday {

struct LoadOrder {
  BareTerms terms;
  std::string told;  // the command line that it was taken from, where that was another program's
  std::string times_file, percentages_file;  // ab's -g and -e; empty: none
  std::string unwritten;                     // of a file that was asked for: why it is not there
};

// Nothing is sent and no name looked up; a body's file is read.
[[nodiscard]] Result<LoadOrder> load_order(const Arguments& arguments);

// "500" and "500/s" are the same.
[[nodiscard]] Result<double> rate_of(const std::string& text);
// An error where it is no URL of a server that a load can go to.
[[nodiscard]] Status checked_url(const std::string& url);
// "K: V" of an option that is called `option`.
[[nodiscard]] Result<std::pair<std::string, std::string>> header_of(const std::string& text,
                                                                    std::string_view option);

}  // namespace gameday
