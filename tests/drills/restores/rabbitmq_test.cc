#include "tests/drills/deed_world.h"
#include "tests/drills/rabbit_node.h"

namespace gameday {

extern const RestoreRow rabbitmq_restore;

namespace {

class RestoreOnRabbit : public testing::Test {
 protected:
  RestoreOnRabbit() {
    // Counted from when the node is up, which may take its time.
    world_.set_until({{}, world_.clock().in(std::chrono::minutes(5))});
    world_.add_target("jobs", "rabbitmq", vhost_.facet());
    std::filesystem::create_directories(world_.private_folder());
    vhost_.tag("administrator");
    vhost_.make("dead");
    vhost_.ask("PUT", "/exchanges/" + vhost_.path() + "/shop", Json::object({{"type", "topic"}}));
    vhost_.bind("shop", "order.*", Json::object());
    vhost_.bind("amq.headers", "", Json::object({{"x-match", "any"}, {"kind", "order"}}));
    set_policy(1000);
    vhost_.ask("PUT", "/users/worker", Json::object({{"password", "w"}, {"tags", ""}}));
    vhost_.ask("PUT", permission(),
               Json::object({{"configure", ""}, {"write", "^shop$"}, {"read", "^orders$"}}));
  }
  std::string permission() { return "/permissions/" + vhost_.path() + "/worker"; }
  void set_policy(int length) {
    vhost_.ask("PUT", "/policies/" + vhost_.path() + "/bounded",
               Json::object({{"pattern", "^orders$"},
                             {"apply-to", "queues"},
                             {"definition", Json::object({{"max-length", length}})}}));
  }
  void lose_everything() {
    vhost_.drop("orders");
    vhost_.ask("DELETE", "/exchanges/" + vhost_.path() + "/shop");
    vhost_.ask("DELETE", "/policies/" + vhost_.path() + "/bounded");
    vhost_.ask("DELETE", permission());
  }
  Target& target() { return world_.system().targets.front(); }
  BackupTaken backup() {
    auto taken = row_.backup(target(), world_.context("drill-backup"));
    EXPECT_TRUE(taken) << (taken ? "" : taken.error().text);
    return taken.value_or(BackupTaken{});
  }
  Undo prepared() {
    auto undo = row_.prepare(target(), world_.context());
    EXPECT_TRUE(undo) << (undo ? "" : undo.error().text);
    return undo.value_or(Undo{});
  }
  Restored into_place(const BackupTaken& taken, const Undo& undo) {
    auto restored = row_.restore_place(target(), taken, undo, world_.context());
    EXPECT_TRUE(restored) << (restored ? "" : restored.error().text);
    return restored.value_or(Restored{});
  }
  Restored aside(const BackupTaken& taken) {
    const Deed deed{.id = "r", .kind = "restore", .target = "jobs"};
    const auto undo = row_.prepare_scratch(deed, taken, world_.context());
    EXPECT_TRUE(undo) << (undo ? "" : undo.error().text);
    auto restored = row_.fill_scratch(taken, *undo, world_.context());
    EXPECT_TRUE(restored) << (restored ? "" : restored.error().text);
    EXPECT_TRUE(row_.undo(*undo, world_.context()));
    EXPECT_TRUE(row_.gone(*undo, world_.context())->held);
    return restored.value_or(Restored{});
  }
  std::string definitions() {
    return vhost_.ask("GET", "/definitions/" + vhost_.path()).dump() +
           vhost_.ask("GET", "/vhosts/" + vhost_.path() + "/permissions").dump();
  }
  bool gone(const Undo& undo) {
    const auto proof = row_.gone(undo, world_.context());
    return proof && proof->held;
  }

