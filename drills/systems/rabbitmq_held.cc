#include "drills/systems/rabbitmq_held.h"

#include <set>

#include "drills/systems/waiting.h"

namespace gameday {
namespace {

Result<std::vector<AmqpMessage>> all_kept(const RabbitDeed& deed, const DeedContext& context) {
  std::vector<AmqpMessage> all;
  for (int file = 0;; ++file) {
    TRY(some, kept_messages(deed, file, context));
    if (!some) return all;
    for (auto& message : *some) all.push_back(std::move(message));
  }
}

// Everything that may be a copy or, after a death, an original, out of everybody's hands.
struct Looks {
  std::vector<RabbitLook> each;
  std::set<std::int64_t> copies;
  std::map<std::string, std::int64_t> again;
};

Result<Looks> look_everywhere(const RabbitDeed& deed, Amqp& connection) {
  Looks looks;
  std::vector<std::string> queues = whereabouts(deed);
  // First: what it holds goes to the others by itself, and not back.
  queues.insert(queues.begin(), held_queue(deed));
  for (const auto& queue : queues) {
    auto look = look_through(queue, deed, connection);
    if (!look && look.error().code == ErrorCode::not_found) continue;
    if (!look) return std::unexpected(look.error());
    for (const auto& [number, tag] : look->copies) looks.copies.insert(number);
    if (queue == deed.queue.queue) looks.again = look->again;
    looks.each.push_back(std::move(*look));
  }
  return looks;
}

Status remove_marks(const RabbitDeed& deed, Amqp& connection) {
  TRY(channel, connection.channel());
  const Status removed = channel.remove(held_queue(deed), true);
  if (!removed && removed.error().code != ErrorCode::not_found) return removed;
  TRY(other, connection.channel());
  return other.remove_exchange(rabbit_exchange(deed.mark));
}

}  // namespace

std::string held_queue(const RabbitDeed& deed) { return rabbit_exchange(deed.mark) + ".held"; }

Status make_held_queue(const RabbitDeed& deed, const Json& arguments, Amqp& connection) {
  TRY(channel, connection.channel());
  TRY_OK(channel.declare({.queue = held_queue(deed), .durable = true, .arguments = arguments}));
  return channel.bind({.queue = held_queue(deed), .exchange = rabbit_exchange(deed.mark)});
}

Result<std::optional<std::int64_t>> waiting_in_held_queue(const RabbitDeed& deed,
                                                          const DeedContext& context) {
  TRY(connection, open_rabbit(deed.queue, context, rabbit_name(deed.mark)));
  TRY(channel, connection.channel());
  const auto seen = channel.look(held_queue(deed));
  if (!seen && seen.error().code == ErrorCode::not_found) return std::nullopt;
  if (!seen) return std::unexpected(seen.error());
  return seen->ready;
}

RabbitHold hold_in(const Deed& deed) {
  return {.most = deed.arguments.integer("count", 0),
          .within = duration_in(deed.arguments, "within").value_or(kWithinToEmpty)};
}

Status hold_messages(const RabbitDeed& deed, const RabbitHold& hold,
                     const RabbitStandIns& stand_ins, Amqp& connection,
                     const DeedContext& context) {
  TRY(channel, connection.channel());
  RabbitKeeper keeper(deed, context);
  const auto take_out = [&]() -> Result<bool> {
    TRY_OK(keeper.take(channel, hold.most - keeper.taken()));
    return keeper.taken() > 0;
  };
  TRY_OK(wait_until_it(take_out, context, hold.within));
  if (keeper.taken() == 0) return {};
  TRY(notes, rabbit_notes(deed, context));
  TRY_OK(note_rabbit(deed, notes.set("kept", keeper.taken()), context));
  TRY(kept, all_kept(deed, context));
  TRY(instead, stand_ins(kept));
  TRY(publishing, connection.channel());
  if (!instead.empty()) TRY_OK(publishing.publish(instead));
  TRY_OK(channel.acknowledge(keeper.last_tag(), true));
  return note_rabbit(deed, notes.set("taken", true), context);
}

Result<std::vector<AmqpMessage>> copies_by_mark(const std::vector<AmqpMessage>& messages,
                                                const RabbitDeed& deed, const Secrets& secrets) {
  TRY(user, rabbit_user(deed.queue, secrets));
  std::vector<AmqpMessage> copies;
  for (const auto& message : messages) {
    TRY(copy, copy_of(message, deed, static_cast<std::int64_t>(copies.size()), user));
    copy.exchange = rabbit_exchange(deed.mark);
    copy.routing_key = message.routing_key;
    copies.push_back(std::move(copy));
  }
  return copies;
}

// A message that the queue still has, since its deed died before it was done with it, is not put
// back: it is known by its likeness, and by having been out before.
Status put_back_held(const RabbitDeed& deed, PutBack which, const DeedContext& context) {
  TRY(notes, rabbit_notes(deed, context));
  if (!notes.boolean("begun", false)) return {};
  TRY_OK(wait_for_end(deed, context));
  TRY(connection, open_rabbit(deed.queue, context, rabbit_name(deed.mark)));
  TRY(looks, look_everywhere(deed, connection));
  // What was not noted was neither copied nor done with: the queue has it.
  if (notes.integer("kept", 0) > 0 && !notes.boolean("restored", false)) {
    TRY(kept, all_kept(deed, context));
    std::vector<AmqpMessage> back;
    std::int64_t number = -1;
    for (auto& message : kept) {
      ++number;
      if (!notes.boolean("taken", false) && looks.again[likeness_of(message)]-- > 0) continue;
      if (which == PutBack::found && !looks.copies.contains(number)) continue;
      back.push_back(std::move(message));
    }
    notes.set("put_back", static_cast<std::int64_t>(back.size()));
    if (!back.empty()) TRY_OK(put_back(deed, std::move(back), connection, context));
    TRY_OK(note_rabbit(deed, notes.set("restored", true), context));
  }
  for (auto& look : looks.each) TRY_OK(look.settle(true));
  return remove_marks(deed, connection);
}

Result<Proof> held_gone(const RabbitDeed& deed, const DeedContext& context) {
  TRY(notes, rabbit_notes(deed, context));
  TRY(marked, mark_stands(deed, context));
  std::int64_t copies = 0;
  for (const auto& queue : whereabouts(deed)) {
    TRY(count, copies_in(queue, deed, context));
    copies += count;
  }
  TRY(held, waiting_in_held_queue(deed, context));
  const std::int64_t kept = notes.integer("kept", 0), put_in = notes.integer("put_back", 0);
  const bool restored = kept == 0 || notes.boolean("restored", false);
  Proof proof{.held = !marked && copies == 0 && !held && restored,
              .text = "",
              .facts = Json::object({{"kept", kept}, {"put_back", put_in}})};
  proof.text = !restored    ? rabbit_count(kept) + " are not back"
               : copies > 0 ? rabbit_count(copies) + " wait as copies"
               : held       ? rabbit_count(*held) + " are still held"
               : marked     ? "the mark is still there"
               : kept == 0  ? "no message was taken out"
                            : "of " + rabbit_count(kept) + " " + std::to_string(put_in) +
                                 " are back, and the others were delivered meanwhile";
  if (proof.held && kept > 0 && put_in == kept) proof.text = rabbit_count(kept) + " are back";
  return proof;
}

Status close_held(const Undo& undo, bool keep, const DeedContext& context) {
  TRY(deed, rabbit_deed_from(undo));
  return keep ? Status{} : erase_kept(deed, context);
}

}  // namespace gameday
