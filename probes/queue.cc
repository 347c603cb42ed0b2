#include "drills/systems/queue.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "drills/systems/rabbitmq.h"
#include "engine/base/comparison.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

constexpr Field kExpect[] = {
    {.name = "depth",
     .type = FieldType::comparison,
     .help = "How many messages it holds, those out for delivery too."},
    {.name = "unacknowledged",
     .type = FieldType::comparison,
     .help = "How many of them are out for delivery and not acknowledged."},
    {.name = "consumers",
     .type = FieldType::comparison,
     .help = "How many consumers it has; a queue with an HTTP interface does not tell."},
    {.name = "dead_letters",
     .type = FieldType::comparison,
     .help = "How many messages consumers have given up; of RabbitMQ, those in the queue that the "
             "target names."},
    {.name = "oldest_age",
     .type = FieldType::comparison,
     .help = "How long ago the oldest message was published, 0 where none waits: as the publisher "
             "wrote into it, and as of the server's last statistics. A queue with an HTTP "
             "interface does not tell."},
};

constexpr Field kFields[] = {
    {.name = "target",
     .type = FieldType::target,
     .help = "A target of the system that is a queue: one with an HTTP interface, or one of "
             "RabbitMQ.",
     .required = true},
    {.name = "expect",
     .type = FieldType::group,
     .help = "What must be so of it; without this, that it is there is enough.",
     .fields = kExpect},
};

// A queue of one kind, asked only for what is expected of it.
class Queue {
 public:
  virtual ~Queue() = default;
  virtual Result<double> depth() = 0;
  virtual Result<double> unacknowledged() = 0;
  virtual Result<double> consumers() = 0;
  virtual Result<double> dead_letters() = 0;
  virtual Result<double> oldest_age() = 0;
};

std::unexpected<Error> not_told(const char* what) {
  return fail(ErrorCode::unsupported,
              std::string("a queue with an HTTP interface does not tell ") + what);
}

class HttpQueue : public Queue {
 public:
  HttpQueue(std::string url, const DeedContext& context)
      : url_(std::move(url)), context_(context) {}
  Result<double> depth() override {
    TRY(looks, look_at_queue(url_, context_));
    if (!looks.exists) return fail(ErrorCode::not_found, "there is no queue");
    return static_cast<double>(looks.messages);
  }
  Result<double> unacknowledged() override {
    TRY(listed, get("/messages"));
    return static_cast<double>(std::ranges::count_if(
        listed.items("messages"),
        [](const Json& message) { return message.text("state") == "unacked"; }));
  }
  Result<double> consumers() override { return not_told("its consumers"); }
  Result<double> dead_letters() override {
    TRY(listed, get("/dead"));
    return static_cast<double>(listed.items("messages").size());
  }
  Result<double> oldest_age() override { return not_told("when a message was published"); }

 private:
  Result<Json> get(const std::string& path) {
    return ask_queue(url_, {.method = "GET", .path = path, .body = {}}, context_);
  }
  const std::string url_;
  const DeedContext& context_;
};

class RabbitMq : public Queue {
 public:
  RabbitMq(RabbitQueue queue, const DeedContext& context)
      : queue_(std::move(queue)), context_(context) {}
  Result<double> depth() override {
    TRY(told, told_by_rabbit(queue_, queue_.queue, context_));
    return static_cast<double>(told.all());
  }
  Result<double> unacknowledged() override {
    TRY(told, told_by_rabbit(queue_, queue_.queue, context_));
    return static_cast<double>(told.unacknowledged);
  }
  Result<double> consumers() override {
    TRY(count, consumers_of_rabbit(queue_, context_));
    return static_cast<double>(count);
  }
  Result<double> dead_letters() override {
    if (queue_.dead_letters.empty()) {
      return fail(ErrorCode::unsupported, "the target names no dead_letters");
    }
    TRY(told, told_by_rabbit(queue_, queue_.dead_letters, context_));
    return static_cast<double>(told.all());
  }
  Result<double> oldest_age() override {
    TRY(told, told_by_rabbit(queue_, queue_.queue, context_));
    if (told.ready == 0) return 0.0;
    TRY(terms, look_at_rabbit(queue_, context_));
    if (!terms.head_time) {
      return fail(ErrorCode::failed, "the oldest message carries no time, or none was told yet");
    }
    const Utc published{std::chrono::seconds(*terms.head_time)};
    return seconds(context_.doors.clock.now().utc - published);
  }

