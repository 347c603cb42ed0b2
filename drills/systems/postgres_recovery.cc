#include "drills/systems/postgres_recovery.h"

#include "drills/systems/postgres_truth.h"
#include "drills/systems/sqlite.h"
#include "engine/base/units.h"

namespace gameday {
namespace {

std::unexpected<Error> misleads(std::string text) {
  return fail(ErrorCode::corrupt, std::move(text));
}

class Recovery {
 public:
  Recovery(const RecoveryTerms& terms, const DeedContext& context)
      : terms_(terms), context_(context) {}

  Result<Recovered> run() {
    TRY_OK(check_claims());
    const Instant begun = now();
    TRY_OK(copy());
    const Instant copied = now();
    TRY_OK(check_files());
    ReplayTerms replays = replay_terms(terms_);
    if (copies_wal()) replays.restore_command = copy_command(wal());
    TRY_OK(look_at_archive(replays));
    const Instant checked = now();
    TRY(done, replay(replays, context_));
    done.copy = copied - begun;
    done.check = checked - copied;
    return done;
  }

 private:
  [[nodiscard]] Instant now() const { return context_.doors.clock.now().boot; }

  // What can be told without a copy.
  Status check_claims() const {
    const BaseBackup& base = terms_.base;
    const std::string called = "the base backup " + base.folder;
    const Duration age = context_.doors.clock.now().utc - base.taken;
    const auto& most = terms_.archive.max_age;
    if (most && age > *most) {
      return misleads(called + " is of " + rfc3339(base.taken) + ", " + shown(age) +
                      " ago: older than the " + shown(*most) + " that are allowed");
    }
    const std::string live = terms_.live ? terms_.live->cluster : "";
    for (const auto& meant : {live, terms_.archive.cluster}) {
      if (meant.empty() || meant == base.cluster) continue;
      return misleads(called + " is of cluster " + base.cluster + ", not of " + meant);
    }
    if (base.manifest.empty()) {
      return misleads(called + " has no backup_manifest: nobody could tell what is missing in it");
    }
    TRY(manifest, file_sha256(base.folder + "/backup_manifest"));
    if (manifest == base.manifest) return {};
    return misleads(called + " is not the one that the backup's step looked at");
  }

  Status copy() const {
    TRY_OK(make_scratch(terms_.scratch, context_));
    TRY_OK(unpack_base(terms_.base, terms_.scratch.data(), context_));
    if (copies_wal()) TRY_OK(copy_wal(terms_.archive.wal, terms_.base.segment, wal(), context_));
    return give_scratch(terms_.scratch, context_);
  }

  // Whoever runs the server may not look into a container's volume.
  [[nodiscard]] bool copies_wal() const {
    return terms_.archive.within && terms_.archive.own_command;
  }
  [[nodiscard]] std::string wal() const {
    return copies_wal() ? terms_.scratch.folder + "/wal" : terms_.archive.wal;
  }

  // The WAL is not parsed here: it is replayed.
  Status check_files() const {
    TRY(ended,
        run_in_scratch(terms_.scratch, {"pg_verifybackup", "--no-parse-wal", terms_.scratch.data()},
                       context_));
    const auto told = told_by(postgres_15, "pg_verifybackup", ended);
    return told ? Status() : std::unexpected(told.error().in(terms_.base.folder));
  }

  Status look_at_archive(ReplayTerms& replays) const {
    if (!terms_.archive.own_command || terms_.archive.wal.empty()) return {};
    TRY(there, look_at_wal({.archive = wal(),
                            .called = terms_.archive.wal,
                            .beside = terms_.scratch.data() + "/pg_wal",
                            .cluster = terms_.base.cluster,
                            .timeline = terms_.base.timeline,
                            .begin = terms_.base.begin,
                            .until_timeline = terms_.archive.timeline},
                           context_));
    replays.wal = there;
    const auto readable = run_in_user({"test", "-r", wal() + "/" + there.last});
    TRY(ended, readable);
    if (!ended.succeeded()) {
      return fail(ErrorCode::refused,
                  terms_.scratch.user + " may not read " + terms_.archive.wal + "/" + there.last);
    }
    return look_for_missing(replays);
  }

  [[nodiscard]] Result<Ended> run_in_user(std::vector<std::string> argv) const {
    return context_.doors.processes.run(
        {as_its_user(terms_.scratch, std::move(argv)), "/", {"LC_ALL=C"}}, context_.until);
  }

  const RecoveryTerms& terms_;
  const DeedContext& context_;
};

}  // namespace

ReplayTerms replay_terms(const RecoveryTerms& terms) {
  return {.scratch = terms.scratch,
          .point = terms.point,
          .restore_command = terms.archive.restore_command,
          .timeline = terms.archive.timeline,
          .database = terms.archive.database,
          .user = terms.archive.user,
          .live = terms.live,
          .of = terms.archive.of,
          .wal = {},
          .archive = terms.archive.wal,
          .max_loss = terms.archive.max_loss,
          .amcheck = terms.archive.amcheck,
          .taken = terms.base.taken,
          .looked = terms.looked,
          .begun = terms.base.taken};
}

Result<Recovered> recover(const RecoveryTerms& terms, const DeedContext& context) {
  return Recovery(terms, context).run();
}

}  // namespace gameday
