// What is always true of a target's data: how a playbook says it, and when a value is as it says.
#include "engine/playbook/invariants.h"

#include "tests/drills/deed_world.h"
#include "tests/engine/playbook/edited_playbook.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

const std::string kStore = "sqlite: run/store.db";
std::string store_with(const std::string& invariants) {
  return "sqlite: { path: run/store.db, invariants: " + invariants + " }";
}

const EditedPlaybook kBadInvariants[] = {
    {"NoList",
     kStore,
     store_with("{ name: total, sql: SELECT 1, is: 1 }"),
     {"17:56: error: `system.store.sqlite.invariants`: expected a list of mappings, not a "
      "mapping"}},
    {"WithoutAValue",
     kStore,
     store_with("[{ name: total, sql: SELECT 1 }]"),
     {"17:57: error: missing `is` in `system.store.sqlite.invariants` (a comparison like \"> "
      "0.99\")"}},
    {"WithoutAStatement",
     kStore,
     store_with("[{ name: total, sql: \" \", is: 1 }]"),
     {"17:56: error: `system.store.sqlite.invariants`: the invariant total has no statement"}},
    {"ComparedWithNothing",
     kStore,
     store_with("[{ name: total, sql: SELECT 1, is: \"> \" }]"),
     {"17:91: error: `system.store.sqlite.invariants.is`: nothing to compare with: `> `"}},
    {"WithASignOfSql",
     kStore,
     store_with("[{ name: total, sql: SELECT 1, is: \"= 5\" }]"),
     {"17:56: error: `system.store.sqlite.invariants`: the invariant total: `= 5` is no "
      "comparison: `==` is"}},
    {"CalledAlike",
     kStore,
     store_with("[{ name: a, sql: SELECT 1, is: 1 }, { name: a, sql: SELECT 2, is: 2 }]"),
     {"17:56: error: `system.store.sqlite.invariants`: two invariants are called a"}},
    {"NoName",
     kStore,
     store_with("[{ name: the total, sql: SELECT 1, is: 1 }]"),
     {"17:56: error: `system.store.sqlite.invariants`: `the total` is no name: letters, digits, "
      "`-`, `_` and `.`, at most 64, a letter or digit first"}},
    {"MisspeltKey",
     kStore,
     store_with("[{ name: total, sql: SELECT 1, is: 1, timeuot: 1s }]"),
     {"17:94: error: unknown key `timeuot` in `system.store.sqlite.invariants`; did you mean "
      "`timeout`?"}},
    {"ATimeoutOfNothing",
     kStore,
     store_with("[{ name: total, sql: SELECT 1, is: 1, timeout: 0s }]"),
     {"17:103: error: `system.store.sqlite.invariants.timeout`: expected 1ms to 10m, not `0s`"}},
};

class BadInvariants : public testing::TestWithParam<EditedPlaybook> {};
TEST_P(BadInvariants, AreTold) { expect_told(GetParam()); }
INSTANTIATE_TEST_SUITE_P(All, BadInvariants, testing::ValuesIn(kBadInvariants), name_of_case);

TEST(Invariants, StandWithTheirFacet) {
  const std::string source = edited_design(
      kStore, store_with("[{ name: total, sql: SELECT 1, is: unchanged }, { name: few, sql: SELECT "
                         "2, is: \"< 5\", timeout: 2m }]"));
  const auto loaded = decode_playbook("/drills/p.yaml", source, {}, test_rows::kRows);
  ASSERT_TRUE(loaded.playbook) << rendered("p.yaml", source, loaded.problems);
  const auto found = invariants_of(loaded.playbook->system);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].target, "store");
  EXPECT_EQ(found[0].facet, "sqlite");
  EXPECT_EQ(found[0].is, kUnchanged);
  EXPECT_EQ(found[0].timeout, 10s);
  EXPECT_EQ(found[1].sql, "SELECT 2");
  EXPECT_EQ(found[1].timeout, 2min);
}