 private:
  const RabbitQueue queue_;
  const DeedContext& context_;
};

struct Measure {
  const char* name;
  const char* shown;
  Result<double> (Queue::*of)();
};
constexpr Measure kMeasures[] = {
    {"depth", "depth", &Queue::depth},
    {"unacknowledged", "unacknowledged", &Queue::unacknowledged},
    {"consumers", "consumers", &Queue::consumers},
    {"dead_letters", "dead letters", &Queue::dead_letters},
    {"oldest_age", "age of the oldest in seconds", &Queue::oldest_age},
};

std::string shown(double value) {
  constexpr double kTen = 10;
  const double tenths = std::round(value * kTen) / kTen;
  return Json(tenths == std::round(tenths) ? Json(static_cast<std::int64_t>(tenths)) : Json(tenths))
      .dump();
}

Answer judged(Queue& queue, const Json& expect) {
  Answer answer{true, ""};
  for (const Measure& measure : kMeasures) {
    const Json* written = expect.find(measure.name);
    // That it is there is seen by its depth.
    const bool first = &measure == std::begin(kMeasures);
    if (written == nullptr && !first) continue;
    const auto value = (queue.*measure.of)();
    if (!value) return {false, value.error().text};
    answer.text +=
        (answer.text.empty() ? "" : ", ") + std::string(measure.shown) + " " + shown(*value);
    if (written == nullptr) continue;
    const auto wanted = parse_comparison(written->text());
    if (!wanted) return {false, wanted.error().text};
    if (wanted->holds(*value)) continue;
    answer.ok = false;
    answer.text += ", expected " + wanted->shown();
  }
  return answer;
}

Answer ask(const Json& arguments, const DeedContext& context) {
  const Target* target = context.system.target(arguments.text("target"));
  if (target == nullptr) return {false, "there is no such target"};
  const Json& expect = arguments.get("expect");
  if (target->facets.find("rabbitmq") != nullptr) {
    auto queue = rabbit_queue_of(*target);
    if (!queue) return {false, queue.error().text};
    RabbitMq asked(std::move(*queue), context);
    return judged(asked, expect);
  }
  auto url = queue_url(*target);
  if (!url) return {false, url.error().text};
  HttpQueue asked(std::move(*url), context);
  return judged(asked, expect);
}

std::optional<WrongField> check(const Json& arguments, const System& system) {
  const Target* target = system.target(arguments.text("target"));
  if (target == nullptr) return std::nullopt;  // told already
  const Json* rabbit = target->facets.find("rabbitmq");
  const Json& expect = arguments.get("expect");
  if (rabbit == nullptr && target->facets.find("queue") == nullptr) {
    return WrongField{"target", target->name + " is no queue"};
  }
  for (const Measure& measure : kMeasures) {
    const Json* written = expect.find(measure.name);
    if (written == nullptr) continue;
    const std::string field = std::string("expect.") + measure.name;
    const auto wanted = parse_comparison(written->text());
    if (wanted && !wanted->number) return WrongField{field, "'" + wanted->text + "' is no number"};
    const std::string_view name(measure.name);
    if (rabbit == nullptr && (name == "consumers" || name == "oldest_age")) {
      return WrongField{field, "a queue with an HTTP interface does not tell this"};
    }
    if (rabbit != nullptr && name == "dead_letters" && rabbit->text("dead_letters").empty()) {
      return WrongField{field, target->name + " names no dead_letters"};
    }
  }
  return std::nullopt;
}

}  // namespace

extern const ProbeRow queue_probe;
const ProbeRow queue_probe{
    .name = "queue",
    .summary = "Asks a message queue how full it is and who works on it.",
    .scalar = "target",
    .fields = kFields,
    .example =
        "orders-flow: { queue: { target: orders, expect: { depth: \"< 1000\" } }, every: 1s }",
    .ask = &ask,
    .check = &check,
};

}  // namespace gameday
