// A deed's world with a real S3 server in it, and a fault of a row done to it step by step.
#pragma once

#include "drills/systems/s3.h"
#include "tests/drills/deed_world.h"
#include "tests/drills/row_fault.h"
#include "tests/drills/s3_process.h"

namespace gameday {

class S3Test : public testing::Test {
 protected:
  void SetUp() override {
    server_.fill();
    std::filesystem::create_directories(world_.private_folder());
    aim("kept");
  }
  // From now on the target `archive` is this bucket.
  Target& aim(const std::string& bucket) {
    world_.system().targets.clear();
    return world_.add_target("archive", "s3", server_.facet(bucket));
  }
  DeedContext context(const std::string& mark = "drill-1") {
    world_.set_until({{}, world_.clock().in(std::chrono::seconds(30))});
    return world_.context(mark);
  }
  S3 open(const std::string& bucket = "kept") {
    world_.add_target("direct", "s3", server_.facet(bucket));
    const auto place = s3_place_of(world_.system().targets.back());
    world_.system().targets.pop_back();
    return open_s3(*place, context()).value();
  }
  template <class T>
  static void expect_error(const T& result, ErrorCode code, const std::string& part) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code) << result.error().text;
    EXPECT_TRUE(result.error().text.contains(part)) << result.error().text;
  }

  DeedWorld world_;
  S3Process server_{world_.file("s3")};
};

class S3FaultTest : public RowFault<S3Test> {
 protected:
  explicit S3FaultTest(const FaultRow& row) : RowFault(row, "archive") {}
};

}  // namespace gameday
