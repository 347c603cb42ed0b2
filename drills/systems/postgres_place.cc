#include "drills/systems/postgres_place.h"

#include <sys/stat.h>

#include <charconv>
#include <filesystem>

#include "drills/systems/base_backup.h"
#include "drills/systems/data_aside.h"
#include "drills/systems/sqlite.h"

namespace gameday {
namespace {

namespace fs = std::filesystem;

std::string fresh(const DataDirectory& data) { return data.aside() + ".new"; }
std::string taken_out(const DataDirectory& data) { return data.aside() + ".out"; }
// In a data directory that we put there: whose it is, and how we left it.
std::string note_in(const std::string& folder) { return folder + "/gameday.restored"; }
std::string control_of(const std::string& folder) { return folder + "/global/pg_control"; }

Status run_well(std::vector<std::string> argv, const DeedContext& context) {
  const std::string program = argv.front();
  TRY(ended, context.doors.processes.run({std::move(argv), "/", {"LC_ALL=C"}}, context.until));
  if (ended.succeeded()) return {};
  return fail(ErrorCode::failed, program + ": " + last_words(ended.output));
}

// Whoever the server runs as, in its container too: the owner of what is there, of what was moved
// aside, or of the folder above.
std::string owner_for(const DataDirectory& data) {
  const fs::path folder(data.folder);
  std::vector<std::string> candidates{data.folder};
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder.parent_path(), error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(folder.filename().string() + ".gameday-") && entry.path() != fresh(data)) {
      candidates.push_back(entry.path().string());
    }
  }
  candidates.push_back(folder.parent_path().string());
  for (const auto& candidate : candidates) {
    struct stat found{};
    if (lstat(candidate.c_str(), &found) != 0) continue;
    return std::to_string(found.st_uid) + ":" + std::to_string(found.st_gid);
  }
  return "";
}

// The scratch server archived nothing: how its timeline came about is for the archive too, or
// nobody could recover to what comes now.
Status offer_history(const std::string& folder, const DeedContext& context) {
  std::error_code error;
  std::string newest;
  for (const auto& entry : fs::directory_iterator(folder + "/pg_wal", error)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".history")) newest = std::max(newest, name);
  }
  if (newest.empty()) return {};
  return context.doors.files.write(folder + "/pg_wal/archive_status/" + newest + ".ready", "",
                                   0600);
}

Status fill(const DataDirectory& data, const ScratchCluster& scratch, const Recovered& recovered,
            const DeedContext& context) {
  const std::string folder = fresh(data);
  const std::string owner = owner_for(data);
  TRY_OK(run_well({"cp", "--archive", "--no-target-directory", scratch.data(), folder}, context));
  const std::string settings = own_settings_of(scratch);
  if (context.doors.files.exists(settings)) {
    TRY_OK(run_well({"cp", "--", settings, folder + "/postgresql.auto.conf"}, context));
  }
  TRY_OK(offer_history(folder, context));
  TRY(control, file_sha256(control_of(folder)));
  const Json note = Json::object(
      {{"mark", data.mark}, {"control", control}, {"digest", recovered.content.digest}});
  TRY_OK(context.doors.files.write(note_in(folder), note.dump() + "\n", 0600));
  TRY_OK(run_well({"chown", "--recursive", "--no-dereference", owner, folder}, context));
  TRY_OK(run_well({"chmod", "0700", folder}, context));
  return run_well({"sync", "--file-system", folder}, context);
}

// Ours, and what we noted; empty: what is there is not ours.
Json our_note(const DataDirectory& data, const DeedContext& context) {
  const auto text = context.doors.files.read(note_in(data.folder));
  const auto note = text ? Json::parse(*text) : std::unexpected(text.error());
  return note && note->text("mark") == data.mark ? *note : Json();
}

Result<InPlace> look_at_place(const DataDirectory& data, const Recovered& recovered,
                              const DeedContext& context) {
  TRY(session, wait_for_server(data, context));
  TRY(server, look_at_server(session));
  if (server.in_recovery) {
    return fail(ErrorCode::corrupt, "what was put into place is in recovery, and takes no writes");
  }
  TRY(cluster, cluster_in(data.folder, context.doors.files));
  if (server.identifier != cluster) {
    return fail(ErrorCode::corrupt, session.shown() + " answers as cluster " + server.identifier +
                                        ", and what was put into place is " + cluster);
  }
  InPlace placed{.cluster = server.identifier};
  std::from_chars(server.timeline.data(), server.timeline.data() + server.timeline.size(),
                  placed.timeline);
  if (placed.timeline > recovered.timeline) return placed;
  return fail(ErrorCode::corrupt, "what was put into place is still in timeline " +
                                      server.timeline + ": it would go on where another went");
}

