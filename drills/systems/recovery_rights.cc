#include "drills/systems/recovery_rights.h"

#include <unistd.h>

#include <filesystem>

#include "drills/systems/base_backup.h"
#include "drills/systems/data_directory.h"
#include "drills/systems/disk.h"
#include "drills/systems/postgres_rights.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

namespace fs = std::filesystem;

// Whatever it is that lacks, nothing can be made there as things stand.
Status refused(const Error& error) { return fail(ErrorCode::refused, error.text, error.hint); }

}  // namespace

Status may_read_files(const std::string& folder, const std::string& user,
                      const DeedContext& context) {
  std::error_code error;
  if (!fs::exists(folder, error) && !error) {
    return fail(ErrorCode::not_found, "there is no folder " + folder);
  }
  const std::string who = geteuid() == 0 ? user : "";
  TRY(ended,
      context.doors.processes.run({as_its_user({.user = who}, {"find", folder, "-type", "f", "!",
                                                               "-readable", "-print", "-quit"}),
                                   "/",
                                   {"LC_ALL=C"}},
                                  context.until));
  const std::string by = who.empty() ? "we" : who;
  if (!ended.succeeded()) {
    return fail(ErrorCode::refused,
                by + " may not read all of " + folder + ": " + last_words(ended.output));
  }
  const std::string found(trimmed(ended.output));
  return found.empty() ? Status() : fail(ErrorCode::refused, by + " may not read " + found);
}

Status may_make_scratch(const ScratchWanted& wanted, std::int64_t bytes,
                        const DeedContext& context) {
  const auto planned = plan_scratch(wanted, context);
  if (!planned) return refused(planned.error());
  if (access(wanted.in.c_str(), W_OK | X_OK) != 0) {
    return fail(ErrorCode::refused, "we may not make a folder in " + wanted.in,
                "name another one by `scratch`");
  }
  std::error_code error;
  const auto room = static_cast<std::int64_t>(fs::space(wanted.in, error).available);
  if (error || room >= bytes) return {};
  return fail(ErrorCode::refused, "a copy wants " + shown_bytes(bytes) + " in " + wanted.in +
                                      ", which has " + shown_bytes(room));
}

Status may_take_place(const std::string& of, const DeedContext& context) {
  const Target* live = context.system.target(of);
  if (live == nullptr || live->facets.find("postgres-data") == nullptr) {
    return fail(ErrorCode::invalid, "`of` names no target with `postgres-data`");
  }
  TRY(data, look_at_data(*live, context));
  TRY_OK(may_rule(data));
  return may_rename_in_its_place(data);
}

Status may_look_at_live(const Target& live, bool reads, const DeedContext& context) {
  TRY(settings, postgres_settings(live));
  TRY(session, open_postgres(settings, context));
  if (reads) TRY_OK(may_read_all(session, false));
  return check_rights(session,
                      {right_to_call("pg_switch_wal()"), right_to_call("pg_control_system()"),
                       right_to_call("pg_control_checkpoint()")});
}

}  // namespace gameday
