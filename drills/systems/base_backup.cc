#include "drills/systems/base_backup.h"

#include <charconv>
#include <cstring>
#include <filesystem>

#include "drills/systems/disk.h"
#include "drills/systems/postgres_truth.h"
#include "drills/systems/sqlite.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

namespace fs = std::filesystem;

// How pg_basebackup calls the archive of the cluster itself, by compression.
constexpr std::string_view kArchives[] = {"base.tar", "base.tar.gz", "base.tar.lz4",
                                          "base.tar.zst"};

Result<Ended> run(std::vector<std::string> argv, const std::string& folder,
                  const DeedContext& context) {
  const std::string program = argv.front();
  auto ended = context.doors.processes.run({std::move(argv), folder, {"LC_ALL=C"}}, context.until);
  if (!ended) return std::unexpected(ended.error().in(program));
  return ended;
}

constexpr std::string_view kLabel = "backup_label", kVersion = "PG_VERSION",
                           kControl = "global/pg_control", kMap = "tablespace_map";

// Where the files that tell of it can be read. Out of an archive they are taken once, for that may
// be long, and stay among the drill's backups.
Result<std::string> telling_files(const std::string& folder, const std::string& archive,
                                  const DeedContext& context) {
  if (archive.empty()) return folder;
  const std::string aside = context.private_folder + "/backups/" + context.mark + ".base";
  TRY_OK(context.doors.files.make_folder(aside, 0700));
  std::vector<std::string> argv{"tar", "--extract", "--file", archive, "--directory", aside};
  for (const auto name : {kLabel, kVersion, kControl, kMap}) argv.emplace_back(name);
  TRY(ended, run(std::move(argv), "/", context));
  // That it has no tablespaces is no error.
  if (context.doors.files.exists(aside + "/" + std::string(kControl))) return aside;
  const Reading reading = read_ending(tar_1_34, "extract", ended);
  const bool known = reading.row != nullptr && reading.truth == Truth::unknown;
  return fail(known ? reading.code : ErrorCode::corrupt, archive + ": " + last_words(ended.output));
}

Result<std::string> told_in(const std::string& folder, std::string_view name,
                            const DeedContext& context) {
  return context.doors.files.read(folder + "/" + std::string(name));
}

// The value of a line "NAME: value" of backup_label; empty: it has none.
std::string value_of(const std::string& label, std::string_view name) {
  for (const auto& line : split(label, '\n')) {
    if (line.starts_with(name) && line.substr(name.size()).starts_with(": ")) {
      return std::string(trimmed(line.substr(name.size() + 2)));
    }
  }
  return "";
}

struct ControlFile {
  std::uint64_t cluster = 0;
  std::int64_t time = 0;  // of its last change, in seconds since 1970
};

// The first fields of pg_control, which have stood where they stand in every version since 11.
Result<ControlFile> control_of(const std::string& bytes) {
  constexpr std::size_t kTime = 24, kWhole = 8192;
  if (bytes.size() != kWhole) {
    return fail(ErrorCode::corrupt,
                "its global/pg_control has " + std::to_string(bytes.size()) + " bytes");
  }
  ControlFile control;
  std::memcpy(&control.cluster, bytes.data(), sizeof control.cluster);
  std::memcpy(&control.time, bytes.data() + kTime, sizeof control.time);
  return control;
}

// "2026-11-26 15:15:39 UTC". The server wrote it in a time zone of its own, whose short name may
// mean several: where it is not UTC, the backup's control file says when its checkpoint was.
Utc beginning_of(const std::string& label, const ControlFile& control) {
  std::string written = value_of(label, "START TIME");
  for (const std::string_view zone : {" UTC", " GMT"}) {
    if (!written.ends_with(zone)) continue;
    written.resize(written.size() - zone.size());
    if (const auto space = written.find(' '); space != std::string::npos) written[space] = 'T';
    if (const auto time = parse_rfc3339(written + "Z")) return *time;
  }
  return Utc(std::chrono::seconds(control.time));
}

Status read_label(const std::string& label, BaseBackup& base) {
  const std::string begins = value_of(label, "START WAL LOCATION");
  TRY(begin, parse_lsn(begins.substr(0, begins.find(' '))));
  base.begin = begin;
  constexpr std::string_view kFile = "(file ";
  if (const auto at = begins.find(kFile); at != std::string::npos) {
    base.segment = begins.substr(at + kFile.size(), 24);
  }
  const std::string timeline = value_of(label, "START TIMELINE");
  const auto* const end = timeline.data() + timeline.size();
  if (std::from_chars(timeline.data(), end, base.timeline).ec != std::errc()) {
    return fail(ErrorCode::corrupt, "its backup_label names no timeline");
  }
  return {};
}

// A tablespace is a link to where the live cluster has its own: a copy that is started would write
// there.
Status refuse_tablespaces(const std::string& folder, const std::string& map) {
  std::error_code error;
  bool linked = !trimmed(map).empty();
  for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
    linked = linked || entry.is_symlink();
  }
  if (error) return std::unexpected(system_error(error.value(), "cannot look through " + folder));
  if (!linked) return {};
  return fail(ErrorCode::unsupported,
              "the base backup " + folder +
                  " has tablespaces or links, which would lead a copy to what is not a copy");
}

