#include "engine/load/told_load.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "engine/base/text.h"
#include "engine/load/recorder.h"
#include "engine/load/tell_socket.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;

constexpr Duration kLook = milliseconds(100);
// A request that ended just now is told within that.
constexpr Duration kTells = milliseconds(500);
// For a process that was asked to end, beyond what its requests may take.
constexpr Duration kEnds = std::chrono::seconds(8);

std::string how(const Ended& ended) {
  const bool exited = ended.how == Ended::How::exited;
  std::string text = exited ? "exit code " : "signal ";
  text += std::to_string(ended.code);
  const auto last = trimmed(ended.last);
  return last.empty() ? text + ", and no word" : text + "; its last words: " + std::string(last);
}

class ToldLoad : public Load {
 public:
  ToldLoad(const LoadTerms& terms, const Carrier& carrier, const Doors& doors)
      : timeout_(terms.spec.timeout),
        clock_apart_(terms.clock_apart),
        carrier_(carrier),
        doors_(doors),
        told_({carrier.senders, carrier.others, carrier.users, terms.spec.timeout}) {}

  ~ToldLoad() override {
    kill_.request();
    finish();
  }
  ToldLoad(const ToldLoad&) = delete;
  ToldLoad& operator=(const ToldLoad&) = delete;

  Status start(const std::string& mark, const Until& until,
               std::function<void(const WindowCount&)> each_window) {
    const std::string name = "gameday-load-" + mark;
    TRY(socket, TellSocket::listen(name));
    socket_.emplace(std::move(socket));
    carrier_.command.extra_environment.push_back("GAMEDAY_TELL=" + name);
    carrier_.command.extra_environment.push_back("GAMEDAY_TIMEOUT_NS=" +
                                                 std::to_string(timeout_.count()));
    started_ = doors_.clock.now().boot;
    settled_ = started_;
    last_look_ = doors_.clock.now();
    recorder_.emplace(RecorderTerms{started_, 1, nullptr, nullptr, std::move(each_window)});
    hears_ = std::thread([this] { hear(); });
    runs_ = std::thread([this] { run(); });
    return wait_for_all(until);
  }

