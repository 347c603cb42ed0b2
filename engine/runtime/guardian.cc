#include "engine/runtime/guardian.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <map>
#include <vector>

#include "engine/base/by_hand.h"
#include "engine/base/digest.h"
#include "engine/base/text.h"
#include "engine/journal/store.h"
#include "engine/runtime/guardian_link.h"
#include "engine/runtime/locks.h"
#include "engine/runtime/replayer.h"
#include "engine/sys/log.h"

namespace gameday {
namespace {

constexpr Duration kEndsWithin = std::chrono::seconds(10);

// A CI system that kills a whole cgroup kills us too, unless we are in another one. Where the root
// cgroup may be entered, we do; where not, `revert` is what heals.
void leave_the_runners_cgroup() {
  for (const char* root : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd"}) {
    std::ofstream procs(std::string(root) + "/cgroup.procs");
    if (procs) procs << getpid() << std::flush;
  }
}

class Guardian {
 public:
  Guardian(const GuardianTerms& terms, const Rows& rows)
      : terms_(terms),
        rows_(rows),
        http_(make_curl_http(clock_)),
        processes_(make_processes(clock_)) {}

  int watch() {
    const auto facts = processes_->look(terms_.runner);
    if (!facts) return say("cannot see the runner: " + facts.error().text), 1;
    runner_ = facts->id;
    last_beat_ = clock_.now().boot;
    (void)!send(terms_.socket, "ready\n", 6, MSG_NOSIGNAL);
    const std::string why = wait_for_trouble();
    if (why.empty()) return 0;
    say("drill " + terms_.drill + ": " + why + "; ending it and undoing what it left");
    end_runner_and_children();
    return undo_all();
  }

 private:
  // Returns why the runner cannot be left alone any more; empty after its bye.
  std::string wait_for_trouble() {
    while (true) {
      const Now now = clock_.now();
      if (now.boot - last_beat_ > kHeartbeatLost) return "the runner has been silent for 2 s";
      for (const auto& [mark, not_after] : owed_) {
        if (now.boot > not_after) return "deed " + mark + " is still in force after its time";
      }
      pollfd wait{terms_.socket, POLLIN, 0};
      if (poll(&wait, 1, 100) <= 0) continue;
      char block[4096];
      const ssize_t got = recv(terms_.socket, block, sizeof block, 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return "the runner is gone";
      pending_.append(block, static_cast<std::size_t>(got));
      if (hear_lines()) return "";
    }
  }

  bool hear_lines() {
    for (auto end = pending_.find('\n'); end != std::string::npos; end = pending_.find('\n')) {
      const std::string line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      if (hear(split(line, ' '))) return true;
    }
    return false;
  }

  bool hear(const std::vector<std::string>& words) {
    last_beat_ = clock_.now().boot;
    if (words[0] == "bye") return true;
    if (words[0] == "paid" && words.size() == 2) owed_.erase(words[1]);
    if (words.size() != 3) return false;
    if (words[0] == "owe") owed_[words[1]] = Instant(Duration(std::stoll(words[2])));
    if (words[0] == "child") {
      children_.push_back(
          {runner_.boot, static_cast<pid_t>(std::stol(words[1])), std::stoull(words[2])});
    }
    if (words[0] == "secret") secrets_.learn(words[1], decode_base64(words[2]).value_or(""));
    return false;
  }

  void end_runner_and_children() {
    const Until until{Stop(), clock_.in(kEndsWithin)};
    (void)processes_->signal(runner_, SIGKILL);
    for (const auto& child : children_) {
      // The leader may be gone and its group live on; a group is only ours while a member is.
      if (processes_->alive(child)) kill(-child.pid, SIGKILL);
      (void)processes_->signal(child, SIGKILL);
    }
    (void)processes_->wait_gone(runner_, until);
    for (const auto& child : children_) (void)processes_->wait_gone(child, until);
  }

  int undo_all() {
    const Files files;
    const auto folder = LockFolder::find(files);
    if (!folder) return give_up(folder.error());
    auto lock = folder->hold_drill(terms_.drill, clock_, {Stop(), clock_.in(kEndsWithin)});
    if (!lock) return give_up(lock.error());
    auto store = Store::open(terms_.store, clock_, {}, ReserveRule::wanted);
    if (!store) return give_up(store.error());
    auto journal = (*store)->take_over(terms_.drill);
    if (!journal) return give_up(journal.error());
    const auto lines = (*store)->lines(terms_.drill);
    if (!lines) return give_up(lines.error());
    const auto owed = owed_by(*lines);
    if (!owed) return give_up(owed.error());
    const Doors doors{clock_, files, *processes_, *http_, {}};
    const auto done = replay(*owed, **journal,
                             {doors, rows_, secrets_, terms_.drill,
                              private_folder_of(terms_.store, terms_.drill), "guardian"},
                             Stop());
    (void)(*store)->set_verdict(terms_.drill, done.residue.empty() ? "stopped" : "residue");
    for (const auto& name : done.undone) say("undone: " + name);
    for (const auto& name : owed->under_way) {
      say("under way, and nothing undoes it: action " + name + "; see whether it was done");
    }
    for (const auto& residue : done.residue) say("NOT undone: " + residue);
    return done.residue.empty() ? 0 : 5;
  }

  int give_up(const Error& error) {
    say("cannot undo: " + error.text + "; run: " + revert_by_hand(terms_.store, terms_.drill));
    return 5;
  }

  void say(const std::string& text) const { log_line("gameday guardian: " + text); }

  const GuardianTerms terms_;
  const Rows& rows_;
  const SystemClock clock_;
  std::unique_ptr<Http> http_;
  std::unique_ptr<Processes> processes_;
  ProcessId runner_;
  Instant last_beat_;
  std::string pending_;
  std::map<std::string, Instant> owed_;
  std::vector<ProcessId> children_;
  Secrets secrets_;
};

}  // namespace

int run_guardian(const GuardianTerms& terms, const Rows& rows) {
  for (const int ignored : {SIGINT, SIGHUP, SIGTERM, SIGPIPE}) std::signal(ignored, SIG_IGN);
  leave_the_runners_cgroup();
  return Guardian(terms, rows).watch();
}

}  // namespace gameday
