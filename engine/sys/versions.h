// Which libraries this program runs with, as they say themselves: they may be others than those it
// was built with.
#pragma once

#include <string>

namespace gameday {

[[nodiscard]] std::string http_versions();   // "libcurl/7.88.1 OpenSSL/3.0.17 ..."
[[nodiscard]] std::string sqlite_version();  // "3.40.1"

}  // namespace gameday
