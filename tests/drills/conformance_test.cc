// What every fault must do: each case runs over every row, on a real target; new ones too.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <optional>
#include <regex>

#include "all_rows.h"
#include "engine/conductor/plan.h"
#include "engine/playbook/load_playbook.h"
#include "tests/drills/conformance_places.h"
#include "tests/drills/renewing.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;
// A whole case: rabbitmqctl takes seconds each time on a machine that has much to do.
constexpr Duration kPatience = 5min;

// A fault, in one of the ways that it has.
struct Way {
  const FaultRow* row;
  const OtherWay* other;  // null: its own
  [[nodiscard]] std::string_view facet() const { return other ? other->facet : row->facet; }
  [[nodiscard]] std::string_view example() const { return other ? other->example : row->example; }
  friend std::ostream& operator<<(std::ostream& out, const Way& way) {
    return out << way.row->name << " on " << way.facet();
  }
};

std::vector<Way> all_ways() {
  std::vector<Way> ways;
  for (const FaultRow* row : all_rows().faults) {
    ways.push_back({row, nullptr});
    if (row->other_way != nullptr) ways.push_back({row, row->other_way});
  }
  return ways;
}

// A target in a world of its own, and what it was like at first.
struct Setting {
  DeedWorld world;
  std::unique_ptr<TargetPlace> place;
  std::string found;
};

// A server takes seconds to start: the next case of this process gets the one that the last has
// left as it found it. Empty: none is kept of that kind.
std::string kept_as(const Way& way) {
  const std::string name(way.row->name);
  if (needs_postgres(way.facet())) return name == "pause-replication" ? "pair" : "postgres";
  if (way.facet() != "container") return "";
  return "container " + std::string(ContainerPlace::work_for(name));
}

class EachFault : public testing::TestWithParam<Way> {
 protected:
  using Kept = std::map<std::string, std::unique_ptr<Setting>>;
  static Kept& kept() {
    static Kept all;
    return all;
  }
  static std::unique_ptr<Setting> kept_or_new() {
    auto found = kept().extract(kept_as(GetParam()));
    return found ? std::move(found.mapped()) : std::make_unique<Setting>();
  }
  static void TearDownTestSuite() { kept().clear(); }

  void SetUp() override {
    if (place_ == nullptr) {
      place_ = place_for(GetParam().facet(), world_, row().name);
      ASSERT_TRUE(place_);
    }
    std::filesystem::remove_all(world_.private_folder());
    std::filesystem::create_directories(world_.private_folder());
    if (!kept_as(GetParam()).empty()) setting_->found = place_->content();
    const auto loaded = decoded(example());
    ASSERT_TRUE(loaded.playbook) << rendered("p.yaml", loaded.source, loaded.problems);
    auto playbook = std::make_shared<const Playbook>(*loaded.playbook);
    const auto plan = make_plan(playbook, rows_, "drill", 1, {});
    ASSERT_TRUE(plan) << plan.error().text;
    deed_ = plan->steps.front().deed;
    world_.system() = playbook->system;
    world_.set_until({{}, world_.clock().in(kPatience)});
  }

  void TearDown() override {
    const std::string name = kept_as(GetParam());
    if (name.empty() || silent_ || HasFailure()) return;
    if (place_->content() == setting_->found) kept()[name] = std::move(setting_);
  }
  void fall_silent() {
    silent_ = true;
    place_->fall_silent();
  }

  const FaultRow& row() const { return *GetParam().row; }
  std::string example() const { return place_->aimed(std::string(GetParam().example())); }

