// Exchanges a whole PostgreSQL database for another one by their names, in one transaction, and
// that back. What was there stays as it is, under another name and closed to everybody, so that
// nothing which was written until the exchange is missing from it.
//
// A database is told by its oid, which a change of its name does not touch. So after any death the
// name that the oid of before has says what took place:
//   the target's own       it never took place, or is undone
//   the kept one           it took place
//   none                   somebody has dropped it
#pragma once

#include <string>

#include "drills/systems/postgres.h"

namespace gameday {

struct DatabaseSwap {
  PostgresSettings settings;  // of the target; secrets as references
  std::string database;
  std::string oid;     // of the database of before
  std::string mark;    // the deed's
  std::string record;  // the file that says what was left in its place
};
[[nodiscard]] Json to_json(const DatabaseSwap& swap);
[[nodiscard]] Result<DatabaseSwap> database_swap_from(const Json& value);
[[nodiscard]] std::string fresh_name(const std::string& mark);
[[nodiscard]] std::string kept_name(const std::string& mark);

// Whether we may make a database on that server, and get to the one beside which it is done.
[[nodiscard]] Status may_make_database(Postgres& session, const PostgresSettings& settings,
                                       const DeedContext& context);
// Whether we may give the session's database another name, once nobody is in it.
[[nodiscard]] Status may_exchange(Postgres& session);

// Before anything is done: can it be exchanged, by us?
[[nodiscard]] Result<DatabaseSwap> prepare_swap(const PostgresSettings& settings,
                                                const DeedContext& context);

// An empty database of the target's encoding and locale, with our mark in its comment.
[[nodiscard]] Status make_database(const PostgresSettings& settings, const std::string& name,
                                   const DeedContext& context);
[[nodiscard]] Status drop_database(const PostgresSettings& settings, const std::string& name,
                                   const DeedContext& context);
// The same of the fresh one of a deed, which may still be at it. Idempotent.
[[nodiscard]] Status drop_fresh(const PostgresSettings& settings, const std::string& mark,
                                const DeedContext& context);
[[nodiscard]] Result<Proof> fresh_gone(const PostgresSettings& settings, const std::string& mark,
                                       const DeedContext& context);
// Gives the fresh one what belongs to a database and is in no dump: owner, privileges, settings.
[[nodiscard]] Status dress_fresh(const DatabaseSwap& swap, const DeedContext& context);

// Puts the fresh one in the place of what is there, having cut off everybody. `digest`: its
// content.
[[nodiscard]] Status swap_in(const DatabaseSwap& swap, const std::string& digest,
                             const DeedContext& context);
// conflict: somebody has written since, and both stay. Idempotent.
[[nodiscard]] Status undo_swap(const DatabaseSwap& swap, const DeedContext& context);
[[nodiscard]] Result<Proof> swap_gone(const DatabaseSwap& swap, const DeedContext& context);
[[nodiscard]] Status erase_swapped(const DatabaseSwap& swap, bool keep, const DeedContext& context);

}  // namespace gameday
