#include "drills/systems/rabbitmq_messages.h"

#include <algorithm>
#include <limits>

#include "engine/base/digest.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

constexpr std::string_view kMarks = "gameday.";
constexpr std::string_view kWayBack = ".back";
constexpr std::int64_t kLargestFile = std::int64_t{1} << 30;

std::string file_of(const RabbitDeed& deed, int number) {
  return deed.saved + "." + std::to_string(number);
}

std::string line_of(const AmqpMessage& message) {
  return Json::object({{"exchange", message.exchange},
                       {"routing_key", base64(message.routing_key)},
                       {"redelivered", message.redelivered},
                       {"properties", base64(message.properties)},
                       {"body", base64(message.body)}})
             .dump() +
         "\n";
}

Result<AmqpMessage> message_in(std::string_view line) {
  TRY(read, Json::parse(line));
  TRY(key, decode_base64(read.text("routing_key")));
  TRY(properties, decode_base64(read.text("properties")));
  TRY(body, decode_base64(read.text("body")));
  return AmqpMessage{body, properties, read.text("exchange"), key,
                     read.boolean("redelivered", false)};
}

// Through a queue's own binding it comes as it was; but one with CC would go to others too.
bool goes_directly(const AmqpMessage& message, const std::string& queue) {
  return message.exchange.empty() && message.routing_key == queue &&
         !has_header(message.properties, "CC");
}

Status address(AmqpMessage& message, const RabbitDeed& deed, const std::string& way,
               const std::string& user) {
  AmqpEdit edit;
  if (const auto named = user_in(message.properties); !named.empty() && named != user) {
    edit.without_user = true;
    edit.headers.emplace_back("gameday-user-id", named);
  }
  if (!goes_directly(message, deed.queue.queue)) {
    edit.headers.emplace_back("gameday-exchange", message.exchange);
    message.exchange = way;
  }
  if (edit.headers.empty()) return {};
  TRY(edited, edited_properties(message.properties, edit));
  message.properties = edited;
  return {};
}

}  // namespace

Json to_json(const RabbitDeed& deed) {
  Json written = to_json(deed.queue);
  return written.set("mark", deed.mark).set("saved", deed.saved);
}

Result<RabbitDeed> rabbit_deed_from(const Undo& undo) {
  TRY(queue, rabbit_queue_from(undo.arguments));
  RabbitDeed deed{queue, undo.arguments.text("mark"), undo.arguments.text("saved")};
  if (deed.mark.empty() || deed.saved.empty()) {
    return fail(ErrorCode::invalid, "the undo of " + undo.kind + " lacks mark or saved");
  }
  return deed;
}

Result<RabbitPrepared> prepare_rabbit(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + deed.target);
  TRY(queue, rabbit_queue_of(*target));
  TRY(terms, look_at_rabbit(queue, context));
  if (!terms.exists) return fail(ErrorCode::not_found, "there is no " + shown(queue));
  if (terms.exclusive) {
    return fail(ErrorCode::unsupported,
                shown(queue) + " is one connection's own, and no other's to touch");
  }
  if (terms.type == "stream") {
    return fail(ErrorCode::unsupported, shown(queue) +
                                            " is a stream, from which messages are "
                                            "read and never taken");
  }
  TRY_OK(context.doors.files.make_folder(context.private_folder, 0700));
  RabbitDeed made{queue, context.mark, context.private_folder + "/" + context.mark + ".messages"};
  TRY_OK(note_rabbit(made, Json::object(), context));
  return RabbitPrepared{made, terms};
}

Result<RabbitPrepared> prepare_classic(const Deed& deed, const std::string& why,
                                       const DeedContext& context) {
  TRY(prepared, prepare_rabbit(deed, context));
  if (prepared.terms.type == "classic") return prepared;
  return fail(ErrorCode::unsupported,
              shown(prepared.deed.queue) + " is a " + prepared.terms.type + " queue, " + why);
}

std::string rabbit_exchange(const std::string& mark) { return std::string(kMarks) + mark; }

Result<Json> marks_on_rabbit(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + deed.target);
  TRY(queue, rabbit_queue_of(*target));
  TRY(all, ask_management(queue, "GET", "/exchanges/" + std::string(kVhost), context));
  if (!all.is_array()) return fail(ErrorCode::failed, "the management API lists no exchanges");
  Json found = Json::array();
  for (const Json& exchange : all.items()) {
    const auto name = exchange.text("name");
    if (!name.starts_with(kMarks)) continue;
    std::string mark = name.substr(kMarks.size());
    if (mark.ends_with(kWayBack)) mark.resize(mark.size() - kWayBack.size());
    found.push(Json::object({{"where", "exchange " + name}, {"mark", mark}}));
  }
  return found;
}

std::string rabbit_name(const std::string& mark) { return "gameday " + mark; }

Result<Amqp> begin_on_rabbit(const RabbitDeed& deed, const DeedContext& context) {
  TRY(connection, open_rabbit(deed.queue, context, rabbit_name(deed.mark)));
  TRY(channel, connection.channel());
  TRY_OK(
      channel.declare({.queue = rabbit_exchange(deed.mark), .durable = false, .exclusive = true}));
  return connection;
}

