#include "engine/sys/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "engine/sys/clock.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

TEST(Files, LookTellsWhatStandsThereWithoutOpeningIt) {
  std::string folder = testing::TempDir() + "gameday-files-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const Files files;
  const std::string path = folder + "/at";
  EXPECT_EQ(files.look(path).error().code, ErrorCode::not_found);
  ASSERT_TRUE(files.write(path, "five!"));
  const auto file = files.look(path);
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->regular);
  EXPECT_EQ(file->size, 5);
  const Duration age = SystemClock().now().utc - file->changed;
  EXPECT_LT(age, 60s);
  EXPECT_GT(age, -60s);
  EXPECT_FALSE(files.look(folder)->regular);
  // Whoever opened the pipe would wait for a writer.
  std::filesystem::remove(path);
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_FALSE(files.look(path)->regular);
  EXPECT_EQ(files.look(path + "/below").error().text,
            "cannot look at " + path + "/below: Not a directory");
  std::filesystem::remove_all(folder);
}

// Whom we may not read it is told so at once, too.
TEST(Files, AFileThatNeverEndsIsNotWaitedFor) {
  const Files files;
  auto said = std::make_shared<std::promise<bool>>();
  auto read = said->get_future();
  std::thread([files, said] { said->set_value(files.read("/proc/kmsg").has_value()); }).detach();
  ASSERT_EQ(read.wait_for(5s), std::future_status::ready) << "it waits";
  EXPECT_FALSE(read.get());
}

TEST(Files, APipeIsReadToItsEnd) {
  std::string folder = testing::TempDir() + "gameday-files-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const std::jthread writer([&] {
    const Descriptor end(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    for (const char c : std::string("late")) {
      (void)SystemClock().sleep({Stop(), SystemClock().in(20ms)});
      EXPECT_EQ(write(end.get(), &c, 1), 1);
    }
  });
  EXPECT_EQ(Files().read(path).value_or("none"), "late");
  std::filesystem::remove_all(folder);
}

TEST(Files, LinesComeOneAtATimeAndWholeHoweverLong) {
  std::string folder = testing::TempDir() + "gameday-files-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const Files files;
  const std::string path = folder + "/lines";
  const std::string longer(700'000, 'x');  // than what is read at once
  ASSERT_TRUE(files.write(path, "one\n\n" + longer + "\nlast"));
  std::vector<std::string> lines;
  const auto all = [&](std::string_view line) {
    lines.emplace_back(line);
    return true;
  };
  ASSERT_TRUE(files.each_line(path, all));
  EXPECT_EQ(lines, (std::vector<std::string>{"one", "", longer, "last"}));
  int asked = 0;
  ASSERT_TRUE(files.each_line(path, [&](std::string_view) { return ++asked < 2; }));
  EXPECT_EQ(asked, 2) << "no line after the one that was enough";
  ASSERT_TRUE(files.write(path, std::string((std::size_t{64} << 20) + 1'000'000, 'x')));
  EXPECT_EQ(files.each_line(path, all).error().code, ErrorCode::invalid);
  EXPECT_EQ(files.each_line(folder + "/none", all).error().code, ErrorCode::not_found);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace gameday
