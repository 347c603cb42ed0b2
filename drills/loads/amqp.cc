#include "drills/systems/rabbitmq_rights.h"
#include "engine/load/load_client.h"
#include "engine/load/request_pattern.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "connection",
     .type = FieldType::target,
     .help = "A target with a `rabbitmq` facet. Its queue is what the messages are read back from: "
             "all in it are looked at, and given back. Nobody may consume from it.",
     .required = true},
    {.name = "connections",
     .type = FieldType::integer,
     .help = "How many connections at most publish at once, opened as they are needed; without it "
             "as many as a stall of `timeout` needs, 32 at most. What waits for one is late by our "
             "fault, and its second is marked.",
     .least = 1,
     .most = 500},
    {.name = "exchange",
     .help = "Where to; without it, the exchange that every queue is bound to."},
    {.name = "routing_key", .help = "Without it, the queue's name."},
    {.name = "body",
     .help = "The message, JSON in which {key}, {digest}, {drill} and {seq} are filled in; without "
             "it, an object with key and digest."},
    {.name = "digest", .help = "JSON pointer to the digest in a message.", .otherwise = "/digest"},
    {.name = "persistent",
     .type = FieldType::boolean,
     .help = "Whether a message is kept on disk, in a durable queue.",
     .otherwise = "true"},
};

constexpr std::string_view kBody = R"({"key":"{key}","digest":"{digest}"})";
constexpr const char* kDrillHeader = "gameday-drill";
constexpr const char* kLoadHeader = "gameday-load";
constexpr const char* kKeyHeader = "gameday-key";
// Those of others are held while ours are looked for: no more of them than can be in some seconds.
constexpr std::size_t kMostOfOthers = 20'000;

bool keeps_ledger(const Json&) { return true; }

std::string shown(const Json& arguments) {
  const std::string exchange = arguments.text("exchange");
  return arguments.text("connection") + ": publish " +
         (exchange.empty() ? "to its queue" : "to exchange " + exchange) +
         ", confirmed; read back from its queue, where others' messages are looked at and given "
         "back";
}

std::optional<WrongField> check(const LoadSpec& spec, const System& system) {
  const std::string name = spec.arguments.text("connection");
  const Target* target = system.target(name);
  if (target == nullptr || target->facets.find("rabbitmq") == nullptr) {
    return WrongField{"connection", "no target with a `rabbitmq` facet is called " + name};
  }
  if (const auto queue = rabbit_queue_of(*target); !queue) {
    return WrongField{"connection", queue.error().text};
  }
  const std::string body = spec.arguments.text("body", kBody);
  if (!body.contains("{digest}")) return WrongField{"body", "a ledger needs {digest} in it"};
  const std::string pointer = spec.arguments.text("digest");
  if (!pointer.starts_with('/')) {
    return WrongField{"digest", "expected a JSON pointer like /digest, not \"" + pointer + "\""};
  }
  const WriteNames names{"key", "digest", "drill", "0"};
  const auto message = Json::parse(filled_in(body, names, Encoding::plain));
  const Json* digest = message ? message->at_pointer(pointer) : nullptr;
  if (digest != nullptr && digest->is_text() && digest->text() == "digest") return {};
  return WrongField{"body", "it is no JSON that has {digest} at " + pointer};
}

Result<Undo> prepare(const LoadSpec& spec, const DeedContext& context) {
  const Target* target = context.system.target(spec.arguments.text("connection"));
  if (target == nullptr) return fail(ErrorCode::not_found, "its target is not there");
  TRY(queue, rabbit_queue_of(*target));
  const Json& arguments = spec.arguments;
  return Undo{"load-amqp",
              Json::object({{"load", spec.name},
                            {"drill", context.drill},
                            {"queue", to_json(queue)},
                            {"exchange", arguments.text("exchange")},
                            {"routing_key", arguments.text("routing_key", queue.queue)},
                            {"body", arguments.text("body", kBody)},
                            {"digest", arguments.text("digest")},
                            {"persistent", arguments.boolean("persistent", true)}})};
}

// A channel of our own to the queue that messages are read back from.
struct Line {
  RabbitQueue queue;
  Amqp connection;
  AmqpChannel channel;
};

Result<Line> open(const Undo& undo, const DeedContext& context) {
  TRY(queue, rabbit_queue_from(undo.arguments.get("queue")));
  TRY(connection, open_rabbit(queue, context, "gameday " + context.mark));
  TRY(channel, connection.channel());
  return Line{std::move(queue), std::move(connection), std::move(channel)};
}

Status nobody_consumes(Line& line) {
  TRY(seen, line.channel.look(line.queue.queue));
  if (seen.consumers == 0) return {};
  return fail(ErrorCode::refused, shown(line.queue) + " has " + std::to_string(seen.consumers) +
                                      " consumers, which take the load's messages: what they take "
                                      "would count as lost");
}

// The right to read and to publish, tried so that the server refuses or nobody gets anything.
Status may(const Undo& undo, const DeedContext& context) {
  TRY(line, open(undo, context));
  TRY_OK(nobody_consumes(line));
  TRY_OK(check_rabbit_rights(line.queue, {RabbitRight::read_queue}, context));
  const Json& terms = undo.arguments;
  return check_rabbit_publishing(line.queue, terms.text("exchange"), terms.text("routing_key"),
                                 context);
}

class AmqpClient : public LoadClient {
 public:
  AmqpClient(Line line, const Undo& undo) : line_(std::move(line)), terms_(undo.arguments) {}

