// Backs up files by restic, or takes the newest snapshot that somebody else took, and restores it
// into a folder of the drill's own. What restic says of its success is one of three things that
// must hold: a part of the repository is read whole, the snapshot comes back, and what has come
// back is held, file by file, against what gameday itself read when it was taken.
#include "drills/systems/restic.h"

#include <filesystem>

#include "drills/systems/disk.h"
#include "drills/systems/file_tree.h"
#include "drills/systems/part_rotation.h"
#include "drills/systems/restored.h"
#include "drills/systems/scratch_cluster.h"
#include "drills/systems/sqlite.h"
#include "engine/base/digest.h"
#include "engine/base/units.h"

namespace gameday {
namespace {

Restored not_verified(const std::string& text, bool vacuous = false) {
  return {.vacuous = vacuous, .verified = false, .text = text, .facts = Json::object()};
}

std::string manifest_path(const DeedContext& context) {
  return context.private_folder + "/backups/" + context.mark + ".files";
}

Json to_json(const TreeTotals& totals) {
  return Json::object({{"files", totals.files}, {"bytes", totals.bytes}});
}

Result<BackupTaken> described(const Restic& restic, const ResticRun& run,
                              const ResticSnapshot& snapshot, const DeedContext& context) {
  BackupTaken taken{.target = restic.target,
                    .id = snapshot.id,
                    .sha256 = "sha256:" + snapshot.id,  // so restic names it
                    .digest = "",
                    .taken = snapshot.taken,
                    .facts = Json::object({{"host", snapshot.host}, {"restic", run.version()}})};
  taken.facts.set("age_s", seconds(context.doors.clock.now().utc - snapshot.taken));
  TRY(identity, restic_identity(run));
  taken.facts.set("identity", identity);
  Json paths = Json::array();
  for (const auto& path : snapshot.paths) paths.push(path);
  taken.facts.set("paths", paths);
  return taken;
}

Status keep_manifest(BackupTaken& taken, const FileTree& tree, std::string_view compared,
                     const DeedContext& context) {
  const std::string path = manifest_path(context), text = to_text(tree);
  TRY_OK(context.doors.files.make_folder(context.private_folder + "/backups", 0700));
  TRY_OK(context.doors.files.write(path, text, 0600));
  taken.digest = sha256(text);
  taken.facts.set("manifest", path).set("compared", compared).set("held", to_json(totals_of(tree)));
  return {};
}

// A snapshot is found by its tag, which nobody else's has: what restic prints of it is not needed.
Result<BackupTaken> take_snapshot(const Restic& restic, const ResticRun& run,
                                  const DeedContext& context) {
  const std::string tag = "gameday-" + context.mark + "-" +
                          std::to_string(context.doors.clock.now().boot.time_since_epoch().count());
  TRY(before, read_tree(restic.paths, "", Reads::everything, context));
  std::vector<std::string> argv{"backup", "--json", "--quiet", "--tag", tag};
  argv.insert(argv.end(), restic.paths.begin(), restic.paths.end());
  TRY_OK(run.ask(argv));
  TRY(after, read_tree(restic.paths, "", Reads::stamps, context));
  TRY(snapshot, newest_snapshot(run, "", tag));
  TRY(taken, described(restic, run, snapshot, context));
  taken.facts.set("tag", tag);
  TRY_OK(keep_manifest(taken, settled(std::move(before), after), "manifest", context));
  return taken;
}

Result<BackupTaken> newest_of_others(const Restic& restic, const ResticRun& run,
                                     const DeedContext& context) {
  TRY(snapshot, newest_snapshot(run, restic.host, restic.tag));
  TRY(taken, described(restic, run, snapshot, context));
  if (restic.manifest.empty()) {
    taken.facts.set("compared", "totals");
    return taken;
  }
  TRY(text, context.doors.files.read(restic.manifest));
  const auto folder = std::filesystem::path(restic.manifest).parent_path().string();
  TRY(tree, file_tree_from_sums(text, folder));
  TRY_OK(keep_manifest(taken, tree, "sums", context));
  return taken;
}

bool takes(const Target& target) { return !target.facets.get("restic").items("paths").empty(); }

Result<BackupTaken> backup(const Target& target, const DeedContext& context) {
  TRY(restic, restic_of(target));
  TRY(run, ResticRun::open(restic, context));
  return restic.paths.empty() ? newest_of_others(restic, run, context)
                              : take_snapshot(restic, run, context);
}

Result<Undo> prepare_scratch(const Deed& deed, const BackupTaken&, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + deed.target);
  TRY(restic, restic_of(*target));
  std::error_code error;
  // What works there is known by its path without links.
  const auto in = std::filesystem::canonical(restic.scratch, error);
  if (error) {
    return fail(ErrorCode::not_found, "there is no folder " + restic.scratch + " to restore into");
  }
  const ScratchCluster scratch{(in / ("gameday-" + context.mark)).string(), context.mark, "", ""};
  return Undo{.kind = "restic",
              .arguments = Json::object({{"scratch", to_json(scratch)},
                                         {"target", target->name},
                                         {"restic", target->facets.get("restic")}})};
}

class Trial {
 public:
  Trial(const Restic& restic, const ResticRun& run, const BackupTaken& backup,
        const ScratchCluster& scratch, const DeedContext& context)
      : restic_(restic), run_(run), backup_(backup), scratch_(scratch), context_(context) {}

