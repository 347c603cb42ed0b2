// amcheck, PostgreSQL's own look at its B-trees and tables, of every database of a cluster that
// nobody else uses. Reading every row does not touch an index, and without data checksums nothing
// else would look at one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "drills/systems/postgres.h"
#include "drills/systems/truth.h"

namespace gameday {

struct RelationsChecked {
  std::int64_t indexes = 0, tables = 0;     // that hold
  std::vector<std::string> unchecked = {};  // what was not looked at, and why
};
[[nodiscard]] Json to_json(const RelationsChecked& checked);
// What was not, on one line; empty: all was.
[[nodiscard]] std::string shown(const RelationsChecked& checked);

// What an error of amcheck's says of what it looked at, by its SQLSTATE.
[[nodiscard]] Truth amcheck_truth(std::string_view sqlstate);

// Of all databases of the server that a connection leads to, as a superuser. Where a database has
// no amcheck, it has one for as long as the look takes, in a transaction that is rolled back.
// corrupt: a relation that does not hold, and which.
[[nodiscard]] Result<RelationsChecked> check_relations(const PostgresSettings& settings,
                                                       const DeedContext& context);

}  // namespace gameday
