#include "drills/systems/docker_endpoint.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "engine/base/digest.h"
#include "tests/drills/docker_fixture.h"

namespace gameday {
namespace {

class DockerEndpointTest : public testing::Test {
 protected:
  DockerSettings settings() const {
    DockerSettings found;
    found.config = world_.file(".docker");
    return found;
  }
  Result<DockerEndpoint> at(const std::string& host) const {
    DockerSettings asked = settings();
    asked.host = host;
    return find_docker(asked, files_);
  }
  void write(const std::string& name, const std::string& text) const {
    const auto path = std::filesystem::path(world_.file(".docker")) / name;
    std::filesystem::create_directories(path.parent_path());
    EXPECT_TRUE(files_.write(path.string(), text));
  }
  static std::string folder_of(const std::string& context) {
    return sha256(context).substr(std::string_view("sha256:").size());
  }
  void make_context(const std::string& name, const std::string& endpoint) const {
    write("contexts/meta/" + folder_of(name) + "/meta.json",
          R"({"Name":")" + name + R"(","Metadata":{},"Endpoints":{"docker":)" + endpoint + "}}");
  }

  DeedWorld world_;
  const Files files_;
};

TEST_F(DockerEndpointTest, WithoutASayingItIsTheSocketOfThisMachine) {
  const auto found = find_docker(settings(), files_);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->host, "unix:///var/run/docker.sock");
  EXPECT_EQ(peer_of(*found).socket, "/var/run/docker.sock");
  EXPECT_EQ(peer_of(*found).certificate, "");
  EXPECT_EQ(base_url(*found), "http://docker");
}

TEST_F(DockerEndpointTest, TheEnvironmentSaysWhere) {
  const OtherHost host("tcp://10.0.0.5");
  setenv("DOCKER_CONFIG", "/srv/docker", 1);
  setenv("DOCKER_TLS_VERIFY", "1", 1);
  setenv("DOCKER_CERT_PATH", "/srv/certificates", 1);
  const auto found = find_docker(docker_settings(), files_);
  for (const char* name : {"DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"}) {
    unsetenv(name);
  }
  ASSERT_TRUE(found);
  EXPECT_EQ(found->host, "tcp://10.0.0.5:2376");
  EXPECT_EQ(base_url(*found), "https://10.0.0.5:2376");
  const HttpPeer peer = peer_of(*found);
  EXPECT_EQ(peer.socket, "");
  EXPECT_EQ(peer.authorities, "/srv/certificates/ca.pem");
  EXPECT_EQ(peer.certificate, "/srv/certificates/cert.pem");
  EXPECT_EQ(peer.key, "/srv/certificates/key.pem");
  EXPECT_TRUE(peer.verify);
}

TEST_F(DockerEndpointTest, TcpHasItsPortAndTlsOnlyWhereItIsAskedFor) {
  EXPECT_EQ(at("tcp://box")->host, "tcp://box:2375");
  EXPECT_EQ(at("tcp://box:99/")->host, "tcp://box:99");
  EXPECT_EQ(at("tcp://[::1]")->host, "tcp://[::1]:2375");
  EXPECT_EQ(at("tcp://box")->tls, "");
  DockerSettings asked = settings();
  asked.host = "tcp://box";
  asked.cert_path = "/srv/certificates";
  const auto unverified = find_docker(asked, files_);
  EXPECT_EQ(unverified->tls, "/srv/certificates");
  EXPECT_FALSE(unverified->verify);
  asked.cert_path = "certificates";
  EXPECT_EQ(find_docker(asked, files_)->tls, std::filesystem::absolute("certificates"))
      << "an undo is done from wherever somebody stands";
  asked.cert_path.clear();
  asked.tls_verify = "1";
  EXPECT_EQ(find_docker(asked, files_)->tls, world_.file(".docker"));
}

TEST_F(DockerEndpointTest, WhatCannotBeSpokenToIsRefusedWithAWayOut) {
  const auto ssh = at("ssh://me@box");
  ASSERT_FALSE(ssh);
  EXPECT_EQ(ssh.error().code, ErrorCode::unsupported);
  EXPECT_TRUE(ssh.error().hint.contains("ssh -L")) << ssh.error().hint;
  EXPECT_EQ(at("npipe:////./pipe/docker_engine").error().code, ErrorCode::unsupported);
  EXPECT_EQ(at("unix://docker.sock").error().code, ErrorCode::invalid);
  EXPECT_EQ(at("tcp://").error().code, ErrorCode::invalid);
  EXPECT_EQ(at("tcp://:2375").error().code, ErrorCode::invalid);
}

TEST_F(DockerEndpointTest, TheCurrentContextIsFollowed) {
  write("config.json", R"({"auths": {}, "currentContext": "far"})");
  make_context("far", R"({"Host":"tcp://10.0.0.7:2376","SkipTLSVerify":false})");
  write("contexts/tls/" + folder_of("far") + "/docker/ca.pem", "");
  const auto found = find_docker(settings(), files_);
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(found->host, "tcp://10.0.0.7:2376");
  EXPECT_EQ(found->tls, world_.file(".docker") + "/contexts/tls/" + folder_of("far") + "/docker");
  EXPECT_TRUE(found->verify);
}

TEST_F(DockerEndpointTest, TheVariablesGoBeforeTheCurrentContext) {
  write("config.json", R"({"currentContext": "far"})");
  make_context("far", R"({"Host":"tcp://10.0.0.7:2376"})");
  make_context("near", R"({"Host":"unix:///run/near.sock"})");
  DockerSettings asked = settings();
  asked.context = "near";
  EXPECT_EQ(find_docker(asked, files_)->host, "unix:///run/near.sock");
  asked.context = "default";
  EXPECT_EQ(find_docker(asked, files_)->host, "unix:///var/run/docker.sock");
  asked.host = "unix:///run/own.sock";
  EXPECT_EQ(find_docker(asked, files_)->host, "unix:///run/own.sock");
}

TEST_F(DockerEndpointTest, AContextThatIsNotThereOrNotReadableIsNamed) {
  DockerSettings asked = settings();
  asked.context = "nowhere";
  const auto missing = find_docker(asked, files_);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_TRUE(missing.error().text.starts_with("the Docker context nowhere: "));
  make_context("other", "{}");
  asked.context = "other";
  EXPECT_EQ(find_docker(asked, files_).error().text,
            "the Docker context other names no Docker engine");
  write("config.json", "{");
  asked.context.clear();
  EXPECT_FALSE(find_docker(asked, files_));
}

TEST_F(DockerEndpointTest, AnUndoKeepsIt) {
  const DockerEndpoint endpoint{"tcp://box:2376", "/srv/certificates", false};
  const auto again = docker_endpoint_from(to_json(endpoint));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->host, endpoint.host);
  EXPECT_EQ(again->tls, endpoint.tls);
  EXPECT_FALSE(again->verify);
  EXPECT_EQ(docker_endpoint_from(Json::object()).error().code, ErrorCode::corrupt);
}

}  // namespace
}  // namespace gameday