// What came since is nobody's to throw away: asked of the server, or, where it never came as far as
// to write, told by its control file.
Status refuse_written(const DataDirectory& data, const Json& note, const DeedContext& context) {
  auto session = open_postgres(data.connection, context);
  std::string seen = "it does not answer, and has been started";
  if (session) {
    TRY_OK(session->begin(PostgresAccess::snapshot));
    TRY(content, read_content(*session));
    if (content.digest == note.text("digest")) return {};
    seen = "others have written to it";
  } else {
    const auto control = file_sha256(control_of(data.folder));
    if (control && *control == note.text("control")) return {};
  }
  return fail(ErrorCode::conflict,
              data.folder + " is what the restore put there, and " + seen +
                  "; what was there before is kept as " + data.aside(),
              "compare the two, remove one, and start the server on the other");
}

}  // namespace

Result<Undo> prepare_in_place(Undo undo, const std::string& of, const std::string& backed_up,
                              const DeedContext& context) {
  const Target* live = context.system.target(of);
  if (live == nullptr || live->facets.find("postgres-data") == nullptr) {
    return fail(ErrorCode::invalid,
                "into place wants `of` to name a target with `postgres-data`: where the place is");
  }
  TRY(data, look_at_data(*live, context));
  TRY_OK(may_rename_in_its_place(data));
  if (!data.cluster.empty() && data.cluster != backed_up) {
    return fail(ErrorCode::conflict, data.folder + " is of cluster " + data.cluster +
                                         ", and the base backup of " + backed_up);
  }
  undo.arguments.set("data", to_json(data))
      .set("kept", stands(data.folder) ? data.aside() : std::string());
  return undo;
}

Json to_json(const InPlace& placed) {
  return Json::object({{"system_identifier", placed.cluster},
                       {"timeline", placed.timeline},
                       {"fill_s", seconds(placed.copy)},
                       {"cutover_s", seconds(placed.cutover)},
                       {"others", to_json(placed.others)}});
}

Result<InPlace> put_into_place(const std::string& of, const DataDirectory& data,
                               const ScratchCluster& scratch, const Recovered& recovered,
                               const DeedContext& context) {
  const Clock& clock = context.doors.clock;
  TRY(cluster, cluster_in(scratch.data(), context.doors.files));
  const Instant begun = clock.now().boot;
  TRY_OK(fill(data, scratch, recovered, context));
  TRY_OK(refuse_second_writer(cluster, others_than(of, context)));
  const Instant filled = clock.now().boot;
  TRY_OK(end_server(data, ServerEnd::orderly, context));
  if (stands(data.folder)) TRY_OK(rename_folder(data.folder, data.aside(), context));
  TRY_OK(rename_folder(fresh(data), data.folder, context));
  TRY_OK(start_server(data, context));
  TRY(placed, look_at_place(data, recovered, context));
  placed.copy = filled - begun;
  placed.cutover = clock.now().boot - filled;
  placed.others = others_than(of, context);
  TRY_OK(refuse_second_writer(cluster, placed.others));
  return placed;
}

Status undo_place(const DataDirectory& data, const DeedContext& context) {
  TRY_OK(erase_folder(fresh(data), context));
  if (const Json note = our_note(data, context); note.is_object()) {
    TRY_OK(refuse_written(data, note, context));
    TRY_OK(end_server(data, ServerEnd::orderly, context));
    TRY_OK(rename_folder(data.folder, taken_out(data), context));
  }
  TRY_OK(erase_folder(taken_out(data), context));
  return put_data_back(data, context);
}

Result<Proof> place_gone(const DataDirectory& data, const DeedContext& context) {
  for (const auto& folder : {fresh(data), taken_out(data)}) {
    if (stands(folder)) return Proof{false, folder + " is still there"};
  }
  if (our_note(data, context).is_object()) {
    return Proof{false, data.folder + " is still what the restore put there"};
  }
  return data_is_back(data, context);
}

Status close_place(const DataDirectory& data, bool keep, const DeedContext& context) {
  if (our_note(data, context).is_object()) {
    TRY_OK(context.doors.files.remove(note_in(data.folder)));
  }
  return forget_data(data, keep, context);
}

}  // namespace gameday
