#include "engine/load/bare_load.h"

#include <mutex>
#include <thread>

#include "engine/load/bound_transport.h"
#include "engine/load/closed_loop.h"
#include "engine/load/sender.h"

namespace gameday {
namespace {

constexpr Duration kLook = std::chrono::milliseconds(20);

class BareLoad {
 public:
  BareLoad(const BareTerms& terms, const Clock& clock, const Secrets& secrets)
      : terms_(terms), clock_(clock), pattern_(terms.request, "LOAD", "load", terms.seed, secrets) {
    run_.closed = terms.rate <= 0;
    if (run_.closed && terms.length <= Duration::zero()) run_.planned = terms.most;
    if (!run_.closed) run_.planned = due_within(terms.rate, terms.length);
  }

  Status start(const EachSecond& each) {
    TRY_OK(pattern_.tried());
    if (const std::size_t most = most_connections_here(); terms_.connections > most) {
      return fail(ErrorCode::refused,
                  std::to_string(terms_.connections) + " connections are more than the " +
                      std::to_string(most) + " that this process may have open",
                  "ask for fewer, or raise the hard limit: ulimit -Hn");
    }
    const std::size_t wanted =
        terms_.connections > 0 ? terms_.connections : connections_for(terms_.rate);
    TRY(made, make_http_transport(clock_, wanted, pattern_));
    run_.carried.by = made.choice;
    transport_ = std::make_unique<BoundTransport>(std::move(made.transport), clock_,
                                                  run_.closed ? terms_.most : 0);
    run_.started = clock_.now();
    gatherer_.emplace(run_.started.boot, each);
    recorder_ = std::make_unique<Recorder>(recorder_terms());
    if (run_.closed) {
      closed_ =
          std::make_unique<ClosedLoop>(terms_.timeout, pattern_, *transport_, *recorder_, clock_);
    } else {
      const Schedule schedule{terms_.rate, terms_.arrivals, terms_.seed, run_.started.boot};
      SendLimits limits;
      if (terms_.arrivals == Arrivals::constant) limits.most = *run_.planned;
      open_ = std::make_unique<Sender>(schedule, terms_.timeout, pattern_, *transport_, *recorder_,
                                       clock_, std::move(limits));
    }
    thread_ = std::thread([this] { run(); });
    return {};
  }

  // Until it is over; a wanted stop ends it before its time.
  LoadRun watched(const BareWatch& watch) {
    const bool timed = terms_.length > Duration::zero();
    const Instant end = timed ? run_.started.boot + terms_.length : Instant::max();
    std::optional<Instant> ended;
    bool asked = false;
    while (!over_) {
      const Instant now = clock_.now().boot;
      if (!asked && watch.stop_wanted && watch.stop_wanted()) {
        asked = true;
        run_.stopped = !ended && now < end;  // what comes when all was due is no stop
        if (run_.stopped) ended = now;
        end_all();
        transport_->give_up(now + kStopGrace);
      }
      if (!ended && now >= end) {
        ended = end;
        end_all();
      }
      (void)clock_.sleep({Stop(), clock_.in(kLook)});
      take_windows(watch.each_window);
    }
    thread_.join();
    take_windows(watch.each_window);
    return result(ended.value_or(last_end_));
  }

 private:
  RecorderTerms recorder_terms() {
    RecorderTerms terms;
    terms.started = run_.started.boot;
    terms.rate = run_.closed ? 1e6 : terms_.rate;
    terms.keeps_samples = terms_.keeps_samples;
    terms.each_sample = [this](const Sample& sample) {
      run_.errors.add(sample, terms_.timeout, transport_->gave_up());
      run_.late += sample.send_lag() > kOnTime;
      last_end_ = std::max(last_end_, sample.end);
    };
    terms.each_window = [this](const WindowCount& window) {
      const std::lock_guard lock(mutex_);
      windows_.push_back(window);
      if (open_ != nullptr) jumps_ = open_->clock_jumps();
    };
    return terms;
  }

  // On a thread of its own. A closed one never sleeps, and would keep others from running if it
  // went first.
  void run() {
    if (!run_.closed) go_first();
    run_.closed ? closed_->run() : open_->run();
    run_.carried.cpu = thread_cpu_time();
    over_ = true;
  }

  void take_windows(const std::function<void(const WindowCount&)>& each) {
    std::vector<WindowCount> windows;
    std::vector<Instant> jumps;
    {
      const std::lock_guard lock(mutex_);
      windows.swap(windows_);
      jumps = jumps_;
    }
    for (auto& window : windows) {
      if (each) each(window);
      gatherer_->add(std::move(window), jumps);
    }
  }

  void end_all() { run_.closed ? closed_->end() : open_->end(); }

  LoadRun result(Instant ended) {
    gatherer_->finish(run_, run_.closed ? std::vector<Instant>() : open_->clock_jumps());
    run_.samples = recorder_->take_samples();
    const bool constant = !run_.closed && terms_.arrivals == Arrivals::constant;
    const bool whole = run_.closed ? transport_->done() : run_.due == run_.planned;
    // The last one is due before the end, and may have been answered by then.
    if (whole && constant && !run_.stopped) ended = run_.started.boot + terms_.length;
    run_.length = ended - run_.started.boot;
    if (!whole && !transport_->gave_up()) {
      run_.problem = run_.closed ? closed_->problem() : open_->problem();
    }
    // Poisson's are as many as chance had it; of a load that was stopped, those of its time.
    if (run_.planned && (run_.stopped || (!run_.closed && !constant))) {
      run_.planned = run_.due;
      if (constant) run_.planned = std::max(run_.due, due_within(terms_.rate, run_.length));
    }
    if (run_.planned) run_.errors.not_sent += *run_.planned - run_.due;
    return std::move(run_);
  }

  const BareTerms terms_;
  const Clock& clock_;
  const RequestPattern pattern_;
  LoadRun run_;
  Instant last_end_{};
  std::optional<RunGatherer> gatherer_;
  std::unique_ptr<BoundTransport> transport_;
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<Sender> open_;
  std::unique_ptr<ClosedLoop> closed_;
  std::mutex mutex_;
  std::vector<WindowCount> windows_;
  std::vector<Instant> jumps_;
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

}  // namespace

std::uint64_t due_within(double rate, Duration length) {
  // Rounded as the scheduler does it: a nanosecond may be the difference of one request.
  const auto about = static_cast<std::uint64_t>(static_cast<long double>(rate) *
                                                static_cast<long double>(length.count()) / 1e9L);
  const auto due = [&](std::uint64_t index) {
    return Duration(static_cast<Duration::rep>(static_cast<long double>(index) * 1e9L / rate));
  };
  std::uint64_t count = about > 2 ? about - 2 : 0;
  while (due(count) < length) ++count;
  return count;
}

Result<LoadRun> run_bare_load(const BareTerms& terms, const Clock& clock, const Secrets& secrets,
                              const BareWatch& watch) {
  BareLoad load(terms, clock, secrets);
  TRY_OK(load.start(watch.each_settled));
  return load.watched(watch);
}

}  // namespace gameday