  // The row's example as the only step of a playbook whose targets are the real ones.
  LoadedPlaybook decoded(const std::string& step) const {
    const std::string source =
        "gameday: 1\nname: conformance\nsummary: One row.\nowner: tests\nsystem:\n"
        "  west: { process: { pidfile: " +
        place_->pidfile() + " }, region: eu-west }\n" +
        "  edge: { process: { pidfile: " + place_->pidfile() + " } }\n" +
        "  store: { sqlite: " + place_->database() + " }\n" + "  orders: { queue: \"" +
        place_->queue() + "\" }\n" + "  machine: { host: \"" + place_->netns() + "\" }\n" +
        "  cache: { container: " + place_->container() + " }\n" + "  database: { postgres: \"" +
        place_->postgres() + "\"" + place_->postgres_data() + " }\n" + "  standby: { postgres: \"" +
        place_->standby() + "\" }\n" + "  jobs: { rabbitmq: " + place_->rabbitmq() + " }\n" +
        "  sessions: { redis: " + place_->redis() + " }\n" + "  archive: { s3: " + place_->s3() +
        " }\n" + "  edge-1: { ssh: " + place_->ssh() + " }\n" +
        "  links: { west-to-store: " + place_->link() + " }\n" + "timeline:\n  " + step + "\n";
    return decode_playbook(world_.file("p.yaml"), source, {}, rows_);
  }
  // The example with one more member, in place of one of that name.
  std::string with(const std::string& name, const std::string& value) const {
    std::string step = std::regex_replace(
        example(), std::regex(", " + name + R"re(: (\[[^\]]*\]|"[^"]*"|[^,}]*))re"), " ");
    step.erase(step.rfind('}'));
    return step + ", " + name + ": " + value + " }";
  }
  void expect_refused(const std::string& name, const std::string& value) const {
    const auto loaded = decoded(with(name, value));
    EXPECT_FALSE(loaded.playbook) << "accepted " << name << ": " << value;
    bool named = false;
    for (const auto& problem : loaded.problems.sorted()) {
      named = named || problem.text.find(name) != std::string::npos;
    }
    EXPECT_TRUE(named) << "the error does not name `" << name
                       << "`: " << rendered("p.yaml", loaded.source, loaded.problems);
  }

  // No two of the cases, which run side by side, share a mark: by it is found what is put back.
  Undo prepared(const std::string& mark = "drill-1") {
    Result<Undo> undo;
    (void)eventually([&] {
      undo = row().prepare(deed_, world_.context(std::to_string(getpid()) + mark));
      // Its clients may be gone since a deed before; a look at it is what they come back by.
      return undo.has_value() || place_->content().empty();
    });
    EXPECT_TRUE(undo) << (undo ? "" : undo.error().text);
    return undo.value_or(Undo{});
  }
  bool proven(const Undo& undo) {
    const auto proof = row().prove(deed_, undo, world_.context());
    EXPECT_TRUE(proof) << (proof ? "" : proof.error().text);
    return proof && proof->held;
  }
  bool gone(const Undo& undo) {
    const auto proof = row().gone(undo, world_.context());
    EXPECT_TRUE(proof) << (proof ? "" : proof.error().text);
    return proof && proof->held;
  }
  void expect_undone(const Undo& undo, const std::string& content) {
    const auto done = row().undo(undo, world_.context());
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    EXPECT_TRUE(gone(undo));
    EXPECT_EQ(place_->content(), content);
  }
  template <class Work>
  Duration after_its_stop(const Work& work) {
    return gameday::after_its_stop(world_, work);
  }

  std::unique_ptr<Setting> setting_ = kept_or_new();
  DeedWorld& world_ = setting_->world;
  std::unique_ptr<TargetPlace>& place_ = setting_->place;
  bool silent_ = false;
  const Rows rows_ = all_rows();
  Deed deed_;
};

// A value that such a field cannot have; empty: it takes anything.
std::string wrong_value(const Field& field) {
  switch (field.type) {
    case FieldType::boolean: return "perhaps";
    case FieldType::integer: return "1.5";
    case FieldType::duration:
    case FieldType::durations:
    case FieldType::rate:
    case FieldType::size:
    case FieldType::percent: return "5";  // without its unit
    case FieldType::choice:
    case FieldType::url:
    case FieldType::address:
    case FieldType::target:
    case FieldType::probe:
    case FieldType::load:
    case FieldType::region:
    case FieldType::link: return "no-such-value";
    case FieldType::texts:
    case FieldType::probes:
    case FieldType::loads:
    case FieldType::group:
    case FieldType::groups: return "7";
    case FieldType::text:
    case FieldType::path: return "{ a: mapping }";
    case FieldType::comparison: return "\"> many\"";
    case FieldType::json: return "";
  }
  return "";
}

