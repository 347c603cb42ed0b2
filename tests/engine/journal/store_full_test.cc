#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "engine/sys/descriptor.h"
#include "tests/engine/journal/store_folder.h"

namespace gameday {
namespace {

// A folder on a filesystem of 4 MiB of its own.
class StoreOnFullDisk : public StoreFolder {
 protected:
  void SetUp() override {
    StoreFolder::SetUp();
    ASSERT_EQ(mount("tmpfs", folder_.c_str(), "tmpfs", 0, "size=4m"), 0)
        << "this test must be allowed to mount a tmpfs (run it as root): " << strerror(errno);
  }
  void TearDown() override {
    umount2(folder_.c_str(), MNT_DETACH);
    StoreFolder::TearDown();
  }

  void fill() const {
    const Descriptor file(
        open((folder_ + "/filler").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    const std::string block(4096, 'f');
    while (::write(file.get(), block.data(), block.size()) > 0) continue;
    ASSERT_EQ(errno, ENOSPC);
  }
  [[nodiscard]] bool reserved() const { return std::filesystem::exists(path() + ".reserve"); }
  Error full_error(Journal& journal) {
    for (int i = 0; i < 5000; ++i) {
      if (auto number = put(journal); !number) return number.error();
    }
    ADD_FAILURE() << "the disk never became full";
    return {};
  }
};

TEST_F(StoreOnFullDisk, OneAppendFailsAndUndoEventsGoOnInTheReserve) {
  const auto store = opened();
  ASSERT_NE(store, nullptr);
  const auto journal = begun(*store, "01A");
  ASSERT_TRUE(put(*journal));
  EXPECT_TRUE(reserved());
  fill();
  ASSERT_TRUE(put(*journal, Durability::batched));
  const std::uint64_t before = store->lines("01A")->size();
  const Error full = full_error(*journal);
  EXPECT_EQ(full.code, ErrorCode::no_space) << full.text;
  EXPECT_FALSE(reserved());
  const auto first = put(*journal);
  ASSERT_TRUE(first) << first.error().text;
  EXPECT_GT(*first, before + 1);  // the sample before it is there too
  for (int i = 0; i < 200; ++i) {
    const auto number = put(*journal, Durability::durable, std::string(2000, 'u'));
    ASSERT_TRUE(number) << "undo event " << i << ": " << number.error().text;
  }
  ASSERT_TRUE(journal->append(clock_.now(), kClosing,
                              Json::object({{"events", static_cast<long>(*first) + 201}}),
                              Durability::durable));
  const auto state = verify_chain(*store->lines("01A"));
  EXPECT_TRUE(state.intact && !state.interrupted) << state.problem;
}

TEST_F(StoreOnFullDisk, NoDrillStartsWithoutTheReserveButRevertingGoesOn) {
  {
    const auto store = opened();
    const auto journal = begun(*store, "01A");
    ASSERT_TRUE(put(*journal));
    fill();
    EXPECT_EQ(full_error(*journal).code, ErrorCode::no_space);
    EXPECT_FALSE(reserved());
    const auto refused = Store::open(path(), clock_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::no_space);
  }
  auto store = Store::open(path(), clock_, {}, ReserveRule::wanted);
  ASSERT_TRUE(store) << store.error().text;
  EXPECT_FALSE(reserved());
  auto guardian = (*store)->take_over("01A");
  ASSERT_TRUE(guardian) << guardian.error().text;
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(put(**guardian));
  std::filesystem::remove(folder_ + "/filler");
  EXPECT_NE(opened(), nullptr);
  EXPECT_TRUE(reserved());
}

TEST_F(StoreOnFullDisk, RevertingOnADiskThatFilledUpBehindUsFreesTheReserve) {
  {
    const auto store = opened();
    const auto journal = begun(*store, "01A");
    ASSERT_TRUE(put(*journal));
  }
  fill();
  auto store = Store::open(path(), clock_, {}, ReserveRule::wanted);
  ASSERT_TRUE(store) << store.error().text;
  auto guardian = (*store)->take_over("01A");
  ASSERT_TRUE(guardian) << guardian.error().text;
  static_cast<void>(put(**guardian));  // may be the one that finds the disk full
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(put(**guardian)) << i;
}

TEST_F(StoreOnFullDisk, ThatNothingIsLeftOfItSaysSo) {
  {
    const auto store = opened();
    const auto journal = begun(*store, "01A");
    ASSERT_TRUE(put(*journal));
  }
  std::filesystem::remove(path() + ".reserve");
  fill();
  const auto store = Store::open(path(), clock_, {}, ReserveRule::wanted);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::no_space) << store.error().text;
  EXPECT_TRUE(store.error().text.contains("full")) << store.error().text;
}

TEST_F(StoreOnFullDisk, AReadOnlyFilesystemIsRefused) {
  ASSERT_EQ(mount(nullptr, folder_.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
  const auto store = Store::open(path(), clock_);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::refused);
  EXPECT_NE(store.error().text.find("read-only filesystem"), std::string::npos)
      << store.error().text;
}

}  // namespace
}  // namespace gameday
