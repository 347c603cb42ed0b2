// Finds the journal that a command is asked about: a drill's in the store, or the one in a bundle's
// folder. Reads alone; a store or a folder that is not there is never made.
#pragma once

#include <memory>
#include <string>

#include "cli/command.h"
#include "engine/base/result.h"
#include "engine/journal/chain.h"
#include "engine/journal/store.h"

namespace gameday {

struct Evidence {
  std::string drill;  // its whole id; of a bundle: the one that its first line names
  LineSource lines;   // keeps open what it reads from
};

// For who only reads: the store may lie where nothing can be written. not_found where there is
// none.
[[nodiscard]] Result<std::unique_ptr<Store>> store_to_read(const Arguments& arguments,
                                                           const Clock& clock);

// `named` is a drill's id or the start of it. not_found, or `invalid` where several begin so.
[[nodiscard]] Result<Evidence> evidence_in_store(const Arguments& arguments,
                                                 const std::string& named);
// `named` may also be a folder with a journal.jsonl.
[[nodiscard]] Result<Evidence> evidence_of(const Arguments& arguments, const std::string& named);
[[nodiscard]] bool is_folder(const std::string& named);

// 2 where what was asked for is not there or ambiguous, 1 where it cannot be read.
[[nodiscard]] int exit_code_of(const Error& error);

}  // namespace gameday
