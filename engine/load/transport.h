// Carries the requests of a load and tells how each ended. It never waits for one request before
// another, never sends one twice, and knows nothing of schedules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/load/load_client.h"
#include "engine/load/sample.h"
#include "engine/playbook/playbook.h"
#include "engine/sys/clock.h"

namespace gameday {

class RequestPattern;  // request_pattern.h

struct TransportRequest {
  std::size_t ticket = 0;  // by which the sender knows it again; of no meaning to the transport
  std::uint64_t seq = 0;   // what the pattern is filled in for
  const RequestPattern* pattern = nullptr;  // outlives the transport
  Instant give_up;  // no answer by then: unknown, or not_sent if nothing was sent
};
struct TransportAnswer {
  std::size_t ticket = 0;
  Instant end;
  SampleOutcome outcome = SampleOutcome::not_sent;
  int status = 0;
  // When it was put on its way, where that is later than `send`.
  std::optional<Instant> sent = {};
  std::uint16_t failed = 0;  // the check that it failed, by its number (answer_checks.h)
};
// Of one thread; only `wake` may be called from another.
class Transport {
 public:
  virtual ~Transport() = default;
  [[nodiscard]] virtual bool full() const = 0;  // no connection is left for one more
  [[nodiscard]] virtual std::size_t in_flight() const = 0;
  // Puts it on its way now. Only while not full. An error: it cannot be made, as where a secret
  // cannot be had; nothing is sent then, and no answer comes.
  [[nodiscard]] virtual Status send(const TransportRequest& request) = 0;
  // Works until `until`, an answer or `wake`, and gives the answers that have come to `each`, which
  // must not call back.
  virtual void work(Instant until, const std::function<void(const TransportAnswer&)>& each) = 0;
  virtual void wake() = 0;
  // As far as the transport knows, by reason, the first ones first; bounded.
  [[nodiscard]] virtual std::vector<Unanswered> unanswered() const { return {}; }
};

// HTTP/1.1 by libcurl: connections are kept and opened on demand, `most_connections` at most, with
// no proxies from the environment and no redirects. Of an answer only what checks look at is kept.
[[nodiscard]] Result<std::unique_ptr<Transport>> make_curl_transport(const Clock& clock,
                                                                     std::size_t most_connections);

struct PlainHttp;  // http_request.h

// Which kind carries a load on any machine, for the plan: "sockets", "libcurl", "clients" or
// "process".
[[nodiscard]] std::string transport_of(const LoadSpec& load);

// Which one does on this machine, and why: "io_uring", "epoll", "libcurl", "clients" or what a row
// is called that carries it.
struct TransportChoice {
  std::string name;
  std::string why;
};
[[nodiscard]] TransportChoice transport_here(const LoadSpec& load);

// The same over sockets of our own, with TLS where the server wants it: a fraction of the cost.
// `invalid`: what TLS is to trust cannot be read.
[[nodiscard]] Result<std::unique_ptr<Transport>> make_epoll_transport(const Clock& clock,
                                                                      std::size_t most_connections,
                                                                      const PlainHttp& to);

constexpr unsigned kPieces = 512;

// The same over io_uring(7): where many requests are on their way, one wait is for many answers,
// with room for so many pieces of them. `unsupported`, with the reason: the kernel is too old, or
// refuses it.
[[nodiscard]] Result<std::unique_ptr<Transport>> make_uring_transport(const Clock& clock,
                                                                      std::size_t most_connections,
                                                                      const PlainHttp& to,
                                                                      unsigned pieces = kPieces);

// The better of these two that this machine has.
struct ChosenTransport {
  TransportChoice choice;
  std::unique_ptr<Transport> transport;
};
[[nodiscard]] Result<ChosenTransport> make_socket_transport(const Clock& clock,
                                                            std::size_t most_connections,
                                                            const PlainHttp& to);

// The best one for requests of that pattern over HTTP.
// As many connections as this process may have beside what else it has open, if that is fewer.
[[nodiscard]] Result<ChosenTransport> make_http_transport(const Clock& clock,
                                                          std::size_t most_connections,
                                                          const RequestPattern& pattern);

// On a busy machine our own lateness would spoil what we measure, so a thread that sends goes first
// where we have the right; it sleeps nearly all the time, and the kernel keeps a share of each
// second for others. Without the right, windows are marked.
void go_first();

// By blocking clients, each on a thread of its own: `most_connections` at most, opened on demand
// and closed after some seconds without work, since servers end those who say nothing. Given a stop
// and a deadline, `connect` makes one. Whatever waits longer than its request may is stopped, and
// its connection is of no more use.
using ConnectLoad = std::function<Result<std::unique_ptr<LoadClient>>(const Until& until)>;
[[nodiscard]] Result<std::unique_ptr<Transport>> make_client_transport(const Clock& clock,
                                                                       std::size_t most_connections,
                                                                       ConnectLoad connect);

// As many as must be open to ride out a stall of 2 s without queueing inside of us, within reason.
[[nodiscard]] std::size_t connections_for(double rate);
// So many a load may have in this process, which is allowed as many descriptors as it may have.
[[nodiscard]] std::size_t most_connections_here();
// The same for so many closed users, of whom each has one request on its way at most.
[[nodiscard]] std::size_t connections_for_users(std::uint64_t users);
// The same of clients for as long as a request may take. A server has a process or the like for
// each of them, so they are few; where more requests wait, their lag is ours, and is marked.
[[nodiscard]] std::size_t clients_for(double rate, Duration timeout);

}  // namespace gameday
