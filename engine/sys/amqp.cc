#include "engine/sys/amqp.h"

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>

#include "engine/sys/amqp_connection.h"
#include "engine/sys/amqp_table.h"
#include "engine/sys/stream_socket.h"

namespace gameday {
namespace {

constexpr int kHeartbeat = 10;  // seconds: a server whose client's machine is gone finds out
constexpr int kFrame = 128 << 10;

std::string shown(const AmqpAddress& address) {
  return "RabbitMQ at " + address.host + ":" + std::to_string(address.port);
}

ErrorCode code_of(int reply, std::string_view text) {
  switch (reply) {
    case AMQP_ACCESS_REFUSED: return ErrorCode::refused;
    case AMQP_NOT_FOUND: return ErrorCode::not_found;
    case AMQP_RESOURCE_LOCKED:
    case AMQP_PRECONDITION_FAILED: return ErrorCode::conflict;
    case AMQP_NOT_IMPLEMENTED: return ErrorCode::unsupported;
    case AMQP_NOT_ALLOWED:  // of a vhost
      return text.find("not found") != text.npos ? ErrorCode::not_found : ErrorCode::refused;
    default: return ErrorCode::failed;
  }
}

Error refusal(int reply, const amqp_bytes_t& said) {
  const std::string text(text_of(said));
  return {code_of(reply, text), text + " (" + std::to_string(reply) + ")", ""};
}

}  // namespace

Amqp::Connection::Connection(Descriptor to, std::string place, const Clock& a_clock, Until an_until,
                             const AmqpOptions& options)
    : state(amqp_new_connection()),
      where(std::move(place)),
      clock(a_clock),
      until(std::move(an_until)),
      observer(options.observer),
      ended(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      line(fcntl(to.get(), F_DUPFD_CLOEXEC, 0)) {
  amqp_tcp_socket_set_sockfd(amqp_tcp_socket_new(state), to.release());
  amqp_set_handshake_timeout(state, nullptr);  // the watch ends it
  watch = std::thread([this] {
    if (!wait_for(ended.get(), POLLIN, clock, until)) shutdown(line.get(), SHUT_RDWR);
  });
}

Amqp::Connection::~Connection() {
  if (!lost && !until.stop.requested()) amqp_connection_close(state, AMQP_REPLY_SUCCESS);
  eventfd_write(ended.get(), 1);
  watch.join();
  amqp_destroy_connection(state);
}

Error Amqp::Connection::broken(int status) {
  lost = true;
  if (until.stop.requested()) return {ErrorCode::stopped, "stopped", ""};
  if (clock.now().boot >= until.deadline) return {ErrorCode::timed_out, "timed out", ""};
  return {ErrorCode::failed, amqp_error_string2(status), ""};
}

Error Amqp::Connection::closed(const amqp_method_t& method, int channel) {
  if (method.id == AMQP_CHANNEL_CLOSE_METHOD) {
    const auto* close = static_cast<const amqp_channel_close_t*>(method.decoded);
    Error error = refusal(close->reply_code, close->reply_text);
    over.insert(channel);
    amqp_channel_close_ok_t ok{};
    amqp_send_method(state, static_cast<amqp_channel_t>(channel), AMQP_CHANNEL_CLOSE_OK_METHOD,
                     &ok);
    return error;
  }
  lost = true;
  if (method.id != AMQP_CONNECTION_CLOSE_METHOD) {
    return {ErrorCode::failed, "the server says what it should not", ""};
  }
  const auto* close = static_cast<const amqp_connection_close_t*>(method.decoded);
  Error error = refusal(close->reply_code, close->reply_text);
  amqp_connection_close_ok_t ok{};
  amqp_send_method(state, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &ok);
  return error;
}

Status Amqp::Connection::judged(const amqp_rpc_reply_t& reply, int channel,
                                const std::string& doing) {
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) return {};
  const bool refused = reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION;
  const bool told_why = reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION;
  const int status = told_why ? reply.library_error : AMQP_STATUS_CONNECTION_CLOSED;
  const Error error = refused ? closed(reply.reply, channel) : broken(status);
  return std::unexpected(error.in(where + ": cannot " + doing));
}

Status Amqp::Connection::judged(int channel, const std::string& doing) {
  return judged(amqp_get_rpc_reply(state), channel, doing);
}

Status Amqp::Connection::usable(int channel, const std::string& doing) {
  if (lost)
    return std::unexpected(broken(AMQP_STATUS_CONNECTION_CLOSED).in(where + ": cannot " + doing));
  if (!over.contains(channel)) return {};
  return fail(ErrorCode::failed,
              where + ": cannot " + doing + ": the server has ended this channel");
}

Result<amqp_frame_t> Amqp::Connection::next(int channel, const std::string& doing) {
  while (true) {
    amqp_frame_t frame{};
    if (const int status = amqp_simple_wait_frame(state, &frame); status != AMQP_STATUS_OK) {
      return std::unexpected(broken(status).in(where + ": cannot " + doing));
    }
    const bool ours = frame.channel == channel;
    const auto id = frame.frame_type == AMQP_FRAME_METHOD ? frame.payload.method.id : 0;
    if (id == AMQP_CONNECTION_CLOSE_METHOD || (ours && id == AMQP_CHANNEL_CLOSE_METHOD)) {
      const Error error = closed(frame.payload.method, channel);
      return std::unexpected(error.in(where + ": cannot " + doing));
    }
    if (ours) return frame;
  }
}

Status Amqp::Connection::changed(int channel, const std::string& doing,
                                 const std::function<void()>& work) {
  TRY_OK(usable(channel, doing));
  told(Side::before);
  work();
  auto done = judged(channel, doing);
  told(Side::after);
  return done;
}

namespace {

std::string text_in(const amqp_table_t* table, std::string_view name) {
  for (int i = 0; table != nullptr && i < table->num_entries; ++i) {
    const auto& entry = table->entries[i];
    if (text_of(entry.key) == name && entry.value.kind == AMQP_FIELD_KIND_UTF8) {
      return std::string(text_of(entry.value.value.bytes));
    }
  }
  return "";
}

}  // namespace

Amqp::Amqp(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
Amqp::Amqp(Amqp&&) noexcept = default;
Amqp& Amqp::operator=(Amqp&&) noexcept = default;
Amqp::~Amqp() = default;

const AmqpServer& Amqp::server() const { return connection_->server; }

Result<Amqp> Amqp::connect(const AmqpAddress& address, const Clock& clock, const Until& until,
                           AmqpOptions options) {
  // The library looks up names, connects and shakes hands without anything that could be stopped:
  // it gets a line on which that is done.
  auto line = connected_to_host(address.host, address.port, clock, until);
  std::optional<TlsTunnel> tunnel;
  if (line && address.tls) {
    auto opened = TlsTunnel::open(std::move(*line), {address.host, address.ca}, clock, until);
    if (opened) line = opened->take();
    if (opened) tunnel = std::move(*opened);
    if (!opened) line = std::unexpected(opened.error());
  }
  if (!line) return std::unexpected(line.error().in(shown(address) + ": cannot connect"));
  auto connection =
      std::make_shared<Connection>(std::move(*line), shown(address), clock, until, options);
  connection->tunnel = std::move(tunnel);
  const AmqpPool pool;
  amqp_table_t properties{};
  fill_amqp_table(Json::object({{"connection_name", options.name}}), pool, properties);
  const auto reply = amqp_login_with_properties(connection->state, address.vhost.c_str(), 0, kFrame,
                                                kHeartbeat, &properties, AMQP_SASL_METHOD_PLAIN,
                                                address.user.c_str(), address.password.c_str());
  TRY_OK(connection->judged(reply, 0, "log in as " + address.user));
  const amqp_table_t* const server = amqp_get_server_properties(connection->state);
  connection->server = {text_in(server, "cluster_name"), text_in(server, "version")};
  return Amqp(std::move(connection));
}

Result<AmqpChannel> Amqp::channel() {
  auto& over = connection_->over;
  const int number = over.empty() ? ++connection_->channels : *over.begin();
  over.erase(number);
  TRY_OK(connection_->usable(number, "open a channel"));
  amqp_channel_open(connection_->state, static_cast<amqp_channel_t>(number));
  TRY_OK(connection_->judged(number, "open a channel"));
  return AmqpChannel(connection_, number);
}

}  // namespace gameday
