#include "drills/systems/link.h"
#include "engine/proxy/proxy.h"
#include "tests/drills/deed_world.h"
#include "tests/engine/proxy/peers.h"

namespace gameday {

extern const FaultRow block_fault;

namespace {

using namespace std::chrono_literals;

// A link with its proxy in a thread, before an echo server.
class RunningLink {
 public:
  RunningLink(DeedWorld& world, const std::string& name, const std::string& region)
      : world_(world) {
    link_.name = name;
    link_.listen = free_address();
    link_.to = echo_.address();
    link_.region = region;
    control_ = proxy_control_path(link_.listen).value();
    std::filesystem::create_directories(std::filesystem::path(control_).parent_path());
    world.system().links.push_back(link_);
    thread_ = std::thread([this] {
      EXPECT_TRUE(
          run_proxy({link_.name, link_.listen, link_.to, control_}, world_.clock(), stop_.stop()));
    });
    EXPECT_TRUE(eventually([&] {
      return find_proxy(proxy_link(link_), world_.clock(), world_.context().until).has_value();
    }));
  }
  ~RunningLink() { end(); }

  void end() {
    stop_.request();
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] bool passes() const {
    const Peer peer = Peer::to(link_.listen);
    peer.send("x");
    return peer.readable(300ms);
  }
  [[nodiscard]] const Link& link() const { return link_; }
  Echo& echo() { return echo_; }

 private:
  static std::string free_address() {
    const Descriptor probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto any = resolve_address("127.0.0.1:0");
    EXPECT_EQ(bind(probe.get(), any->get(), any->size), 0);
    return bound_address(probe.get());
  }

  DeedWorld& world_;
  Echo echo_;
  Link link_;
  std::string control_;
  StopSource stop_;
  std::thread thread_;
};

class BlockTest : public testing::Test {
 protected:
  Result<Undo> prepare(const std::string& region = "eu-west", const std::string& mark = "drill-1") {
    Deed deed = deed_;
    deed.arguments = Json::object({{"region", region}});
    return block_fault.prepare(deed, world_.context(mark));
  }
  Proof proof(const Undo& undo) { return block_fault.prove(deed_, undo, world_.context()).value(); }
  Proof gone(const Undo& undo) { return block_fault.gone(undo, world_.context()).value(); }
  Status inject(const Undo& undo) { return block_fault.inject(deed_, undo, world_.context()); }
  Status undone(const Undo& undo) { return block_fault.undo(undo, world_.context()); }

  DeedWorld world_;
  Deed deed_{.id = "cut", .kind = "block", .target = "", .arguments = Json::object()};
};

TEST_F(BlockTest, CutsEveryLinkOfTheRegionAndNothingElse) {
  const RunningLink one(world_, "one", "eu-west");
  const RunningLink two(world_, "two", "eu-west");
  const RunningLink other(world_, "other", "eu-north");
  const Undo undo = prepare().value();
  EXPECT_TRUE(one.passes()) << "preparing must change nothing";
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(inject(undo));
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  EXPECT_FALSE(gone(undo).held);
  EXPECT_FALSE(one.passes());
  EXPECT_FALSE(two.passes());
  EXPECT_TRUE(other.passes());
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
  EXPECT_TRUE(one.passes());
  EXPECT_TRUE(undone(undo));
}

TEST_F(BlockTest, LastsWhileItIsRenewedAndPassesByItself) {
  const RunningLink link(world_, "one", "eu-west");
  const Undo undo = prepare().value();
  ASSERT_TRUE(inject(undo));
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(world_.clock().pause(500ms, world_.context().until));
    ASSERT_TRUE(block_fault.renew(undo, world_.context()));
  }
  EXPECT_TRUE(proof(undo).held);
  EXPECT_TRUE(eventually([&] { return gone(undo).held; }));
  EXPECT_TRUE(link.passes());
  EXPECT_EQ(block_fault.renew(undo, world_.context()).error().code, ErrorCode::not_found)
      << "what has ended is not begun again";
  EXPECT_TRUE(gone(undo).held);
}

TEST_F(BlockTest, TakesAwayOnlyItsOwnMark) {
  const RunningLink link(world_, "one", "eu-west");
  const Undo mine = prepare("eu-west", "mine").value();
  const Undo theirs = prepare("eu-west", "theirs").value();
  ASSERT_TRUE(inject(mine));
  ASSERT_TRUE(inject(theirs));
  ASSERT_TRUE(undone(mine));
  EXPECT_TRUE(gone(mine).held);
  EXPECT_FALSE(gone(theirs).held);
  EXPECT_FALSE(link.passes());
}

TEST_F(BlockTest, WithoutALinkOfTheRegionNothingIsStarted) {
  const RunningLink link(world_, "one", "eu-west");
  EXPECT_EQ(prepare("eu-south").error().code, ErrorCode::not_found);
}

TEST_F(BlockTest, EveryProxyMustAnswerBeforehand) {
  RunningLink link(world_, "one", "eu-west");
  const RunningLink other(world_, "two", "eu-west");
  link.end();
  EXPECT_EQ(prepare().error().code, ErrorCode::not_found);
}

TEST_F(BlockTest, AnUpstreamThatNobodyReachesAnywayProvesNothing) {
  RunningLink link(world_, "one", "eu-west");
  const Undo undo = prepare().value();
  link.echo().close();
  ASSERT_TRUE(inject(undo));
  EXPECT_FALSE(proof(undo).held);
  EXPECT_NE(proof(undo).text.find("cannot be reached anyway"), std::string::npos);
}

TEST_F(BlockTest, AProxyThatIsGoneHasTakenTheBlockWithIt) {
  RunningLink link(world_, "one", "eu-west");
  const Undo undo = prepare().value();
  ASSERT_TRUE(inject(undo));
  link.end();
  EXPECT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
  EXPECT_EQ(gone(undo).text, "link one has no proxy any more, nor a block");
}

TEST_F(BlockTest, UndoWithoutInjectHarmsNothing) {
  const RunningLink link(world_, "one", "eu-west");
  const Undo undo = undo_from(Json::parse(to_json(prepare().value()).dump()).value()).value();
  world_.system().links.clear();
  EXPECT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
  EXPECT_TRUE(link.passes());
}

}  // namespace
}  // namespace gameday