Status wait_for_end(const RabbitDeed& deed, const DeedContext& context) {
  constexpr Duration kEvery = std::chrono::milliseconds(20);
  TRY(connection, open_rabbit(deed.queue, context, rabbit_name(deed.mark)));
  while (true) {
    TRY(channel, connection.channel());
    const auto stands = channel.look(rabbit_exchange(deed.mark));
    if (!stands && stands.error().code == ErrorCode::not_found) return {};
    // Locked: it is another connection's own.
    if (!stands && stands.error().code != ErrorCode::conflict) {
      return std::unexpected(stands.error());
    }
    TRY_OK(context.doors.clock.pause(kEvery, context.until));
  }
}

Result<Json> rabbit_notes(const RabbitDeed& deed, const DeedContext& context) {
  if (!context.doors.files.exists(deed.saved)) {
    return fail(ErrorCode::not_found, "the notes " + deed.saved + " are missing");
  }
  TRY(bytes, context.doors.files.read(deed.saved));
  return Json::parse(bytes);
}

Status note_rabbit(const RabbitDeed& deed, const Json& notes, const DeedContext& context) {
  return context.doors.files.write(deed.saved, notes.dump() + "\n", 0600);
}

Status RabbitKeeper::take_all(AmqpChannel& channel) {
  return take(channel, std::numeric_limits<std::int64_t>::max());
}

Status RabbitKeeper::take(AmqpChannel& channel, std::int64_t most) {
  constexpr int kInOneFile = 1000;
  constexpr std::size_t kBytesInOneFile = 16 << 20;
  for (std::int64_t count = 0;; ++count) {
    if (count == most) return flush();
    TRY(got, channel.get(deed_.queue.queue));
    if (!got) return flush();
    lines_ += line_of(got->message);
    ++lines_count_;
    ++taken_;
    last_tag_ = got->tag;
    if (lines_count_ >= kInOneFile || lines_.size() >= kBytesInOneFile) TRY_OK(flush());
  }
}

Status RabbitKeeper::flush() {
  if (lines_count_ == 0) return {};
  TRY_OK(context_.doors.files.write(file_of(deed_, files_), lines_, 0600));
  ++files_;
  lines_.clear();
  lines_count_ = 0;
  return {};
}

std::string likeness_of(const AmqpMessage& message) {
  std::string all;
  for (const std::string* part :
       {&message.exchange, &message.routing_key, &message.properties, &message.body}) {
    all += std::to_string(part->size()) + ":" + *part;
  }
  return all;
}

Result<std::optional<std::vector<AmqpMessage>>> kept_messages(const RabbitDeed& deed, int file,
                                                              const DeedContext& context) {
  const std::string path = file_of(deed, file);
  if (!context.doors.files.exists(path)) return std::nullopt;
  TRY(bytes, context.doors.files.read(path, kLargestFile));
  std::vector<AmqpMessage> messages;
  for (const auto& line : split(bytes, '\n')) {
    if (line.empty()) continue;
    TRY(message, message_in(line));
    messages.push_back(std::move(message));
  }
  return messages;
}

Status put_back(const RabbitDeed& deed, std::vector<AmqpMessage> messages, Amqp& connection,
                const DeedContext& context) {
  const std::string way = rabbit_exchange(deed.mark) + std::string(kWayBack);
  TRY(user, rabbit_user(deed.queue, context.secrets));
  TRY(channel, connection.channel());
  const bool directly = std::ranges::all_of(messages, [&](const AmqpMessage& message) {
    return goes_directly(message, deed.queue.queue);
  });
  for (AmqpMessage& message : messages) TRY_OK(address(message, deed, way, user));
  if (!directly) {
    TRY_OK(channel.declare_exchange(way));
    TRY_OK(channel.bind({.queue = deed.queue.queue, .exchange = way}));
  }
  TRY_OK(channel.publish(messages));
  return directly ? Status{} : channel.remove_exchange(way);
}

Status put_back_kept(const RabbitDeed& deed, Json& notes, const DeedContext& context) {
  TRY(connection, open_rabbit(deed.queue, context, rabbit_name(deed.mark)));
  std::int64_t put_in = notes.integer("put_back", 0);
  for (auto file = static_cast<int>(notes.integer("files_back", 0));; ++file) {
    TRY(messages, kept_messages(deed, file, context));
    if (!messages) return {};
    put_in += static_cast<std::int64_t>(messages->size());
    TRY_OK(put_back(deed, std::move(*messages), connection, context));
    notes.set("files_back", file + 1).set("put_back", put_in);
    TRY_OK(note_rabbit(deed, notes, context));
  }
}

Status erase_kept(const RabbitDeed& deed, const DeedContext& context) {
  for (int file = 0; context.doors.files.exists(file_of(deed, file)); ++file) {
    TRY_OK(context.doors.files.remove(file_of(deed, file)));
  }
  return context.doors.files.remove(deed.saved);
}

}  // namespace gameday
