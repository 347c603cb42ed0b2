// A Docker engine behind TCP and TLS: who is trusted, on both sides, and what is said where nobody
// is.
#include "drills/systems/docker.h"
#include "tests/drills/tls_door.h"

namespace gameday {
namespace {

class TlsEngineOnDocker : public testing::Test {
 protected:
  TlsEngineOnDocker() {
    (void)TestEngine::host();
    made_.issue("server", "IP:127.0.0.1");
    made_.issue("client", "DNS:client");
    made_.issue("stranger", "DNS:client", "other");
  }
  std::string folder(const std::string& authority, const std::string& certificate) {
    return docker_certificates(world_, made_, authority, certificate);
  }
  // As the environment names it now.
  void expect_found() {
    const auto engine = DockerEngine::open(world_.context());
    ASSERT_TRUE(engine) << engine.error().text;
    EXPECT_EQ(engine->id(world_.context()).value_or("none"), id_);
    // Docker's own tool finds the same one by the same words.
    EXPECT_EQ(told("docker info --format '{{.ID}}'"), id_);
  }
  std::string refusal(const TlsDoor& door, const std::string& certificates) {
    const TlsSaid said(door.host(), certificates);
    const std::size_t passed = door.passed();
    const auto engine = DockerEngine::open(world_.context());
    EXPECT_FALSE(engine) << "opened";
    EXPECT_EQ(door.passed(), passed) << "it was asked all the same";
    if (engine) return "";
    EXPECT_EQ(engine.error().code, ErrorCode::failed);
    EXPECT_TRUE(engine.error().hint.contains("DOCKER_CERT_PATH")) << engine.error().hint;
    const std::string begin = "the Docker engine at " + door.host() + ": ";
    EXPECT_TRUE(engine.error().text.starts_with(begin)) << engine.error().text;
    return engine.error().text.substr(begin.size());
  }
  static void expect_part(const std::string& text, const std::string& part) {
    EXPECT_TRUE(text.contains(part)) << text;
  }
  void make_context(const std::string& name, const std::string& words) {
    told("DOCKER_CONFIG=" + world_.file("docker") + " DOCKER_HOST= docker context create " + name +
         " --docker " + words);
  }

  DeedWorld world_;
  TestCertificates made_{world_.file("tls")};
  const std::string id_ = docker("info --format '{{.ID}}'");
};

TEST_F(TlsEngineOnDocker, IsFoundByTheEnvironmentsWords) {
  const TlsDoor door(world_, made_, "server");
  const TlsSaid said(door.host(), folder("ca", "client"));
  expect_found();
  EXPECT_GT(door.passed(), 0u);
}

TEST_F(TlsEngineOnDocker, WhoIsNotKnownThereIsToldSo) {
  const TlsDoor door(world_, made_, "server");
  EXPECT_EQ(refusal(door, folder("ca", "stranger")),
            "the server ended TLS with the alert 'unknown ca'");
  EXPECT_EQ(refusal(door, folder("ca", "")),
            "the server ended TLS with the alert 'certificate required'");
  const std::string half = folder("ca", "client");
  std::filesystem::remove(half + "/key.pem");
  expect_part(refusal(door, half), half + "/key.pem");
}

TEST_F(TlsEngineOnDocker, WhoeverElseAnswersIsNotTakenForIt) {
  const TlsDoor door(world_, made_, "server");
  expect_part(refusal(door, folder("other", "client")), "SSL certificate problem: ");
  const std::string none = folder("", "client");
  expect_part(refusal(door, none), none + "/ca.pem");
  made_.issue("elsewhere", "DNS:engine.example");
  expect_part(refusal(TlsDoor(world_, made_, "elsewhere"), folder("ca", "client")),
              "certificate subject name matches target host name '127.0.0.1'");
  made_.issue("expired", "IP:127.0.0.1", "ca", -1);
  expect_part(refusal(TlsDoor(world_, made_, "expired"), folder("ca", "client")),
              "SSL certificate problem: certificate has expired");
}

TEST_F(TlsEngineOnDocker, WithoutTlsItIsNotReached) {
  const TlsDoor door(world_, made_, "server");
  const OtherHost host(door.host());
  const auto engine = DockerEngine::open(world_.context());
  ASSERT_FALSE(engine);
  EXPECT_TRUE(engine.error().hint.contains("DOCKER_TLS_VERIFY")) << engine.error().hint;
  EXPECT_EQ(door.passed(), 0u);
}

// Contexts as docker itself makes them.
TEST_F(TlsEngineOnDocker, IsFoundByAContext) {
  const TlsDoor door(world_, made_, "server"), open(world_, made_, "server", "");
  const std::string at = "host=" + door.host() + ",ca=" + made_.file("ca.pem");
  make_context("far",
               at + ",cert=" + made_.file("client.pem") + ",key=" + made_.file("client.key"));
  make_context("open", "host=" + open.host() + ",ca=" + made_.file("ca.pem"));
  make_context("trusting", "host=" + open.host() + ",skip-tls-verify=true");
  make_context("wrong", "host=" + open.host() + ",ca=" + made_.file("other.pem"));
  const Said host("DOCKER_HOST", ""), config("DOCKER_CONFIG", world_.file("docker"));
  for (const char* name : {"far", "open", "trusting"}) {
    SCOPED_TRACE(name);
    const Said context("DOCKER_CONTEXT", name);
    expect_found();
  }
  {
    const Said context("DOCKER_CONTEXT", "wrong");
    const auto engine = DockerEngine::open(world_.context());
    ASSERT_FALSE(engine);
    expect_part(engine.error().text, "SSL certificate problem: ");
  }
  told("docker context use far");
  expect_found();
}

}  // namespace
}  // namespace gameday
