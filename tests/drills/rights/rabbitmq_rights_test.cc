// Each row on RabbitMQ with exactly the rights in its vhost that the README asks for, and with each
// of them less.
#include <sys/stat.h>

#include <fstream>
#include <optional>
#include <sstream>

#include "tests/drills/rabbit_consumer.h"
#include "tests/drills/rights/as_user.h"
#include "tests/drills/rights/rabbitmq_place.h"
#include "tests/drills/rights/rights_case.h"
#include "tests/drills/row_load.h"

namespace gameday {
namespace {

// What its text says of configure, of write and of read, and of the tag.
struct RabbitRow {
  RowNeeds needs;
  std::string steps;
  RabbitGiven given;
};

RabbitRow fault(const std::string& row, const std::string& fields, RabbitGiven given,
                std::vector<std::string> words) {
  return {{row, std::move(words)},
          "  - { fault: " + row + ", target: jobs, " + fields + " }\n",
          std::move(given)};
}

constexpr const char* kMarks = "gameday.*";
constexpr const char* kDefault = "amq.default";
constexpr const char* kTag = "the tag management";
constexpr const char* kControl = "to run rabbitmqctl for the node: be its user";
constexpr const char* kMessages = "configure on gameday.*;";

const std::vector<RabbitRow> kRows = {
    fault("block-publishers", "for: 1s", {{}, {kDefault}, {}},
          {kControl, "write on amq.default", kTag}),
    fault("stop-app", "for: 1s", {}, {kControl, kTag}),
    fault("cut-consumers", "for: 1s", {{}, {}, {}, "administrator"}, {"the tag administrator"}),
    fault("delay-rabbitmq-messages", "count: 3, by: 20s, for: 1s",
          {{kMarks}, {"orders", kMarks, kDefault}, {"orders", "dead", kMarks}},
          {kMessages, "write on the queue, gameday.* and amq.default",
           "read on the queue, its dead letters and gameday.*", kTag}),
    fault("delete-binding", "exchange: shop, for: 1s", {{kMarks}, {"orders"}, {kMarks, "shop"}},
          {kMessages, "write on the queue", "read on gameday.* and the exchange", kTag}),
    fault("drop-rabbitmq-queue", "for: 1s",
          {{"orders", kMarks},
           {"orders", kMarks, kDefault, "undelivered"},
           {"orders", kMarks, "shop", "amq.direct"}},
          {"configure on the queue and gameday.*",
           "write on the queue, gameday.*, amq.default and the exchange that its own",
           "read on the queue, gameday.* and the exchanges that it is bound to", kTag}),
    fault("duplicate-rabbitmq-messages", "count: 2, for: 1s, allow_irreversible: it is a test",
          {{kMarks}, {kDefault}, {"orders", "dead"}},
          {kMessages, "write on amq.default", "read on the queue and its dead letters", kTag}),
    fault("expire-rabbitmq-messages", "count: 3, for: 1s",
          {{kMarks}, {"orders", kMarks, kDefault, "undelivered"}, {"orders", "dead", kMarks}},
          {kMessages,
           "write on the queue, gameday.*, amq.default and the exchange that its dead letters go "
           "to",
           "read on the queue, its dead letters and gameday.*", kTag}),
    fault("overflow-dead-letters", "count: 5, for: 1s",
          {{kMarks}, {"dead", kMarks, kDefault}, {"dead", kMarks}},
          {kMessages, "write on the dead letters, gameday.* and amq.default",
           "read on the dead letters and gameday.*", kTag}),
    fault("poison-rabbitmq-queue", "count: 2, for: 1s", {{kMarks}, {kDefault}, {"orders", "dead"}},
          {kMessages, "write on amq.default", "read on the queue and its dead letters", kTag}),
    fault("purge-rabbitmq-queue", "for: 1s",
          {{kMarks}, {"orders", kMarks, kDefault}, {"orders", kMarks}},
          {kMessages, "write on the queue, gameday.* and amq.default",
           "read on the queue and gameday.*", kTag}),
    fault("reorder-rabbitmq-messages", "count: 3, for: 1s",
          {{kMarks}, {"orders", kMarks, kDefault}, {"orders", "dead", kMarks}},
          {kMessages, "write on the queue, gameday.* and amq.default",
           "read on the queue, its dead letters and gameday.*", kTag}),
    {{"rabbitmq",
      {"the tag administrator", "into place, of that user too: configure and write on the queue",
       "read on the exchanges that it is bound to",
       "with replay: write on amq.default and read on the dead letters"}},
     "  - { backup: jobs }\n  - { restore: jobs, into: place, replay: jobs }\n",
     {{"orders"}, {"orders", kDefault}, {"shop", "amq.direct", "dead"}, "administrator"}},
    {{"rabbitmq", {}},
     "  - { backup: jobs }\n  - { restore: jobs, into: place }\n",
     {{"orders"}, {"orders"}, {"shop", "amq.direct"}, "administrator"}},
    {{"rabbitmq", {}},
     "  - { backup: jobs }\n  - { restore: jobs }\n",
     {{}, {}, {}, "administrator"}},
};
const std::vector<RowNeeds> kLoadNeeds = {
    {"amqp", {"write on the exchange, which is amq.default without", "read on the queue", kTag}}};

// rabbitmqctl for nobody, who has the node's secret or has not.
class NobodysControl {
 public:
  explicit NobodysControl(RabbitNode& node, bool knows) {
    char pattern[] = "/tmp/gameday-rights-XXXXXX";
    folder_ = mkdtemp(pattern);
    const auto theirs = std::filesystem::path(node.control()).parent_path();
    std::string script = read(theirs / "ctl");
    const std::string home = "export HOME=" + theirs.string() + "\n";
    EXPECT_TRUE(script.contains(home)) << script;
    script.replace(script.find(home), home.size(), "export HOME=" + folder_ + "\n");
    write("ctl", script, 0700);
    const std::string cookie = knows ? read(theirs / ".erlang.cookie") : "nobody-knows-it";
    write(".erlang.cookie", cookie, 0400);
    EXPECT_EQ(chown(folder_.c_str(), kNobody, kNobody), 0);
  }
  ~NobodysControl() { std::filesystem::remove_all(folder_); }
  NobodysControl(const NobodysControl&) = delete;
  NobodysControl& operator=(const NobodysControl&) = delete;
  [[nodiscard]] std::string path() const { return folder_ + "/ctl"; }