  const RestoreRow& row_ = rabbitmq_restore;
  DeedWorld world_;
  RabbitVhost vhost_;
};

TEST_F(RestoreOnRabbit, WhatWasLostIsThereAgainAndTheUndoTakesItAway) {
  const BackupTaken taken = backup();
  EXPECT_TRUE(taken.sha256.starts_with("sha256:"));
  EXPECT_EQ(taken.facts.integer("queues", 0), 2);
  lose_everything();
  const Undo undo = prepared();
  const Restored restored = into_place(taken, undo);
  EXPECT_TRUE(restored.verified) << restored.text;
  EXPECT_FALSE(restored.vacuous);
  EXPECT_EQ(restored.facts.integer("missing_before", 0), 6)
      << "a queue, an exchange, two bindings, a policy, a permission";
  EXPECT_EQ(vhost_.bindings().size(), 2u);
  EXPECT_FALSE(gone(undo));
  for (int twice = 0; twice < 2; ++twice) {
    ASSERT_TRUE(row_.undo(undo, world_.context()));
    EXPECT_TRUE(gone(undo));
    EXPECT_FALSE(vhost_.exists());
  }
  ASSERT_TRUE(row_.close(undo, false, world_.context()));
  EXPECT_FALSE(std::filesystem::exists(undo.arguments.text("saved")));
}

TEST_F(RestoreOnRabbit, AnotherQueueOfThatNameIsNamed) {
  const BackupTaken taken = backup();
  vhost_.drop("orders");
  vhost_.make("orders", Json::object({{"x-max-priority", 5}}));
  set_policy(10);
  const Undo undo = prepared();
  const Restored restored = into_place(taken, undo);
  EXPECT_FALSE(restored.verified);
  EXPECT_NE(restored.text.find("different: queue orders"), std::string::npos) << restored.text;
  EXPECT_EQ(restored.text.find("policy"), std::string::npos) << "policies become the backup's";
  ASSERT_TRUE(row_.undo(undo, world_.context()));
  EXPECT_TRUE(gone(undo));
  EXPECT_NE(definitions().find(R"("max-length":10})"), std::string::npos) << definitions();
}

TEST_F(RestoreOnRabbit, AQueueThatHoldsMessagesStaysAndIsNamed) {
  const BackupTaken taken = backup();
  lose_everything();
  const Undo undo = prepared();
  EXPECT_TRUE(into_place(taken, undo).verified);
  vhost_.publish("since");
  const auto undone = row_.undo(undo, world_.context());
  ASSERT_FALSE(undone);
  EXPECT_NE(undone.error().text.find("queue orders stays"), std::string::npos)
      << undone.error().text;
  EXPECT_FALSE(gone(undo));
  EXPECT_EQ(vhost_.bodies(), "since");
}

TEST_F(RestoreOnRabbit, WhatWasThereAlreadyIsNoRestore) {
  const BackupTaken taken = backup();
  const std::string before = definitions();
  const Restored restored = into_place(taken, prepared());
  EXPECT_TRUE(restored.vacuous);
  EXPECT_TRUE(restored.verified);
  EXPECT_EQ(definitions(), before);
}

TEST_F(RestoreOnRabbit, AnEmptyExportSaysNo) {
  vhost_.drop("dead");
  vhost_.drop("orders");
  const auto none = row_.backup(target(), world_.context("drill-backup"));
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().text.find("no queue in them"), std::string::npos) << none.error().text;
}

TEST_F(RestoreOnRabbit, IntoScratchItIsComparedAndGoes) {
  const BackupTaken taken = backup();
  const std::string before = definitions();
  const Restored restored = aside(taken);
  EXPECT_TRUE(restored.verified) << restored.text;
  EXPECT_FALSE(restored.vacuous);
  EXPECT_EQ(definitions(), before);
}

TEST_F(RestoreOnRabbit, ABackupThatIsNotTheOneTakenDoesNotVerify) {
  BackupTaken taken = backup();
  auto bytes = world_.doors().files.read(taken.id).value();
  ASSERT_TRUE(world_.doors().files.write(taken.id, bytes + " ", 0600));
  EXPECT_FALSE(aside(taken).verified);
  ASSERT_TRUE(world_.doors().files.write(taken.id, bytes, 0600));
  EXPECT_TRUE(aside(taken).verified);
  taken.facts.set("identity", "another/vhost");
  const Restored foreign = aside(taken);
  EXPECT_FALSE(foreign.verified);
  EXPECT_NE(foreign.text.find("is of another/vhost"), std::string::npos) << foreign.text;
}

TEST_F(RestoreOnRabbit, WithoutTheTagNothingIsTouchedAndTheTagIsNamed) {
  vhost_.tag("management");
  const auto undo = row_.prepare(target(), world_.context());
  ASSERT_FALSE(undo);
  EXPECT_EQ(undo.error().code, ErrorCode::refused);
  EXPECT_NE(undo.error().hint.find("administrator"), std::string::npos) << undo.error().hint;
}

TEST_F(RestoreOnRabbit, DyingAtAnyChangeItIsTakenBack) {
  const BackupTaken taken = backup();
  lose_everything();
  const std::string before = definitions();
  int points = 0;
  for (bool died = true; died; ++points) {
    const Undo undo = prepared();
    died = world_.dies_at(points, [&] {
      const auto http = make_curl_http(world_.clock(), world_.doors().observer);
      const Doors doors{world_.clock(), world_.doors().files, world_.doors().processes, *http,
                        world_.doors().observer};
      const System system;
      const Secrets secrets;
      const DeedContext context{doors,
                                system,
                                secrets,
                                "drill",
                                "drill-1",
                                world_.private_folder(),
                                world_.context().until};
      static_cast<void>(row_.restore_place(target(), taken, undo, context));
    });
    ASSERT_TRUE(row_.undo(undo, world_.context())) << "point " << points;
    EXPECT_TRUE(gone(undo)) << "point " << points;
    EXPECT_EQ(definitions(), before) << "point " << points;
  }
  EXPECT_GE(points, 4);
}

}  // namespace
}  // namespace gameday
