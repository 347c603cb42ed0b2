#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "engine/base/assert.h"
#include "engine/load/request_pattern.h"
#include "engine/load/transport.h"

namespace gameday {
namespace {

constexpr Duration kIdle = std::chrono::seconds(5);
constexpr Duration kEver = std::chrono::hours(24 * 365);

// What one thread works at. It is its own while it works, and the transport's otherwise.
struct Worker {
  std::thread thread;
  std::condition_variable given;
  std::optional<TransportRequest> request;  // to be taken up
  std::optional<Instant> began;             // with the one under way
  bool asked = false;                       // the system, to do it; until then, it is connecting
  std::uint64_t answered = 0;               // how many requests it is done with, or was given up
  StopSource stop;                          // of the connection
};

// Which request of which worker is given up when.
struct Deadline {
  Instant at;
  std::size_t worker = 0;
  std::uint64_t number = 0;  // of the worker's requests
  std::size_t ticket = 0;
};

class ClientTransport : public Transport {
 public:
  ClientTransport(const Clock& clock, std::size_t most, ConnectLoad connect)
      : clock_(clock), connect_(std::move(connect)) {
    GD_ASSERT(most > 0);
    for (std::size_t i = 0; i < most; ++i) {
      workers_.push_back(std::make_unique<Worker>());
      free_.push_back(most - 1 - i);
    }
    for (const auto& worker : workers_) {
      worker->thread = std::thread([this, &self = *worker] { run(self); });
    }
  }

  ~ClientTransport() override {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
      for (const auto& worker : workers_) {
        worker->stop.request();
        worker->given.notify_one();
      }
    }
    for (const auto& worker : workers_) worker->thread.join();
  }

  bool full() const override {
    const std::lock_guard lock(mutex_);
    return free_.empty();
  }
  std::size_t in_flight() const override {
    const std::lock_guard lock(mutex_);
    return in_flight_;
  }

  Status send(const TransportRequest& request) override {
    const std::lock_guard lock(mutex_);
    // The one that worked last: those that are not needed lose their connections.
    const std::size_t number = free_.back();
    free_.pop_back();
    Worker& worker = *workers_[number];
    const Deadline deadline{request.give_up, number, worker.answered, request.ticket};
    const auto after = std::ranges::upper_bound(deadlines_, deadline.at, {}, &Deadline::at);
    deadlines_.insert(after, deadline);
    worker.request = request;
    ++in_flight_;
    worker.given.notify_one();
    return {};
  }

  void work(Instant until, const std::function<void(const TransportAnswer&)>& each) override {
    std::unique_lock lock(mutex_);
    while (answers_.empty() && !woken_) {
      give_up_overdue();
      const Instant now = clock_.now().boot;
      if (!answers_.empty() || now >= until) break;
      const Instant next = deadlines_.empty() ? until : std::min(until, deadlines_.front().at);
      something_.wait_for(lock, std::max<Duration>(next - now, Duration(1)));
    }
    woken_ = false;
    const auto answers = std::exchange(answers_, {});
    in_flight_ -= answers.size();
    lock.unlock();
    for (const auto& answer : answers) each(answer);
  }

  void wake() override {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    something_.notify_one();
  }

 private:
  // Answered for those who do not answer in time, and stopped.
  void give_up_overdue() {
    const Instant now = clock_.now().boot;
    while (!deadlines_.empty()) {
      const Deadline first = deadlines_.front();
      Worker& worker = *workers_[first.worker];
      const bool settled = worker.answered != first.number;
      if (!settled && first.at > now) return;
      deadlines_.pop_front();
      if (settled) continue;
      TransportAnswer answer{first.ticket, now, SampleOutcome::unknown};
      if (!worker.asked) answer.outcome = SampleOutcome::not_sent;
      answer.sent = worker.began.value_or(now);  // never begun: that is our own lateness
      answers_.push_back(answer);
      ++worker.answered;
      worker.stop.request();
    }
  }

  void run(Worker& self) {
    go_first();
    std::unique_ptr<LoadClient> client;
    while (true) {
      std::unique_lock lock(mutex_);
      if (!given(self, lock)) {
        if (over_) return;
        lock.unlock();
        client.reset();
        continue;
      }
      const TransportRequest request = *self.request;
      self.request.reset();
      const Instant began = clock_.now().boot;
      if (client == nullptr) self.stop = StopSource();
      const std::uint64_t number = self.answered;
      const bool in_time = began < request.give_up;
      if (in_time) self.began = began;
      const Stop stop = self.stop.stop();
      lock.unlock();

      // Too late for it, the connection was stopped with it.
      const Written written =
          in_time ? done(self, client, request, stop) : Written{SampleOutcome::not_sent, false};
      TransportAnswer answer{request.ticket, clock_.now().boot, written.outcome};
      answer.sent = began;
      if (!written.usable) client.reset();

      lock.lock();
      if (self.answered != number) {
        client.reset();  // it was given up meanwhile
      } else if (in_time) {
        ++self.answered;
        answers_.push_back(answer);
      }
      finish(self);
    }
  }

  // Whether there is something to do; false: the transport is over, or nothing was for long.
  bool given(Worker& self, std::unique_lock<std::mutex>& lock) const {
    const auto ready = [&] { return over_ || self.request.has_value(); };
    return self.given.wait_for(lock, kIdle, ready) && !over_;
  }

  Written done(Worker& self, std::unique_ptr<LoadClient>& client, const TransportRequest& request,
               const Stop& stop) {
    if (client == nullptr) {
      auto connected = connect_({stop, clock_.in(kEver)});
      if (!connected) return {SampleOutcome::not_sent, false};
      client = std::move(*connected);
    }
    {
      const std::lock_guard lock(mutex_);
      if (stop.requested()) return {SampleOutcome::not_sent, false};
      self.asked = true;
    }
    return client->write(request.pattern->names(request.seq));
  }

  void finish(Worker& self) {
    self.began.reset();
    self.asked = false;
    const auto is = [&](const auto& worker) { return worker.get() == &self; };
    const auto at = std::ranges::find_if(workers_, is) - workers_.begin();
    free_.push_back(static_cast<std::size_t>(at));
    something_.notify_one();
  }

  const Clock& clock_;
  const ConnectLoad connect_;
  std::vector<std::unique_ptr<Worker>> workers_;

  mutable std::mutex
      mutex_;  // guards what is below, and the workers' parts that are not a thread's
  std::condition_variable something_;
  std::vector<std::size_t> free_;
  std::deque<Deadline> deadlines_;  // in order
  std::vector<TransportAnswer> answers_;
  std::size_t in_flight_ = 0;  // until `work` has told of them
  bool woken_ = false;
  bool over_ = false;
};

}  // namespace

void go_first() {
  (void)prctl(PR_SET_TIMERSLACK, 1);  // else a wait ends up to 50 us late
  sched_param first{};
  first.sched_priority = 1;
  if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &first) == 0) return;
  constexpr int kNice = -10;
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);
}

std::size_t clients_for(double rate, Duration timeout) {
  constexpr double kSpare = 2, kMost = 32;
  return static_cast<std::size_t>(std::min(kMost, std::ceil(rate * seconds(timeout)) + kSpare));
}

Result<std::unique_ptr<Transport>> make_client_transport(const Clock& clock,
                                                         std::size_t most_connections,
                                                         ConnectLoad connect) {
  return std::unique_ptr<Transport>(
      std::make_unique<ClientTransport>(clock, most_connections, std::move(connect)));
}

}  // namespace gameday
