// A load of a row's kind as a drill has it: prepared, run, ended, read back and judged, with its
// ledger on disk, which a script without our code judges too (recovery.py).
#pragma once

#include <fstream>
#include <map>
#include <set>

#include "engine/base/text.h"
#include "engine/load/load.h"
#include "tests/drills/deed_world.h"

namespace gameday {

class RowLoad {
 public:
  RowLoad(DeedWorld& world, const LoadRow& row, const Json& arguments) : world_(world), row_(row) {
    std::filesystem::create_directories(world_.private_folder());
    world_.set_until({{}, world_.clock().in(std::chrono::minutes(2))});
    terms_.spec.name = "facts";
    terms_.spec.kind = row.name;
    terms_.spec.rate = 100;
    terms_.spec.arguments = arguments;
    terms_.spec.ledger.emplace();
    terms_.drill = "drill";
    terms_.seed = 7;
    terms_.ledger_path = world_.file("ledger.jsonl");
    terms_.connections = 8;
  }

  [[nodiscard]] LoadSpec& spec() { return terms_.spec; }
  [[nodiscard]] std::string wrong() const {
    const auto odd = row_.check(terms_.spec, world_.system());
    return odd ? odd->field + ": " + odd->text : "";
  }

  void prepare() {
    auto undo = row_.prepare(terms_.spec, world_.context());
    ASSERT_TRUE(undo) << undo.error().text;
    undo_ = *undo;
    EXPECT_EQ(undo_.kind, undo_kind_of(row_));
  }
  Status may() { return row_.may(undo_, world_.context()); }

  void start() {
    prepare();
    const Status allowed = may();
    ASSERT_TRUE(allowed) << allowed.error().text;
    terms_.connect = [this](const Until& until) { return row_.connect(undo_, within(until)); };
    terms_.reader = [this](const Until& until) { return row_.reader(undo_, within(until)); };
    auto load = start_load(terms_, world_.doors(), world_.secrets(), [](const WindowCount&) {});
    ASSERT_TRUE(load) << load.error().text;
    load_ = std::move(*load);
  }
  void rest(Duration length) const {
    (void)world_.clock().sleep({Stop(), world_.clock().in(length)});
  }
  void end() {
    load_->end();
    EXPECT_EQ(load_->problem(), "");
  }
  void run(Duration length) {
    start();
    if (load_ == nullptr) return;
    rest(length);
    end();
  }

  [[nodiscard]] const std::vector<Sample>& samples() const { return load_->samples(); }
  [[nodiscard]] std::size_t count(SampleOutcome outcome) const {
    return static_cast<std::size_t>(std::ranges::count(samples(), outcome, &Sample::outcome));
  }
  [[nodiscard]] std::string key(std::uint64_t seq) const {
    return ledger_key(terms_.drill, terms_.spec.name, seq);
  }
  [[nodiscard]] std::string digest(std::uint64_t seq) const {
    return ledger_digest(key(seq), terms_.seed);
  }
  // The keys of what was acknowledged, in order.
  [[nodiscard]] std::vector<std::string> acknowledged() const {
    std::vector<std::string> keys;
    for (const auto& sample : samples()) {
      if (sample.good()) keys.push_back(key(sample.seq));
    }
    return keys;
  }

  // Read back; what is found out about each key stays in `found`, and in the ledger's file.
  LedgerSummary judge(std::optional<Instant> disaster = {},
                      Duration patience = std::chrono::seconds(30)) {
    found.clear();
    const Until until{{}, world_.clock().in(patience)};
    auto read = read_back(terms_, samples(), world_.doors(), world_.secrets(), until);
    LedgerTerms terms;
    terms.load = terms_.spec.name;
    terms.drill = terms_.drill;
    terms.seed = terms_.seed;
    terms.rate = terms_.spec.rate;
    terms.load_started = load_->started();
    terms.disaster = disaster;
    problem = read ? "" : read.error().text;
    return classify(samples(), read.value_or(ReadBack{}), terms,
                    [&](std::string_view key, std::string_view what) {
                      found[std::string(what)].insert(std::string(key));
                    });
  }

  Status undo() { return row_.undo(undo_, world_.context()); }
  Proof gone() {
    auto proof = row_.gone(undo_, world_.context());
    EXPECT_TRUE(proof) << (proof ? "" : proof.error().text);
    return proof.value_or(Proof{});
  }

  // From its start to the end of what it leaves behind: all that it writes is there, until it goes.
  void expect_works() {
    constexpr std::size_t kSome = 5;
    run(std::chrono::milliseconds(300));
    if (load_ == nullptr) return;
    EXPECT_GT(samples().size(), kSome);
    EXPECT_EQ(judge().present, samples().size()) << problem;
    const Status undone = undo();
    EXPECT_TRUE(undone) << undone.error().text;
    EXPECT_TRUE(gone().held);
  }

  // What the script says of the ledger's file and of the rows that are there, "KEY DIGEST" a line.
  struct Told {
    std::set<std::string> lost;
    double best = -1, worst = -1;
  };
  Told told_by_script(const std::string& rows, std::optional<Instant> disaster) {
    std::ofstream(world_.file("rows")) << rows << "\n";
    const std::string at = disaster ? std::to_string(disaster->time_since_epoch().count()) : "none";
    const auto ended = world_.doors().processes.run(
        {{"/usr/bin/python3", GAMEDAY_SOURCE_DIR "/tests/drills/recovery.py", terms_.ledger_path,
          world_.file("rows"), at},
         "/",
         {}},
        world_.context().until);
    Told told;
    const auto said = Json::parse(ended ? ended->output : "");
    EXPECT_TRUE(said) << (ended ? ended->output : ended.error().text);
    if (!said) return told;
    for (const auto& lost : said->items("lost")) told.lost.insert(lost.text());
    told.best = said->number("best_s", -1);
    told.worst = said->number("worst_s", -1);
    return told;
  }

  std::map<std::string, std::set<std::string>> found;  // class -> keys
  std::string problem;

 private:
  DeedContext within(const Until& until) {
    DeedContext context = world_.context();
    context.until = until;
    return context;
  }

  DeedWorld& world_;
  const LoadRow& row_;
  LoadTerms terms_;
  Undo undo_;
  std::unique_ptr<Load> load_;
};

// That both say the same, and the summary is of these losses.
inline void expect_same(const RowLoad& load, const LedgerSummary& summary,
                        const RowLoad::Told& told) {
  const auto lost = load.found.find("lost");
  EXPECT_EQ(lost == load.found.end() ? std::set<std::string>{} : lost->second, told.lost);
  EXPECT_EQ(summary.lost, told.lost.size());
  EXPECT_NEAR(summary.rpo_s.best, told.best, 1e-6);
  EXPECT_NEAR(summary.rpo_s.worst, told.worst, 1e-6);
}

}  // namespace gameday
