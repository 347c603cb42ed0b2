#include "tests/drills/dies_writing.h"
#include "tests/drills/edge_fixture.h"

namespace gameday {

extern const FaultRow bad_certificate_fault;

namespace {

class BadCertificateTest : public EdgeFixture {
 protected:
  BadCertificateTest() : EdgeFixture(bad_certificate_fault) {
    deed_ = {.id = "bad",
             .kind = "bad-certificate",
             .target = "edge",
             .arguments = Json::object({{"how", "expired"},
                                        {"certificate", edge_.file("edge.pem")},
                                        {"key", edge_.file("edge.key")},
                                        {"address", edge_.tls()},
                                        {"server_name", "localhost"},
                                        {"signed_by", edge_.file("ca.pem")},
                                        {"signed_by_key", edge_.file("ca.key")},
                                        {"signal", "HUP"},
                                        {"reload", Json::array()},
                                        {"folder", edge_.file("")}})};
    good_ = edge_.seen()->fingerprint;
  }
  std::string distrust() { return edge_.seen()->distrust; }
  // As whoever renews it does.
  void renew() {
    edge_.issue("new");
    std::filesystem::rename(edge_.file("new.key"), edge_.file("edge.key"));
    std::filesystem::rename(edge_.file("new.pem"), edge_.file("edge.pem"));
    edge_.reload();
  }
  std::string error() {
    const auto undo = prepare();
    EXPECT_FALSE(undo);
    return undo ? "" : undo.error().text;
  }

