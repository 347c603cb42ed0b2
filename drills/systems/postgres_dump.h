// pg_dump and pg_restore, as children. Their exit code is a claim: what came of them is looked at
// by whoever calls.
#pragma once

#include <string>

#include "drills/systems/postgres.h"
#include "drills/systems/postgres_content.h"

namespace gameday {

// Writes a dump in PostgreSQL's custom format, private and whole or not there at all, and tells the
// content of the very snapshot that it is of.
[[nodiscard]] Result<PostgresContent> dump_database(const PostgresSettings& settings,
                                                    const std::string& path,
                                                    const DeedContext& context);

enum class Ownership { kept, ours };
// Fills `database` of that server, which is empty, in one transaction. corrupt: the file is no
// dump, or not a whole one.
[[nodiscard]] Status load_dump(const PostgresSettings& settings, const std::string& database,
                               const std::string& path, Ownership ownership,
                               const DeedContext& context);

}  // namespace gameday
