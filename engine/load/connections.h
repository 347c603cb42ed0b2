// The connections of a transport of our own sockets: which has no work, which carries what, and
// which request is to be given up next. It grows with what is on the way at once, and with nothing
// else.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "engine/load/connection.h"
#include "engine/load/transport.h"

namespace gameday {

// Why requests have no answer, in words.
inline constexpr std::string_view kClosed = "the server closed the connection";
inline constexpr std::string_view kSilent = "no connection in its share of the time";
[[nodiscard]] std::string why_broken(const Connection& connection);
[[nodiscard]] std::string_view why_late(const Connection& connection);

// With what TLS is spoken to it; null: with nothing.
[[nodiscard]] Result<std::unique_ptr<TlsClient>> tls_for(const PlainHttp& to);

// An eventfd(2) that is shared with whoever may write to it late.
[[nodiscard]] Result<std::shared_ptr<const Descriptor>> wake_up();

// Of one thread.
class Connections {
 public:
  Connections(const Clock& clock, std::size_t most) : clock_(clock), most_(most) {}

  [[nodiscard]] bool full() const { return in_flight_ >= most_; }
  [[nodiscard]] std::size_t in_flight() const { return in_flight_; }
  [[nodiscard]] Connection& operator[](std::uint32_t number) { return all_[number]; }

  // Gives the request to the connection that had work last, else to a closed one, which `stage`
  // tells: it is `idle` or `closed` until the caller has put it on its way by `takes`. An error:
  // the request cannot be made.
  [[nodiscard]] Result<Connection*> loaded(const TransportRequest& request);
  // The same request for another connection, since this one took no byte of it and is shut.
  [[nodiscard]] Connection& loaded_again(Connection& from);
  void takes(Connection& connection, Connection::Stage stage);  // connecting or busy

  // Its request has ended so, and that waits for `give_out`.
  void answered(Connection& connection, Instant at);        // whole
  void lost(Connection& connection, std::string_view why);  // unknown, or nothing of it was sent
  [[nodiscard]] const std::vector<Unanswered>& unanswered() const { return unanswered_; }

  void rests(Connection& connection);   // it has no work, and is good for more
  void leaves(Connection& connection);  // it stands in no list any more: it is being shut
  void closed(Connection& connection);  // it may be opened again

  // The first that is to be given up, if its time has come.
  [[nodiscard]] Connection* overdue(Instant now);
  [[nodiscard]] Instant next_give_up() const;
  [[nodiscard]] bool has_told() const { return !told_.empty(); }
  void give_out(const std::function<void(const TransportAnswer&)>& each);

 private:
  struct List {
    std::uint32_t first = Connection::kNone, last = Connection::kNone;
  };
  void put_behind(List& list, std::uint32_t place, Connection& connection);
  void take_out(List& list, Connection& connection);
  Connection& free_one();
  void told(const TransportAnswer& answer);

  const Clock& clock_;
  const std::size_t most_;
  std::deque<Connection> all_;  // by number; they stay where they are
  List idle_;                   // the one that had work last is the last one
  List busy_;                   // in the order in which they are given up
  std::vector<std::uint32_t> closed_;
  std::size_t in_flight_ = 0;
  std::vector<TransportAnswer> told_, given_;  // those that nobody has been given yet
  std::vector<Unanswered> unanswered_;
};

}  // namespace gameday
