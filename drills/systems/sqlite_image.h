// Exchanges the image of a live SQLite database, page for page, for a damaged copy of it. Only
// SQLite touches the database: the damage is done to the copy, in private, and the online backup
// API carries it over in one commit, so that whoever has the database open sees the whole one or
// the damaged one, and a transaction of theirs is never torn by us.
//
// That API takes its own lock. So writers are held off while the copy is made, and whoever wrote
// between that and the carrying over is noticed before anything is changed: then it begins again.
//
// SQLite leaves the schema version that it found plus one. So a number of the deed's own is set
// first, while writers are held off, and tells after any death, also where writers went on, what
// took place:
//   the version from before, or the deed's number   nothing
//   one more                                        the damage
//   the number of its undo                          the damage
//   one more                                        the damage, and its undo
#pragma once

#include <functional>
#include <string>

#include "drills/systems/sqlite_exchange.h"

namespace gameday {

// Damages the file, a copy that nobody has open, and says how; empty: nothing that is in use could
// be hit.
using Damage = std::function<Result<std::string>(const std::string& image)>;

// Before anything is done: is it whole, can it be kept and written?
[[nodiscard]] Status prepare_image(const Exchange& exchange, const DeedContext& context);
// Keeps the database and puts a damaged copy in its place; nothing where none could be made.
[[nodiscard]] Status damage_image(const Exchange& exchange, const Damage& damage,
                                  const DeedContext& context);
// What was done to it: the words of `Damage`.
[[nodiscard]] std::string damage_done(const Exchange& exchange, const DeedContext& context);

// Puts back what was kept. conflict: somebody has written since, and both stay. Idempotent.
[[nodiscard]] Status undo_image(const Exchange& exchange, const DeedContext& context);
[[nodiscard]] Result<Proof> image_gone(const Exchange& exchange, const DeedContext& context);
[[nodiscard]] Status erase_image(const Exchange& exchange, const DeedContext& context);

// What integrity_check finds, also where the database cannot even be opened; empty: it is whole.
[[nodiscard]] Result<std::string> damage_in(const std::string& path, const DeedContext& context);

// On a file that no connection has open. Flipping twice is not flipping.
struct Flip {
  std::int64_t offset;
  unsigned char mask;
};
[[nodiscard]] Status flip_bytes(const std::string& path, const std::vector<Flip>& flips);
[[nodiscard]] Status cut_file(const std::string& path, std::int64_t size);

}  // namespace gameday
