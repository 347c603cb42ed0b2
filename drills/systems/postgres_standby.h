// How a PostgreSQL server that does not run becomes a standby of another one of its cluster, with
// pg_rewind where the two have gone apart, and whether it follows.
#pragma once

#include <string>

#include "drills/systems/postgres_home.h"
#include "drills/systems/postgres_nodes.h"

namespace gameday {

inline constexpr Field kSourceField = {
    .name = "source",
    .type = FieldType::text,
    .help =
        "How the server that becomes a standby reaches the other one, as libpq takes it, as a "
        "superuser, for pg_rewind. It has no password: that stands in the passfile of the "
        "server's user.",
    .required = true};
inline constexpr Field kFollowField = {
    .name = "follow",
    .type = FieldType::text,
    .help = "Its primary_conninfo from then on; else as `source`."};
inline constexpr Field kSlotField = {
    .name = "slot",
    .type = FieldType::text,
    .help =
        "The physical replication slot that it follows through, made on the other one where it "
        "is not there; else without one."};

struct StandbyTerms {
  std::string target;  // who becomes a standby
  std::string of;      // of which target
  std::string source, follow, slot;
};
// invalid: a password in them.
[[nodiscard]] Result<StandbyTerms> standby_terms(const std::string& target, const std::string& of,
                                                 const Json& arguments);

// The server that is to be followed, and that it takes writes. refused: it does not.
struct Followed {
  Postgres session;
  PostgresServer server;
};
[[nodiscard]] Result<Followed> open_followed(const std::string& target, const DeedContext& context);

// `home` does not run, and is of the same cluster: it is rewound to where the two went apart, told
// to follow, and started.
[[nodiscard]] Status become_standby(PostgresHome& home, const StandbyTerms& terms,
                                    const DeedContext& context);
// refused: it is of another cluster.
[[nodiscard]] Status same_cluster(const PostgresHome& home, const PostgresServer& server);

// Whether it could be made one, as far as can be told while both are as they are. refused: a right
// on this machine, of the role here or there, of the one in `source` or in `follow`.
[[nodiscard]] Status may_become_standby(const StandbyTerms& terms, const Json& arguments,
                                        const DeedContext& context);

// Whether it recovers, receives, and has replayed what the other one had written when we asked; and
// whether nobody else takes writes.
[[nodiscard]] Result<Proof> proof_of_following(const StandbyTerms& terms,
                                               const DeedContext& context);

}  // namespace gameday