  std::string good_;
};

TEST_F(BadCertificateTest, EachIsWrongInItsOwnWayForClients) {
  const std::string before = edge_.content("edge.pem"), key = edge_.content("edge.key");
  chmod(edge_.file("edge.key").c_str(), 0400);
  const bool root = geteuid() == 0;
  if (root) {
    ASSERT_EQ(chown(edge_.file("edge.key").c_str(), 1234, 1235), 0);
  }
  const std::pair<const char*, const char*> ways[] = {
      {"expired", "certificate has expired"},
      {"other-name", ""},
      {"other-ca", "self-signed certificate in certificate chain"},
      {"self-signed", "self-signed certificate"}};
  for (const auto& [how, why] : ways) {
    deed_.arguments.set("how", how);
    EXPECT_EQ(distrust(), "");
    const Undo undo = injected();
    EXPECT_EQ(distrust(), why) << how;
    EXPECT_EQ(edge_.seen()->name_matches, std::string(how) != "other-name");
    EXPECT_TRUE(proof(undo).held) << proof(undo).text;
    EXPECT_FALSE(gone(undo).held);
    ASSERT_TRUE(undone(undo));
    EXPECT_TRUE(gone(undo).held) << gone(undo).text;
    EXPECT_EQ(edge_.seen()->fingerprint, good_);
    EXPECT_EQ(edge_.content("edge.pem"), before);
    EXPECT_EQ(edge_.content("edge.key"), key);
    struct stat found{};
    ASSERT_EQ(stat(edge_.file("edge.key").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777U, 0400U);
    EXPECT_TRUE(!root || (found.st_uid == 1234 && found.st_gid == 1235));
    ASSERT_TRUE(bad_certificate_fault.close(undo, false, world_.context()));
    EXPECT_TRUE(std::filesystem::is_empty(world_.private_folder()));
  }
}

TEST_F(BadCertificateTest, ARenewalIsNotOverwritten) {
  const Undo undo = injected();
  renew();
  const std::string renewed = edge_.content("edge.pem");
  ASSERT_TRUE(undone(undo));
  EXPECT_EQ(edge_.content("edge.pem"), renewed);
  ASSERT_TRUE(eventually([&] { return gone(undo).held; }));
  EXPECT_NE(edge_.seen()->fingerprint, good_);
  EXPECT_NE(gone(undo).text.find("which stays"), std::string::npos) << gone(undo).text;
  EXPECT_TRUE(gone(undo).facts.boolean("superseded", false));
}

TEST_F(BadCertificateTest, AServerThatDoesNotReadAgainWasNotHit) {
  deed_.arguments.set("signal", "none");
  const Undo undo = injected();
  EXPECT_FALSE(proof(undo).held);
  EXPECT_EQ(edge_.seen()->fingerprint, good_);
  EXPECT_FALSE(gone(undo).held) << "it would show it after its next start";
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
}

TEST_F(BadCertificateTest, FilesThatAreBackAreNotEnough) {
  const Undo undo = injected();
  deed_.arguments.set("signal", "none");
  Undo mute = undo;
  Json reload = mute.arguments.get("reload");
  mute.arguments.set("reload", reload.set("signal", "none"));
  ASSERT_TRUE(undone(mute));
  EXPECT_FALSE(gone(mute).held) << "it still shows it";
  // A death between the files and the signal: the next undo tells the server.
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
}

TEST_F(BadCertificateTest, ACommandReloadsAsWell) {
  deed_.arguments.set("reload", Json(Json::Array{"sh", "-c", "kill -HUP $(cat edge.pid)"}));
  const Undo undo = injected();
  EXPECT_TRUE(proof(undo).held);
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
  deed_.arguments.set("reload", Json(Json::Array{"false"}));
  const Undo fails = prepared();
  EXPECT_FALSE(bad_certificate_fault.inject(deed_, fails, world_.context()));
  EXPECT_FALSE(undone(fails));
  EXPECT_EQ(edge_.content("edge.pem").find("missing"), std::string::npos);
}

TEST_F(BadCertificateTest, BehindASymbolicLinkTheFileItselfIsExchanged) {
  std::filesystem::create_symlink("edge.pem", edge_.file("live.pem"));
  deed_.arguments.set("certificate", edge_.file("live.pem"));
  const Undo undo = injected();
  EXPECT_TRUE(proof(undo).held);
  EXPECT_TRUE(std::filesystem::is_symlink(edge_.file("live.pem")));
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
}

TEST_F(BadCertificateTest, WhatCannotWorkIsNotBegun) {
  const Json good = deed_.arguments;
  const auto with = [&](const char* name, const std::string& value) {
    deed_.arguments = good;
    deed_.arguments.set(name, value);
    return error();
  };
  EXPECT_NE(with("key", edge_.file("ca.key")).find("is not the key"), std::string::npos);
  EXPECT_NE(with("certificate", edge_.file("none.pem")).find("no file"), std::string::npos);
  EXPECT_NE(with("signal", "USR1").find("does not catch"), std::string::npos);
  EXPECT_NE(with("address", "127.0.0.1:1").size(), 0U);
  EXPECT_NE(with("signed_by", edge_.file("none.pem")).find("signed_by"), std::string::npos);
  std::filesystem::create_hard_link(edge_.file("edge.key"), edge_.file("same.key"));
  EXPECT_NE(with("how", "expired").find("hard links"), std::string::npos);
  std::filesystem::remove(edge_.file("same.key"));
  edge_.issue("edge");
  EXPECT_NE(with("how", "expired").find("another certificate"), std::string::npos)
      << "the server has not read it yet";
}

TEST_F(BadCertificateTest, WhatWasChangedSinceItWasLookedAtIsLeftAlone) {
  const Undo undo = prepared();
  renew();
  EXPECT_FALSE(bad_certificate_fault.inject(deed_, undo, world_.context()));
  const std::string renewed = edge_.content("edge.pem");
  ASSERT_TRUE(undone(undo));
  EXPECT_EQ(edge_.content("edge.pem"), renewed);
}

TEST_F(BadCertificateTest, WhatIsMissingIsNoRenewal) {
  const std::string before = edge_.content("edge.key");
  const Undo undo = injected();
  std::filesystem::remove(edge_.file("edge.key"));
  EXPECT_FALSE(gone(undo).held);
  ASSERT_TRUE(undone(undo));
  EXPECT_EQ(edge_.content("edge.key"), before);
  EXPECT_TRUE(gone(undo).held);
}

TEST_F(BadCertificateTest, AServerThatDiedIsUndoneForItsNextStart) {
  const Undo undo = injected();
  edge_.end();
  ASSERT_TRUE(undone(undo));
  EXPECT_FALSE(bad_certificate_fault.gone(undo, world_.context())) << "nobody shows anything";
  edge_.start();
  EXPECT_TRUE(gone(undo).held);
  EXPECT_EQ(edge_.seen()->fingerprint, good_);
}

TEST_F(BadCertificateTest, DyingAtAnyChangeLeavesThePairOfBefore) {
  const std::string before = edge_.content("edge.pem"), key = edge_.content("edge.key");
  int points = 0;
  for (bool died = true; died; ++points) {
    const Undo undo = prepared();
    died = world_.dies_at(points, [&] {
      static_cast<void>(bad_certificate_fault.inject(deed_, undo, world_.context()));
    });
    for (int time = 0; time < 2; ++time) {
      ASSERT_TRUE(undone(undo)) << "point " << points;
      ASSERT_TRUE(gone(undo).held) << "point " << points;
      ASSERT_EQ(edge_.content("edge.pem"), before);
      ASSERT_EQ(edge_.content("edge.key"), key);
    }
  }
  EXPECT_GE(points, 4);
}

// A key would lie beside the one that is used, and a server that reads its whole folder reads it.
TEST_F(BadCertificateTest, DyingInTheMiddleOfAnExchangeLeavesNothingBeside) {
  const auto beside = [&](const std::string& name) {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(edge_.file(""))) {
      const std::string other = entry.path().filename();
      if (other.starts_with(name + ".")) found.push_back(other);
    }
    return found;
  };
  const Undo undo = prepared();
  ASSERT_TRUE(dies_writing(
      10, [&] { static_cast<void>(bad_certificate_fault.inject(deed_, undo, world_.context())); }));
  ASSERT_EQ(beside("edge.pem").size(), 1U);
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
  EXPECT_EQ(beside("edge.pem").size() + beside("edge.key").size(), 0U);
}

// Its key is a secret: it stands in the private file alone.
TEST_F(BadCertificateTest, TheUndoHoldsNoKey) {
  const Undo undo = injected();
  const std::string written = to_json(undo).dump();
  EXPECT_EQ(written.find("PRIVATE"), std::string::npos);
  for (const auto& entry : std::filesystem::directory_iterator(world_.private_folder())) {
    struct stat found{};
    ASSERT_EQ(stat(entry.path().c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777U, 0600U);
  }
  ASSERT_TRUE(undone(undo));
  EXPECT_FALSE(undone(Undo{"bad-certificate", Json::object()}));
}

}  // namespace
}  // namespace gameday
