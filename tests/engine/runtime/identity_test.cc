#include "engine/runtime/identity.h"

#include <fstream>

#include "engine/journal/memory_journal.h"
#include "engine/runtime/performer.h"
#include "engine/runtime/replayer.h"
#include "tests/drills/deed_world.h"
#include "tests/engine/playbook/test_rows.h"

namespace gameday {
namespace {

using std::chrono::seconds;

// A server is whatever the file at its address says.
Result<Instance> read_server(const Target& target, const DeedContext& context) {
  const std::string path = target.facets.get("http").text("url");
  TRY(said, context.doors.files.read(path));
  return Instance{target.name, "a server", "server:" + said + "/shop", {}};
}
Result<Instance> read_process(const Target& target, const DeedContext&) {
  return Instance{target.name, "a process", "process:4711", {}};
}
constexpr FacetRow kServer{"http", "A server.", "url", test_rows::kUrlFields, read_server};
constexpr FacetRow kFleeting{.name = "process",
                             .summary = "A process.",
                             .scalar = "pidfile",
                             .fields = test_rows::kProcessFields,
                             .resolve = read_process,
                             .fleeting = true};
constexpr std::array kFacets{&kServer, &kFleeting};

Result<Undo> prepare(const Deed& deed, const DeedContext&) { return Undo{"harm", deed.arguments}; }
Status undo(const Undo& undo, const DeedContext& context) {
  return context.doors.files.remove(undo.arguments.text("file"));
}
Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  return Proof{!context.doors.files.exists(undo.arguments.text("file")), "", {}};
}
constexpr FaultRow harm() {
  FaultRow row = test_rows::fault("harm", {}, "http", Reversal::exact, Effect::stops, false);
  row.prepare = prepare;
  row.undo = undo;
  row.gone = gone;
  return row;
}
constexpr FaultRow kHarm = harm();
constexpr std::array kFaults{&kHarm};
constexpr Rows kRows{kFacets, kFaults, {}, {}, {}};

TEST(Identity, IsTheWholeOrOnePart) {
  constexpr std::string_view kWhole = "postgres:7301945/shop";
  for (const std::string_view said : {"postgres:7301945/shop", "7301945", "shop", "postgres"}) {
    EXPECT_TRUE(is_identity(said, kWhole)) << said;
  }
  for (const std::string_view said : {"730194", "301945", "postgres:7301945", "sho", "Shop"}) {
    EXPECT_FALSE(is_identity(said, kWhole)) << said;
  }
}

class IdentityTest : public testing::Test {
 protected:
  IdentityTest() {
    std::filesystem::create_directories(world_.private_folder());
    is("one");
    target_.name = "front";
    target_.identity = "one";
    target_.facets = Json::object({{"http", Json::object({{"url", world_.file("server")}})},
                                   {"process", Json::object({{"pidfile", "x.pid"}})}});
  }
  void is(const std::string& who) { std::ofstream(world_.file("server")) << who; }

  // The drill's own part up to the fault's undo, which is owed.
  Done begun() {
    playbook_->system.targets = {target_};
    performer_.emplace(PerformerTerms{world_.doors(),
                                      kRows,
                                      world_.secrets(),
                                      playbook_,
                                      "drill",
                                      1,
                                      world_.private_folder(),
                                      "",
                                      {}});
    return performed(Op::system_start);
  }
  Done performed(Op op, const Undo& owed = {}) {
    Task task;
    task.op = op;
    task.what = {"harm-1", "harm", "front", Json::object({{"file", world_.file("harm")}})};
    task.undo = owed;
    task.deadline = world_.clock().now().boot + seconds(10);
    return performer_->perform(task, Stop());
  }
  Undo owed() {
    EXPECT_TRUE(begun().status);
    const Done done = performed(Op::prepare);
    EXPECT_TRUE(done.status);
    std::ofstream(world_.file("harm")) << "harm";
    const auto* undo = std::get_if<Undo>(&done.value);
    EXPECT_NE(undo, nullptr);
    // As it comes back out of the journal.
    return undo == nullptr ? Undo{} : undo_from(to_json(*undo)).value_or(Undo{});
  }
  [[nodiscard]] bool harmed() const { return std::filesystem::exists(world_.file("harm")); }

  DeedWorld world_;
  Target target_;
  std::shared_ptr<Playbook> playbook_ = std::make_shared<Playbook>();
  std::optional<Performer> performer_;
};

TEST_F(IdentityTest, AnotherOneIsNotBegunWith) {
  EXPECT_TRUE(begun().status);
  is("another");
  const Done done = begun();
  ASSERT_FALSE(done.status);
  EXPECT_EQ(done.status.error().code, ErrorCode::conflict);
  EXPECT_EQ(done.status.error().text, "target front is server:another/shop, and must be one");
}

TEST_F(IdentityTest, WhoseIdentityEndsWithItsProcessIsNotTold) {
  target_.identity = "4711";
  EXPECT_FALSE(begun().status);
}

TEST_F(IdentityTest, WhereThePlaybookIsSilentAnyOneWillDo) {
  target_.identity = "";
  const Undo undo = owed();
  EXPECT_TRUE(undo.must_be.is_null());
  is("another");
  EXPECT_TRUE(performed(Op::undo, undo).status);
  EXPECT_FALSE(harmed());
}

TEST_F(IdentityTest, AnUndoIsDoneToTheSameOne) {
  const Undo undo = owed();
  EXPECT_TRUE(performed(Op::undo, undo).status);
  EXPECT_FALSE(harmed());
}

TEST_F(IdentityTest, AnUndoIsNotDoneToAnotherOne) {
  const Undo undo = owed();
  is("another");
  const Done done = performed(Op::undo, undo);
  ASSERT_FALSE(done.status);
  EXPECT_TRUE(done.status.error().text.contains("must be one")) << done.status.error().text;
  EXPECT_TRUE(harmed());
}

// It is what the fault did, or what the undo itself will run into.
TEST_F(IdentityTest, AnUndoIsDoneWhereNothingAnswers) {
  const Undo undo = owed();
  std::filesystem::remove(world_.file("server"));
  EXPECT_TRUE(performed(Op::undo, undo).status);
  EXPECT_FALSE(harmed());
}

TEST_F(IdentityTest, WhoeverReplaysLooksToo) {
  Owed owed_now;
  owed_now.open.push_back({});
  OpenUndo& open = owed_now.open.back();
  open.undo = owed();
  open.mark = "drill-1";
  open.step_id = "harm-1";
  open.kind = "harm";
  open.target = "front";
  open.boot = boot_id();
  const auto replayed = [&] {
    const auto log = std::make_shared<MemoryLog>();
    log->drill = "drill";
    const auto journal = memory_journal(log, boot_id());
    StopSource stop;
    stop.request();  // one try each
    const Secrets secrets;
    return replay(owed_now, *journal,
                  {world_.doors(), kRows, secrets, "drill", world_.private_folder(), "revert"},
                  stop.stop());
  };
  is("another");
  const auto refused = replayed();
  ASSERT_EQ(refused.residue.size(), 1U);
  EXPECT_TRUE(refused.residue[0].contains("must be one")) << refused.residue[0];
  EXPECT_TRUE(harmed());
  is("one");
  EXPECT_TRUE(replayed().residue.empty());
  EXPECT_FALSE(harmed());
}

}  // namespace
}  // namespace gameday
