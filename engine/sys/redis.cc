#include "engine/sys/redis.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>

#include "engine/sys/stream_socket.h"
#include "engine/sys/tls.h"

namespace gameday {
namespace {

constexpr int kLargestPort = 65535;

std::unexpected<Error> no_address(std::string_view written) {
  return fail(ErrorCode::invalid, "'" + std::string(written) +
                                      "' is no address of a Redis server: host:port, or the "
                                      "path of its socket");
}

// "CONFIG SET", and no value, which may be a secret.
std::string named(const RedisCommand& command) { return command.empty() ? "" : command.front(); }

Result<Descriptor> line_to(const RedisAddress& address, const Clock& clock, const Until& until) {
  if (!address.socket.empty()) return connected_to_path(address.socket, clock, until);
  return connected_to_host(address.host, address.port, clock, until);
}

}  // namespace

Result<RedisAddress> redis_address_of(std::string_view written) {
  RedisAddress address;
  if (written.starts_with('/')) {
    address.socket = written;
    return address;
  }
  std::string_view host = written, port;
  const bool bracketed = written.starts_with('[');
  const auto colon = bracketed ? written.find("]:") : written.rfind(':');
  if (bracketed) {
    const auto closed = written.find(']');
    if (closed == written.npos) return no_address(written);
    host = written.substr(1, closed - 1);
    if (closed + 1 < written.size()) {
      if (colon != closed) return no_address(written);
      port = written.substr(closed + 2);
    }
  } else if (colon != written.npos) {
    host = written.substr(0, colon);
    port = written.substr(colon + 1);
  }
  if (host.empty() || host.contains('/') || (!bracketed && host.contains(':'))) {
    return no_address(written);
  }
  address.host = host;
  if (host.size() == written.size() || (bracketed && port.empty() && written.ends_with(']'))) {
    return address;
  }
  const auto [end, wrong] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  const bool whole = wrong == std::errc() && end == port.data() + port.size();
  if (!whole || address.port < 1 || address.port > kLargestPort) return no_address(written);
  return address;
}

std::string shown(const RedisAddress& address) {
  if (!address.socket.empty()) return "Redis at " + address.socket;
  const bool six = address.host.contains(':');
  return "Redis at " + (six ? "[" + address.host + "]" : address.host) + ":" +
         std::to_string(address.port);
}

struct Redis::Connection {
  RedisAddress address;
  const Clock& clock;
  Until until;
  WriteObserver observer;
  std::optional<TlsTunnel> tunnel = {};
  Descriptor line = {};
  RedisReader reader = {};
  bool lost = false;

  void told(Side side) const {
    if (observer) observer("redis", side);
  }
  // A connection that an answer may still come on to another question is no more to be used.
  std::unexpected<Error> broken(const Error& why) {
    lost = true;
    line.reset();
    return std::unexpected(why.in(shown(address)));
  }

  Status send_all(std::string_view bytes) {
    if (lost) return broken({ErrorCode::failed, "the connection has ended", ""});
    while (!bytes.empty()) {
      const auto ready = wait_for(line.get(), POLLOUT, clock, until);
      if (!ready) return broken(ready.error());
      const auto sent = send(line.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        return broken(system_error(errno, "cannot send"));
      }
      bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
    }
    return {};
  }