std::string in_unit(const Field& field, double value) {
  const std::string number = std::to_string(static_cast<std::int64_t>(value));
  switch (field.type) {
    case FieldType::duration: return number + "s";
    case FieldType::rate: return number + "/s";
    case FieldType::size: return number + "B";
    case FieldType::percent: return std::to_string(value * 100) + "%";
    default: return number;
  }
}

TEST_P(EachFault, HelpsAndHasDefaultsForWhatIsNotRequired) {
  const auto& arguments = deed_.arguments;
  for (const Field& field : row().fields) {
    EXPECT_GT(field.help.size(), 10u) << field.name;
    // Nobody in particular has no name.
    if (!field.required && field.type == FieldType::target) continue;
    EXPECT_TRUE(field.required || !field.otherwise.empty()) << field.name << " has no default";
    EXPECT_NE(arguments.find(field.name), nullptr) << field.name << " is not in the deed";
  }
  EXPECT_GT(row().summary.size(), 10u);
  EXPECT_FALSE(row().rights.empty());
}

TEST_P(EachFault, RefusesUnknownKeysWrongUnitsAndWhatIsOutOfRange) {
  expect_refused("no_such_key", "1");
  expect_refused("for", "5");
  expect_refused("for", "-5s");
  for (const Field& field : row().fields) {
    const std::string name(field.name);
    if (const std::string wrong = wrong_value(field); !wrong.empty()) expect_refused(name, wrong);
    if (field.least > 0) expect_refused(name, in_unit(field, field.least / 2));
    if (field.most > 0) expect_refused(name, in_unit(field, field.most * 2));
  }
}

TEST_P(EachFault, PrepareTouchesNothing) {
  const std::string before = place_->seen();
  const Undo undo = prepared();
  EXPECT_EQ(undo.kind, row().name);
  EXPECT_EQ(place_->seen(), before);
  EXPECT_FALSE(proven(undo)) << "it is proven without having been done";
}

TEST_P(EachFault, IsProvenWhileItHoldsAndGoneAfterItsUndo) {
  const std::string before = place_->content(), seen = place_->seen();
  const Undo undo = prepared();
  const auto injected = row().inject(deed_, undo, world_.context());
  ASSERT_TRUE(injected) << injected.error().text;
  std::optional<Renewing> renewing;
  if (row().renew != nullptr) {
    renewing.emplace(row(), undo, world_.context(std::to_string(getpid()) + "drill-1"));
  }
  EXPECT_TRUE(proven(undo));
  // What is over when it has been done leaves another instance, and nothing that would go away.
  EXPECT_EQ(gone(undo), row().momentary);
  EXPECT_EQ(place_->content() == before, row().momentary);
  EXPECT_NE(place_->seen(), seen);
  renewing.reset();
  expect_undone(undo, before);
}

TEST_P(EachFault, UndoingTwiceChangesNothing) {
  const std::string before = place_->content();
  const Undo undo = prepared();
  ASSERT_TRUE(row().inject(deed_, undo, world_.context()));
  expect_undone(undo, before);
  const std::string once = place_->seen();
  expect_undone(undo, before);
  EXPECT_EQ(place_->seen(), once);
}

TEST_P(EachFault, UndoingWhatWasNeverInjectedChangesNothing) {
  const Undo undo = prepared();
  const std::string before = place_->seen();
  expect_undone(undo, place_->content());
  EXPECT_EQ(place_->seen(), before);
}