class InvariantsRead : public testing::Test {
 protected:
  // One that is called `total`, of the target `bank`.
  static Target bank(const std::string& is, const std::string& timeout = "10s") {
    Target target;
    target.name = "bank";
    const Json total = Json::object(
        {{"name", "total"}, {"sql", "SELECT total"}, {"is", is}, {"timeout", timeout}});
    target.facets = Json::object(
        {{"sqlite", Json::object({{"path", "x"}, {"invariants", Json::array().push(total)}})}});
    return target;
  }
  InvariantSeen read(const std::string& is, const Datum& value, bool first = false) {
    const auto ask = [&](const std::string& sql, const DeedContext&) -> Result<Datum> {
      EXPECT_EQ(sql, "SELECT total");
      return value;
    };
    DeedContext context = world_.context();
    context.begun = begun_;
    const auto seen = read_invariants(bank(is), "sqlite", ask, context, first);
    EXPECT_EQ(seen.size(), 1u);
    return seen.empty() ? InvariantSeen{} : seen.front();
  }
  bool holds(const std::string& is, const std::string& number) {
    return read(is, {number, true, false}).holds;
  }
  // It was that when the drill began.
  void begin(const Datum& value) { begun_ = {read("unchanged", value, true)}; }

  DeedWorld world_;
  std::vector<InvariantSeen> begun_;
};

TEST_F(InvariantsRead, AreHeldAgainstAComparison) {
  EXPECT_TRUE(holds("100000", "100000"));
  EXPECT_TRUE(holds("== 100000", "100000.00"));
  EXPECT_FALSE(holds("100000", "99999.99"));
  EXPECT_TRUE(holds(">= -5", "-5"));
  EXPECT_FALSE(holds("> -5", "-5.0"));
  EXPECT_TRUE(holds("!= 0", "0.01"));
  EXPECT_FALSE(holds("!= 0", "-0.00"));
  EXPECT_TRUE(holds("1KiB", "1024"));
  EXPECT_TRUE(read("idle", {"idle", false, false}).holds);
  EXPECT_FALSE(read("idle", {"busy", false, false}).holds);
  EXPECT_TRUE(read("true", {"true", false, false}).holds);
}

// Of which a double knows no difference.
TEST_F(InvariantsRead, ATotalOfMoreDigitsThanADoubleHasIsReadToItsLastOne) {
  EXPECT_TRUE(holds("12345678901234567.89", "12345678901234567.890"));
  EXPECT_FALSE(holds("12345678901234567.89", "12345678901234567.88"));
  EXPECT_TRUE(holds("!= 12345678901234567.89", "12345678901234567.88"));
  begin({"9007199254740993", true, false});
  EXPECT_TRUE(holds("unchanged", "9007199254740993.0"));
  EXPECT_FALSE(holds("unchanged", "9007199254740992"));
}

TEST_F(InvariantsRead, UnchangedIsWhatItWasWhenTheDrillBegan) {
  begin({"100000.50", true, false});
  ASSERT_TRUE(begun_.front().holds);
  EXPECT_TRUE(holds("unchanged", "100000.5"));
  const InvariantSeen broken = read("unchanged", {"99900.5", true, false});
  EXPECT_FALSE(broken.holds);
  EXPECT_EQ(shown(broken),
            "invariant total of bank: expected unchanged: 100000.50, but it is 99900.5");
  EXPECT_FALSE(read("unchanged", {"100000.50", false, false}).holds) << "it was no text";
  begin({"1.10", false, false});
  EXPECT_FALSE(read("unchanged", {"1.1", false, false}).holds) << "they are two texts";
}

TEST_F(InvariantsRead, UnchangedOfWhatNobodyHasReadIsNotKnown) {
  const InvariantSeen unknown = read("unchanged", {"5", true, false});
  EXPECT_FALSE(unknown.holds);
  EXPECT_EQ(unknown.problem, "what it was when the drill began is not known");
}