 private:
  static std::string read(const std::filesystem::path& path) {
    std::ostringstream all;
    all << std::ifstream(path).rdbuf();
    return all.str();
  }
  void write(const std::string& name, const std::string& content, mode_t mode) const {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path) << content;
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    EXPECT_EQ(chown(path.c_str(), kNobody, kNobody), 0);
  }
  std::string folder_;
};

bool is_told_by_control(const RabbitRow& row) {
  return row.needs.row == "stop-app" || row.needs.row == "block-publishers";
}
bool wants_consumers(const RabbitRow& row) { return row.needs.row == "cut-consumers"; }

class LeastRightsOnRabbit : public testing::Test {
 protected:
  static RabbitNode& node() { return RabbitNode::shared(); }
  // Whoever consumes, until they are cut off: the server tells of them a moment later.
  static std::optional<RabbitConsumer> consumer_of(const RabbitRow& row, RabbitRightsPlace& place,
                                                   DeedWorld& world) {
    if (!wants_consumers(row)) return std::nullopt;
    std::optional<RabbitConsumer> consumer(std::in_place, place.vhost(), world);
    node().wait_until([&] {
      return place.vhost()
          .ask("GET", "/consumers/" + place.vhost().path())
          .dump()
          .contains(":" + consumer->port() + " ->");
    });
    return consumer;
  }
};

void expect_whole_life(const RabbitRow& row, RabbitRightsPlace& place, const std::string& control) {
  DeedWorld world;
  RightsCase one(world, place.system(control), row.steps);
  const Target& target = *world.system().target("jobs");
  const auto found = one.rows().facet("rabbitmq")->resolve(target, world.context());
  EXPECT_TRUE(found) << (found ? "" : found.error().text);
  if (!one.step().replay.empty()) {
    const auto moved = one.rows().queue_of(target)->replay(target, {}, world.context());
    EXPECT_EQ(moved.value_or(-1), 1) << (moved ? "" : moved.error().text);
  }
  // So that there is something to bring back, and to take away again.
  if (one.step().into_place) one.after_backup([&] { place.vhost().drop("orders"); });
  one.expect_works();
}

TEST_F(LeastRightsOnRabbit, AreEnough) {
  const NobodysControl control(node(), true);
  for (const RabbitRow& row : kRows) {
    SCOPED_TRACE(row.steps);
    RabbitRightsPlace place(row.needs.row, wants_consumers(row));
    place.give(row.given);
    DeedWorld world;
    const auto consumer = consumer_of(row, place, world);
    const std::string before = place.seen();
    as_user(kNobody, {}, [&] { expect_whole_life(row, place, control.path()); });
    if (row.steps.contains("into: place")) {
      EXPECT_FALSE(place.vhost().exists()) << "its undo has taken it away";
    } else {
      EXPECT_EQ(place.seen(), before);
    }
  }
}

// The same without one of each list, as `missed` sees it.
template <class Missed>
void without_each(const RabbitGiven& given, RabbitRightsPlace& place, const Missed& missed) {
  const std::pair<const char*, RabbitNames RabbitGiven::*> kLists[] = {
      {"configure ", &RabbitGiven::configure},
      {"write ", &RabbitGiven::write},
      {"read ", &RabbitGiven::read}};
  for (const auto& [verb, list] : kLists) {
    for (const auto& name : given.*list) {
      RabbitGiven less = given;
      std::erase(less.*list, name);
      place.give(less);
      missed(verb + name);
    }
  }
  RabbitGiven less = given;
  less.tag = given.tag == "administrator" ? "monitoring" : "";
  place.give(less);
  missed(given.tag == "administrator" ? given.tag : "management");
}

TEST_F(LeastRightsOnRabbit, AreMissedEach) {
  for (const RabbitRow& row : kRows) {
    SCOPED_TRACE(row.steps);
    RabbitRightsPlace place(row.needs.row, wants_consumers(row));
    place.give(row.given);
    DeedWorld world;
    RightsCase one(world, place.system(node().control()), row.steps);
    const std::string before = place.seen();
    without_each(row.given, place, [&](const std::string& right) { one.expect_missed(right); });
    EXPECT_EQ(place.seen(), before);
  }
}

TEST_F(LeastRightsOnRabbit, WhoMayNotSpeakToTheNodeIsTold) {
  const NobodysControl stranger(node(), false);
  for (const RabbitRow& row : kRows) {
    if (!is_told_by_control(row)) continue;
    SCOPED_TRACE(row.steps);
    RabbitRightsPlace place(row.needs.row);
    place.give(row.given);
    const std::string before = place.seen();
    as_user(kNobody, {}, [&] {
      // rabbitmqctl takes its time to be turned away.
      const bool first = row.needs.row == "block-publishers";
      for (const auto& control : {node().control(), stranger.path()}) {
        if (!first && control == stranger.path()) continue;
        DeedWorld world;
        RightsCase(world, place.system(control), row.steps).expect_missed("ctl ... eval");
      }
    });
    EXPECT_EQ(place.seen(), before);
  }
}

TEST_F(LeastRightsOnRabbit, OfALoad) {
  const LoadRow& row = *all_rows().load("amqp");
  for (const std::string exchange : {"", "shop"}) {
    SCOPED_TRACE(exchange);
    RabbitRightsPlace place("amqp");
    const RabbitGiven given{{}, {exchange.empty() ? kDefault : exchange}, {"orders"}};
    place.give(given);
    Json arguments = Json::object({{"connection", "jobs"}, {"digest", "/digest"}});
    if (!exchange.empty()) arguments.set("exchange", exchange).set("routing_key", "order.new");
    const std::string before = place.seen();
    as_user(kNobody, {}, [&] {
      DeedWorld world;
      world.add_target("jobs", "rabbitmq", place.facet("none"));
      RowLoad load(world, row, arguments);
      load.expect_works();
    });
    DeedWorld world;
    world.add_target("jobs", "rabbitmq", place.facet("none"));
    RowLoad load(world, row, arguments);
    load.prepare();
    without_each(given, place, [&](const std::string& right) {
      const Status may = load.may();
      ASSERT_FALSE(may) << right;
      EXPECT_EQ(may.error().code, ErrorCode::refused) << may.error().text;
      EXPECT_TRUE(may.error().text.contains(right)) << may.error().text;
    });
    EXPECT_EQ(place.seen(), before);
  }
}

TEST_F(LeastRightsOnRabbit, OfAProbe) {
  RabbitRightsPlace place("queue");
  place.give({});
  DeedWorld world;
  world.add_target("jobs", "rabbitmq", place.facet("none"));
  const ProbeRow& row = *all_rows().probe("queue");
  const Json arguments = Json::object({{"target", "jobs"},
                                       {"expect", Json::object({{"depth", ">= 0"},
                                                                {"unacknowledged", ">= 0"},
                                                                {"consumers", ">= 0"},
                                                                {"dead_letters", ">= 0"}})}});
  const Answer answer = row.ask(arguments, world.context());
  EXPECT_TRUE(answer.ok) << answer.text;
  place.give({{}, {}, {}, ""});
  const Answer none = row.ask(arguments, world.context());
  EXPECT_FALSE(none.ok);
  EXPECT_TRUE(none.text.contains("management")) << none.text;
}

TEST(RabbitRights, AreToldOfEachRow) {
  const Rows rows = all_rows();
  std::vector<RowNeeds> needs;
  for (const RabbitRow& row : kRows) needs.push_back(row.needs);
  const auto of_it = [](const auto& row) { return row.facet == "rabbitmq"; };
  expect_told(rows.faults, needs, of_it);
  expect_told(rows.restores, needs, of_it);
  expect_told(rows.loads, kLoadNeeds, [](const LoadRow& row) { return row.name == "amqp"; });
}

}  // namespace
}  // namespace gameday
