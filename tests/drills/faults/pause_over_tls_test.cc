// A fault on a Docker engine that is reached over TCP and TLS alone.
#include "tests/drills/container_fixture.h"
#include "tests/drills/tls_door.h"

namespace gameday {

extern const FaultRow pause_container_fault;

namespace {

class PauseOverTlsOnDocker : public ContainerFixture {
 protected:
  PauseOverTlsOnDocker() : ContainerFixture(pause_container_fault) {
    made_.issue("server", "IP:127.0.0.1");
    made_.issue("client", "DNS:client");
  }
  TestCertificates made_{world_.file("tls")};
};

// Whoever undoes it knows the way, whatever its own environment says.
TEST_F(PauseOverTlsOnDocker, IsUndoneByWhoHasNothingButItsUndo) {
  const TestContainer box;
  aim_at(box);
  const TlsDoor door(world_, made_, "server");
  Undo undo;
  {
    const TlsSaid said(door.host(), docker_certificates(world_, made_, "ca", "client"));
    undo = again(injected(deed()));
    EXPECT_TRUE(proof(undo).held);
  }
  EXPECT_EQ(box.state(), "paused");
  EXPECT_FALSE(to_json(undo).dump().contains("PRIVATE KEY"));
  const std::size_t before = door.passed();
  const OtherHost nowhere("unix:///no/such.sock");
  EXPECT_FALSE(gone(undo).held);
  expect_undone(undo);
  EXPECT_GT(door.passed(), before);
  EXPECT_EQ(box.state(), "running");
}

}  // namespace
}  // namespace gameday
