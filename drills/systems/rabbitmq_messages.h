// What faults on RabbitMQ take out of a queue, kept in files of this machine, and how it gets back.
//
// The server and our files have no transaction in common. So messages are taken out without being
// acknowledged, and are only gone from the server when they are in a file: whoever dies before that
// leaves them to the server, which gives them out again when the connection has ended.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "drills/systems/rabbitmq.h"

namespace gameday {

// A deed on a queue: where, under which mark, and where its files begin: "PATH", "PATH.0", ...
struct RabbitDeed {
  RabbitQueue queue;
  std::string mark;
  std::string saved;
};
[[nodiscard]] Json to_json(const RabbitDeed& deed);
[[nodiscard]] Result<RabbitDeed> rabbit_deed_from(const Undo& undo);
// The deed of `target`, whose queue is there and can be taken from. `unsupported`: it cannot.
struct RabbitPrepared {
  RabbitDeed deed;
  RabbitTerms terms;
};
[[nodiscard]] Result<RabbitPrepared> prepare_rabbit(const Deed& deed, const DeedContext& context);
// The same of one that has to be a classic queue, since `why`.
[[nodiscard]] Result<RabbitPrepared> prepare_classic(const Deed& deed, const std::string& why,
                                                     const DeedContext& context);

// The exchange that is a deed's mark in the server; others of the deed begin with its name.
[[nodiscard]] std::string rabbit_exchange(const std::string& mark);
// Every mark on the vhost, whose ever it is: {"where", "mark"}.
[[nodiscard]] Result<Json> marks_on_rabbit(const Deed& deed, const DeedContext& context);
// How the server shows the connections of a deed.
[[nodiscard]] std::string rabbit_name(const std::string& mark);
// The one that does the deed. It has a queue of its own there, by which others see that it stands:
// what it has sent may come to pass until then, whatever became of who sent it.
[[nodiscard]] Result<Amqp> begin_on_rabbit(const RabbitDeed& deed, const DeedContext& context);
// Until no connection does the deed any more.
[[nodiscard]] Status wait_for_end(const RabbitDeed& deed, const DeedContext& context);

// What the deed has noted, as a member of an object in its file. Made by prepare; one that is
// missing is an error, since what it would say is not known.
[[nodiscard]] Result<Json> rabbit_notes(const RabbitDeed& deed, const DeedContext& context);
[[nodiscard]] Status note_rabbit(const RabbitDeed& deed, const Json& notes,
                                 const DeedContext& context);

// Takes out what waits and keeps it, file after file.
class RabbitKeeper {
 public:
  RabbitKeeper(const RabbitDeed& deed, const DeedContext& context)
      : deed_(deed), context_(context) {}
  // Until none waits; then all of it is on disk. What was taken out stays unacknowledged.
  [[nodiscard]] Status take_all(AmqpChannel& channel);
  // The same of the first `most` alone.
  [[nodiscard]] Status take(AmqpChannel& channel, std::int64_t most);
  [[nodiscard]] std::int64_t taken() const { return taken_; }
  [[nodiscard]] std::uint64_t last_tag() const { return last_tag_; }  // 0: none was taken

 private:
  [[nodiscard]] Status flush();

  const RabbitDeed& deed_;
  const DeedContext& context_;
  std::string lines_;
  int lines_count_ = 0;
  int files_ = 0;
  std::int64_t taken_ = 0;
  std::uint64_t last_tag_ = 0;
};

// What makes two messages the same one, as far as a queue can tell.
[[nodiscard]] std::string likeness_of(const AmqpMessage& message);

// The messages of one of the deed's files; nothing: there is no such file.
[[nodiscard]] Result<std::optional<std::vector<AmqpMessage>>> kept_messages(
    const RabbitDeed& deed, int file, const DeedContext& context);

// Puts kept messages into the queue again, each once for each time that this was begun: a file that
// was under way at a death is put in again. What they are is as it was, with two exceptions: the
// exchange they came through is an own one of the deed's where it was not the queue's default, and
// the user's name is a header where the server takes none but ours. `notes` tells how far it is.
[[nodiscard]] Status put_back_kept(const RabbitDeed& deed, Json& notes, const DeedContext& context);
// The same of some messages.
[[nodiscard]] Status put_back(const RabbitDeed& deed, std::vector<AmqpMessage> messages,
                              Amqp& connection, const DeedContext& context);

[[nodiscard]] Status erase_kept(const RabbitDeed& deed, const DeedContext& context);

}  // namespace gameday