// The sum over no account, and what is compared with it, is none.
TEST_F(InvariantsRead, NullHoldsNowhere) {
  const Datum null{"", false, true};
  EXPECT_FALSE(read("unchanged", null, true).holds);
  EXPECT_FALSE(read("!= 5", null).holds);
  EXPECT_FALSE(read("NULL", null).holds);
  begin({"5", true, false});
  const InvariantSeen emptied = read("unchanged", null);
  EXPECT_FALSE(emptied.holds);
  EXPECT_EQ(shown(emptied), "invariant total of bank: expected unchanged: 5, but it is NULL");
  EXPECT_TRUE(to_json(emptied).get("value").is_null());
}

TEST_F(InvariantsRead, WhatIsNoNumberAndNoShortTextIsAProblem) {
  for (const std::string& text :
       {std::string(201, 'x'), std::string("a\nb"), std::string("\xff")}) {
    const InvariantSeen seen = read("!= a", {text, false, false});
    EXPECT_FALSE(seen.holds) << text;
    EXPECT_EQ(seen.problem, "its value is no number and no short text");
  }
}

TEST_F(InvariantsRead, WhatCannotBeReadSaysWhyOnOneLine) {
  const auto ask = [](const std::string&, const DeedContext&) -> Result<Datum> {
    return fail(ErrorCode::invalid, "no such table:\naccounts");
  };
  const auto seen = read_invariants(bank("5"), "sqlite", ask, world_.context());
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(shown(seen.front()), "invariant total of bank cannot be read: no such table: accounts");
  EXPECT_FALSE(all_hold(seen));
}

TEST_F(InvariantsRead, HaveATimeOfTheirOwn) {
  const Clock& clock = world_.clock();
  const auto ask = [&](const std::string&, const DeedContext& context) -> Result<Datum> {
    const Status slept = clock.pause(20s, context.until);
    if (!slept) return std::unexpected(slept.error());
    return Datum{"5", true, false};
  };
  const Instant begun = clock.now().boot;
  const auto seen = read_invariants(bank("5", "100ms"), "sqlite", ask, world_.context());
  EXPECT_LT(clock.now().boot - begun, 10s);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen.front().problem, "no answer within 100ms");
}

// What came back is not judged by a look that was broken off.
TEST_F(InvariantsRead, ARestoreThatIsOverIsNoBrokenInvariant) {
  const auto ask = [](const std::string&, const DeedContext& context) -> Result<Datum> {
    return fail(context.until.stop.requested() ? ErrorCode::stopped : ErrorCode::timed_out, "over");
  };
  StopSource source;
  source.request();
  world_.set_until({source.stop(), world_.clock().in(30s)});
  const auto stopped = read_restored(bank("5"), "sqlite", ask, world_.context());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::stopped);
  world_.set_until({{}, world_.clock().now().boot});
  const auto late = read_restored(bank("5"), "sqlite", ask, world_.context());
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::timed_out);
}

TEST_F(InvariantsRead, OneThatDoesNotHoldTakesVerifiedAway) {
  Restored whole{.vacuous = false, .verified = true, .text = "all indexes"};
  add_invariants(whole, {read("5", {"5", true, false})});
  EXPECT_TRUE(whole.verified);
  EXPECT_EQ(whole.text, "all indexes");
  add_invariants(whole, {read("5", {"5", true, false}), read("5", {"4", true, false})});
  EXPECT_FALSE(whole.verified);
  EXPECT_EQ(whole.text, "all indexes; invariant total of bank: expected == 5, but it is 4");
  EXPECT_EQ(whole.invariants.size(), 2u);
}

// Of a target that is known in two ways, each asks its own.
TEST_F(InvariantsRead, ThoseOfAnotherFacetAreLeftAlone) {
  const auto ask = [](const std::string&, const DeedContext&) -> Result<Datum> {
    return Datum{"5", true, false};
  };
  EXPECT_TRUE(read_invariants(bank("5"), "postgres", ask, world_.context()).empty());
  EXPECT_TRUE(all_hold({}));
}

}  // namespace
}  // namespace gameday
