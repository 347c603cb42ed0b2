#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "engine/base/digest.h"
#include "engine/base/text.h"
#include "engine/load/ledger.h"
#include "engine/sys/files.h"
#include "tests/engine/load/made_samples.h"

namespace gameday {
namespace {

class LedgerFileTest : public testing::Test {
 protected:
  LedgerFileTest() {
    std::string pattern = testing::TempDir() + "ledger-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    path_ = folder_ + "/ledger.jsonl";
  }
  ~LedgerFileTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<LedgerFile> create() {
    auto made = create_ledger_file(path_, {"01J",
                                           "checkout",
                                           7,
                                           200,
                                           std::chrono::seconds(1),
                                           {made::at(100), Utc(from_seconds(1000))}});
    EXPECT_TRUE(made) << made.error().text;
    return std::move(*made);
  }
  std::string bytes() const { return *Files().read(path_); }
  std::vector<Json> lines() const {
    std::vector<Json> all;
    for (const auto& line : split(trimmed(bytes()), '\n')) all.push_back(*Json::parse(line));
    return all;
  }

  std::string folder_;
  std::string path_;
};

TEST_F(LedgerFileTest, BeginsWithWhoWroteIt) {
  const auto ledger = create();
  EXPECT_EQ(bytes(), R"({"type":"ledger","drill":"01J","load":"checkout","seed":7,"rate":200.0,)"
                     R"("timeout_s":1.0,"started":"1970-01-01T00:16:40.000000Z",)"
                     R"("boot_ns":100000000000})"
                     "\n");
}

TEST_F(LedgerFileTest, AnIntentIsInTheFileWhenItReturns) {
  const auto ledger = create();
  ASSERT_TRUE(ledger->intend(0, 199));
  EXPECT_EQ(lines().back().dump(), R"({"type":"intent","from":0,"to":199})");
}

TEST_F(LedgerFileTest, AWriteIsThereAfterTheNextSync) {
  const auto ledger = create();
  Sample sample = made::good(101.5, 0.25);
  sample.seq = 3;
  sample.status = 201;
  ASSERT_TRUE(ledger->write(sample, "01J-checkout-000003", "abc"));
  EXPECT_EQ(lines().size(), 1U);
  ASSERT_TRUE(ledger->sync());
  EXPECT_EQ(lines().back().dump(),
            R"({"type":"write","seq":3,"key":"01J-checkout-000003","digest":"abc",)"
            R"("due":"1970-01-01T00:16:41.500000Z","sent":"1970-01-01T00:16:41.500000Z",)"
            R"("completed":"1970-01-01T00:16:41.750000Z","due_ns":101500000000,)"
            R"("sent_ns":101500000000,"end_ns":101750000000,"outcome":"ok","status":201})");
}

TEST_F(LedgerFileTest, KeepsTheOrderInWhichThingsHappened) {
  const auto ledger = create();
  ASSERT_TRUE(ledger->write(made::good(101), "a", "b"));
  ASSERT_TRUE(ledger->intend(0, 9));
  ASSERT_TRUE(ledger->note(Json::object({{"type", "end"}, {"writes", 1}})));
  ASSERT_TRUE(ledger->sync());
  std::string types;
  for (const Json& line : lines()) types += line.text("type") + " ";
  EXPECT_EQ(types, "ledger write intent end ");
}

TEST_F(LedgerFileTest, ItsDigestIsThatOfTheFile) {
  const auto ledger = create();
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(ledger->write(made::good(101 + i), "key", "digest"));
    if (i % 10 == 0) {
      ASSERT_TRUE(ledger->sync());
    }
  }
  EXPECT_EQ(ledger->mark().bytes, bytes().size());  // without what is still buffered
  EXPECT_EQ(ledger->digest(), sha256(bytes()));
  ASSERT_TRUE(ledger->sync());
  EXPECT_EQ(ledger->digest(), sha256(bytes()));
}

TEST_F(LedgerFileTest, NeverContinuesAnOlderOne) {
  create();
  const auto again = create_ledger_file(path_, {});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::conflict);
}

TEST_F(LedgerFileTest, SaysSoWhereItCannotBeMade) {
  const auto none = create_ledger_file(folder_ + "/none/ledger.jsonl", {});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::not_found);
}

TEST_F(LedgerFileTest, AWriteThatFailsLeavesWholeLinesAndIsKeptForLater) {
  const auto ledger = create();
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit small = before;
  small.rlim_cur = 1000;
  setrlimit(RLIMIT_FSIZE, &small);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(ledger->write(made::good(101 + i), "key", "digest"));
  EXPECT_FALSE(ledger->sync());
  EXPECT_FALSE(ledger->intend(0, 9));
  EXPECT_EQ(lines().size(), 1U);
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_TRUE(ledger->sync());
  EXPECT_EQ(lines().size(), 22U);
  EXPECT_EQ(ledger->digest(), sha256(bytes()));
}

TEST_F(LedgerFileTest, TakesLinesFromSeveralThreads) {
  const auto ledger = create();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        EXPECT_TRUE(ledger->write(made::good(101), "key", "digest"));
        const Status synced = i % 20 == 0 ? ledger->sync() : Status();
        EXPECT_TRUE(synced);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_TRUE(ledger->sync());
  EXPECT_EQ(lines().size(), 201U);
}

}  // namespace
}  // namespace gameday
