// What is filled in for each request.
#include "engine/load/pieces.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>

namespace gameday {
namespace {

std::shared_ptr<const DataTable> users() {
  auto table = parse_data("user,\"city \"\"of\"\"\"\nann,Aix\nb&b,\"a \"\"b\"\"\"\n");
  EXPECT_TRUE(table) << table.error().text;
  return std::make_shared<const DataTable>(std::move(*table));
}

FillTerms terms(std::uint64_t seed = 7, const std::string& drill = "01J",
                const std::string& load = "checkout") {
  return {{drill, load, seed}, users()};
}

std::string put(const std::string& pattern, std::uint64_t seq, const FillTerms& fill = terms(),
                Encoding encoding = Encoding::plain, unsigned part = 0) {
  Pieces pieces;
  pieces.add_filled(pattern, encoding, fill, part);
  const Secrets secrets;
  std::string out;
  EXPECT_TRUE(pieces.put(seq, "", fill, secrets, out));
  return out;
}

TEST(Pieces, AUuidHasTheFormOfVersionFourAndIsNobodyElses) {
  const std::regex form("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  std::set<std::string> all;
  for (std::uint64_t seq = 0; seq < 1000; ++seq) {
    for (const auto& fill : {terms(), terms(8), terms(7, "01K"), terms(7, "01J", "other")}) {
      const std::string uuid = put("{uuid}", seq, fill);
      EXPECT_TRUE(std::regex_match(uuid, form)) << uuid;
      EXPECT_TRUE(all.insert(uuid).second) << uuid;
    }
  }
  EXPECT_EQ(put("{uuid}", 5), put("{uuid}", 5));
}

TEST(Pieces, AUuidIsOneThroughoutItsRequest) {
  const std::string twice = put("{uuid} {uuid}", 5);
  EXPECT_EQ(twice.substr(0, 36), twice.substr(37));
  EXPECT_EQ(put("{uuid}", 5, terms(), Encoding::url, kFirstHeaderPart), twice.substr(37));
}

TEST(Pieces, ARandomNumberIsAnyOfItsRangeAndTheSameInEachRun) {
  std::map<std::string, int> seen;
  for (std::uint64_t seq = 0; seq < 6000; ++seq) ++seen[put("{random:-2..3}", seq)];
  EXPECT_EQ(seen.size(), 6U);
  for (const auto& [number, times] : seen) EXPECT_NEAR(times, 1000, 150) << number;
  EXPECT_EQ(put("{random:1..1000000}", 9), put("{random:1..1000000}", 9, terms(7, "01K")));
  EXPECT_NE(put("{random:1..1000000}", 9), put("{random:1..1000000}", 9, terms(8)));
  EXPECT_NE(put("{random:1..1000000}", 9), put("{random:1..1000000}", 10));
  EXPECT_EQ(put("{random:5..5}", 1), "5");
}

TEST(Pieces, EachRandomNumberDrawsForItself) {
  std::set<std::string> same, parts;
  for (std::uint64_t seq = 0; seq < 20; ++seq) {
    const std::string both = put("{random:1..1000000} {random:1..1000000}", seq);
    const auto blank = both.find(' ');
    EXPECT_NE(both.substr(0, blank), both.substr(blank + 1));
    EXPECT_NE(put("{random:1..1000000}", seq),
              put("{random:1..1000000}", seq, terms(), Encoding::plain, kBodyPart));
  }
}

TEST(Pieces, ValuesGoRowByRowAndAreWrittenForTheirPlace) {
  EXPECT_EQ(put("{data.user}", 0), "ann");
  EXPECT_EQ(put("{data.user}", 1), "b&b");
  EXPECT_EQ(put("{data.user}", 2), "ann");
  EXPECT_EQ(put("/{data.user}?c={data.city \"of\"}", 1, terms(), Encoding::url),
            "/b%26b?c=a%20%22b%22");
  EXPECT_EQ(put(R"({"c":"{data.city "of"}"})", 1, terms(), Encoding::json), R"({"c":"a \"b\""})");
}

TEST(Pieces, WhatIsNoSlotStays) {
  for (const char* text : {"{", "{}", "{uuids}", "{random}", "{data}", "{a{b}", "{random:2..1}"}) {
    EXPECT_EQ(put(text, 3), text);
  }
  EXPECT_EQ(put("{{uuid}", 3), "{uuid}");
  EXPECT_EQ(put("{{{seq}", 3), "{3");
}

TEST(Pieces, AValueThatLooksLikeASecretOrASlotIsAValue) {
  auto table = parse_data("a\n${env:HOME}\n{seq}\n");
  ASSERT_TRUE(table);
  const FillTerms fill({"01J", "checkout", 7}, std::make_shared<const DataTable>(*table));
  EXPECT_EQ(put("{data.a}", 0, fill), "${env:HOME}");
  EXPECT_EQ(put("{data.a}", 1, fill), "{seq}");
}

}  // namespace
}  // namespace gameday