TEST_P(EachFault, TheUndoIsPlainDataForAnotherProcess) {
  const std::string before = place_->content();
  const Undo undo = prepared();
  const std::string written = to_json(undo).dump();
  const auto again = undo_from(Json::parse(written).value());
  ASSERT_TRUE(again);
  EXPECT_EQ(to_json(*again).dump(), written);
  ASSERT_TRUE(row().inject(deed_, undo, world_.context()));
  const pid_t child = fork();
  if (child == 0) {
    const SystemClock clock;
    const Files files;
    const auto processes = make_processes(clock);
    const auto http = make_curl_http(clock);
    const Doors doors{clock, files, *processes, *http, {}};
    const System nothing;
    const Secrets secrets;
    const auto read = undo_from(Json::parse(written).value());
    const DeedContext context{doors,
                              nothing,
                              secrets,
                              "drill",
                              "drill-1",
                              world_.private_folder(),
                              {{}, clock.in(kPatience)}};
    const bool undone = row().undo(*read, context) && row().gone(*read, context)->held;
    _exit(undone ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_TRUE(gone(undo));
  EXPECT_EQ(place_->content(), before);
}

TEST_P(EachFault, StoppedInTheMiddleItCanStillBeUndone) {
  const std::string before = place_->content();
  int number = 0;
  for (const Duration moment : {Duration(0), Duration(500us), Duration(2ms), Duration(8ms)}) {
    const Undo undo = prepared("drill-" + std::to_string(++number));
    StopSource stop;
    world_.set_until({stop.stop(), world_.clock().in(kPatience)});
    std::jthread stopper([&] {
      (void)world_.clock().sleep({{}, world_.clock().in(moment)});
      stop.request();
    });
    (void)row().inject(deed_, undo, world_.context());
    stopper.join();
    world_.set_until({{}, world_.clock().in(kPatience)});
    // What was under way may arrive late, even after a look that found it gone: the runtime undoes
    // and looks again, and so do we.
    EXPECT_TRUE(eventually([&] {
      return row().undo(undo, world_.context()) && gone(undo) && place_->content() == before;
    })) << place_->content();
  }
}

TEST_P(EachFault, StopsWithin200MillisecondsBesideAPeerThatNeverAnswers) {
  const Undo undo = place_->silenced(prepared());
  ASSERT_TRUE(row().inject(deed_, prepared("drill-2"), world_.context()));
  fall_silent();
  const auto context = [&] { return world_.context(); };
  EXPECT_LT(after_its_stop([&] { (void)row().prove(deed_, undo, context()); }), 200ms);
  EXPECT_LT(after_its_stop([&] { (void)row().gone(undo, context()); }), 200ms);
  EXPECT_LT(after_its_stop([&] { (void)row().undo(undo, context()); }), 200ms);
  EXPECT_LT(after_its_stop([&] { (void)row().inject(deed_, undo, context()); }), 200ms);
  EXPECT_LT(after_its_stop([&] { (void)row().prepare(deed_, context()); }), 200ms);
  if (row().renew != nullptr) {
    EXPECT_LT(after_its_stop([&] { (void)row().renew(undo, context()); }), 200ms);
  }
  if (row().close != nullptr) {
    EXPECT_LT(after_its_stop([&] { (void)row().close(undo, false, context()); }), 200ms);
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, EachFault, testing::ValuesIn(all_ways()), [](const auto& way) {
  std::string name(way.param.row->name);
  if (way.param.other) name += "_on_" + std::string(way.param.facet());
  // A tier of its own (tests/CMakeLists.txt).
  if (way.param.facet() == "container") name += name == "delay-container" ? "OnNetem" : "OnDocker";
  if (needs_postgres(way.param.facet())) name += "OnPostgres";
  if (way.param.facet() == "rabbitmq") name += "OnRabbit";
  if (way.param.facet() == "redis") name += "OnRedis";
  if (way.param.facet() == "s3") name += "OnS3";
  if (way.param.facet() == "ssh") name += "OnSsh";
  std::ranges::replace(name, '-', '_');
  return name;
});

}  // namespace
}  // namespace gameday
