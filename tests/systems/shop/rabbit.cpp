#include "rabbit.h"

#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <sys/time.h>

#include <cstdlib>

namespace shop {
namespace {

constexpr amqp_channel_t kChannel = 1;
constexpr int kHeartbeat = 5;  // seconds
// The exchange and its key are what the broker's definitions bind the queue to.
constexpr const char* kExchange = "orders";
constexpr const char* kRoutingKey = "order";

std::string text_of(const amqp_bytes_t& bytes) {
  return {static_cast<const char*>(bytes.bytes), bytes.len};
}

// The caller keeps the text alive for as long as the bytes are used.
amqp_bytes_t bytes_of(const std::string& text) {
  return {text.size(), const_cast<char*>(text.data())};
}

timeval timeval_of(std::chrono::milliseconds time) {
  return {time.count() / 1000, (time.count() % 1000) * 1000};
}

std::string server_text(const amqp_method_t& method) {
  if (method.id == AMQP_CHANNEL_CLOSE_METHOD) {
    return text_of(static_cast<amqp_channel_close_t*>(method.decoded)->reply_text);
  }
  if (method.id == AMQP_CONNECTION_CLOSE_METHOD) {
    return text_of(static_cast<amqp_connection_close_t*>(method.decoded)->reply_text);
  }
  return "unexpected method";
}

}  // namespace

Broker broker_from(const Options& options) {
  const char* password = std::getenv("AMQP_PASSWORD");
  if (password == nullptr) throw std::runtime_error("AMQP_PASSWORD is not set");
  return {options.text("amqp-host"), options.number("amqp-port", 5672), "shop",
          options.text("amqp-user", "shop"), password};
}

void Amqp::Destroy::operator()(amqp_connection_state_t connection) const {
  amqp_destroy_connection(connection);
}

Amqp::Amqp(const Broker& broker) : connection_(amqp_new_connection()) {
  if (!connection_) throw AmqpError("amqp: out of memory");
  const timeval patience = timeval_of(std::chrono::seconds(2));
  amqp_socket_t* socket = amqp_tcp_socket_new(connection_.get());
  if (socket == nullptr) throw AmqpError("amqp: out of memory");
  check(amqp_set_handshake_timeout(connection_.get(), &patience), "handshake");
  check(amqp_set_rpc_timeout(connection_.get(), &patience), "timeout");
  timeval connecting = patience;
  check(amqp_socket_open_noblock(socket, broker.host.c_str(), broker.port, &connecting),
        "no connection");
  login(broker);
  amqp_channel_open(connection_.get(), kChannel);
  check(amqp_get_rpc_reply(connection_.get()), "no channel");
}

// A consumer of a queue that is dropped hears of it only if it says that it understands.
void Amqp::login(const Broker& broker) {
  amqp_table_entry_t cancel{};
  cancel.key = amqp_cstring_bytes("consumer_cancel_notify");
  cancel.value.kind = AMQP_FIELD_KIND_BOOLEAN;
  cancel.value.value.boolean = 1;
  amqp_table_entry_t capabilities{};
  capabilities.key = amqp_cstring_bytes("capabilities");
  capabilities.value.kind = AMQP_FIELD_KIND_TABLE;
  capabilities.value.value.table = {1, &cancel};
  const amqp_table_t properties{1, &capabilities};
  check(amqp_login_with_properties(connection_.get(), broker.vhost.c_str(),
                                   AMQP_DEFAULT_MAX_CHANNELS, AMQP_DEFAULT_FRAME_SIZE, kHeartbeat,
                                   &properties, AMQP_SASL_METHOD_PLAIN, broker.user.c_str(),
                                   broker.password.c_str()),
        "no login");
}

void Amqp::confirm() {
  amqp_confirm_select(connection_.get(), kChannel);
  check(amqp_get_rpc_reply(connection_.get()), "no confirms");
  confirms_ = true;
}

void Amqp::send(const Order& order) {
  const std::string body = to_json(order).dump();
  amqp_basic_properties_t properties{};
  properties._flags =
      AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG;
  properties.content_type = amqp_cstring_bytes("application/json");
  properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;
  properties.message_id = bytes_of(order.key);
  // Mandatory: else the broker confirms what it has thrown away because no queue is bound.
  check(amqp_basic_publish(connection_.get(), kChannel, amqp_cstring_bytes(kExchange),
                           amqp_cstring_bytes(kRoutingKey), confirms_ ? 1 : 0, 0, &properties,
                           bytes_of(body)),
        "cannot publish");
  ++published_;
}

std::set<std::string> Amqp::publish(const std::vector<Order>& orders,
                                    std::chrono::milliseconds patience) {
  Pending pending;
  for (const auto& order : orders) {
    send(order);
    pending[published_] = order.key;
  }
  std::set<std::string> refused;
  if (!confirms_) return refused;
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!pending.empty()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    const timeval wait = timeval_of(std::max(left, std::chrono::milliseconds(0)));
    amqp_maybe_release_buffers(connection_.get());
    amqp_frame_t frame;
    check(amqp_simple_wait_frame_noblock(connection_.get(), &frame, &wait), "no confirmation");
    heard(frame, pending, refused);
  }
  return refused;
}

