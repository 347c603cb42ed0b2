#include "drills/systems/scratch_server.h"

#include <charconv>
#include <csignal>
#include <mutex>
#include <optional>
#include <thread>

#include "drills/systems/base_backup.h"
#include "drills/systems/postgres_truth.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

constexpr Duration kAgain = std::chrono::milliseconds(25);
constexpr std::string_view kNoDatabase = "3D000";
constexpr std::string_view kNoRole = "28000";

Command server_command(const ScratchCluster& cluster) {
  return {as_its_user(cluster, {cluster.programs + "/postgres", "-D", cluster.data(), "-c",
                                "config_file=" + cluster.folder + "/postgresql.conf"}),
          cluster.folder,
          {"LC_ALL=C"}};
}

// What the server itself says of how far it is, in its lock file. Who asked by connecting would be
// told no, and that would stand in its log.
bool takes_clients(const ScratchCluster& cluster, const Files& files) {
  constexpr std::size_t kLine = 7;
  const auto lock = files.read(cluster.data() + "/postmaster.pid");
  const auto lines = lock ? split(*lock, '\n') : std::vector<std::string>();
  return lines.size() > kLine && trimmed(lines[kLine]) == "ready";
}

// Why a server of its own accord is none any more. What its clients were told is no reason.
std::string reason_in(const std::string& log) {
  std::string reason;
  for (const auto& line : split(log, '\n')) {
    const bool own = line.starts_with("startup: ") || line.starts_with("postmaster: ");
    const auto fatal = std::min(line.find("FATAL:  "), line.find("PANIC:  "));
    if (!own || fatal == std::string::npos) continue;
    reason += (reason.empty() ? "" : "; ") + line.substr(fatal + 8);
  }
  return reason.empty() ? last_words(log) : reason;
}

// What it says of the backup, and what it does not.
Error why_it_ended(const Ended& ended) {
  const Reading reading = read_ending(postgres_15, "recovery", ended);
  if (reading.truth == Truth::fail) return {ErrorCode::corrupt, reason_in(ended.output), ""};
  return {reading.code, "the scratch server has ended: " + reading.text, ""};
}

Result<Postgres> not_yet() { return fail(ErrorCode::failed, "the scratch server is not ready"); }

}  // namespace

struct ScratchServer::Run {
  StopSource stop;
  std::mutex mutex;
  std::optional<Result<Ended>> ended;
  std::jthread thread;

  [[nodiscard]] std::optional<Result<Ended>> end() {
    const std::lock_guard lock(mutex);
    return ended;
  }
};

ScratchServer::ScratchServer(const ScratchCluster& cluster, const DeedContext& context)
    : cluster_(cluster), context_(context), run_(std::make_unique<Run>()) {
  run_->thread = std::jthread([this] {
    auto ended = context_.doors.processes.run(server_command(cluster_),
                                              {run_->stop.stop(), context_.until.deadline});
    const std::lock_guard lock(run_->mutex);
    run_->ended = std::move(ended);
  });
}

ScratchServer::~ScratchServer() { run_->stop.request(); }

Result<Postgres> ScratchServer::opened(const PostgresSettings& settings) {
  while (true) {
    if (const auto ended = run_->end()) {
      if (!*ended) return std::unexpected(ended->error().in("the scratch server"));
      // What it said before it had a log, and then.
      Ended all = **ended;
      all.output += context_.doors.files.read(cluster_.folder + "/log").value_or("");
      return std::unexpected(why_it_ended(all));
    }
    const bool ready = takes_clients(cluster_, context_.doors.files);
    auto session = ready ? open_postgres(settings, context_) : not_yet();
    if (!session) {
      const std::string state = sqlstate_in(session.error().text);
      if (state == kNoDatabase || state == kNoRole) {
        return fail(ErrorCode::corrupt, session.error().text);
      }
    } else {
      const auto recovering = session->ask("SELECT pg_is_in_recovery()");
      if (recovering && !recovering->boolean(0, 0)) return session;
    }
    if (auto paused = context_.doors.clock.pause(kAgain, context_.until); !paused) {
      return std::unexpected(paused.error().in("the scratch server has not recovered"));
    }
  }
}

Status ScratchServer::shut_down() {
  TRY(lock, context_.doors.files.read(cluster_.data() + "/postmaster.pid"));
  pid_t pid = 0;
  std::from_chars(lock.data(), lock.data() + lock.size(), pid);
  TRY(server, context_.doors.processes.look(pid));
  if (server.cwd != cluster_.data()) {
    return fail(ErrorCode::conflict, "process " + std::to_string(pid) + " is no server of ours");
  }
  TRY_OK(context_.doors.processes.signal(server.id, SIGINT));
  while (!run_->end()) TRY_OK(context_.doors.clock.pause(kAgain, context_.until));
  const auto ended = *run_->end();
  if (ended && ended->succeeded()) return {};
  return fail(ErrorCode::failed, "the scratch server did not shut down as it should");
}

}  // namespace gameday