  // An error of `corrupt` or `not_found` is the answer: what it says is wrong with the backup.
  Result<Restored> run() {
    TRY_OK(check_age());
    TRY_OK(refuse_locked(run_));
    TRY(meant, load_manifest());
    TRY_OK(read_a_part());
    TRY_OK(come_back());
    TRY(there, read_tree(paths(), scratch_.data(), Reads::everything, context_));
    const TreeTotals totals = totals_of(there);
    TRY_OK(compare(meant, there, totals));
    facts_.set("taken", rfc3339(backup_.taken));
    facts_.set("files", totals.files).set("bytes", totals.bytes);
    Restored result = restored(compared_, Json::object(), backup_, context_.doors.clock);
    if (result.vacuous) result.text = "nothing came back that could be compared: no file";
    result.facts.set("digest", sha256(to_text(there))).set("files", facts_);
    return result;
  }

 private:
  Status check_age() const {
    const Duration age = context_.doors.clock.now().utc - backup_.taken;
    if (!restic_.max_age || age <= *restic_.max_age) return {};
    return fail(ErrorCode::corrupt, "the snapshot " + short_id() + " is of " +
                                        rfc3339(backup_.taken) + ", " + shown(age) +
                                        " ago: older than the " + shown(*restic_.max_age) +
                                        " that are allowed");
  }

  Result<FileTree> load_manifest() const {
    const std::string path = backup_.facts.text("manifest");
    if (path.empty()) return FileTree();
    TRY(text, context_.doors.files.read(path));
    if (sha256(text) != backup_.digest) {
      return fail(ErrorCode::conflict, path + " is not the list that the backup's step wrote");
    }
    return file_tree_from(text);
  }

  // What restic says, where that is no success. A failure while somebody holds the repository alone
  // may be no more than half of that one's change.
  Status judged(const ResticSaid& said) const {
    if (said.reading.truth == Truth::pass) return {};
    if (said.reading.truth == Truth::fail) TRY_OK(refuse_locked(run_));
    return fail(said.reading.code, said.reading.text);
  }

  // In a small repository a part may hold no pack at all, which proves nothing: then the next one.
  Status read_a_part() {
    PartRotation rotation(backup_.facts.text("identity"), restic_.parts, context_);
    for (std::int64_t tries = 0; tries < restic_.parts; ++tries) {
      const std::int64_t part = rotation.due();
      const std::string subset = std::to_string(part) + "/" + std::to_string(restic_.parts);
      TRY(said, run_.run({"check", "--read-data-subset=" + subset}));
      TRY_OK(judged(said));
      const auto read = part_in(said.ended.output);
      if (!read) {
        return fail(ErrorCode::unsupported,
                    "restic check does not say how much of the repository it has read");
      }
      const Utc now = context_.doors.clock.now().utc;
      TRY_OK(rotation.note(part, now));
      if (read->packs == 0 && tries + 1 < restic_.parts) continue;
      Json seen = rotation.evidence();
      seen.set("part", subset).set("at", rfc3339(now)).set("packs", read->packs);
      facts_.set("read", seen.set("of_packs", read->all).set("fraction", fraction(*read)));
      return {};
    }
    return {};
  }

  static double fraction(const PartRead& read) {
    return read.all == 0 ? 0 : static_cast<double>(read.packs) / static_cast<double>(read.all);
  }

