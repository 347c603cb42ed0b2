// Loads that speak something else than HTTP: what may stand in them, and what comes of it.
#include "engine/load/told_load.h"
#include "engine/playbook/schema.h"
#include "tests/engine/playbook/edited_playbook.h"

namespace gameday {
namespace {

const std::string kRate = "    rate: 200/s\n";

// The design's playbook with one load more.
std::string with_load(const std::string& load) {
  return edited_design("load:\n", "load:\n  facts:\n" + load);
}
std::vector<std::string> told(const std::string& load) { return told_of(with_load(load)); }

TEST(SpokenLoad, IsReadByItsRow) {
  const auto loaded = decode_playbook("/drills/p.yaml",
                                      with_load(kRate + "    table: { into: facts, list: all }\n"),
                                      {}, test_rows::kRows);
  ASSERT_TRUE(loaded.playbook);
  const LoadSpec* load = loaded.playbook->load("facts");
  ASSERT_NE(load, nullptr);
  EXPECT_EQ(load->kind, "table");
  EXPECT_EQ(load->arguments.text("into"), "facts");
  EXPECT_EQ(load->rate, 200);
  EXPECT_TRUE(load->ledger);
  EXPECT_EQ(loaded.playbook->load("checkout")->kind, "");
}

TEST(SpokenLoad, KeepsALedgerOnlyWhereItsRowSaysSo) {
  const auto loaded = decode_playbook(
      "/drills/p.yaml", with_load(kRate + "    table: { into: facts }\n"), {}, test_rows::kRows);
  ASSERT_TRUE(loaded.playbook);
  EXPECT_FALSE(loaded.playbook->load("facts")->ledger);
}

TEST(SpokenLoad, SpeaksOneThing) {
  const std::string table = kRate + "    table: { into: facts, list: all }\n";
  EXPECT_EQ(told(kRate), (std::vector<std::string>{
                             "25:3: error: `load.facts` has none of request, requests, table: it "
                             "sends nothing"}));
  EXPECT_EQ(told(table + "    request: \"{front}/\"\n"),
            (std::vector<std::string>{
                "28:5: error: `load.facts` has both `table` and `request`; a load speaks one "
                "thing"}));
}

TEST(SpokenLoad, HasNoPartsOfHttp) {
  const std::string table = kRate + "    table: { into: facts, list: all }\n";
  EXPECT_EQ(told(table + "    cleanup: { url: \"{front}/\" }\n"),
            (std::vector<std::string>{
                "28:5: error: `cleanup` goes with `request`; of `table` it is a part"}));
}

TEST(SpokenLoad, WhatItsRowFindsWrongIsToldAtItsPlace) {
  EXPECT_EQ(
      told(kRate + "    table: { into: nowhere }\n"),
      (std::vector<std::string>{"27:20: error: `load.facts.table.into`: there is no such table"}));
  EXPECT_EQ(told(kRate + "    table: { onto: facts }\n"),
            (std::vector<std::string>{
                "27:12: error: missing `into` in `load.facts.table` (a text)",
                "27:14: error: unknown key `onto` in `load.facts.table`; did you mean `into`?"}));
}

constexpr std::array kRunFields{
    Field{.name = "file", .type = FieldType::path, .help = "The file.", .required = true},
    Field{.name = "users", .type = FieldType::integer, .help = "At once.", .required = true},
    Field{.name = "host", .type = FieldType::url, .help = "Where to."}};
Result<Carrier> never(const Undo&, const DeedContext&) { return fail(ErrorCode::failed, "no"); }
std::vector<std::string> old_fashioned(const Json& arguments) {
  if (!arguments.text("file").ends_with("old.py")) return {};
  return {"old.py:1: that is old"};
}
constexpr LoadRow kRun{.name = "run",
                       .summary = "Runs a file.",
                       .fields = kRunFields,
                       .rights = "to run it",
                       .example = "{ run: x }",
                       .check = test_rows::check_table,
                       .keeps_ledger = test_rows::has_list,
                       .shown = test_rows::table_of,
                       .prepare = nullptr,
                       .may = nullptr,
                       .connect = nullptr,
                       .reader = nullptr,
                       .undo = nullptr,
                       .gone = nullptr,
                       .carry = never,
                       .scalar = "file",
                       .warnings = old_fashioned};

// One that a process of its own carries.
class CarriedLoad : public testing::Test {
 protected:
  [[nodiscard]] Rows rows() const {
    Rows rows = test_rows::kRows;
    rows.loads = loads_;
    return rows;
  }
  [[nodiscard]] LoadedPlaybook loaded(const std::string& load) const {
    auto loaded = decode_playbook("/drills/p.yaml", with_load(load), {}, rows());
    if (loaded.playbook) loaded.problems.add(check_playbook(*loaded.playbook, rows()));
    return loaded;
  }
  [[nodiscard]] std::string told(const std::string& load) const {
    return rendered("p.yaml", with_load(load), loaded(load).problems);
  }

