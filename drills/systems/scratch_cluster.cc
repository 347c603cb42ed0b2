#include "drills/systems/scratch_cluster.h"

#include <pwd.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>

#include "drills/systems/base_backup.h"
#include "drills/systems/folder_work.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

namespace fs = std::filesystem;

// Whatever its original was told: what reaches outside, loads what is not here, or waits.
constexpr std::pair<std::string_view, std::string_view> kAlone[] = {
    {"listen_addresses", ""},
    {"port", "5432"},
    {"archive_mode", "off"},
    {"max_wal_senders", "0"},
    {"wal_level", "replica"},
    {"max_logical_replication_workers", "0"},
    {"max_prepared_transactions", "200"},
    {"hot_standby", "off"},
    {"autovacuum", "off"},
    {"jit", "off"},
    {"lc_messages", "C"},
    {"timezone", "GMT"},
    {"datestyle", "ISO"},
    {"logging_collector", "on"},
    {"log_filename", "log"},
    {"log_file_mode", "0600"},
    {"log_rotation_age", "0"},
    {"log_rotation_size", "0"},
    {"log_min_messages", "fatal"},
    {"log_line_prefix", "%b: "},
    {"dynamic_shared_memory_type", "mmap"},
    // A copy that is thrown away need not outlast a power cut; the facts say so.
    {"fsync", "off"},
};

// Its path and the name of its socket must fit into an address.
constexpr std::size_t kLongestFolder = 85;

std::string setting_line(std::string_view name, std::string_view value) {
  std::string quoted;
  for (const char c : value) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  return std::string(name) + " = '" + quoted + "'\n";
}

Status run_well(std::vector<std::string> argv, const DeedContext& context) {
  const std::string program = argv.front();
  auto ended = context.doors.processes.run({std::move(argv), "/", {"LC_ALL=C"}}, context.until);
  if (!ended) return std::unexpected(ended.error().in(program));
  if (ended->succeeded()) return {};
  return fail(ErrorCode::failed, program + ": " + last_words(ended->output));
}

Result<std::string> unprivileged(const std::string& wanted) {
  if (geteuid() != 0) return std::string();
  const passwd* found = getpwnam(wanted.c_str());
  if (found == nullptr) {
    return fail(ErrorCode::not_found, "there is no user " + wanted + " to run a server as",
                "name another one by `server_user`");
  }
  if (found->pw_uid != 0) return wanted;
  return fail(ErrorCode::refused, "no PostgreSQL server runs as " + wanted);
}

Result<std::string> programs_for(const ScratchWanted& wanted) {
  const std::string usual = "/usr/lib/postgresql/" + wanted.version + "/bin";
  const std::string folder = wanted.programs.empty() ? usual : wanted.programs;
  if (access((folder + "/postgres").c_str(), X_OK) == 0) return folder;
  return fail(ErrorCode::not_found,
              "there is no server of PostgreSQL " + wanted.version + " in " + folder,
              "install postgresql-" + wanted.version + ", or name its folder by `programs`");
}

}  // namespace

Json to_json(const ScratchCluster& cluster) {
  return Json::object({{"folder", cluster.folder},
                       {"mark", cluster.mark},
                       {"user", cluster.user},
                       {"programs", cluster.programs}});
}

std::string own_settings_of(const ScratchCluster& cluster) {
  return cluster.folder + "/postgresql.auto.conf";
}

Result<ScratchCluster> scratch_cluster_from(const Json& value) {
  ScratchCluster cluster{value.text("folder"), value.text("mark"), value.text("user"),
                         value.text("programs")};
  // What is removed by it is nothing but what was made for that mark.
  const fs::path path(cluster.folder);
  if (!cluster.mark.empty() && path.is_absolute() && path.filename() == "gameday-" + cluster.mark) {
    return cluster;
  }
  return fail(ErrorCode::corrupt, "an undo of a scratch cluster does not name its folder");
}

Result<ScratchCluster> plan_scratch(const ScratchWanted& wanted, const DeedContext& context) {
  TRY(user, unprivileged(wanted.user));
  TRY(programs, programs_for(wanted));
  std::error_code error;
  // What works there is known by its path without links.
  const fs::path in = fs::canonical(wanted.in, error);
  if (error || !fs::is_directory(in, error)) {
    return fail(ErrorCode::not_found, "there is no folder " + wanted.in + " to restore into");
  }
  ScratchCluster cluster{(in / ("gameday-" + context.mark)).string(), context.mark, user, programs};
  if (cluster.folder.size() > kLongestFolder) {
    return fail(ErrorCode::invalid, cluster.folder + " is too long a path for a socket",
                "name another folder by `scratch`");
  }
  return cluster;
}

Status make_scratch(const ScratchCluster& cluster, const DeedContext& context) {
  if (context.doors.observer) context.doors.observer("files", Side::before);
  if (mkdir(cluster.folder.c_str(), 0700) != 0) {
    const int number = errno;
    if (number == EEXIST) return fail(ErrorCode::conflict, cluster.folder + " is there already");
    return std::unexpected(system_error(number, "cannot make " + cluster.folder));
  }
  if (context.doors.observer) context.doors.observer("files", Side::after);
  return context.doors.files.make_folder(cluster.data(), 0700);
}

