// A journal of several batches is told line by line, in order, as if it were read by one.
#include "engine/journal/read_ahead.h"

#include <gtest/gtest.h>

namespace gameday {
namespace {

constexpr std::size_t kLines = 10'000;

std::vector<std::string> long_chain() {
  Chain chain("01J", "boot", std::string(kChainStart));
  std::vector<std::string> lines;
  for (std::size_t i = 1; i <= kLines; ++i) {
    const Now now{Instant(std::chrono::seconds(i)), Utc(std::chrono::seconds(1'800'000'000 + i))};
    const bool last = i == kLines;
    auto made = chain.line(now, last ? kClosing : "sample", Json::object({{"events", i}}));
    chain.advance(made);
    lines.push_back(std::move(made.line));
  }
  return lines;
}

TEST(ReadAhead, TellsEveryLineInItsOrder) {
  const auto lines = long_chain();
  std::uint64_t due = 0;
  ASSERT_TRUE(read_ahead(source_of(lines), [&](ReadLine& read) {
    ++due;
    EXPECT_EQ(read.line, lines[due - 1]);
    EXPECT_EQ(read.event->number, due);
    EXPECT_EQ(read.event->hash, read.hash);
    return !testing::Test::HasFailure();
  }));
  EXPECT_EQ(due, kLines);
}

TEST(ReadAhead, EndsWhereNoMoreAreWanted) {
  const auto lines = long_chain();
  for (const std::size_t wanted : {1u, 4096u, 4097u, 9000u}) {
    std::size_t seen = 0;
    ASSERT_TRUE(read_ahead(source_of(lines), [&](ReadLine&) { return ++seen < wanted; }));
    EXPECT_EQ(seen, wanted);
  }
}

TEST(ReadAhead, PassesOnWhatTheSourceCannotRead) {
  const LineSource broken = [](const LineVisitor& each) -> Status {
    for (std::size_t i = 0; i < kLines; ++i) {
      if (!each("x")) return {};
    }
    return fail(ErrorCode::failed, "the disk is gone");
  };
  const auto read = read_ahead(broken, [](ReadLine& line) { return !line.event.has_value(); });
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().text, "the disk is gone");
}

TEST(ReadAhead, NamesTheLineThatWasEdited) {
  auto lines = long_chain();
  const auto state = [&] { return verify_chain(source_of(lines), {}).value(); };
  EXPECT_TRUE(state().intact) << state().problem;
  for (const std::size_t line : {1u, 4096u, 4097u, 9001u}) {
    auto edited = lines;
    edited[line - 1].replace(edited[line - 1].find("events"), 6, "EVENTS");
    const auto found = verify_chain(source_of(edited), {}).value();
    EXPECT_FALSE(found.intact);
    EXPECT_EQ(found.line, line);
  }
}

}  // namespace
}  // namespace gameday