 private:
  const std::array<const LoadRow*, 2> loads_{&test_rows::kTable, &kRun};
};

TEST_F(CarriedLoad, ItsFieldsMayStandBesideItsName) {
  const std::string inside = "    run: { file: a.py, users: 5, host: \"{front}\" }\n";
  const std::string beside = "    run: a.py\n    users: 5\n    host: \"{front}\"\n";
  for (const auto& written : {inside, beside}) {
    const auto found = loaded(written + "    timeout: 3s\n");
    ASSERT_TRUE(found.playbook) << told(written);
    const LoadSpec* load = found.playbook->load("facts");
    ASSERT_NE(load, nullptr);
    EXPECT_TRUE(load->carried);
    EXPECT_EQ(load->arguments.text("file"), "/drills/a.py");
    EXPECT_EQ(load->arguments.integer("users", 0), 5);
    EXPECT_EQ(load->arguments.text("host"), "http://127.0.0.1:8080");
    EXPECT_EQ(load->timeout, std::chrono::seconds(3));
    EXPECT_EQ(load->rate, 0);
    EXPECT_FALSE(load->ledger);
    EXPECT_FALSE(found.playbook->load("checkout")->carried);
  }
  EXPECT_TRUE(told("    run: { file: a.py, users: 5 }\n    users: 6\n").contains("given twice"));
  EXPECT_TRUE(told("    run: a.py\n").contains("missing `users`"));
}

TEST_F(CarriedLoad, HasNeitherARateNorALedger) {
  const std::string run = "    run: a.py\n    users: 5\n";
  EXPECT_EQ(told(run), "");
  EXPECT_TRUE(told(run + "    rate: 5/s\n").contains("`rate`: a load by `run` is a closed loop"));
  EXPECT_TRUE(told(run + "    arrivals: poisson\n").contains("`arrivals`: a load by `run` is a"));
  const std::string ledger = "{ digest: /sum, read_back: \"{front}/{key}\" }\n";
  EXPECT_TRUE(told(run + "    ledger: " + ledger)
                  .contains("`ledger`: a load by `run` writes what its own file alone knows"));
  EXPECT_TRUE(told(run + "    cleanup: \"{front}/\"\n").contains("`cleanup`: a load by `run`"));
}

TEST_F(CarriedLoad, WhatItsRowWarnsOfIsTold) {
  const std::string told_of_it = told("    run: old.py\n    users: 5\n");
  EXPECT_TRUE(told_of_it.contains("warning: load `facts`: old.py:1: that is old")) << told_of_it;
}

TEST_F(CarriedLoad, TheSchemaTakesBothForms) {
  const auto schema = Json::parse(playbook_schema(rows()));
  ASSERT_TRUE(schema);
  const Json& load = schema->get("$defs").get("load-run");
  EXPECT_NE(load.get("properties").find("users"), nullptr);
  EXPECT_NE(load.get("properties").find("timeout"), nullptr);
  EXPECT_EQ(load.get("properties").find("rate"), nullptr);
  EXPECT_EQ(load.get("required").dump(), R"(["run"])");
}

TEST(SpokenLoad, TooFewConnectionsForAStallAreTold) {
  const auto with = [](const std::string& connections) {
    return told(kRate + "    table: { into: facts, connections: " + connections + " }\n");
  };
  EXPECT_EQ(with("200"), std::vector<std::string>{});
  EXPECT_EQ(with("199"),
            (std::vector<std::string>{
                "25:3: warning: load `facts` writes over 199 connections at most: where the "
                "system answers nothing for 1s, 200 would be needed, and what waits is late by "
                "our fault"}));
}

}  // namespace
}  // namespace gameday