  Written write(const WriteNames& names) override {
    AmqpMessage message;
    message.exchange = terms_.text("exchange");
    message.routing_key = terms_.text("routing_key");
    message.body = filled_in(terms_.text("body"), names, Encoding::plain);
    AmqpEdit edit;
    edit.headers = {
        {kDrillHeader, names.drill}, {kLoadHeader, terms_.text("load")}, {kKeyHeader, names.key}};
    edit.persistent = terms_.boolean("persistent", true);
    auto properties = edited_properties("", edit);
    if (!properties) return {SampleOutcome::refused};
    message.properties = std::move(*properties);
    const auto done = line_.channel.publish({&message, 1});
    if (done) return {SampleOutcome::ok};
    switch (done.error().code) {
      case ErrorCode::conflict: return {SampleOutcome::refused};  // returned, or not accepted
      case ErrorCode::refused:
      case ErrorCode::not_found: return {SampleOutcome::refused, false};  // and the channel is over
      default: return {SampleOutcome::unknown, false};
    }
  }

 private:
  Line line_;
  const Json terms_;
};

Result<std::unique_ptr<LoadClient>> connect(const Undo& undo, const DeedContext& context) {
  TRY(line, open(undo, context));
  return std::make_unique<AmqpClient>(std::move(line), undo);
}

bool is_ours(const AmqpMessage& message, const Undo& undo) {
  return text_header(message.properties, kDrillHeader) == undo.arguments.text("drill") &&
         text_header(message.properties, kLoadHeader) == undo.arguments.text("load");
}

enum class Becomes { given_back, removed };

// Every message that waits, once: taken out and not acknowledged, so that all go back, also where
// we die, but for those of ours that `each` wants removed.
Status walk(Line& line, const Undo& undo, const std::function<Becomes(const AmqpMessage&)>& each) {
  std::size_t others = 0;
  std::uint64_t held = 0;
  while (true) {
    TRY(delivery, line.channel.get(line.queue.queue));
    if (!delivery) break;
    const bool ours = is_ours(delivery->message, undo);
    if (ours && each(delivery->message) == Becomes::removed) {
      TRY_OK(line.channel.acknowledge(delivery->tag, false));
      continue;
    }
    held = delivery->tag;
    if (!ours && ++others > kMostOfOthers) {
      return fail(ErrorCode::invalid, shown(line.queue) + " holds more than " +
                                          std::to_string(kMostOfOthers) +
                                          " messages of others, too many to look through");
    }
  }
  return held == 0 ? Status() : line.channel.give_back(held, true);
}

class AmqpRows : public LedgerReader {
 public:
  AmqpRows(Line line, Undo undo) : line_(std::move(line)), undo_(std::move(undo)) {}

  bool lists() const override { return true; }
  bool reads() const override { return false; }

  Result<std::vector<ReadRow>> list() override {
    std::vector<ReadRow> rows;
    const auto free = nobody_consumes(line_);
    // In a queue that is not there is nothing; it was there when the load began.
    if (!free && free.error().code == ErrorCode::not_found) return rows;
    if (!free) return std::unexpected(free.error());
    TRY_OK(walk(line_, undo_, [&](const AmqpMessage& message) {
      rows.push_back({text_header(message.properties, kKeyHeader).value_or(""), ""});
      const auto body = Json::parse(message.body);
      const Json* digest = body ? body->at_pointer(undo_.arguments.text("digest")) : nullptr;
      rows.back().digest = digest != nullptr && digest->is_text() ? digest->text() : "unreadable";
      return Becomes::given_back;
    }));
    return rows;
  }
  Result<std::vector<std::string>> by_key(const WriteNames&) override {
    return fail(ErrorCode::unsupported, "a queue has no keys");
  }

 private:
  Line line_;
  const Undo undo_;
};

Result<std::unique_ptr<LedgerReader>> reader(const Undo& undo, const DeedContext& context) {
  TRY(line, open(undo, context));
  return std::make_unique<AmqpRows>(std::move(line), undo);
}

Status undo_load(const Undo& undo, const DeedContext& context) {
  TRY(line, open(undo, context));
  const auto seen = line.channel.look(line.queue.queue);
  if (!seen && seen.error().code == ErrorCode::not_found) return {};
  if (!seen) return std::unexpected(seen.error());
  return walk(line, undo, [](const AmqpMessage&) { return Becomes::removed; });
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(line, open(undo, context));
  const auto seen = line.channel.look(line.queue.queue);
  if (!seen && seen.error().code == ErrorCode::not_found) {
    return Proof{true, "the queue is not there", {}};
  }
  if (!seen) return std::unexpected(seen.error());
  std::size_t left = 0;
  TRY_OK(walk(line, undo, [&](const AmqpMessage&) {
    ++left;
    return Becomes::given_back;
  }));
  return Proof{left == 0, std::to_string(left) + " messages of this drill are in it", {}};
}

}  // namespace

extern const LoadRow amqp_load;
const LoadRow amqp_load{
    .name = "amqp",
    .summary =
        "Publishes messages of its own to RabbitMQ; what is confirmed is acknowledged, and is read "
        "back from the queue.",
    .fields = kFields,
    .rights =
        "write on the exchange, which is amq.default without one; read on the queue; the tag "
        "management",
    .example = "jobs: { rate: 100/s, amqp: { connection: orders } }",
    .check = &check,
    .keeps_ledger = &keeps_ledger,
    .shown = &shown,
    .prepare = &prepare,
    .may = &may,
    .connect = &connect,
    .reader = &reader,
    .undo = &undo_load,
    .gone = &gone,
};

}  // namespace gameday
