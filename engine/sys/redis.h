// The door to Redis: RESP2 over a socket of our own, since the library that Debian has knows no TLS
// and cannot be stopped. It knows no key of anybody's.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/sys/clock.h"
#include "engine/sys/files.h"
#include "engine/sys/rdb_stream.h"
#include "engine/sys/redis_reply.h"

namespace gameday {

struct RedisAddress {
  std::string socket = {};  // a Unix socket's path; empty: host and port
  std::string host = {};
  int port = 6379;
  bool tls = false;
  std::string ca = {};    // a file of certificates in PEM; empty: those that this machine trusts
  std::string user = {};  // empty: the server's default one
  std::string password = {};  // empty: we do not say who we are
  int database = 0;
};
// Of "host:port", "host", "[::1]:port", or the path of a Unix socket, which begins with a slash.
[[nodiscard]] Result<RedisAddress> redis_address_of(std::string_view written);
[[nodiscard]] std::string shown(const RedisAddress& address);

using RedisCommand = std::vector<std::string>;

// One connection, for one thread at a time. Every call ends by the `until` of `connect`; after an
// error of the connection itself (timed_out, stopped, failed) it is of no more use.
class Redis {
 public:
  // Connected, with who we are told and the database chosen.
  [[nodiscard]] static Result<Redis> connect(const RedisAddress& address, const Clock& clock,
                                             const Until& until, WriteObserver observer = {});
  Redis(Redis&&) noexcept;
  Redis& operator=(Redis&&) noexcept;
  ~Redis();

  // Whatever it answers, an error of its own too.
  [[nodiscard]] Result<RedisReply> say(const RedisCommand& command);
  // The same of several, sent at once.
  [[nodiscard]] Result<std::vector<RedisReply>> say_all(std::span<const RedisCommand> commands);
  // Whether anything has been answered to it when `work`, which may take its time, is done and
  // `patience` has passed. Where nothing has, the connection is of no more use.
  [[nodiscard]] Result<bool> answers_while(const RedisCommand& command,
                                           const std::function<Status()>& work, Duration patience);
  // An error of the server's is one, as error_of() has it, and names the command.
  [[nodiscard]] Result<RedisReply> ask(const RedisCommand& command);
  // The same of what changes something: the observer is told "redis" around it.
  [[nodiscard]] Result<RedisReply> change(const RedisCommand& command);
  [[nodiscard]] Result<std::vector<RedisReply>> change_all(std::span<const RedisCommand> commands);
  // All of them or none, as MULTI and EXEC have it; what one of them answers may still be an error.
  // `conflict`: a key that this connection watches has changed, and nothing was done.
  [[nodiscard]] Result<std::vector<RedisReply>> transact(std::span<const RedisCommand> commands);
  // Whether the server lets us say each of these. They are said: it looks for the right first, so
  // they are such as it then finds wrong, or that change nothing. No right to look is needed.
  [[nodiscard]] Status may(std::span<const RedisCommand> commands);
  // All that it has at one moment, as RDB, asked for as a replica does; nothing has been asked on
  // this connection that is not answered, and it is of no more use afterwards. `failed`: it ended
  // before its dump did. Whether the server wrote no file of its own for it.
  [[nodiscard]] Result<bool> receive_rdb(const RdbSink& take);

  [[nodiscard]] const RedisAddress& address() const;

 private:
  struct Connection;
  explicit Redis(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
};

}  // namespace gameday
