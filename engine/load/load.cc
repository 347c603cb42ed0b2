#include "engine/load/load.h"

#include <algorithm>
#include <mutex>
#include <thread>

#include "engine/load/http_request.h"
#include "engine/load/intents.h"
#include "engine/load/request_mix.h"
#include "engine/load/sender.h"
#include "engine/load/user_loop.h"

namespace gameday {
namespace {

// The parts in the order in which they need each other, so that they end in the other one.
class RunningLoad : public Load {
 public:
  RunningLoad(LoadTerms terms, const Clock& clock, const Secrets& secrets)
      : terms_(std::move(terms)),
        clock_(clock),
        pattern_(terms_.spec, terms_.drill, terms_.seed, secrets) {}

  ~RunningLoad() override { end(); }
  RunningLoad(const RunningLoad&) = delete;
  RunningLoad& operator=(const RunningLoad&) = delete;

  Status start(std::function<void(const WindowCount&)> each_window) {
    // What cannot be revealed now would fail at the first request.
    if (!terms_.connect) TRY_OK(pattern_.tried());
    TRY(made, make_transport());
    carried_.by = made.choice;
    transport_ = std::move(made.transport);
    if (!terms_.ledger_path.empty()) TRY_OK(open_ledger());
    const Instant started = clock_.now().boot;
    started_ = started;
    recorder_ = std::make_unique<Recorder>(RecorderTerms{
        started, terms_.spec.curve(), ledger_.get(), &pattern_, std::move(each_window)});
    make_loop();
    thread_ = std::thread([this] {
      go_first();
      users_ ? users_->run() : sender_->run();
      carried_.cpu = thread_cpu_time();
    });
    return {};
  }

  void end() override {
    const std::lock_guard lock(ending_);
    if (!thread_.joinable()) return;
    users_ ? users_->end() : sender_->end();
    thread_.join();
    carried_.unanswered = transport_->unanswered();
    transport_.reset();  // a server may have no more connections than these
    samples_ = recorder_->take_samples();
    if (mixed()) {
      std::ranges::copy_if(samples_, std::back_inserter(writes_),
                           [&](const Sample& s) { return pattern_.mix().writes(s.seq); });
    }
    if (ledger_ != nullptr) close_ledger();
  }

  std::string problem() const override {
    std::string problem = users_ ? users_->problem() : sender_->problem();
    if (problem.empty() && intents_ != nullptr) problem = intents_->problem();
    const std::lock_guard lock(closing_);
    return problem.empty() ? close_problem_ : problem;
  }

  Instant started() const override { return started_; }
  const std::vector<Sample>& samples() const override { return samples_; }
  const std::vector<Sample>& writes() const override { return mixed() ? writes_ : samples_; }
  const std::vector<Instant>& clock_jumps() const override {
    return users_ ? users_->clock_jumps() : sender_->clock_jumps();
  }
  const Carried& carried() const override { return carried_; }
  std::optional<UsersRun> users() const override {
    if (!users_) return std::nullopt;
    return UsersRun{terms_.spec.users->users, users_->spawned(), users_->until()};
  }
  const std::vector<std::string>& checks() const override { return pattern_.check_names(); }
  LedgerFile* ledger() override { return ledger_.get(); }

 private:
  [[nodiscard]] bool mixed() const { return !pattern_.mix().names().empty(); }
  void make_loop() {
    const LoadSpec& spec = terms_.spec;
    if (spec.users) {
      users_ =
          std::make_unique<UserLoop>(Users(*spec.users, terms_.seed, started_), spec.timeout,
                                     pattern_, *transport_, *recorder_, clock_, terms_.clock_apart);
      return;
    }
    const Schedule schedule{spec.curve(), spec.arrivals, terms_.seed, started_};
    sender_ = std::make_unique<Sender>(schedule, spec.timeout, pattern_, *transport_, *recorder_,
                                       clock_, limits());
  }

  Result<ChosenTransport> make_transport() const {
    const auto& users = terms_.spec.users;
    const auto most =
        users ? connections_for_users(users->users) : connections_for(terms_.spec.rate);
    if (!terms_.connect) {
      return make_http_transport(clock_, most, pattern_);
    }
    TRY(transport, make_client_transport(clock_, terms_.connections, terms_.connect));
    return ChosenTransport{transport_here(terms_.spec), std::move(transport)};
  }

  Status open_ledger() {
    const double rate = terms_.spec.rate * pattern_.mix().writing_share();
    const LedgerHead head{terms_.drill, terms_.spec.name,    terms_.seed,
                          rate,         terms_.spec.timeout, clock_.now()};
    TRY(ledger, create_ledger_file(terms_.ledger_path, head));
    ledger_ = std::move(ledger);
    intents_ = std::make_unique<Intents>(IntentTerms{terms_.spec.rate, terms_.most_writes},
                                         *ledger_, clock_);
    return intents_->start();
  }

  SendLimits limits() {
    SendLimits limits;
    limits.most = terms_.most_writes;
    limits.apart = terms_.clock_apart;
    if (intents_ == nullptr) return limits;
    limits.durable = [this] { return intents_->durable(); };
    limits.problem = [this] { return intents_->problem(); };
    limits.next = [this](std::uint64_t index) { intents_->next(index); };
    return limits;
  }

  void close_ledger() {
    intents_->stop();
    Status closed =
        ledger_->note(Json::object({{"type", "end"}, {"writes", Json(writes().size())}}));
    if (closed) closed = ledger_->sync();
    const std::lock_guard lock(closing_);
    if (!closed) close_problem_ = closed.error().text;
  }

  const LoadTerms terms_;
  const Clock& clock_;
  const RequestPattern pattern_;
  Instant started_;
  Carried carried_;
  std::unique_ptr<LedgerFile> ledger_;
  std::unique_ptr<Intents> intents_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<Sender> sender_;        // of an open loop
  std::unique_ptr<UserLoop> users_;       // of a closed one
  std::vector<Sample> samples_, writes_;  // writes_: of several requests
  std::mutex ending_;
  mutable std::mutex closing_;
  std::string close_problem_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Load>> start_load(LoadTerms terms, const Doors& doors,
                                         const Secrets& secrets,
                                         std::function<void(const WindowCount&)> each_window) {
  const std::string name = "load " + terms.spec.name;
  auto load = std::make_unique<RunningLoad>(std::move(terms), doors.clock, secrets);
  if (auto started = load->start(std::move(each_window)); !started) {
    return std::unexpected(started.error().in(name));
  }
  return std::unique_ptr<Load>(std::move(load));
}

}  // namespace gameday
