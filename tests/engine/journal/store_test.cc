#include "engine/journal/store.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "engine/journal/filesystem.h"
#include "engine/sys/sqlite.h"
#include "tests/engine/journal/store_folder.h"

namespace gameday {
namespace {

using StoreTest = StoreFolder;

std::string bytes_of(const std::string& path) {
  std::ostringstream all;
  all << std::ifstream(path, std::ios::binary).rdbuf();
  return all.str();
}

TEST_F(StoreTest, ADrillReadsBackAsItWasEntered) {
  auto drill = record("01A");
  drill.epoch = 3;
  drill.created = "2026-11-22T00:00:00.000000Z";
  drill.runner.start = ~std::uint64_t{0};
  {
    const auto store = opened();
    ASSERT_TRUE(store->add(drill));
    EXPECT_EQ(store->add(drill).error().code, ErrorCode::conflict);
    ASSERT_TRUE(store->set_verdict("01A", "passed"));
    EXPECT_EQ(store->set_verdict("01B", "passed").error().code, ErrorCode::not_found);
  }
  const auto found = opened()->drill("01A");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "name");
  EXPECT_EQ(found->playbook, "/p.yaml");
  EXPECT_EQ(found->runner, drill.runner);
  EXPECT_EQ(found->epoch, 3);
  EXPECT_EQ(found->verdict, "passed");
  EXPECT_EQ(found->created, drill.created);
  EXPECT_EQ(found->events, 0U);
  EXPECT_FALSE(found->closed);
}

TEST_F(StoreTest, ADrillIsFoundByAUniquePrefix) {
  const auto store = opened();
  for (const char* id : {"01AAX", "01AB", "01ABC"}) ASSERT_TRUE(store->add(record(id)));
  EXPECT_EQ(store->drill("01AA")->id, "01AAX");
  EXPECT_EQ(store->drill("01aa")->id, "01AAX");
  EXPECT_EQ(store->drill("01AB")->id, "01AB");  // the whole id of one
  const auto several = store->drill("01A");
  ASSERT_FALSE(several);
  EXPECT_EQ(several.error().code, ErrorCode::invalid);
  EXPECT_EQ(several.error().text, "3 drills begin with 01A: 01AAX, 01AB, 01ABC");
  for (const char* none : {"02", "01%", "01AAXX"}) {
    EXPECT_EQ(store->drill(none).error().code, ErrorCode::not_found) << none;
  }
  EXPECT_EQ(store->drill("").error().code, ErrorCode::invalid);
}

TEST_F(StoreTest, EventsComeBackAsOneChainAndTellWhetherTheDrillIsClosed) {
  const auto store = opened();
  const auto journal = begun(*store, "01A");
  EXPECT_EQ(put(*journal, Durability::batched), 1U);
  EXPECT_EQ(put(*journal), 2U);
  EXPECT_FALSE(store->drill("01A")->closed);
  EXPECT_EQ(
      journal->append(clock_.now(), kClosing, Json::object({{"events", 3}}), Durability::durable),
      3U);
  EXPECT_EQ(put(*journal).error().code, ErrorCode::refused);
  const auto drills = opened()->drills();
  ASSERT_EQ(drills->size(), 1U);
  EXPECT_TRUE(drills->front().closed);
  EXPECT_EQ(drills->front().events, 3U);
  const auto state = verify_chain(*store->lines("01A"));
  EXPECT_TRUE(state.intact && !state.interrupted) << state.problem;
  EXPECT_EQ(state.head, journal->head());
}

TEST_F(StoreTest, AChainBeginsAtTheHeadOfTheDrillBeforeIt) {
  const auto store = opened();
  const auto first = begun(*store, "01A");
  ASSERT_TRUE(put(*first));
  EXPECT_EQ(parse_event(store->lines("01A")->front())->prev, kChainStart);
  ASSERT_TRUE(store->add(record("01B")));  // has no event, so it is passed over
  const auto third = begun(*store, "01C");
  ASSERT_TRUE(put(*third));
  EXPECT_EQ(parse_event(store->lines("01C")->front())->prev, first->head());
}

TEST_F(StoreTest, BatchedEventsAreOnDiskWithTheNextDurableOneOrAFlush) {
  const auto store = opened();
  const auto journal = begun(*store, "01A");
  ASSERT_TRUE(put(*journal, Durability::batched));
  EXPECT_EQ(store->lines("01A")->size(), 0U);
  ASSERT_TRUE(journal->flush());
  EXPECT_EQ(store->lines("01A")->size(), 1U);
  ASSERT_TRUE(put(*journal, Durability::batched));
  ASSERT_TRUE(put(*journal));
  EXPECT_EQ(store->lines("01A")->size(), 3U);
}

TEST_F(StoreTest, WhoeverWasTakenOverFromIsFencedAlsoInAnotherConnection) {
  const auto store = opened();
  const auto runner = begun(*store, "01A");
  ASSERT_TRUE(put(*runner));
  ASSERT_TRUE(put(*runner, Durability::batched));
  const auto other = opened();
  const auto guardian = other->take_over("01A");
  ASSERT_TRUE(guardian);
  EXPECT_EQ(put(*runner).error().code, ErrorCode::fenced);
  EXPECT_EQ(put(*runner, Durability::batched).error().code, ErrorCode::fenced);
  EXPECT_EQ(put(**guardian), 2U);
  EXPECT_EQ(store->journal("01A").error().code, ErrorCode::fenced);
  EXPECT_EQ(store->take_over("01B").error().code, ErrorCode::not_found);
  EXPECT_EQ(store->drill("01A")->epoch, 1);
  EXPECT_TRUE(verify_chain(*store->lines("01A")).intact);
}

TEST_F(StoreTest, TwoDrillsWriteSideBySide) {
  const auto one = opened();
  const auto two = opened();
  const auto first = begun(*one, "01A");
  const auto second = begun(*two, "01B");
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(put(*first, i % 3 == 0 ? Durability::durable : Durability::batched));
    ASSERT_TRUE(put(*second, i % 2 == 0 ? Durability::durable : Durability::batched));
  }
  ASSERT_TRUE(first->flush() && second->flush());
  for (const char* id : {"01A", "01B"}) {
    EXPECT_EQ(verify_chain(*one->lines(id)).events, 20U) << id;
  }
}

