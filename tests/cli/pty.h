// A terminal of a test's own.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>

namespace gameday {

// What a person at a terminal would see on standard error.
class Pty {
 public:
  Pty() : main_(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    EXPECT_EQ(grantpt(main_), 0);
    EXPECT_EQ(unlockpt(main_), 0);
    char name[128];
    EXPECT_EQ(ptsname_r(main_, name, sizeof name), 0);
    name_ = name;
    other_ = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  }
  ~Pty() {
    close(other_);
    close(main_);
  }
  Pty(const Pty&) = delete;
  Pty& operator=(const Pty&) = delete;
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::string shown() const {
    fcntl(main_, F_SETFL, O_NONBLOCK);
    std::string all;
    char block[4096];
    for (ssize_t got = 0; (got = ::read(main_, block, sizeof block)) > 0;) {
      all.append(block, static_cast<std::size_t>(got));
    }
    return all;
  }

 private:
  int main_, other_;
  std::string name_;
};

}  // namespace gameday
