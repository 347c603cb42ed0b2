// Opens a store for who only reads it, also where nothing can be written.
#pragma once

#include <memory>
#include <string>

#include "engine/journal/store.h"

namespace gameday {

// As Store::open with a reserve that is wanted; but on a read-only filesystem the file that is
// there is read as it is: what would write into it is an error then.
[[nodiscard]] Result<std::unique_ptr<Store>> open_store_to_read(const std::string& path,
                                                                const Clock& clock,
                                                                WriteObserver observer = {});

}  // namespace gameday