  Status come_back() {
    TRY(stats, run_.ask({"stats", "--json", "--mode", "restore-size", backup_.id}));
    TRY(size, Json::parse(trimmed_json(stats)));
    size_ = size.integer("total_size", -1);
    TRY_OK(make_scratch(scratch_, context_));
    TRY(disk, disk_of(scratch_.folder));
    if (disk.free < size_) {
      return fail(ErrorCode::no_space, "the snapshot wants " + shown_bytes(size_) + " in " +
                                           scratch_.folder + ", which has " +
                                           shown_bytes(disk.free));
    }
    const Instant since = context_.doors.clock.now().boot;
    TRY(said, run_.run({"restore", backup_.id, "--verify", "--target", scratch_.data()},
                       scratch_.folder));
    facts_.set("copy_s", seconds(context_.doors.clock.now().boot - since));
    return judged(said);
  }

  static std::string trimmed_json(const std::string& output) {
    const auto from = output.find('{');
    return from == std::string::npos ? output : output.substr(from, output.rfind('}') + 1 - from);
  }

  [[nodiscard]] std::vector<std::string> paths() const {
    std::vector<std::string> found;
    for (const Json& path : backup_.facts.items("paths")) {
      if (path.is_text()) found.push_back(path.text());
    }
    return found;
  }

  Status compare(const FileTree& meant, const FileTree& there, const TreeTotals& totals) {
    const std::string how = backup_.facts.text("compared");
    facts_.set("compared_by", how);
    if (how == "totals") return compare_totals(totals);
    const TreeDifference found = compare_trees(meant, there, how == "sums");
    compared_ = found.compared;
    facts_.set("compared", found.compared > 0).set("files_compared", found.compared);
    facts_.set("changed_meanwhile", found.moving);
    if (found.wrong == 0) return {};
    std::string text = "what came back of the snapshot " + short_id() +
                       " is not what was backed up: " + std::to_string(found.wrong) +
                       (found.wrong == 1 ? " entry differs: " : " entries differ: ");
    for (const auto& one : found.shown) text += one + (&one == &found.shown.back() ? "" : ", ");
    return fail(ErrorCode::corrupt, text);
  }

  Status compare_totals(const TreeTotals& totals) {
    compared_ = totals.files;
    facts_.set("compared", false);
    if (totals.bytes == size_) return {};
    return fail(ErrorCode::corrupt,
                "of the snapshot " + short_id() + " " + std::to_string(totals.bytes) +
                    " bytes came back; restic says that it has " + std::to_string(size_));
  }

  [[nodiscard]] std::string short_id() const { return backup_.id.substr(0, 8); }

  const Restic& restic_;
  const ResticRun& run_;
  const BackupTaken& backup_;
  const ScratchCluster& scratch_;
  const DeedContext& context_;
  Json facts_ = Json::object();
  std::int64_t compared_ = 0, size_ = 0;
};

Result<Restored> fill_scratch(const BackupTaken& backup, const Undo& undo,
                              const DeedContext& context) {
  TRY(scratch, scratch_cluster_from(undo.arguments.get("scratch")));
  Target target;
  target.name = undo.arguments.text("target");
  target.facets = Json::object({{"restic", undo.arguments.get("restic")}});
  TRY(restic, restic_of(target));
  TRY(run, ResticRun::open(restic, context));
  auto result = Trial(restic, run, backup, scratch, context).run();
  if (result) return result;
  const Error& error = result.error();
  const bool tells = error.code == ErrorCode::corrupt || error.code == ErrorCode::not_found;
  return tells ? not_verified(error.text) : result;
}

Status undo_scratch(const Undo& undo, const DeedContext& context) {
  TRY(scratch, scratch_cluster_from(undo.arguments.get("scratch")));
  return erase_scratch(scratch, context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(scratch, scratch_cluster_from(undo.arguments.get("scratch")));
  return scratch_gone(scratch, context);
}

Status may(const Step& step, const DeedContext& context) {
  const Target* target = context.system.target(step.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + step.target);
  TRY(restic, restic_of(*target));
  return may_use_restic(restic, step.kind == StepKind::backup, context);
}

}  // namespace

extern const RestoreRow restic_restore;
const RestoreRow restic_restore{
    .name = "restic",
    .summary =
        "A snapshot by restic, restored into a folder of its own and compared file by file with "
        "what was backed up; a part of the repository is read whole, another one each time.",
    .facet = "restic",
    .rights =
        "to read the repository, and its `manifest`, if it has one; with `paths` to write the "
        "repository and to read all that is backed up; to write the folder `scratch`",
    .example = "- { restore: files }",
    .backup = backup,
    .restore_scratch = nullptr,
    .prepare = nullptr,
    .restore_place = nullptr,
    .undo = undo_scratch,
    .gone = gone,
    .close = nullptr,
    .prepare_scratch = prepare_scratch,
    .fill_scratch = fill_scratch,
    .may = may,
    .takes = takes};

}  // namespace gameday
