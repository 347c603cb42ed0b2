// The door to RabbitMQ's own protocol, AMQP 0-9-1: looking at queues, making and removing them,
// taking messages out and putting them in. It knows no queue of anybody's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/sys/clock.h"
#include "engine/sys/files.h"

namespace gameday {

struct AmqpAddress {
  bool tls = false;
  std::string host;
  int port = 0;
  std::string vhost;  // "/" where the URL names none
  std::string user;
  std::string password;
  std::string ca = {};  // a file of certificates in PEM; empty: those that this machine trusts
};
// Of an amqp:// or amqps:// URL; ${...} in it stays as it is, whatever characters are in it.
// `invalid`: it is none. The error does not show a password.
[[nodiscard]] Result<AmqpAddress> amqp_address_of(std::string_view url);

// The user that a URL of any kind names before its host, decoded, and the URL without.
struct UrlUser {
  bool given = false;
  std::string user;
  std::string password;
  std::string url;
};
[[nodiscard]] Result<UrlUser> user_of_url(std::string_view url);

struct AmqpMessage {
  std::string body;
  std::string properties;  // all of them, as they stand on the wire; amqp_message.cc reads them
  std::string exchange;
  std::string routing_key;
  bool redelivered = false;
};
// What becomes of properties on their way to somewhere else.
struct AmqpEdit {
  std::vector<std::pair<std::string, std::string>> headers =
      {};                                 // set, in place of those of a name
  std::vector<std::string> without = {};  // headers that are left out
  bool persistent = false;    // kept on disk, in a queue that is durable; false: as it was
  bool without_user = false;  // the server takes no user's name but that of who publishes
};
// `corrupt`: these are no properties. Empty ones are fine.
[[nodiscard]] Result<std::string> edited_properties(const std::string& properties,
                                                    const AmqpEdit& edit);
// Nothing where there is no such header, or it is no text.
[[nodiscard]] std::optional<std::string> text_header(const std::string& properties,
                                                     const std::string& name);
[[nodiscard]] bool has_header(const std::string& properties, const std::string& name);
[[nodiscard]] std::string user_in(const std::string& properties);  // "" where it names none

struct AmqpQueue {
  std::int64_t ready = 0;      // messages that wait; without those out for delivery
  std::int64_t consumers = 0;  // of them, those that take messages now
};
struct AmqpDeclaration {
  std::string queue;
  bool durable = true;
  bool auto_delete = false;
  bool exclusive = false;  // of this connection alone, and gone with it
  Json arguments = Json::object();
};
struct AmqpBinding {
  std::string queue;
  std::string exchange;
  std::string routing_key = {};
  Json arguments = Json::object();
};
struct AmqpDelivery {
  AmqpMessage message;
  std::uint64_t tag = 0;
};

struct AmqpServer {
  std::string cluster;  // its name: "rabbit@east-1"
  std::string version;
};

struct AmqpOptions {
  std::string name = "gameday";  // as the server shows the connection
  WriteObserver observer = {};   // told "amqp" around each change
};

class AmqpChannel;

// One connection, for one thread at a time. Errors carry the server's own text and reply code:
// refused (403, a password), not_found (404, no such vhost), conflict (405, 406), unsupported
// (540), timed_out and stopped (by `until`, also where the server never answers), failed. What was
// taken out of a queue and not acknowledged goes back when the connection ends, however it does.
class Amqp {
 public:
  // Every call ends by `until`.
  [[nodiscard]] static Result<Amqp> connect(const AmqpAddress& address, const Clock& clock,
                                            const Until& until, AmqpOptions options = {});
  Amqp(Amqp&&) noexcept;
  Amqp& operator=(Amqp&&) noexcept;
  ~Amqp();

  [[nodiscard]] const AmqpServer& server() const;
  // The server ends a channel with each error of its own; the connection and other channels stay,
  // and one made after it may have its number: it is of no more use.
  [[nodiscard]] Result<AmqpChannel> channel();

  struct Connection;  // of this door alone

 private:
  explicit Amqp(std::shared_ptr<Connection> connection);
  std::shared_ptr<Connection> connection_;
};

class AmqpChannel {
 public:
  [[nodiscard]] Result<AmqpQueue> look(const std::string& queue);
  // One that is there with the same terms stays; with others it is a conflict.
  [[nodiscard]] Status declare(const AmqpDeclaration& declaration);
  // With `only_if_empty`, a queue in which messages wait is a conflict.
  [[nodiscard]] Status remove(const std::string& queue, bool only_if_empty);
  // One that passes on to every queue bound to it, and goes with the last of them.
  [[nodiscard]] Status declare_exchange(const std::string& exchange);
  // One that is not there is no error.
  [[nodiscard]] Status remove_exchange(const std::string& exchange);
  [[nodiscard]] Status bind(const AmqpBinding& binding);
  [[nodiscard]] Status unbind(const AmqpBinding& binding);
  // The same of an exchange, `destination`, that takes what another one is sent.
  [[nodiscard]] Status unbind_exchange(const std::string& destination, const std::string& source,
                                       const std::string& routing_key);
  // Takes the next message out, to be acknowledged; nothing: none waits.
  [[nodiscard]] Result<std::optional<AmqpDelivery>> get(const std::string& queue);
  // Of that message, and with `before` of all that this channel has taken out before it. Done when
  // it returns.
  [[nodiscard]] Status acknowledge(std::uint64_t tag, bool before);
  // Back into the queue.
  [[nodiscard]] Status give_back(std::uint64_t tag, bool before);
  // As a consumer does that cannot work on it: it becomes a dead letter, where there is a way.
  [[nodiscard]] Status give_up(std::uint64_t tag);
  // To each one's own exchange and routing key. Done when the server has confirmed every one of
  // them; one that no queue took, or that it refused, is a conflict, and others may be in.
  [[nodiscard]] Status publish(std::span<const AmqpMessage> messages);
  // Begins to consume, with a priority that is no number: the server looks for the right to read
  // and then refuses, so that nothing was touched. `conflict`: we may.
  [[nodiscard]] Status try_reading(const std::string& queue);
  // Publishes with an expiration that is no number: the same of the right to write, for whatever
  // the exchange would have routed it to.
  [[nodiscard]] Status try_writing(const std::string& exchange, const std::string& routing_key);

 private:
  friend class Amqp;
  AmqpChannel(std::shared_ptr<Amqp::Connection> connection, int number)
      : connection_(std::move(connection)), number_(number) {}
  [[nodiscard]] Status send(const AmqpMessage& message);
  [[nodiscard]] Status await(std::set<std::uint64_t> waiting);

  std::shared_ptr<Amqp::Connection> connection_;
  int number_;
  bool confirms_ = false;
  std::uint64_t published_ = 0;
};

}  // namespace gameday
