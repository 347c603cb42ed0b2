// Messages that a deed itself puts into queues of RabbitMQ: each carries its mark and a number in
// its headers, by which it is found again in whatever queue it has got to.
//
// What is in a queue can only be seen by taking it out. So whoever looks takes out what waits and
// gives it back in its place; nobody else gets it meanwhile, and then it counts as redelivered.
// What is out for delivery cannot be seen at all.
#pragma once

#include <map>

#include "drills/systems/rabbitmq_messages.h"

namespace gameday {

// How many messages may wait for a deed to look through them.
inline constexpr std::int64_t kMostLookedThrough = 100'000;

// `message` as a copy of the deed's: its own headers stay, but for those that send it to others
// too; of a user's name the server takes none but ours.
[[nodiscard]] Result<AmqpMessage> copy_of(const AmqpMessage& message, const RabbitDeed& deed,
                                          std::int64_t number, const std::string& user);
// The same of a body alone.
[[nodiscard]] Result<AmqpMessage> marked_message(const std::string& body, const RabbitDeed& deed,
                                                 std::int64_t number);

// What waits in one queue, taken out. It goes back when the connection ends, if not by `settle`.
struct RabbitLook {
  AmqpChannel channel;
  std::multimap<std::int64_t, std::uint64_t> copies;  // number to tag
  std::map<std::string, std::int64_t> again;  // by likeness: others that were out once before
  std::vector<std::uint64_t> others;          // their tags
  // Ends it: the others go back into their places, and the copies do so too or are done with.
  [[nodiscard]] Status settle(bool remove_copies);
};
// Those that wait when it begins. not_found: there is no such queue.
[[nodiscard]] Result<RabbitLook> look_through(const std::string& queue, const RabbitDeed& deed,
                                              Amqp& connection);
// How many copies wait in a queue; 0 where there is none.
[[nodiscard]] Result<std::int64_t> copies_in(const std::string& queue, const RabbitDeed& deed,
                                             const DeedContext& context);

// The queues that a copy can have got to without anybody's having worked on it.
[[nodiscard]] std::vector<std::string> whereabouts(const RabbitDeed& deed);

// What a deed that only puts in has to do. `begin`: its connection, its mark, and a note of that.
// `end` takes the copies that wait away and the mark last; it tells how many copies went.
[[nodiscard]] Result<Amqp> begin_copies(const RabbitDeed& deed, const DeedContext& context);
[[nodiscard]] Result<std::int64_t> end_copies(const RabbitDeed& deed, const DeedContext& context);

// Whether the deed's mark is on the server.
[[nodiscard]] Result<bool> mark_stands(const RabbitDeed& deed, const DeedContext& context);

// "1 message", "2 messages"
[[nodiscard]] std::string rabbit_count(std::int64_t messages);

}  // namespace gameday