TEST_F(StoreTest, TheObserverIsToldOfCommitsButNotOfSamples) {
  std::string told;
  const auto store = opened([&](std::string_view door, Side side) {
    EXPECT_EQ(door, "journal");
    told += side == Side::before ? '<' : '>';
  });
  const auto journal = begun(*store, "01A");
  EXPECT_EQ(told, "<>");
  ASSERT_TRUE(put(*journal, Durability::batched));
  ASSERT_TRUE(journal->flush());
  EXPECT_EQ(told, "<>");
  ASSERT_TRUE(put(*journal));
  EXPECT_EQ(told, "<><>");
}

TEST_F(StoreTest, AFileThatIsNoStoreIsRefusedAndStaysAsItIs) {
  const auto refused = [&](const std::string& why) {
    const std::string before = bytes_of(path());
    const auto store = Store::open(path(), clock_);
    ASSERT_FALSE(store) << why;
    EXPECT_EQ(store.error().code, ErrorCode::invalid) << why;
    EXPECT_NE(store.error().text.find(why), std::string::npos) << store.error().text;
    EXPECT_EQ(bytes_of(path()), before) << why;
    EXPECT_FALSE(std::filesystem::exists(path() + ".reserve"));
    std::filesystem::remove(path());
  };
  const auto database = [&](const std::string& sql) {
    auto made = Database::open(path(), {.mode = DatabaseMode::create});
    ASSERT_TRUE(made && made->execute(sql));
  };
  std::ofstream(path()) << std::string(5000, 'x');
  refused("file is not a database");
  database("CREATE TABLE t(x);");
  refused("another program's");
  database("PRAGMA application_id = 7;");
  refused("another program's");
  database("PRAGMA application_id = 1195655513; PRAGMA user_version = 2;");
  refused("its version 2 is later than this gameday");
}

TEST_F(StoreTest, NetworkFilesystemsAreRefusedByName) {
  const auto refused = [](std::int64_t magic, const std::string& type) -> std::string {
    const auto fit = fit_for_store("/srv", {magic, type, false});
    if (fit) return "";
    EXPECT_EQ(fit.error().code, ErrorCode::refused);
    EXPECT_FALSE(fit.error().hint.empty());
    return fit.error().text;
  };
  EXPECT_EQ(refused(0x6969, "nfs4"),
            "/srv is on a network filesystem (NFS), where SQLite's locks cannot be relied on");
  EXPECT_NE(refused(0xff534d42, "cifs").find("(CIFS)"), std::string::npos);
  EXPECT_NE(refused(0xfe534d42, "cifs").find("(SMB2)"), std::string::npos);
  EXPECT_NE(refused(0x01021997, "9p").find("(9p)"), std::string::npos);
  EXPECT_NE(refused(0x65735546, "fuse.sshfs").find("(fuse.sshfs)"), std::string::npos);
  EXPECT_EQ(refused(0x65735546, "fuse.fuse-overlayfs"), "");
  EXPECT_EQ(refused(0x65735546, "fuseblk"), "");
  EXPECT_EQ(refused(0xef53, "ext4"), "");
  EXPECT_EQ(refused(0x01021994, "tmpfs"), "");
}

TEST_F(StoreTest, TheFilesystemOfAFolderIsFound) {
  const auto here = filesystem_of("/proc");
  ASSERT_TRUE(here);
  EXPECT_EQ(here->magic, 0x9fa0);
  EXPECT_EQ(here->type, "proc");
  EXPECT_EQ(filesystem_of(folder_ + "/none").error().code, ErrorCode::not_found);
}

TEST_F(StoreTest, TheFolderAndTheReserveAreMade) {
  const std::string deep = folder_ + "/a/b/gameday.db";
  ASSERT_TRUE(Store::open(deep, clock_));
  EXPECT_EQ(std::filesystem::file_size(deep + ".reserve"), 1U << 20);
  EXPECT_EQ(std::filesystem::status(folder_ + "/a").permissions(),
            std::filesystem::perms::owner_all);
}

TEST_F(StoreTest, TheDefaultPathFollowsXdg) {
  const auto with = [](const char* state, const char* home) {
    state != nullptr ? setenv("XDG_STATE_HOME", state, 1) : unsetenv("XDG_STATE_HOME");
    home != nullptr ? setenv("HOME", home, 1) : unsetenv("HOME");
    return default_store_path();
  };
  EXPECT_EQ(with("/s", "/h"), "/s/gameday/gameday.db");
  EXPECT_EQ(with(nullptr, "/h"), "/h/.local/state/gameday/gameday.db");
  EXPECT_EQ(with("relative", "/h"), "/h/.local/state/gameday/gameday.db");
  EXPECT_EQ(with("", nullptr).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace gameday
