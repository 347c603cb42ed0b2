// A page of a PostgreSQL table or index in its file, and what the server says when it reads it.
#pragma once

#include <string>

#include "drills/systems/postgres.h"

namespace gameday {

struct PagePlace {
  std::string relation = {};  // as SQL writes it
  std::string table = {};     // the same, or the table of the index that it is
  bool index = false;
  std::string path = {};  // of its first file, as the server names it: "base/16384/16401"
  std::string file = {};  // the one that has the page, on this machine
  std::int64_t number = 0;
  std::int64_t offset = 0;  // in that file
  std::int64_t size = 0;
  std::string copy = {};  // where its bytes are kept
};
[[nodiscard]] Json to_json(const PagePlace& place);
[[nodiscard]] Result<PagePlace> page_place_from(const Json& value);
[[nodiscard]] std::string shown(const PagePlace& place);

// Page `number` of a relation by its name, in the data directory `folder`. refused: it is of the
// server itself, or nothing could prove that it is read.
[[nodiscard]] Result<PagePlace> find_page(const std::string& name, std::int64_t number,
                                          const std::string& folder, Postgres& session);
// Has the server read it. What it says of a page that it finds damaged; empty: nothing.
[[nodiscard]] Result<std::string> complaint_of(const PagePlace& place, Postgres& session);

// Whether a server ended so that its next start replays no WAL, which could write the page anew.
[[nodiscard]] Result<bool> ended_in_order(const std::string& folder, const Files& files);

// Keeps the bytes of the page and inverts them in its file; the server must not run. Its header
// goes with it, so that a server without checksums takes it for damaged too.
[[nodiscard]] Status damage_page(const PagePlace& place, const DeedContext& context);
// Whether it is damaged as we damage it, be it half of it.
[[nodiscard]] Result<bool> is_damaged(const PagePlace& place, const DeedContext& context);
// Puts its bytes back if it is; one that is no longer there, or that somebody has written anew, is
// left alone.
[[nodiscard]] Status mend_page(const PagePlace& place, const DeedContext& context);

}  // namespace gameday
