#include "engine/load/connections.h"

#include <string.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>

#include "engine/base/assert.h"
#include "engine/load/wire_request.h"

namespace gameday {
namespace {

constexpr std::size_t kMostReasons = 32;

}  // namespace

using Stage = Connection::Stage;

std::string why_broken(const Connection& connection) {
  const std::string problem = connection.problem();
  return problem.empty() ? "what the server says is no answer in HTTP/1.1" : problem;
}

std::string_view why_late(const Connection& connection) {
  if (!connection.starved_of.empty()) return connection.starved_of;
  if (connection.stage == Stage::connecting) {
    return connection.socket ? "no connection in time" : "its name was not looked up in time";
  }
  return connection.said_some() ? "no answer in time" : "the server did not take it in time";
}

Result<std::unique_ptr<TlsClient>> tls_for(const PlainHttp& to) {
  if (!to.tls) return std::unique_ptr<TlsClient>();
  return TlsClient::make(to.host);
}

Result<std::shared_ptr<const Descriptor>> wake_up() {
  auto made = std::make_shared<const Descriptor>(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!*made) return std::unexpected(system_error(errno, "load"));
  return made;
}

Result<Connection*> Connections::loaded(const TransportRequest& request) {
  GD_ASSERT(!full());
  const WireRequest* wire = request.pattern->wire(request.seq);
  GD_ASSERT(wire != nullptr);
  Connection& connection = free_one();
  if (auto written = wire->write(request.seq, connection.out); !written) {
    connection.stage == Stage::idle ? rests(connection) : closed(connection);
    return std::unexpected(written.error());
  }
  connection.ticket = request.ticket;
  connection.give_up = request.give_up;
  connection.holds_secrets = wire->holds_secrets();
  connection.begins(wire->to_head(), request.pattern->checks(request.seq));
  ++in_flight_;
  return &connection;
}

Connection& Connections::loaded_again(Connection& from) {
  Connection& connection = free_one();
  connection.ticket = from.ticket;
  connection.give_up = from.give_up;
  connection.holds_secrets = from.holds_secrets;
  connection.begins_as(from);
  return connection;
}

void Connections::takes(Connection& connection, Stage stage) {
  if (connection.stage == Stage::connecting) {
    connection.stage = stage;  // its place among those to be given up is the same
    return;
  }
  connection.stage = stage;
  // Nearly always the last one: they come in the order of their due times.
  std::uint32_t place = busy_.last;
  while (place != Connection::kNone && all_[place].give_up > connection.give_up) {
    place = all_[place].before;
  }
  put_behind(busy_, place, connection);
}

void Connections::told(const TransportAnswer& answer) {
  --in_flight_;
  told_.push_back(answer);
}

void Connections::answered(Connection& connection, Instant at) {
  const Judged judged = connection.judged();
  told({connection.ticket, at, judged.outcome, connection.status(), connection.sent_at,
        judged.failed});
}

void Connections::lost(Connection& connection, std::string_view why) {
  const auto known = std::ranges::find(unanswered_, why, &Unanswered::why);
  if (known != unanswered_.end()) {
    ++known->requests;
  } else if (unanswered_.size() < kMostReasons) {
    unanswered_.push_back({std::string(why), 1});
  }
  const auto outcome = connection.said_some() ? SampleOutcome::unknown : SampleOutcome::not_sent;
  const Instant now = clock_.now().boot;
  // What we could not even begin is our own lateness.
  const auto sent = connection.starved_of.empty() ? connection.sent_at : now;
  told({connection.ticket, now, outcome, 0, sent, 0});
}

Connection& Connections::free_one() {
  if (idle_.last != Connection::kNone) {
    Connection& connection = all_[idle_.last];
    take_out(idle_, connection);
    return connection;
  }
  if (closed_.empty()) {
    Connection& made = all_.emplace_back();
    made.number = static_cast<std::uint32_t>(all_.size() - 1);
    return made;
  }
  Connection& connection = all_[closed_.back()];
  closed_.pop_back();
  return connection;
}

void Connections::rests(Connection& connection) {
  leaves(connection);
  connection.stage = Stage::idle;
  put_behind(idle_, idle_.last, connection);
}

void Connections::leaves(Connection& connection) {
  if (connection.holds_secrets) explicit_bzero(connection.out.data(), connection.out.size());
  connection.holds_secrets = false;
  take_out(connection.stage == Stage::idle ? idle_ : busy_, connection);
}

void Connections::closed(Connection& connection) {
  connection.stage = Stage::closed;
  connection.forgets();
  closed_.push_back(connection.number);
}

Connection* Connections::overdue(Instant now) {
  if (next_give_up() > now) return nullptr;
  return &all_[busy_.first];
}

Instant Connections::next_give_up() const {
  return busy_.first == Connection::kNone ? Instant::max() : all_[busy_.first].give_up;
}

void Connections::give_out(const std::function<void(const TransportAnswer&)>& each) {
  given_.clear();
  std::swap(given_, told_);
  for (const auto& answer : given_) each(answer);
}

void Connections::put_behind(List& list, std::uint32_t place, Connection& connection) {
  connection.before = place;
  std::uint32_t& next = place == Connection::kNone ? list.first : all_[place].after;
  connection.after = next;
  next = connection.number;
  (connection.after == Connection::kNone ? list.last : all_[connection.after].before) =
      connection.number;
}

void Connections::take_out(List& list, Connection& connection) {
  const bool first = list.first == connection.number;
  if (!first && connection.before == Connection::kNone) return;  // it stands in none
  (first ? list.first : all_[connection.before].after) = connection.after;
  const bool last = connection.after == Connection::kNone;
  (last ? list.last : all_[connection.after].before) = connection.before;
  connection.before = connection.after = Connection::kNone;
}

}  // namespace gameday
