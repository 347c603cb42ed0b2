// Messages that a deed has taken out of a queue of RabbitMQ and kept in files, while copies of them
// stand somewhere else, or nowhere: what delays, reorders and expires messages has this in common.
//
// A copy is put in before the message that it stands for is done with, and a message is put back
// before its copy goes: whoever dies in between leaves both, and never neither.
#pragma once

#include <functional>

#include "drills/systems/rabbitmq_copies.h"
#include "engine/playbook/arguments.h"

namespace gameday {

// The queue of the deed's own, to which its mark's exchange leads.
[[nodiscard]] std::string held_queue(const RabbitDeed& deed);
// Makes it, with these terms.
[[nodiscard]] Status make_held_queue(const RabbitDeed& deed, const Json& arguments,
                                     Amqp& connection);
// How many messages wait in it; nothing where it is not there.
[[nodiscard]] Result<std::optional<std::int64_t>> waiting_in_held_queue(const RabbitDeed& deed,
                                                                        const DeedContext& context);

// How many are taken, and how long a first one is waited for: as the fields of those faults say.
struct RabbitHold {
  std::int64_t most = 0;
  Duration within = {};
};
[[nodiscard]] RabbitHold hold_in(const Deed& deed);
inline constexpr Field kHeldCount{.name = "count",
                                  .type = FieldType::integer,
                                  .help = "How many of the messages that wait are hit, at most.",
                                  .required = true,
                                  .least = 1,
                                  .most = 10000};
inline constexpr Field kHeldWithin{
    .name = "within",
    .type = FieldType::duration,
    .help = "How long it waits for a first message: without one it is not proven.",
    .otherwise = "5s",
    .least = 0.001,
    .most = 10};

// What is put in for the messages that were kept, which it is given in their order.
using RabbitStandIns =
    std::function<Result<std::vector<AmqpMessage>>(const std::vector<AmqpMessage>&)>;
// Takes messages out and keeps them, puts in what stands for them, and is done with them. None is
// no error: the notes say how many were "kept", and "taken" once they are done with.
[[nodiscard]] Status hold_messages(const RabbitDeed& deed, const RabbitHold& hold,
                                   const RabbitStandIns& stand_ins, Amqp& connection,
                                   const DeedContext& context);
// As a copy for each, by the exchange that leads to the deed's own queue, with its own routing key.
[[nodiscard]] Result<std::vector<AmqpMessage>> copies_by_mark(
    const std::vector<AmqpMessage>& messages, const RabbitDeed& deed, const Secrets& secrets);

// Which of them an undo puts back: those whose copies are found, since the others were delivered;
// or all of them.
enum class PutBack { found, all };
[[nodiscard]] Status put_back_held(const RabbitDeed& deed, PutBack which,
                                   const DeedContext& context);
// Whether nothing of that is left; `text` tells what is, or how many were put back.
[[nodiscard]] Result<Proof> held_gone(const RabbitDeed& deed, const DeedContext& context);
[[nodiscard]] Status close_held(const Undo& undo, bool keep, const DeedContext& context);

}  // namespace gameday
