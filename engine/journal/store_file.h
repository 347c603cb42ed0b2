// The store's file: finds out whether it is one of ours, makes its tables, sets up connections. It
// reads and writes no drill.
#pragma once

#include <string>

#include "engine/sys/clock.h"
#include "engine/sys/sqlite.h"

namespace gameday {

// Opens the store at `path`, or makes it where there is no file. A file of another kind, or of a
// later version, is `invalid` and stays as it is.
[[nodiscard]] Result<Database> open_store_file(const std::string& path, const Clock& clock);

// The store at `path`, on a filesystem where nothing can be written; it has to be there.
[[nodiscard]] Result<Database> open_unwritable_store_file(const std::string& path);

}  // namespace gameday
