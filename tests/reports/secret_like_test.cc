#include "reports/secret_like.h"

#include <gtest/gtest.h>

namespace gameday {
namespace {

TEST(SecretLike, KnowsTheFormsOfSecrets) {
  for (const char* text :
       {"-----BEGIN RSA PRIVATE KEY-----", "key AKIAABCDEFGHIJKLMNOP",
        "ghp_0123456789abcdefghijklmnopqrstuvwxyz", "postgres://shop:hunter2@db/shop",
        "Authorization: Bearer 0123456789abcdef0123"}) {
    EXPECT_TRUE(looks_secret(text)) << text;
  }
  for (const char* text : {"PRIVATE KEY", "Bearer ${env:TOKEN}", "http://127.0.0.1:8080/a@b:c",
                           "postgres://shop:${env:PASSWORD}@db/shop", "mailto:a@b",
                           "sha256:0123456789abcdef", "the Basic idea", "XAKIAABCDEFGHIJKLMNOP"}) {
    EXPECT_FALSE(looks_secret(text)) << text;
  }
}

}  // namespace
}  // namespace gameday