  void end() override {
    {
      const std::lock_guard lock(mutex_);
      if (!asked_) asked_ = doors_.clock.now().boot;
    }
    wake_.request();
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, timeout_ + kEnds, [this] { return ended_.has_value(); });
    }
    kill_.request();
    finish();
  }

  std::string problem() const override {
    const std::lock_guard lock(mutex_);
    return problem_;
  }
  Instant started() const override { return started_; }
  const std::vector<Sample>& samples() const override { return samples_; }
  const std::vector<Sample>& writes() const override { return samples_; }
  const std::vector<Instant>& clock_jumps() const override { return clock_jumps_; }
  const Carried& carried() const override { return carried_; }
  std::optional<UsersRun> users() const override { return std::nullopt; }  // `told` tells of them
  const std::vector<std::string>& checks() const override { return checks_; }
  LedgerFile* ledger() override { return nullptr; }
  const Told* told() const override { return &told_; }

 private:
  Status wait_for_all(const Until& until) {
    std::unique_lock lock(mutex_);
    while (!all_here_) {
      if (ended_) return fail(ErrorCode::failed, problem_);
      if (until.stop.requested()) return fail(ErrorCode::stopped, "stopped");
      if (doors_.clock.now().boot >= until.deadline) {
        return fail(ErrorCode::timed_out, "only " + here_ + " have begun in time");
      }
      changed_.wait_for(lock, kLook);
    }
    return {};
  }

  // On a thread of its own: the process, to its end.
  void run() {
    auto ended = doors_.processes.run(carrier_.command, {kill_.stop(), Instant::max()});
    const std::lock_guard lock(mutex_);
    if (!asked_) {
      problem_ =
          carrier_.name + " has ended by itself: " + (ended ? how(*ended) : ended.error().text);
    }
    ended_ = true;
    changed_.notify_all();
  }

  // On a thread of its own: what it tells.
  void hear() {
    const TellSocket::Ears ears{[this](int teller, std::string_view line) {
                                  told_.hear(teller, line, doors_.clock.now().boot);
                                },
                                [this](int teller) { told_.left(teller, asked().has_value()); }};
    bool said = false;
    while (true) {
      const bool over = has_ended();
      socket_->work(doors_.clock.in(kLook), said ? -1 : wake_.stop().descriptor(), doors_.clock,
                    ears);
      if (asked() && !said) {
        said = true;
        told_.ends();
        socket_->say_to_all("end\n");
      }
      take_in();
      if (over) break;
    }
    // What is on its way still comes. Who tells after that has outlived the one that we started,
    // and ends when we hang up.
    const Instant patience = doors_.clock.in(kTells);
    while (!socket_->empty() && doors_.clock.now().boot < patience) {
      socket_->work(patience, -1, doors_.clock, ears);
    }
    socket_->hang_up(ears);
    take_in();
    recorder_->settle_all();
  }

  void take_in() {
    for (const Sample& sample : told_.take()) keep(sample);
    const Instant now = doors_.clock.now().boot;
    settle(now - timeout_ - kTells);
    watch_clocks();
    const std::lock_guard lock(mutex_);
    all_here_ = told_.all_are_here();
    here_ = told_.who_is_here();
    changed_.notify_all();
  }

  // What its window came too late for counts all the same; those who watch do not see it.
  void keep(Sample sample) {
    sample.seq = next_++;
    const auto asked_at = asked();
    if (asked_at && sample.due > *asked_at) return;  // of what it does to end in order
    if (sample.due < settled_) {
      late_.push_back(sample);
      return;
    }
    recorder_->due(sample.due);
    static_cast<void>(recorder_->ended(sample));
  }

  void settle(Instant next_due) {
    if (next_due <= settled_) return;
    recorder_->settle(next_due);
    const auto whole = std::chrono::floor<std::chrono::seconds>(next_due - started_);
    settled_ = std::max(settled_, started_ + whole);
  }

  void watch_clocks() {
    const Now now = doors_.clock.now();
    if (now.boot - last_look_.boot < std::chrono::seconds(1)) return;
    const Duration apart = (now.utc - last_look_.utc) - (now.boot - last_look_.boot);
    if (std::chrono::abs(apart) > clock_apart_) clock_jumps_.push_back(now.boot);
    last_look_ = now;
  }

  void finish() {
    if (runs_.joinable()) runs_.join();
    if (!hears_.joinable()) return;
    hears_.join();
    samples_ = recorder_->take_samples();
    samples_.insert(samples_.end(), late_.begin(), late_.end());
    std::ranges::stable_sort(samples_, {}, &Sample::due);
    for (std::size_t i = 0; i < samples_.size(); ++i) samples_[i].seq = i;
    carried_.by = {carrier_.name + " " + told_.version(), "a process of its own"};
    carried_.cpu = told_.cpu();
  }

  std::optional<Instant> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  bool has_ended() const {
    const std::lock_guard lock(mutex_);
    return ended_.has_value();
  }

  const Duration timeout_, clock_apart_;
  Carrier carrier_;
  const Doors& doors_;
  std::optional<TellSocket> socket_;
  StopSource kill_, wake_;
  std::thread hears_, runs_;
  // Of the thread that hears, until it has ended.
  Told told_;
  std::optional<Recorder> recorder_;
  Instant started_, settled_;
  std::uint64_t next_ = 0;
  std::vector<Sample> late_;
  std::vector<Instant> clock_jumps_;
  Now last_look_;

  const std::vector<std::string> checks_;  // none: its file checks what it likes
  std::vector<Sample> samples_;
  Carried carried_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::optional<Instant> asked_;  // to end
  std::optional<bool> ended_;
  bool all_here_ = false;
  std::string here_, problem_;
};

}  // namespace

Result<std::unique_ptr<Load>> start_told_load(const LoadTerms& terms, const Carrier& carrier,
                                              const std::string& mark, const Doors& doors,
                                              const Until& until,
                                              std::function<void(const WindowCount&)> each_window) {
  auto load = std::make_unique<ToldLoad>(terms, carrier, doors);
  if (auto started = load->start(mark, until, std::move(each_window)); !started) {
    return std::unexpected(started.error().in("load " + terms.spec.name));
  }
  return std::unique_ptr<Load>(std::move(load));
}

}  // namespace gameday
