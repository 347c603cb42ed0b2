#include <amqp.h>
#include <amqp_framing.h>

#include <algorithm>

#include "engine/sys/amqp.h"
#include "engine/sys/amqp_connection.h"
#include "engine/sys/amqp_table.h"

namespace gameday {
namespace {

amqp_channel_t channel_of(int number) { return static_cast<amqp_channel_t>(number); }

}  // namespace

Result<AmqpQueue> AmqpChannel::look(const std::string& queue) {
  const std::string doing = "look at queue " + queue;
  TRY_OK(connection_->usable(number_, doing));
  const auto* found = amqp_queue_declare(connection_->state, channel_of(number_),
                                         amqp_bytes_of(queue), 1, 0, 0, 0, amqp_table_t{});
  TRY_OK(connection_->judged(number_, doing));
  return AmqpQueue{found->message_count, found->consumer_count};
}

Status AmqpChannel::declare(const AmqpDeclaration& wanted) {
  const AmqpPool pool;
  amqp_table_t arguments{};
  fill_amqp_table(wanted.arguments, pool, arguments);
  return connection_->changed(number_, "declare queue " + wanted.queue, [&] {
    amqp_queue_declare(connection_->state, channel_of(number_), amqp_bytes_of(wanted.queue), 0,
                       wanted.durable ? 1 : 0, wanted.exclusive ? 1 : 0, wanted.auto_delete ? 1 : 0,
                       arguments);
  });
}

Status AmqpChannel::remove(const std::string& queue, bool only_if_empty) {
  return connection_->changed(number_, "delete queue " + queue, [&] {
    amqp_queue_delete(connection_->state, channel_of(number_), amqp_bytes_of(queue), 0,
                      only_if_empty ? 1 : 0);
  });
}

Status AmqpChannel::declare_exchange(const std::string& exchange) {
  return connection_->changed(number_, "declare exchange " + exchange, [&] {
    amqp_exchange_declare(connection_->state, channel_of(number_), amqp_bytes_of(exchange),
                          amqp_cstring_bytes("fanout"), 0, 1, 1, 0, amqp_table_t{});
  });
}

Status AmqpChannel::remove_exchange(const std::string& exchange) {
  return connection_->changed(number_, "delete exchange " + exchange, [&] {
    amqp_exchange_delete(connection_->state, channel_of(number_), amqp_bytes_of(exchange), 0);
  });
}

Status AmqpChannel::bind(const AmqpBinding& binding) {
  const AmqpPool pool;
  amqp_table_t arguments{};
  fill_amqp_table(binding.arguments, pool, arguments);
  return connection_->changed(
      number_, "bind queue " + binding.queue + " to " + binding.exchange, [&] {
        amqp_queue_bind(connection_->state, channel_of(number_), amqp_bytes_of(binding.queue),
                        amqp_bytes_of(binding.exchange), amqp_bytes_of(binding.routing_key),
                        arguments);
      });
}

Status AmqpChannel::unbind(const AmqpBinding& binding) {
  const AmqpPool pool;
  amqp_table_t arguments{};
  fill_amqp_table(binding.arguments, pool, arguments);
  return connection_->changed(
      number_, "unbind queue " + binding.queue + " from " + binding.exchange, [&] {
        amqp_queue_unbind(connection_->state, channel_of(number_), amqp_bytes_of(binding.queue),
                          amqp_bytes_of(binding.exchange), amqp_bytes_of(binding.routing_key),
                          arguments);
      });
}

Status AmqpChannel::unbind_exchange(const std::string& destination, const std::string& source,
                                    const std::string& routing_key) {
  return connection_->changed(number_, "unbind exchange " + destination + " from " + source, [&] {
    amqp_exchange_unbind(connection_->state, channel_of(number_), amqp_bytes_of(destination),
                         amqp_bytes_of(source), amqp_bytes_of(routing_key), amqp_table_t{});
  });
}

Result<std::optional<AmqpDelivery>> AmqpChannel::get(const std::string& queue) {
  const std::string doing = "get from queue " + queue;
  TRY_OK(connection_->usable(number_, doing));
  const auto channel = channel_of(number_);
  amqp_maybe_release_buffers_on_channel(connection_->state, channel);
  const auto reply = amqp_basic_get(connection_->state, channel, amqp_bytes_of(queue), 0);
  TRY_OK(connection_->judged(reply, number_, doing));
  if (reply.reply.id == AMQP_BASIC_GET_EMPTY_METHOD) return std::nullopt;
  const auto* got = static_cast<const amqp_basic_get_ok_t*>(reply.reply.decoded);
  AmqpDelivery delivery;
  delivery.tag = got->delivery_tag;
  AmqpMessage& message = delivery.message;
  message.exchange = text_of(got->exchange);
  message.routing_key = text_of(got->routing_key);
  message.redelivered = got->redelivered != 0;
  TRY(header, connection_->next(number_, doing));
  if (header.frame_type != AMQP_FRAME_HEADER) {
    return std::unexpected(connection_->broken(AMQP_STATUS_UNEXPECTED_STATE).in(doing));
  }
  message.properties = text_of(header.payload.properties.raw);
  const std::size_t size = header.payload.properties.body_size;
  message.body.reserve(size);
  while (message.body.size() < size) {
    TRY(part, connection_->next(number_, doing));
    if (part.frame_type != AMQP_FRAME_BODY) {
      return std::unexpected(connection_->broken(AMQP_STATUS_UNEXPECTED_STATE).in(doing));
    }
    message.body += text_of(part.payload.body_fragment);
  }
  return delivery;
}

// The server answers neither of these; that it answers what comes behind says that it has them.
Status AmqpChannel::acknowledge(std::uint64_t tag, bool before) {
  return connection_->changed(number_, "acknowledge", [&] {
    const auto channel = channel_of(number_);
    amqp_basic_ack(connection_->state, channel, tag, before ? 1 : 0);
    amqp_basic_qos(connection_->state, channel, 0, 0, 0);
  });
}

Status AmqpChannel::give_back(std::uint64_t tag, bool before) {
  return connection_->changed(number_, "give messages back", [&] {
    const auto channel = channel_of(number_);
    amqp_basic_nack(connection_->state, channel, tag, before ? 1 : 0, 1);
    amqp_basic_qos(connection_->state, channel, 0, 0, 0);
  });
}

Status AmqpChannel::give_up(std::uint64_t tag) {
  return connection_->changed(number_, "give a message up", [&] {
    amqp_basic_nack(connection_->state, channel_of(number_), tag, 0, 0);
    amqp_basic_qos(connection_->state, channel_of(number_), 0, 0, 0);
  });
}

Status AmqpChannel::try_reading(const std::string& queue) {
  const std::string doing = "read from queue " + queue;
  TRY_OK(connection_->usable(number_, doing));
  const AmqpPool pool;
  amqp_table_t arguments{};
  fill_amqp_table(Json::object({{"x-priority", "none"}}), pool, arguments);
  amqp_basic_consume(connection_->state, channel_of(number_), amqp_bytes_of(queue),
                     amqp_empty_bytes, 0, 0, 0, arguments);
  return connection_->judged(number_, doing);
}

// The server answers no publishing; that it answers what comes behind says that it let it be.
Status AmqpChannel::try_writing(const std::string& exchange, const std::string& routing_key) {
  const std::string doing = "write to exchange " + exchange;
  TRY_OK(connection_->usable(number_, doing));
  amqp_basic_properties_t properties{};
  properties._flags = AMQP_BASIC_EXPIRATION_FLAG;
  properties.expiration = amqp_cstring_bytes("none");
  const auto channel = channel_of(number_);
  const int status =
      amqp_basic_publish(connection_->state, channel, amqp_bytes_of(exchange),
                         amqp_bytes_of(routing_key), 0, 0, &properties, amqp_empty_bytes);
  if (status != AMQP_STATUS_OK) return std::unexpected(connection_->broken(status).in(doing));
  amqp_basic_qos(connection_->state, channel, 0, 0, 0);
  return connection_->judged(number_, doing);
}

Status AmqpChannel::send(const AmqpMessage& message) {
  const AmqpPool pool;
  TRY(properties, decoded_properties(message.properties, pool));
  const int status = amqp_basic_publish(
      connection_->state, channel_of(number_), amqp_bytes_of(message.exchange),
      amqp_bytes_of(message.routing_key), 1, 0, properties, amqp_bytes_of(message.body));
  if (status == AMQP_STATUS_OK) return {};
  return std::unexpected(connection_->broken(status).in(connection_->where + ": cannot publish"));
}

// Until each of `waiting` was confirmed, or refused.
Status AmqpChannel::await(std::set<std::uint64_t> waiting) {
  std::size_t refused = 0;
  std::string returned;
  const auto settle = [&](std::uint64_t tag, bool before) {
    const auto first = before ? waiting.begin() : waiting.lower_bound(tag);
    const auto last = waiting.upper_bound(tag);
    const auto count = static_cast<std::size_t>(std::distance(first, last));
    waiting.erase(first, last);
    return count;
  };
  while (!waiting.empty()) {
    amqp_maybe_release_buffers_on_channel(connection_->state, channel_of(number_));
    TRY(frame, connection_->next(number_, "publish"));
    if (frame.frame_type != AMQP_FRAME_METHOD) continue;
    const auto& method = frame.payload.method;
    if (method.id == AMQP_BASIC_ACK_METHOD) {
      const auto* ack = static_cast<const amqp_basic_ack_t*>(method.decoded);
      settle(ack->delivery_tag, ack->multiple != 0);
    } else if (method.id == AMQP_BASIC_NACK_METHOD) {
      const auto* nack = static_cast<const amqp_basic_nack_t*>(method.decoded);
      refused += settle(nack->delivery_tag, nack->multiple != 0);
    } else if (method.id == AMQP_BASIC_RETURN_METHOD) {
      returned = text_of(static_cast<const amqp_basic_return_t*>(method.decoded)->reply_text);
    }
  }
  if (!returned.empty()) {
    return fail(ErrorCode::conflict, connection_->where + ": no queue took a message: " + returned);
  }
  if (refused == 0) return {};
  return fail(ErrorCode::conflict, connection_->where + " refused " + std::to_string(refused) +
                                       " messages, as a queue does that is full");
}

Status AmqpChannel::publish(std::span<const AmqpMessage> messages) {
  TRY_OK(connection_->usable(number_, "publish"));
  if (!confirms_) {
    amqp_confirm_select(connection_->state, channel_of(number_));
    TRY_OK(connection_->judged(number_, "have messages confirmed"));
    confirms_ = true;
  }
  constexpr std::size_t kAtOnce = 100;
  while (!messages.empty()) {
    const auto some = messages.first(std::min(kAtOnce, messages.size()));
    messages = messages.subspan(some.size());
    std::set<std::uint64_t> waiting;
    connection_->told(Side::before);
    for (const AmqpMessage& message : some) {
      TRY_OK(send(message));
      waiting.insert(++published_);
    }
    TRY_OK(await(std::move(waiting)));
    connection_->told(Side::after);
  }
  return {};
}

}  // namespace gameday