Status give_scratch(const ScratchCluster& cluster, const DeedContext& context) {
  TRY_OK(run_well({"chmod", "0700", cluster.data()}, context));
  if (cluster.user.empty()) return {};
  return run_well({"chown", "--recursive", "--no-dereference", cluster.user + ":", cluster.folder},
                  context);
}

namespace {

// The original's settings are read from its data directory, whatever the server is told.
Status hide_own_settings(const ScratchCluster& cluster) {
  std::error_code error;
  const fs::path own = cluster.data() + "/postgresql.auto.conf";
  if (!fs::exists(own, error)) return {};
  fs::rename(own, own_settings_of(cluster), error);
  return error ? Status(std::unexpected(system_error(error.value(), "cannot move " + own.string())))
               : Status();
}

}  // namespace

Status settle_scratch(const ScratchCluster& cluster, const ServerSettings& settings,
                      const DeedContext& context) {
  const Files& files = context.doors.files;
  // Settings of the original's, and what says that somebody follows or holds it.
  TRY_OK(hide_own_settings(cluster));
  for (const char* name : {"standby.signal", "postmaster.pid"}) {
    TRY_OK(files.remove(cluster.data() + "/" + name));
  }
  std::string text;
  for (const auto& [name, value] : kAlone) text += setting_line(name, value);
  text += setting_line("unix_socket_directories", cluster.folder);
  text += setting_line("log_directory", cluster.folder);
  text += setting_line("hba_file", cluster.folder + "/hba.conf");
  text += setting_line("ident_file", cluster.folder + "/ident.conf");
  text += setting_line("cluster_name", "gameday " + cluster.mark.substr(0, 50));
  for (const auto& [name, value] : settings) text += setting_line(name, value);
  TRY_OK(files.write(cluster.folder + "/postgresql.conf", text));
  // Nobody else gets as far as the socket: the folder is its user's alone.
  TRY_OK(files.write(cluster.folder + "/hba.conf", "local all all trust\n"));
  TRY_OK(files.write(cluster.folder + "/ident.conf", ""));
  return files.write(cluster.data() + "/recovery.signal", "");
}

std::vector<std::string> as_its_user(const ScratchCluster& cluster, std::vector<std::string> argv) {
  if (cluster.user.empty()) return argv;
  // Changing the user takes the signal away that a child gets when we die.
  std::vector<std::string> all{"setpriv",        "--reuid",     cluster.user,
                               "--regid",        cluster.user,  "--init-groups",
                               "--no-new-privs", "--pdeathsig", "QUIT"};
  all.insert(all.end(), argv.begin(), argv.end());
  return all;
}

Result<Ended> run_in_scratch(const ScratchCluster& cluster, std::vector<std::string> argv,
                             const DeedContext& context) {
  const std::string name = argv.front();
  argv.front() = cluster.programs + "/" + name;
  auto ended = context.doors.processes.run(
      {as_its_user(cluster, std::move(argv)), "/", {"LC_ALL=C"}}, context.until);
  if (!ended) return std::unexpected(ended.error().in(name));
  return ended;
}

namespace {

// A server that was killed has left a segment of shared memory, which its lock file names.
void remove_shared_memory(const ScratchCluster& cluster, const DeedContext& context) {
  constexpr std::size_t kLine = 6;
  const auto lock = context.doors.files.read(cluster.data() + "/postmaster.pid");
  const auto lines = lock ? split(*lock, '\n') : std::vector<std::string>();
  if (lines.size() <= kLine) return;
  long key = 0;
  int id = -1;
  if (std::sscanf(lines[kLine].c_str(), "%ld %d", &key, &id) != 2) return;
  shmid_ds found{};
  if (shmctl(id, IPC_STAT, &found) != 0 || found.shm_nattch != 0) return;
  if (found.shm_perm.__key == static_cast<key_t>(key)) shmctl(id, IPC_RMID, nullptr);
}

bool stands(const std::string& path) {
  struct stat found{};
  return lstat(path.c_str(), &found) == 0;
}

}  // namespace

Status erase_scratch(const ScratchCluster& cluster, const DeedContext& context) {
  // One that is told to end takes its shared memory with it.
  TRY_OK(end_work_in(cluster.folder, {.signal = SIGQUIT}, context));
  if (!stands(cluster.folder)) return {};
  remove_shared_memory(cluster, context);
  return run_well({"rm", "--recursive", "--force", "--one-file-system", "--", cluster.folder},
                  context);
}

Result<Proof> scratch_gone(const ScratchCluster& cluster, const DeedContext& context) {
  const auto pids = at_work_in(cluster.folder, context);
  const bool there = stands(cluster.folder);
  Proof proof{.held = pids.empty() && !there,
              .text = "neither the folder " + cluster.folder + " nor a process in it"};
  if (there) proof.text = "the folder " + cluster.folder + " is still there";
  if (!pids.empty())
    proof.text = std::to_string(pids.size()) + " processes work in " + cluster.folder;
  return proof;
}

}  // namespace gameday
