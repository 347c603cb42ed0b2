// Which state of the source this program was built from.
#pragma once

namespace gameday {

extern const char* const kCommit;  // "0a1b2c3", "0a1b2c3-dirty"; empty where there is no checkout

}  // namespace gameday
