#include "tests/drills/dies_writing.h"
#include "tests/drills/edge_fixture.h"

namespace gameday {

extern const FaultRow revoke_credential_fault;

namespace {

constexpr const char* kSecret = "canary-of-alice";

class RevokeCredentialTest : public EdgeFixture {
 protected:
  RevokeCredentialTest() : EdgeFixture(revoke_credential_fault) {
    deed_ = {.id = "revoked",
             .kind = "revoke-credential",
             .target = "edge",
             .arguments = Json::object({{"file", edge_.file("edge.tokens")},
                                        {"entry", "alice"},
                                        {"url", edge_.url()},
                                        {"credential", "${env:EDGE_TOKEN}"},
                                        {"scheme", "Bearer"},
                                        {"header", "Authorization"},
                                        {"signal", "HUP"},
                                        {"reload", Json::array()},
                                        {"folder", edge_.file("")}})};
    before_ = edge_.content("edge.tokens");
  }
  void somebody_writes(const std::string& content) {
    ASSERT_TRUE(world_.doors().files.write(edge_.file("edge.tokens"), content));
    edge_.reload();
  }
  Error refusal() {
    auto undo = prepare();
    EXPECT_FALSE(undo);
    return undo ? Error{} : undo.error();
  }

  std::string before_;
};

TEST_F(RevokeCredentialTest, OnlyThatOneIsRefusedAndThenAcceptedAgain) {
  const Undo undo = injected();
  EXPECT_EQ(edge_.content("edge.tokens"), "bob:token-of-bob\ncarol:c\n");
  EXPECT_EQ(edge_.status(kSecret), 401);
  EXPECT_EQ(edge_.status("token-of-bob"), 200);
  EXPECT_TRUE(proof(undo).held);
  EXPECT_EQ(proof(undo).facts.integer("status", 0), 401);
  EXPECT_FALSE(gone(undo).held);
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
  EXPECT_EQ(edge_.status(kSecret), 200);
  EXPECT_EQ(edge_.content("edge.tokens"), before_);
  struct stat found{};
  ASSERT_EQ(stat(edge_.file("edge.tokens").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0640U);
}

TEST_F(RevokeCredentialTest, TheSecretStandsInThePrivateFileAlone) {
  const Undo undo = injected();
  EXPECT_EQ(to_json(undo).dump().find(kSecret), std::string::npos);
  EXPECT_EQ(proof(undo).text.find(kSecret), std::string::npos);
  const std::string saved = undo.arguments.get("swap").text("saved");
  struct stat found{};
  ASSERT_EQ(stat(saved.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0600U);
  ASSERT_TRUE(undone(undo));
  ASSERT_TRUE(revoke_credential_fault.close(undo, false, world_.context()));
  EXPECT_TRUE(std::filesystem::is_empty(world_.private_folder()));
}

TEST_F(RevokeCredentialTest, AReaderThatIsNotToldStillAcceptsIt) {
  deed_.arguments.set("signal", "none");
  const Undo undo = injected();
  EXPECT_FALSE(proof(undo).held);
  EXPECT_FALSE(gone(undo).held) << "the next start would refuse it";
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
}

TEST_F(RevokeCredentialTest, FilesThatAreBackAreNotEnough) {
  const Undo undo = injected();
  Undo mute = undo;
  Json reload = mute.arguments.get("reload");
  mute.arguments.set("reload", reload.set("signal", "none"));
  ASSERT_TRUE(undone(mute));
  EXPECT_FALSE(gone(mute).held) << "it is still refused";
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
}

TEST_F(RevokeCredentialTest, WhoeverHasGivenItOutAgainIsNotOverruled) {
  const Undo undo = injected();
  somebody_writes("alice:a-new-secret\n");
  ASSERT_TRUE(eventually([&] { return edge_.status("a-new-secret") == 200; }));
  ASSERT_TRUE(undone(undo));
  EXPECT_EQ(edge_.content("edge.tokens"), "alice:a-new-secret\n");
  EXPECT_TRUE(gone(undo).held);
  EXPECT_NE(gone(undo).text.find("another secret"), std::string::npos) << gone(undo).text;
}

// Perhaps it was taken away for good reasons: only they know.
TEST_F(RevokeCredentialTest, AFileThatOthersHaveChangedIsLeftAndSaysSo) {
  const Undo undo = injected();
  somebody_writes("bob:token-of-bob\ndave:d\n");
  const auto done = undone(undo);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::conflict);
  EXPECT_EQ(edge_.content("edge.tokens"), "bob:token-of-bob\ndave:d\n");
  EXPECT_FALSE(revoke_credential_fault.gone(undo, world_.context()));
  somebody_writes(before_);
  EXPECT_TRUE(undone(undo));
  EXPECT_TRUE(eventually([&] { return gone(undo).held; }));
}

TEST_F(RevokeCredentialTest, AnEntryIsAWholeKey) {
  for (const char* entry : {"ali", "alice2", "lice", "dave"}) {
    deed_.arguments.set("entry", entry);
    EXPECT_NE(refusal().text.find("0 lines"), std::string::npos) << entry;
  }
  deed_.arguments.set("entry", "alice:canary-of-alice");
  EXPECT_TRUE(prepare()) << "the whole line is it too";
  deed_.arguments.set("entry", "alice");
  somebody_writes(before_ + "alice = x\n");
  EXPECT_NE(refusal().text.find("2 lines"), std::string::npos);
  somebody_writes("alice\tx\r\n\nalic\nkey=1");
  deed_.arguments.set("entry", "key");
  // The server reads its files again a moment after it was told.
  EXPECT_TRUE(eventually([&] {
    const auto undo = prepare();
    return !undo && undo.error().text.contains("before anything was done");
  })) << "the last line needs no end, and the credential is not accepted now";
}

TEST_F(RevokeCredentialTest, WhatShowsNothingOrTellsTheSecretIsNotBegun) {
  deed_.arguments.set("credential", kSecret);
  EXPECT_NE(refusal().text.find("no secret as it stands"), std::string::npos);
  deed_.arguments.set("credential", "${env:NO_SUCH_TOKEN}");
  EXPECT_NE(refusal().text.find("NO_SUCH_TOKEN"), std::string::npos);
  deed_.arguments.set("credential", "${env:EDGE_TOKEN}").set("scheme", "Basic");
  EXPECT_NE(refusal().text.find("refuses the credential"), std::string::npos);
  EXPECT_EQ(refusal().text.find(kSecret), std::string::npos);
  EXPECT_EQ(edge_.content("edge.tokens"), before_);
}

// Also where what somebody else has written since stops everything after it.
TEST_F(RevokeCredentialTest, DyingInTheMiddleOfAnExchangeLeavesNothingBeside) {
  for (const bool others : {false, true}) {
    const Undo undo = prepared();
    ASSERT_TRUE(dies_writing(10, [&] {
      static_cast<void>(revoke_credential_fault.inject(deed_, undo, world_.context()));
    }));
    const std::string beside = edge_.file("edge.tokens.gameday.") + world_.context().mark;
    ASSERT_TRUE(std::filesystem::exists(beside));
    if (others) somebody_writes("bob:token-of-bob\n");
    EXPECT_EQ(undone(undo).has_value(), !others);
    EXPECT_FALSE(std::filesystem::exists(beside));
  }
}

TEST_F(RevokeCredentialTest, DyingAtAnyChangeLeavesTheFileOfBefore) {
  int points = 0;
  for (bool died = true; died; ++points) {
    const Undo undo = prepared();
    died = world_.dies_at(points, [&] {
      const auto http = make_curl_http(world_.clock());
      const Doors doors{world_.clock(), world_.doors().files, world_.doors().processes, *http,
                        world_.doors().observer};
      const DeedContext context = world_.context();
      const DeedContext own{doors,        context.system,         context.secrets, context.drill,
                            context.mark, context.private_folder, context.until};
      static_cast<void>(revoke_credential_fault.inject(deed_, undo, own));
    });
    for (int time = 0; time < 2; ++time) {
      ASSERT_TRUE(undone(undo)) << "point " << points;
      ASSERT_TRUE(gone(undo).held) << "point " << points;
      ASSERT_EQ(edge_.content("edge.tokens"), before_);
    }
  }
  EXPECT_GE(points, 2);
}

}  // namespace
}  // namespace gameday