Error not_one(const std::string& folder, const Error& error) {
  Error said = error.in(folder + " is no base backup");
  if (said.code == ErrorCode::not_found || said.code == ErrorCode::invalid) {
    said.code = ErrorCode::corrupt;
  }
  return said;
}

Result<BaseBackup> look(const std::string& folder, const DeedContext& context) {
  const Files& files = context.doors.files;
  BaseBackup base{.folder = folder};
  for (const auto name : kArchives) {
    const std::string path = folder + "/" + std::string(name);
    if (files.exists(path)) base.archive = path;
  }
  TRY(telling, telling_files(folder, base.archive, context));
  TRY(version, told_in(telling, kVersion, context));
  base.version = trimmed(version);
  TRY(bytes, told_in(telling, kControl, context));
  TRY(control, control_of(bytes));
  base.cluster = std::to_string(control.cluster);
  TRY(label, told_in(telling, kLabel, context));
  TRY_OK(read_label(label, base));
  base.taken = beginning_of(label, control);
  const auto map = told_in(telling, kMap, context);
  TRY_OK(refuse_tablespaces(folder, map.value_or("")));
  const std::string manifest = folder + "/backup_manifest";
  if (files.exists(manifest)) {
    TRY(sha, file_sha256(manifest));
    base.manifest = sha;
  }
  return base;
}

Status check_room(const BaseBackup& base, const std::string& folder) {
  std::error_code error;
  const auto room = fs::space(folder, error);
  const std::int64_t wanted = room_for_copy(base.folder);
  if (error || static_cast<std::int64_t>(room.available) >= wanted) return {};
  return fail(ErrorCode::no_space, "a copy of " + base.folder + " wants " + shown_bytes(wanted) +
                                       " in " + folder + ", which has " +
                                       shown_bytes(static_cast<std::int64_t>(room.available)));
}

Status unpack(const BaseBackup& base, const std::string& archive, const std::string& folder,
              const DeedContext& context) {
  TRY(ended, run({"tar", "--extract", "--file", archive, "--directory", folder}, "/", context));
  const auto told = told_by(tar_1_34, "extract", ended);
  if (told) return {};
  return std::unexpected(told.error().in("the base backup " + base.folder + " cannot be unpacked"));
}

Status copy(const std::string& from, const std::string& to, const DeedContext& context) {
  TRY(ended, run({"cp", "--archive", "--no-target-directory", from, to}, "/", context));
  if (ended.succeeded()) return {};
  return fail(ErrorCode::failed, "cannot copy " + from + ": " + last_words(ended.output));
}

}  // namespace

std::int64_t room_for_copy(const std::string& folder) {
  constexpr std::int64_t kForWal = 256 << 20;
  std::error_code error;
  std::int64_t size = kForWal;
  for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
    if (entry.is_regular_file(error)) size += static_cast<std::int64_t>(entry.file_size(error));
  }
  return size;
}

std::string last_words(std::string_view output) {
  constexpr std::size_t kMost = 400;
  std::string words(trimmed(output));
  if (words.size() > kMost) words = "..." + words.substr(words.size() - kMost);
  for (char& c : words) c = c == '\n' ? ' ' : c;
  return valid_utf8(words);
}

Json to_json(const BaseBackup& base) {
  return Json::object({{"folder", base.folder},
                       {"format", base.archive.empty() ? "plain" : "tar"},
                       {"archive", base.archive},
                       {"manifest", base.manifest},
                       {"cluster", base.cluster},
                       {"version", base.version},
                       {"segment", base.segment},
                       {"timeline", static_cast<std::int64_t>(base.timeline)},
                       {"begin", lsn_text(base.begin)},
                       {"taken", rfc3339(base.taken)}});
}

BaseBackup base_backup_from(const Json& value) {
  return {.folder = value.text("folder"),
          .archive = value.text("archive"),
          .cluster = value.text("cluster"),
          .version = value.text("version"),
          .manifest = value.text("manifest"),
          .segment = value.text("segment"),
          .timeline = static_cast<std::uint32_t>(value.integer("timeline", 1)),
          .begin = parse_lsn(value.text("begin")).value_or(0),
          .taken = parse_rfc3339(value.text("taken")).value_or(Utc{})};
}

Result<std::string> cluster_in(const std::string& folder, const Files& files) {
  TRY(bytes, files.read(folder + "/" + std::string(kControl)));
  TRY(control, control_of(bytes));
  return std::to_string(control.cluster);
}

Result<BaseBackup> look_at_base(const std::string& folder, const DeedContext& context) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    return fail(ErrorCode::not_found, "there is no base backup in " + folder);
  }
  auto base = look(folder, context);
  if (!base) return std::unexpected(not_one(folder, base.error()));
  return base;
}

Status unpack_base(const BaseBackup& base, const std::string& folder, const DeedContext& context) {
  TRY_OK(check_room(base, folder));
  if (!base.archive.empty()) {
    TRY_OK(unpack(base, base.archive, folder, context));
    const std::string suffix = fs::path(base.archive).filename().string().substr(4);
    const std::string wal = base.folder + "/pg_wal" + suffix;
    if (context.doors.files.exists(wal)) TRY_OK(unpack(base, wal, folder + "/pg_wal", context));
    TRY_OK(copy(base.folder + "/backup_manifest", folder + "/backup_manifest", context));
  } else {
    TRY_OK(copy(base.folder, folder, context));
  }
  return refuse_tablespaces(folder, "");
}

}  // namespace gameday
