#include "tests/drills/s3_fixture.h"

namespace gameday {

extern const FaultRow lose_data_s3_fault;

namespace {

class LoseDataOnS3 : public S3FaultTest {
 protected:
  LoseDataOnS3() : S3FaultTest(lose_data_s3_fault) {}
};

TEST_F(LoseDataOnS3, WhatIsLostIsFoundAgainVersionByVersion) {
  server_.put("/kept/kept/strange%20%2B%26%3D", "strange");
  const std::string before = server_.versions("kept");
  const Undo undo = injected();
  EXPECT_TRUE(prove(undo).held);
  EXPECT_EQ(prove(undo).text, "3 of 3 objects that were removed are not found");
  EXPECT_TRUE(server_.get("/kept/kept/one").ends_with(" 404"));
  EXPECT_EQ(server_.get("/kept/other"), "not theirs 200");
  EXPECT_FALSE(gone(undo).held);
  expect_undone(undo);
  EXPECT_EQ(server_.versions("kept"), before);
  EXPECT_EQ(server_.get("/kept/kept/one"), "second 200");
}

TEST_F(LoseDataOnS3, OnlyWhatTheStepNamesIsLost) {
  server_.put("/kept/kept/twofold", "another");
  arguments_ = Json::object({{"keys", "two*"}});
  const Undo undo = injected();
  EXPECT_EQ(prove(undo).text, "2 of 2 objects that were removed are not found");
  EXPECT_EQ(server_.get("/kept/kept/one"), "second 200");
  expect_undone(undo);
  arguments_ = Json::object({{"keys", "two"}});
  const Undo single = injected();
  EXPECT_EQ(prove(single).text, "1 of 1 objects that were removed are not found");
  EXPECT_EQ(server_.get("/kept/kept/twofold"), "another 200");
  expect_undone(single);
}

TEST_F(LoseDataOnS3, WhatOthersDidSinceStays) {
  const Undo undo = injected();
  server_.put("/kept/kept/one", "written meanwhile");
  EXPECT_EQ(prove(undo).text, "1 of 2 objects that were removed are not found");
  // They remove what is removed already: their marker is not ours.
  EXPECT_TRUE(server_.curl("DELETE", "/kept/kept/two").ends_with("204"));
  expect_undone(undo);
  EXPECT_EQ(server_.get("/kept/kept/one"), "written meanwhile 200");
  EXPECT_TRUE(server_.get("/kept/kept/two").ends_with(" 404"));
}

TEST_F(LoseDataOnS3, AnAnswerThatNobodyReadIsNotForgotten) {
  const std::string before = server_.versions("kept");
  // Dies at each change that there is, the last of which is after everything.
  int change = 0;
  bool died = true;
  for (; died; ++change) {
    const std::string mark = "drill-" + std::to_string(change);
    const Undo undo = prepared(mark);
    died = world_.dies_at(change, [&] { (void)row_.inject(deed(), undo, context(mark)); });
    expect_undone(undo);
    ASSERT_EQ(server_.versions("kept"), before) << "died at change " << change;
  }
  EXPECT_GT(change, 8);
}

TEST_F(LoseDataOnS3, WhichOfTwoMarkersIsOursIsNotGuessed) {
  Undo undo;
  // Dies as soon as the first request has been sent, whose answer is then never noted.
  for (int change = 0; server_.get("/kept/kept/one").ends_with(" 200"); ++change) {
    const std::string mark = "drill-" + std::to_string(change);
    undo = prepared(mark);
    ASSERT_TRUE(world_.dies_at(change, [&] { (void)row_.inject(deed(), undo, context(mark)); }));
  }
  EXPECT_TRUE(server_.curl("DELETE", "/kept/kept/one").ends_with("204"));
  expect_error(undo_it(undo), ErrorCode::conflict, "of 2 new versions of kept/one");
  EXPECT_FALSE(gone(undo).held);
}

TEST_F(LoseDataOnS3, AnotherStoreAtTheEndpointIsNotTakenForIt) {
  const S3Process other(world_.file("other"));
  const Undo undo = injected();
  Undo elsewhere = undo;
  Json bucket = undo.arguments.get("bucket");
  elsewhere.arguments.set("bucket", bucket.set("endpoint", other.endpoint()));
  expect_error(undo_it(elsewhere), ErrorCode::conflict, "it is another store's");
  expect_error(row_.gone(elsewhere, context()), ErrorCode::conflict, "it is another store's");
  expect_undone(undo);
}

TEST_F(LoseDataOnS3, ABucketWithoutVersionsIsRefused) {
  server_.put("/plain/kept/one", "only one");
  aim("plain");
  expect_error(prepare(), ErrorCode::refused, "keeps no versions");
  aim("kept");
  server_.curl("PUT", "/kept?versioning=", "",
               "--data-binary '<VersioningConfiguration><Status>Suspended</Status>"
               "</VersioningConfiguration>'");
  expect_error(prepare(), ErrorCode::refused, "Suspended");
}

TEST_F(LoseDataOnS3, WhereNothingIsNothingIsLost) {
  arguments_ = Json::object({{"keys", "absent/*"}});
  expect_error(prepare(), ErrorCode::not_found, "no object 'kept/absent/*'");
}

TEST(LoseDataS3, AStarStandsAtTheEndAlone) {
  const auto fits = [](const std::string& keys) {
    Step step;
    step.arguments = Json::object({{"keys", keys}});
    return lose_data_s3_fault.fits(step).has_value();
  };
  EXPECT_TRUE(fits("*") && fits("a/b*") && fits("a"));
  EXPECT_FALSE(fits("a*b") || fits("*a") || fits("**") || fits(""));
}

TEST_F(LoseDataOnS3, ItsNotesGoAtTheEnd) {
  const Undo undo = injected();
  expect_undone(undo);
  EXPECT_FALSE(std::filesystem::is_empty(world_.private_folder()));
  EXPECT_TRUE(row_.close(undo, true, context()));
  EXPECT_FALSE(std::filesystem::is_empty(world_.private_folder()));
  EXPECT_TRUE(row_.close(undo, false, context()));
  EXPECT_TRUE(std::filesystem::is_empty(world_.private_folder()));
  EXPECT_FALSE(to_json(undo).dump().contains(S3Process::kSecretKey));
}

}  // namespace
}  // namespace gameday
