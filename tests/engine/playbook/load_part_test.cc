// Loads that speak something else than HTTP: what may stand in them, and what comes of it.
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