// A message that could not be routed comes back, as method, header and body, before it is
// confirmed.
void Amqp::heard(const amqp_frame_t& frame, Pending& pending,
                 std::set<std::string>& refused) const {
  const auto settle = [&](std::uint64_t tag, bool multiple, bool taken) {
    const auto from = multiple ? pending.begin() : pending.lower_bound(tag);
    const auto to = pending.upper_bound(tag);
    for (auto at = from; !taken && at != to; ++at) refused.insert(at->second);
    pending.erase(from, to);
  };
  if (frame.frame_type == AMQP_FRAME_HEADER) {
    const auto* properties =
        static_cast<amqp_basic_properties_t*>(frame.payload.properties.decoded);
    refused.insert(text_of(properties->message_id));
  }
  if (frame.frame_type != AMQP_FRAME_METHOD) return;
  const amqp_method_t& method = frame.payload.method;
  switch (method.id) {
    case AMQP_BASIC_ACK_METHOD: {
      const auto* ack = static_cast<amqp_basic_ack_t*>(method.decoded);
      settle(ack->delivery_tag, ack->multiple != 0, true);
      return;
    }
    case AMQP_BASIC_NACK_METHOD: {
      const auto* nack = static_cast<amqp_basic_nack_t*>(method.decoded);
      settle(nack->delivery_tag, nack->multiple != 0, false);
      return;
    }
    case AMQP_BASIC_RETURN_METHOD: return;
    default: throw AmqpError("amqp: the broker closed: " + server_text(method));
  }
}

void Amqp::idle() {
  const timeval no_time{};
  amqp_frame_t frame;
  const int status = amqp_simple_wait_frame_noblock(connection_.get(), &frame, &no_time);
  if (status == AMQP_STATUS_TIMEOUT) return;
  check(status, "the connection is lost");
  Pending nothing;
  std::set<std::string> refused;
  heard(frame, nothing, refused);
}

std::size_t Amqp::depth(const std::string& queue) {
  const auto* answer = amqp_queue_declare(connection_.get(), kChannel, bytes_of(queue), 1, 0, 0, 0,
                                          amqp_empty_table);
  check(amqp_get_rpc_reply(connection_.get()), "no queue");
  return answer->message_count;
}

void Amqp::consume(const std::string& queue, std::uint16_t prefetch) {
  amqp_basic_qos(connection_.get(), kChannel, 0, prefetch, 0);
  check(amqp_get_rpc_reply(connection_.get()), "no prefetch");
  amqp_basic_consume(connection_.get(), kChannel, bytes_of(queue), amqp_empty_bytes, 0, 0, 0,
                     amqp_empty_table);
  check(amqp_get_rpc_reply(connection_.get()), "cannot consume");
}

std::optional<Delivery> Amqp::next(std::chrono::milliseconds patience) {
  amqp_maybe_release_buffers(connection_.get());
  amqp_envelope_t envelope;
  const timeval wait = timeval_of(patience);
  const auto reply = amqp_consume_message(connection_.get(), &envelope, &wait, 0);
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION &&
      reply.library_error == AMQP_STATUS_TIMEOUT) {
    return std::nullopt;
  }
  check(reply, "nothing more is delivered");
  Delivery delivery{envelope.delivery_tag, text_of(envelope.message.body)};
  amqp_destroy_envelope(&envelope);
  return delivery;
}

void Amqp::ack_up_to(std::uint64_t tag) {
  check(amqp_basic_ack(connection_.get(), kChannel, tag, 1), "cannot confirm");
}

void Amqp::requeue_up_to(std::uint64_t tag) {
  check(amqp_basic_nack(connection_.get(), kChannel, tag, 1, 1), "cannot give back");
}

void Amqp::put_aside(std::uint64_t tag) {
  check(amqp_basic_reject(connection_.get(), kChannel, tag, 0), "cannot put aside");
}

void Amqp::check(amqp_rpc_reply_t reply, const std::string& what) const {
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) return;
  if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION) {
    throw AmqpError("amqp: " + what + ": " + server_text(reply.reply));
  }
  check(reply.library_error, what);
}

void Amqp::check(int status, const std::string& what) const {
  if (status != AMQP_STATUS_OK) {
    throw AmqpError("amqp: " + what + ": " + amqp_error_string2(status));
  }
}

}  // namespace shop
