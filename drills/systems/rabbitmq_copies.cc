#include "drills/systems/rabbitmq_copies.h"

#include <charconv>

namespace gameday {
namespace {

constexpr const char* kMarkHeader = "gameday-mark";
constexpr const char* kNumberHeader = "gameday-number";

std::optional<std::int64_t> number_of(const AmqpMessage& message, const std::string& mark) {
  if (text_header(message.properties, kMarkHeader) != mark) return std::nullopt;
  const std::string text = text_header(message.properties, kNumberHeader).value_or("");
  std::int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

AmqpEdit marking(const RabbitDeed& deed, std::int64_t number) {
  return {.headers = {{kMarkHeader, deed.mark}, {kNumberHeader, std::to_string(number)}},
          .without = {"CC", "BCC"}};
}

}  // namespace

Result<AmqpMessage> copy_of(const AmqpMessage& message, const RabbitDeed& deed, std::int64_t number,
                            const std::string& user) {
  AmqpEdit edit = marking(deed, number);
  edit.without_user = user_in(message.properties) != user;
  TRY(properties, edited_properties(message.properties, edit));
  return AmqpMessage{message.body, properties, "", deed.queue.queue};
}

Result<AmqpMessage> marked_message(const std::string& body, const RabbitDeed& deed,
                                   std::int64_t number) {
  TRY(properties, edited_properties("", marking(deed, number)));
  return AmqpMessage{body, properties, "", deed.queue.queue};
}

Status RabbitLook::settle(bool remove_copies) {
  for (const auto& [number, tag] : copies) {
    TRY_OK(remove_copies ? channel.acknowledge(tag, false) : channel.give_back(tag, false));
  }
  copies.clear();
  // Every copy is settled: what is left up to the last are the others.
  if (!others.empty()) TRY_OK(channel.give_back(others.back(), true));
  others.clear();
  return {};
}

Result<RabbitLook> look_through(const std::string& queue, const RabbitDeed& deed,
                                Amqp& connection) {
  TRY(channel, connection.channel());
  TRY(seen, channel.look(queue));
  RabbitLook look{channel, {}, {}, {}};
  for (std::int64_t count = 0; count < seen.ready; ++count) {
    TRY(got, look.channel.get(queue));
    if (!got) break;
    if (const auto number = number_of(got->message, deed.mark); number) {
      look.copies.emplace(*number, got->tag);
      continue;
    }
    look.others.push_back(got->tag);
    if (got->message.redelivered) ++look.again[likeness_of(got->message)];
  }
  return look;
}

Result<std::int64_t> copies_in(const std::string& queue, const RabbitDeed& deed,
                               const DeedContext& context) {
  TRY(connection, open_rabbit(deed.queue, context, rabbit_name(deed.mark)));
  auto look = look_through(queue, deed, connection);
  if (!look && look.error().code == ErrorCode::not_found) return 0;
  if (!look) return std::unexpected(look.error());
  const auto count = static_cast<std::int64_t>(look->copies.size());
  TRY_OK(look->settle(false));
  return count;
}

std::vector<std::string> whereabouts(const RabbitDeed& deed) {
  std::vector<std::string> queues = {deed.queue.queue};
  const std::string& dead = deed.queue.dead_letters;
  if (!dead.empty() && dead != deed.queue.queue) queues.push_back(dead);
  return queues;
}

Result<Amqp> begin_copies(const RabbitDeed& deed, const DeedContext& context) {
  TRY(notes, rabbit_notes(deed, context));
  TRY_OK(note_rabbit(deed, notes.set("begun", true), context));
  TRY(connection, begin_on_rabbit(deed, context));
  TRY(channel, connection.channel());
  TRY_OK(channel.declare_exchange(rabbit_exchange(deed.mark)));
  return connection;
}

// The queue first: a message goes from it to the dead letters, and not back.
Result<std::int64_t> end_copies(const RabbitDeed& deed, const DeedContext& context) {
  TRY(notes, rabbit_notes(deed, context));
  if (!notes.boolean("begun", false)) return 0;
  TRY_OK(wait_for_end(deed, context));
  TRY(connection, open_rabbit(deed.queue, context, rabbit_name(deed.mark)));
  std::int64_t removed = 0;
  for (const auto& queue : whereabouts(deed)) {
    auto look = look_through(queue, deed, connection);
    if (!look && look.error().code == ErrorCode::not_found) continue;
    if (!look) return std::unexpected(look.error());
    removed += static_cast<std::int64_t>(look->copies.size());
    TRY_OK(look->settle(true));
  }
  TRY(channel, connection.channel());
  TRY_OK(channel.remove_exchange(rabbit_exchange(deed.mark)));
  return removed;
}

Result<bool> mark_stands(const RabbitDeed& deed, const DeedContext& context) {
  const auto found = ask_management(
      deed.queue, "GET",
      "/exchanges/" + std::string(kVhost) + "/" + percent_encoded(rabbit_exchange(deed.mark)),
      context);
  if (!found && found.error().code == ErrorCode::not_found) return false;
  if (!found) return std::unexpected(found.error());
  return true;
}

std::string rabbit_count(std::int64_t messages) {
  return std::to_string(messages) + (messages == 1 ? " message" : " messages");
}

}  // namespace gameday
