#include "drills/systems/pgbackrest_recovery.h"

#include <charconv>
#include <ranges>

#include "engine/base/text.h"
#include "engine/base/units.h"

namespace gameday {
namespace {

std::unexpected<Error> misleads(std::string text) {
  return fail(ErrorCode::corrupt, std::move(text));
}

class Recovery {
 public:
  Recovery(const PgBackRestTerms& terms, const DeedContext& context)
      : terms_(terms), context_(context) {}

  // Where a restore point lies nobody knows before it is reached: then the sets are tried from the
  // newest on.
  Result<PgBackRestRecovered> run() {
    TRY_OK(check_age());
    TRY(info, look_at_stanza(terms_.repository, context_));
    TRY(sets, candidates(info));
    const Instant since = now();
    if (terms_.repository.verify) {
      TRY_OK(told({"verify", "--output=text", "--verbose"}, "/"));
    }
    verified_ = now() - since;
    for (const BackupSet& set : sets) {
      TRY_OK(check_set(set));
      auto done = recover_from(set);
      const bool next = !done && done.error().code == ErrorCode::corrupt && &set != &sets.back();
      if (!next) return done;
      TRY_OK(erase_scratch(terms_.scratch, context_));
    }
    return fail(ErrorCode::not_found, "the stanza has no backup");
  }

 private:
  [[nodiscard]] Instant now() const { return context_.doors.clock.now().boot; }

  Status told(std::vector<std::string> argv, const std::string& folder) const {
    const auto said = ask_pgbackrest(terms_.repository, std::move(argv), context_, folder);
    return said ? Status() : std::unexpected(said.error());
  }

  Status check_age() const {
    const Duration age = context_.doors.clock.now().utc - terms_.taken;
    const auto& most = terms_.repository.max_age;
    if (!most || age <= *most) return {};
    return misleads("the newest backup, " + terms_.label + ", is of " + rfc3339(terms_.taken) +
                    ", " + shown(age) + " ago: older than the " + shown(*most) +
                    " that are allowed");
  }

  Status check_set(const BackupSet& set) const {
    if (set.errors) {
      return misleads("pgBackRest found pages that do not verify when it took the backup " +
                      set.label);
    }
    const std::string live = terms_.live ? terms_.live->cluster : "";
    for (const auto& meant : {live, terms_.repository.cluster}) {
      if (meant.empty() || meant == set.cluster) continue;
      return misleads("the backup " + set.label + " is of cluster " + set.cluster + ", not of " +
                      meant);
    }
    return {};
  }

  [[nodiscard]] Result<std::vector<BackupSet>> candidates(const PgBackRestInfo& info) const {
    using enum RecoveryPoint::Kind;
    const auto kind = terms_.point.kind;
    if (kind == time || kind == lsn) {
      TRY(set, set_before(info, terms_.point));
      return std::vector{set};
    }
    TRY(looked_at, set_called(info, terms_.label));
    std::vector<BackupSet> found;
    for (const BackupSet& set : info.sets | std::views::reverse) {
      const bool older = kind == name && set.stop < looked_at.stop;
      if (set.label == looked_at.label || older) found.push_back(set);
    }
    return found;
  }

  Result<PgBackRestRecovered> recover_from(const BackupSet& set) const {
    const Instant begun = now();
    TRY_OK(copy(set));
    const Instant copied = now();
    ReplayTerms replays = replay_terms(terms_);
    TRY(there, look_at_archive(set));
    replays.wal = there;
    replays.begun = set.begun;
    TRY_OK(look_for_missing(replays));
    const Instant checked = now();
    TRY(done, replay(replays, context_));
    done.copy = copied - begun;
    done.check = verified_ + (checked - copied);
    return PgBackRestRecovered{done, set};
  }

  // What recovery is to do, gameday says itself (`none`). A tablespace comes back into the scratch
  // folder, never to where the live cluster has its own. What works there is known by it.
  Status copy(const BackupSet& set) const {
    const ScratchCluster& scratch = terms_.scratch;
    TRY_OK(make_scratch(scratch, context_));
    TRY_OK(give_scratch(scratch, context_));
    return told({"restore", "--pg1-path=" + scratch.data(), "--set=" + set.label, "--type=none",
                 "--tablespace-map-all=" + scratch.folder + "/tablespaces"},
                scratch.folder);
  }

  Result<WalThere> look_at_archive(const BackupSet& set) const {
    const std::string data = terms_.scratch.data();
    TRY(control, run_in_scratch(terms_.scratch, {"pg_controldata", data}, context_));
    std::uint64_t size = 0;
    for (const auto& line : split(control.output, '\n')) {
      constexpr std::string_view kSize = "Bytes per WAL segment:";
      if (!line.starts_with(kSize)) continue;
      const auto number = trimmed(std::string_view(line).substr(kSize.size()));
      std::from_chars(number.data(), number.data() + number.size(), size);
    }
    if (size == 0) {
      return fail(ErrorCode::unsupported, "pg_controldata does not say how large a WAL segment is");
    }
    TRY(names, archived_segments(terms_.repository, set, context_));
    return wal_by_names(names, set.first_segment, size);
  }

  const PgBackRestTerms& terms_;
  const DeedContext& context_;
  Duration verified_{};
};

}  // namespace

ReplayTerms replay_terms(const PgBackRestTerms& terms) {
  return {.scratch = terms.scratch,
          .point = terms.point,
          .restore_command = archive_get(terms.repository, terms.scratch.data()),
          .timeline = 0,
          .database = terms.repository.database,
          .user = terms.repository.user,
          .live = terms.live,
          .of = terms.repository.of,
          .wal = {},
          .archive = "the repository",
          .max_loss = terms.repository.max_loss,
          .amcheck = terms.repository.amcheck,
          .taken = terms.taken,
          .looked = terms.looked};
}

Result<PgBackRestRecovered> recover(const PgBackRestTerms& terms, const DeedContext& context) {
  return Recovery(terms, context).run();
}

}  // namespace gameday
