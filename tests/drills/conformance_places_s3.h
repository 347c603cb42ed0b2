// An S3 server for the conformance suite; its cases are named OnS3.
#pragma once

#include <string>

#include "tests/drills/conformance_place.h"
#include "tests/drills/s3_process.h"

namespace gameday {

class S3ServerPlace : public TargetPlace {
 public:
  explicit S3ServerPlace(DeedWorld& world) : server_(world.file("s3")) {
    server_.fill();
    server_.let_in_writer();
  }
  ~S3ServerPlace() override { server_.signal(SIGCONT); }
  std::string s3() const override { return server_.facet().dump(); }
  std::string seen() override { return server_.versions("kept") + server_.policy(); }
  void fall_silent() override { server_.signal(SIGSTOP); }

 private:
  S3Process server_;
};

}  // namespace gameday
