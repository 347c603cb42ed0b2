#include "drills/systems/process.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/drills/process_fixture.h"

namespace gameday {

extern const FacetRow process_facet;
extern const FacetRow http_facet;

namespace {

class ProcessFacetTest : public ProcessFixture {};

TEST_F(ProcessFacetTest, ResolvesToTheLivingInstance) {
  const auto id = start_target();
  const auto instance = process_facet.resolve(system_.targets[0], context());
  ASSERT_TRUE(instance) << instance.error().text;
  EXPECT_EQ(instance->identity, "process:" + pidfile());
  EXPECT_TRUE(
      instance->shown.starts_with("process " + std::to_string(id.pid) + " (process_child serve "))
      << instance->shown;
  EXPECT_EQ(process_id_from(instance->facts.get("process")), id);
}

TEST_F(ProcessFacetTest, ErrorsNameThePidfile) {
  const auto code_and_name = [&] {
    const auto instance = process_facet.resolve(system_.targets[0], context());
    EXPECT_FALSE(instance);
    EXPECT_TRUE(instance.error().text.contains(pidfile())) << instance.error().text;
    return instance.error().code;
  };
  EXPECT_EQ(code_and_name(), ErrorCode::not_found);
  for (const char* bytes : {"", "west", "12 13", "-4", "0", "99999999999"}) {
    ASSERT_TRUE(files_.write(pidfile(), bytes));
    EXPECT_EQ(code_and_name(), ErrorCode::corrupt) << bytes;
  }
  const auto id = start_target();
  end(id);
  EXPECT_EQ(code_and_name(), ErrorCode::not_found);
}

TEST_F(ProcessFacetTest, AZombieIsNoInstance) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  siginfo_t info{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  write_pid(child);
  EXPECT_EQ(process_facet.resolve(system_.targets[0], context()).error().code,
            ErrorCode::not_found);
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED), 0);
}

TEST_F(ProcessFacetTest, ATargetWithoutTheFacetIsInvalid) {
  EXPECT_EQ(process_facet.resolve(Target{}, context()).error().code, ErrorCode::invalid);
  EXPECT_EQ(http_facet.resolve(Target{}, context()).error().code, ErrorCode::invalid);
}

TEST_F(ProcessFacetTest, HttpIsLockedByItsOrigin) {
  Target front;
  front.name = "front";
  front.facets =
      Json::object({{"http", Json::object({{"url", "http://me:canary@Shop.test:8080/a?b#c"}})}});
  const auto instance = http_facet.resolve(front, context());
  ASSERT_TRUE(instance) << instance.error().text;
  EXPECT_EQ(instance->identity, "http:http://shop.test:8080");
  EXPECT_EQ(instance->shown, "http://shop.test:8080");
}

TEST_F(ProcessFacetTest, AnotherProgramInThePidfileIsAConflict) {
  const auto id = start_target();
  const auto lost = keep_for_restart(system_.targets[0], context());
  ASSERT_TRUE(lost) << lost.error().text;
  end(id);
  const auto other = start({"sleep", "1000"});
  write_pid(other.pid);
  const auto put = put_back(*lost, doors_);
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, ErrorCode::conflict);
  EXPECT_FALSE(put.error().hint.empty());
  EXPECT_EQ(targets().size(), 1U);
}

TEST_F(ProcessFacetTest, AnEqualProcessThatRanBesideItIsNoSuccessor) {
  start({child(), "serve", file("said")});
  const auto id = start_target();
  const auto lost = keep_for_restart(system_.targets[0], context());
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->doubles.size(), 1U);
  end(id);
  EXPECT_FALSE(back_again(*lost, doors_));
  ASSERT_TRUE(put_back(*lost, doors_));
  EXPECT_EQ(targets().size(), 2U);
}

TEST_F(ProcessFacetTest, WhatGamedayRunsUnderIsRefused) {
  for (const pid_t pid : {getpid(), getppid(), pid_t{1}}) {
    write_pid(pid);
    EXPECT_EQ(keep_for_restart(system_.targets[0], context()).error().code, ErrorCode::refused);
  }
}

TEST_F(ProcessFacetTest, TheRecordReadsBackFromJson) {
  start_target();
  const auto lost = keep_for_restart(system_.targets[0], context());
  ASSERT_TRUE(lost);
  const auto json = to_json(*lost);
  const auto back = lost_process_from(*Json::parse(json.dump()));
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_EQ(to_json(*back), json);
  for (const char* member : {"pidfile", "process", "environment", "mark"}) {
    Json lacking = json;
    lacking.erase(member);
    EXPECT_EQ(lost_process_from(lacking).error().code, ErrorCode::corrupt) << member;
  }
}

}  // namespace
}  // namespace gameday