  // What has come next, in `room`; at least a byte.
  Result<std::string_view> more(std::span<char> room) {
    while (true) {
      const auto ready = wait_for(line.get(), POLLIN, clock, until);
      if (!ready) return broken(ready.error());
      const ssize_t came = recv(line.get(), room.data(), room.size(), MSG_DONTWAIT);
      if (came < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (came < 0) return broken(system_error(errno, "cannot read"));
      if (came == 0) return broken({ErrorCode::failed, "the server has closed", ""});
      return std::string_view(room.data(), static_cast<std::size_t>(came));
    }
  }

  Result<RedisReply> receive() {
    while (true) {
      auto whole = reader.take();
      if (!whole) return broken(whole.error());
      if (*whole) return std::move(**whole);
      char room[64 << 10];
      TRY(bytes, more(room));
      reader.add(bytes);
    }
  }

  Result<bool> receive_rdb(const RdbSink& take) {
    RdbStream stream;
    std::vector<char> room(256 << 10);
    while (true) {
      auto bytes = more(room);
      if (!bytes) {
        return std::unexpected(
            bytes.error().in("after " + std::to_string(stream.taken()) + " bytes of its dump"));
      }
      const auto whole = stream.add(*bytes, take);
      if (!whole) return broken(whole.error());
      if (!*whole) continue;
      lost = true;
      line.reset();
      return stream.without_a_file();
    }
  }

  Result<std::vector<RedisReply>> say_all(std::span<const RedisCommand> commands) {
    std::string words;
    for (const auto& command : commands) words += redis_words(command);
    TRY_OK(send_all(words));
    std::vector<RedisReply> replies;
    for (std::size_t at = 0; at < commands.size(); ++at) {
      TRY(reply, receive());
      replies.push_back(std::move(reply));
    }
    return replies;
  }
  [[nodiscard]] Error refusal(const RedisCommand& command, const RedisReply& reply) const {
    return error_of(reply).in(shown(address) + ": " + named(command));
  }
};

Redis::Redis(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
Redis::Redis(Redis&&) noexcept = default;
Redis& Redis::operator=(Redis&&) noexcept = default;
Redis::~Redis() = default;

const RedisAddress& Redis::address() const { return connection_->address; }

Result<Redis> Redis::connect(const RedisAddress& address, const Clock& clock, const Until& until,
                             WriteObserver observer) {
  auto made = std::make_unique<Connection>(Connection{address, clock, until, std::move(observer)});
  if (address.tls && !address.socket.empty()) {
    return fail(ErrorCode::invalid, shown(address) + ": a Unix socket has no TLS");
  }
  auto line = line_to(address, clock, until);
  if (line && address.tls) {
    auto opened = TlsTunnel::open(std::move(*line), {address.host, address.ca}, clock, until);
    if (opened) line = opened->take();
    if (opened) made->tunnel = std::move(*opened);
    if (!opened) line = std::unexpected(opened.error());
  }
  if (!line) return std::unexpected(line.error().in(shown(address) + ": cannot connect"));
  made->line = std::move(*line);
  Redis redis(std::move(made));
  if (!address.password.empty()) {
    // Servers before 6 know no users, and take a password alone.
    RedisCommand who{"AUTH"};
    if (!address.user.empty()) who.push_back(address.user);
    who.push_back(address.password);
    TRY(let_in, redis.ask(who));
  }
  if (address.database != 0) {
    TRY(chosen, redis.ask({"SELECT", std::to_string(address.database)}));
  }
  return redis;
}

Result<std::vector<RedisReply>> Redis::say_all(std::span<const RedisCommand> commands) {
  return connection_->say_all(commands);
}

Result<RedisReply> Redis::say(const RedisCommand& command) {
  TRY(replies, connection_->say_all({&command, 1}));
  return std::move(replies.front());
}

Result<bool> Redis::answers_while(const RedisCommand& command, const std::function<Status()>& work,
                                  Duration patience) {
  TRY_OK(connection_->send_all(redis_words(command)));
  TRY_OK(work());
  const Until whole = connection_->until;
  connection_->until.deadline = std::min(whole.deadline, connection_->clock.in(patience));
  const bool ours = connection_->until.deadline < whole.deadline;
  const auto reply = connection_->receive();
  connection_->until = whole;
  if (!reply && ours && reply.error().code == ErrorCode::timed_out) return false;
  if (!reply) return std::unexpected(reply.error());
  if (reply->is_error() && error_of(*reply).code == ErrorCode::refused) {
    return std::unexpected(connection_->refusal(command, *reply));
  }
  return true;
}

Result<RedisReply> Redis::ask(const RedisCommand& command) {
  TRY(reply, say(command));
  if (reply.is_error()) return std::unexpected(connection_->refusal(command, reply));
  return reply;
}

Result<RedisReply> Redis::change(const RedisCommand& command) {
  connection_->told(Side::before);
  auto done = ask(command);
  connection_->told(Side::after);
  return done;
}

Result<std::vector<RedisReply>> Redis::change_all(std::span<const RedisCommand> commands) {
  connection_->told(Side::before);
  auto done = say_all(commands);
  connection_->told(Side::after);
  return done;
}

Result<std::vector<RedisReply>> Redis::transact(std::span<const RedisCommand> commands) {
  std::vector<RedisCommand> all{{"MULTI"}};
  all.insert(all.end(), commands.begin(), commands.end());
  all.push_back({"EXEC"});
  TRY(replies, change_all(all));
  RedisReply& done = replies.back();
  // Why it was not done says the first that was not queued.
  for (std::size_t at = 0; at < replies.size() && done.is_error(); ++at) {
    if (replies[at].is_error()) return std::unexpected(connection_->refusal(all[at], replies[at]));
  }
  if (done.kind != RedisReply::Kind::list) {
    return fail(ErrorCode::conflict,
                shown(address()) + ": what is watched was changed meanwhile, and nothing was done");
  }
  return std::move(done.items);
}

Status Redis::may(std::span<const RedisCommand> commands) {
  TRY(replies, say_all(commands));
  for (std::size_t at = 0; at < replies.size(); ++at) {
    if (!replies[at].is_error()) continue;
    const Error why = error_of(replies[at]);
    if (why.code != ErrorCode::refused && why.code != ErrorCode::unsupported) continue;
    // Nothing in them is a secret: they are about nobody's keys.
    const std::string what = commands[at].size() > 1 ? " " + commands[at][1] : "";
    return std::unexpected(why.in(shown(address()) + ": " + named(commands[at]) + what));
  }
  return {};
}

Result<bool> Redis::receive_rdb(const RdbSink& take) {
  // One that knows it closes by itself once it has sent all, and keeps no changes for us.
  TRY(only, say({"REPLCONF", "rdb-only", "1"}));
  if (error_of(only).code == ErrorCode::refused) {
    return std::unexpected(connection_->refusal({"REPLCONF"}, only));
  }
  TRY(streams, ask({"REPLCONF", "capa", "eof"}));
  TRY_OK(connection_->send_all(redis_words({"PSYNC", "?", "-1"})));
  return connection_->receive_rdb(take);
}

}  // namespace gameday
