// Whole drills on a bank in a file: what is always true of it is read before, in what comes back,
// and at the end.
#include "tests/cli/cli_fixture.h"

namespace gameday {
namespace {

class BankDrill : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    auto bank = Database::open(file("bank.db"), {.mode = DatabaseMode::create});
    ASSERT_TRUE(bank);
    ASSERT_TRUE(
        bank->execute("CREATE TABLE accounts(id INTEGER PRIMARY KEY, balance INTEGER);"
                      "INSERT INTO accounts VALUES(1, 60), (2, 40)"));
    write("change.py",
          "import sqlite3, sys\n"
          "with sqlite3.connect('bank.db') as bank:\n"
          "    bank.executescript(sys.argv[1])\n");
  }

  // A drill without faults: its timeline, each step on a line.
  Ran drill(const std::vector<std::string>& steps,
            const std::string& sql = "SELECT sum(balance) FROM accounts") const {
    std::string text =
        "gameday: 1\nname: bank\nsummary: A bank is backed up and restored.\nowner: tests\n"
        "objectives: {}\nsystem:\n  bank: { sqlite: { path: bank.db, invariants: [{ name: total, "
        "sql: \"" +
        sql + "\", is: unchanged }] } }\ntimeline:\n";
    for (const auto& step : steps) text += "  - " + step + "\n";
    write("bank.yaml", text);
    return run({"run", "bank.yaml", "--json"});
  }
  static std::string change(const std::string& sql) {
    return "{ action: command, do: [python3, change.py, \"" + sql + "\"], check: [\"true\"] }";
  }
  [[nodiscard]] std::string balances() const {
    auto bank = Database::open(file("bank.db"));
    return bank->text("SELECT group_concat(balance) FROM accounts").value_or("");
  }
  static bool shuts(const Json& result, std::string_view gate) {
    return std::ranges::any_of(result.get("score").items("gates"),
                               [&](const Json& one) { return one.text("id") == gate; });
  }
  static std::string reasons(const Json& result) {
    std::string all;
    for (const auto& reason : result.items("reasons")) all += reason.text("text") + "\n";
    return all;
  }
};

const std::string kTake = "UPDATE accounts SET balance = balance - 10 WHERE id = 1";
const std::string kGive = "UPDATE accounts SET balance = balance + 10 WHERE id = 2";

TEST_F(BankDrill, WhoseTotalHoldsPasses) {
  const Ran ran = drill({"backup: bank", "{ restore: bank }", change(kTake + ";" + kGive),
                         "{ restore: bank, into: place }"});
  EXPECT_EQ(ran.code, 0) << ran.out << ran.err;
  const Json result = document(ran);
  const auto& readings = result.items("invariants");
  ASSERT_EQ(readings.size(), 4u) << result.dump();
  for (const auto& reading : readings) EXPECT_EQ(reading.text("value"), "100") << reading.dump();
  EXPECT_EQ(readings[1].text("step"), "restore-2");
  EXPECT_EQ(readings[2].text("must"), "unchanged: 100");
  EXPECT_EQ(readings[3].text("at"), "verify");
  EXPECT_FALSE(shuts(result, "G3"));
  EXPECT_EQ(balances(), "60,40");
}

TEST_F(BankDrill, WhoseBackupIsOfAHalfDoneTransferFails) {
  const Ran ran =
      drill({change(kTake), "backup: bank", change(kGive), "{ restore: bank, into: place }"});
  EXPECT_EQ(ran.code, 1) << ran.out << ran.err;
  const Json result = document(ran);
  EXPECT_TRUE(
      reasons(result).contains("into place does not verify: invariant total of bank: "
                               "expected unchanged: 100, but it is 90"))
      << reasons(result);
  EXPECT_FALSE(result.items("restores").front().boolean("verified", true));
  EXPECT_TRUE(shuts(result, "G3"));
  EXPECT_EQ(balances(), "50,50") << "it took the place of what was good";
}

TEST_F(BankDrill, WhoseTotalIsBrokenAtTheEndFails) {
  const Ran ran = drill({"backup: bank", change("DELETE FROM accounts WHERE id = 2")});
  EXPECT_EQ(ran.code, 1) << ran.out << ran.err;
  const Json result = document(ran);
  EXPECT_TRUE(reasons(result).contains("expected unchanged: 100, but it is 60")) << reasons(result);
  EXPECT_TRUE(shuts(result, "G3"));
  EXPECT_TRUE(read(file("gameday-report/" + result.text("drill") + "/report.md"))
                  .contains("## Invariants"));
}

TEST_F(BankDrill, WhoseTotalCannotBeReadDoesNotBegin) {
  const Ran ran = drill({change("DELETE FROM accounts")}, "SELECT sum(balance) FROM customers");
  EXPECT_EQ(ran.code, 3) << ran.out << ran.err;
  EXPECT_TRUE(reasons(document(ran)).contains("cannot be read: "));
  EXPECT_EQ(drill({change("DELETE FROM accounts")}, "DELETE FROM accounts RETURNING 1").code, 3);
  EXPECT_EQ(balances(), "60,40");
}

TEST_F(BankDrill, ShowsThemInItsPlan) {
  EXPECT_EQ(drill({"backup: bank"}).code, 0);
  const Ran plan = run({"plan", "bank.yaml"});
  EXPECT_EQ(plan.code, 0);
  EXPECT_TRUE(plan.out.contains("bank: total: SELECT sum(balance) FROM accounts; is unchanged"))
      << plan.out;
}

}  // namespace
}  // namespace gameday
