// Certificates in PEM for a test: by an authority of its own, `ca`, or by `other`, which nobody
// knows.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace gameday {

class TestCertificates {
 public:
  explicit TestCertificates(std::string folder) : folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
    for (const std::string name : {"ca", "other"}) {
      openssl("req -x509" + kKey + "-subj /CN=" + name + " -days 9 -keyout " + name + ".key -out " +
              name + ".pem");
    }
  }
  // NAME.pem and NAME.key. `names`: "DNS:s3.localhost,IP:127.0.0.1"; negative days: it has expired.
  void issue(const std::string& name, const std::string& names, const std::string& by = "ca",
             int days = 5) const {
    std::ofstream(file("extensions")) << "subjectAltName=" << names << "\n";
    openssl("req" + kKey + "-subj /CN=" + name + " -keyout " + name + ".key -out request");
    openssl("x509 -req -in request -CA " + by + ".pem -CAkey " + by +
            ".key -CAcreateserial -extfile extensions -days " + std::to_string(days) + " -out " +
            name + ".pem");
  }
  [[nodiscard]] std::string file(const std::string& name) const { return folder_ + "/" + name; }

 private:
  void openssl(const std::string& arguments) const {
    const std::string whole = "cd " + folder_ + " && openssl " + arguments + " >>log 2>&1";
    EXPECT_EQ(std::system(whole.c_str()), 0) << whole;
  }
  inline static const std::string kKey =
      " -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes ";
  std::string folder_;
};

}  // namespace gameday
