#include "drills/systems/reload.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/drills/process_fixture.h"

namespace gameday {
namespace {

class ReloadTest : public ProcessFixture {
 protected:
  static Deed with(Json arguments) { return {"fault-1", "x", "west", std::move(arguments)}; }
  // Writes a line for each signal that it is sent.
  void start_that_tells() {
    const auto id = start({"bash", "-c",
                           "trap 'echo again >>" + told() + "' HUP; echo up >>" + told() +
                               "; while :; do sleep 0.02; done"});
    write_pid(id.pid);
    EXPECT_TRUE(comes("up\n"));
  }
  std::string told() const { return pidfile() + ".told"; }
  bool comes(const std::string& text) const {
    return comes_true([&] { return files_.read(told()).value_or("") == text; });
  }
};

TEST_F(ReloadTest, ASignalReachesTheProcessOfThePidfile) {
  start_that_tells();
  const auto reload = reload_of(with(Json::object({{"signal", "HUP"}})), context());
  ASSERT_TRUE(reload) << reload.error().text;
  const auto kept = reload_from(to_json(*reload));
  ASSERT_TRUE(kept);
  ASSERT_TRUE(reload_now(*kept, context()));
  EXPECT_TRUE(comes("up\nagain\n"));
}

TEST_F(ReloadTest, ASignalThatWouldEndTheProcessIsRefused) {
  start_that_tells();
  const auto reload = reload_of(with(Json::object({{"signal", "USR1"}})), context());
  ASSERT_FALSE(reload);
  EXPECT_EQ(reload.error().code, ErrorCode::refused);
  EXPECT_TRUE(reload.error().text.contains("does not catch the signal USR1"))
      << reload.error().text;
  // Another program may stand in the pidfile by the time of the undo.
  const auto caught = reload_of(with(Json::object({{"signal", "HUP"}})), context());
  write_pid(start({"sleep", "1000"}).pid);
  EXPECT_EQ(reload_now(*caught, context()).error().code, ErrorCode::refused);
}

TEST_F(ReloadTest, AProcessThatDoesNotRunReadsItsFilesWhenItStarts) {
  start_that_tells();
  const auto reload = reload_of(with(Json::object()), context());
  ASSERT_TRUE(files_.remove(pidfile()));
  EXPECT_TRUE(reload_now(*reload, context()));
}

TEST_F(ReloadTest, ACommandStandsInForTheSignalAndItsFailureIsTold) {
  const auto by = [&](std::initializer_list<Json> words) {
    return with(Json::object({{"reload", Json(Json::Array(words))}, {"folder", "/"}}));
  };
  const auto touch = reload_of(by({"touch", told()}), context());
  ASSERT_TRUE(touch) << touch.error().text;
  ASSERT_TRUE(reload_now(*touch, context()));
  EXPECT_TRUE(std::filesystem::exists(told()));
  const auto fails = reload_of(by({"bash", "-c", "exit 3"}), context());
  EXPECT_EQ(reload_now(*fails, context()).error().text,
            "reload: `bash -c exit 3` ended with code 3");
  EXPECT_FALSE(reload_of(by({"no-such-program-of-ours"}), context()));
  EXPECT_EQ(reload_of(by({"touch", "${env:TOKEN}"}), context()).error().code, ErrorCode::refused);
}

TEST_F(ReloadTest, AnUndoThatLacksItIsCorrupt) {
  EXPECT_EQ(reload_from(Json::object()).error().code, ErrorCode::corrupt);
}

}  // namespace
}  // namespace gameday
