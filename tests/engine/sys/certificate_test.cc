#include "engine/sys/certificate.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "engine/sys/clock.h"
#include "engine/sys/files.h"

namespace gameday {
namespace {

class CertificateTest : public testing::Test {
 protected:
  CertificateTest() {
    char pattern[] = "/tmp/gameday-certificate-XXXXXX";
    folder_ = mkdtemp(pattern);
    openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=theirs "
        "-days 9 -keyout ca.key -out ca.pem");
    openssl(
        "req -x509 -newkey rsa:2048 -nodes -subj /O=shop/CN=shop.example -days 9 "
        "-addext subjectAltName=DNS:shop.example,IP:127.0.0.1 -addext "
        "extendedKeyUsage=serverAuth -keyout good.key -out good.pem");
  }
  ~CertificateTest() override { std::filesystem::remove_all(folder_); }
  std::string file(const std::string& name) const { return folder_ + "/" + name; }
  std::string content(const std::string& name) const { return Files().read(file(name)).value(); }
  bool openssl(const std::string& arguments) const {
    const std::string all = "cd " + folder_ + " && openssl " + arguments + " >out 2>&1";
    return std::system(all.c_str()) == 0;
  }
  MadeCertificate made(Wrong wrong, const Authority& authority = {}) const {
    auto found =
        make_wrong_certificate(content("good.pem"), wrong, authority, SystemClock().now().utc);
    EXPECT_TRUE(found) << found.error().text;
    std::ofstream(file("made.pem")) << found->certificate;
    std::ofstream(file("made.key")) << found->key;
    EXPECT_TRUE(belong_together(found->certificate, found->key));
    EXPECT_FALSE(belong_together(found->certificate, content("good.key"))) << "never their key";
    return *found;
  }
  // What the openssl program says of made.pem.
  std::string text() const {
    EXPECT_TRUE(openssl("x509 -in made.pem -noout -text -fingerprint -sha256"));
    return content("out");
  }
  Authority theirs() const { return {content("ca.pem"), content("ca.key")}; }
  std::string verified() const {
    openssl("verify -CAfile ca.pem -purpose sslserver -verify_hostname shop.example made.pem");
    return content("out");
  }

  std::string folder_;
};

TEST_F(CertificateTest, IsWrongInOneWayAlone) {
  (void)made(Wrong::expired, theirs());
  EXPECT_TRUE(verified().contains("certificate has expired")) << verified();
  EXPECT_FALSE(verified().contains("issuer")) << verified();
  (void)made(Wrong::other_name, theirs());
  EXPECT_TRUE(verified().contains("hostname mismatch")) << verified();
  EXPECT_FALSE(verified().contains("expired") || verified().contains("issuer")) << verified();
  (void)made(Wrong::other_ca, theirs());
  EXPECT_TRUE(verified().contains("unable to get local issuer")) << verified();
  EXPECT_FALSE(verified().contains("mismatch")) << verified();
  (void)made(Wrong::self_signed, theirs());
  EXPECT_TRUE(verified().contains("self-signed certificate")) << verified();
}

TEST_F(CertificateTest, KeepsSubjectNamesAndPurpose) {
  (void)made(Wrong::other_ca);
  EXPECT_TRUE(text().contains("O = shop, CN = shop.example")) << text();
  EXPECT_TRUE(text().contains("DNS:shop.example, IP Address:127.0.0.1")) << text();
  EXPECT_TRUE(text().contains("TLS Web Server Authentication")) << text();
}

TEST_F(CertificateTest, TheFingerprintIsOpenSslsOwn) {
  const std::string found = made(Wrong::expired).fingerprint;
  EXPECT_EQ(fingerprint_of(content("made.pem")), found);
  std::string told;
  for (const char c : text().substr(text().rfind("Fingerprint=") + 12)) {
    if (std::isxdigit(static_cast<unsigned char>(c)) != 0) {
      told += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  EXPECT_EQ("sha256:" + told, found);
}

TEST_F(CertificateTest, WhatIsNoneIsAnError) {
  const Utc now = SystemClock().now().utc;
  EXPECT_FALSE(make_wrong_certificate("no certificate", Wrong::expired, {}, now));
  EXPECT_FALSE(make_wrong_certificate(content("good.key"), Wrong::expired, {}, now));
  const Authority mixed{content("ca.pem"), content("good.key")};
  EXPECT_FALSE(make_wrong_certificate(content("good.pem"), Wrong::expired, mixed, now));
  EXPECT_FALSE(fingerprint_of(""));
  EXPECT_FALSE(belong_together(content("good.pem"), content("ca.key")));
  EXPECT_TRUE(belong_together(content("good.pem"), content("good.key")));
}

}  // namespace
}  // namespace gameday
