// A deed's world with a real S3 server in it, and a fault of a row done to it step by step.
#pragma once

#include "drills/systems/s3.h"
#include "tests/drills/deed_world.h"
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

class S3FaultTest : public S3Test {
 protected:
  explicit S3FaultTest(const FaultRow& row) : row_(row) {}

  Deed deed() const { return {"step", std::string(row_.name), "archive", arguments_}; }
  Result<Undo> prepare(const std::string& mark = "drill-1") {
    return row_.prepare(deed(), context(mark));
  }
  Undo prepared(const std::string& mark = "drill-1") {
    auto undo = prepare(mark);
    EXPECT_TRUE(undo) << (undo ? "" : undo.error().text);
    return undo.value_or(Undo{});
  }
  Status inject(const Undo& undo) { return row_.inject(deed(), undo, context()); }
  Undo injected() {
    Undo undo = prepared();
    const auto done = inject(undo);
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    return undo;
  }
  Proof prove(const Undo& undo) {
    auto proof = row_.prove(deed(), undo, context());
    EXPECT_TRUE(proof) << (proof ? "" : proof.error().text);
    return proof.value_or(Proof{});
  }
  Proof gone(const Undo& undo) {
    auto proof = row_.gone(undo, context());
    EXPECT_TRUE(proof) << (proof ? "" : proof.error().text);
    return proof.value_or(Proof{});
  }
  Status undo_it(const Undo& undo) { return row_.undo(undo, context()); }
  void expect_undone(const Undo& undo) {
    const auto done = undo_it(undo);
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    EXPECT_TRUE(gone(undo).held) << gone(undo).text;
  }

  const FaultRow& row_;
  Json arguments_ = Json::object();
};

}  // namespace gameday
