#include "engine/sys/aws_credentials.h"

#include <gtest/gtest.h>

namespace gameday {
namespace {

constexpr std::string_view kFile =
    "# mine\n[default]\naws_access_key_id = AK1\naws_secret_access_key=s3/c=ret\n\n"
    "[ drill ]\r\naws_access_key_id=AK2\r\naws_secret_access_key = two\r\naws_session_token=t\r\n"
    "[sso]\nsso_session = x\n";

TEST(AwsCredentials, AreThoseOfTheProfile) {
  EXPECT_EQ(aws_profile(kFile, "default").value(), (AwsCredentials{"AK1", "s3/c=ret", ""}));
  EXPECT_EQ(aws_profile(kFile, "drill").value(), (AwsCredentials{"AK2", "two", "t"}));
}

TEST(AwsCredentials, SayWhatIsLackingAndNoSecret) {
  const auto none = aws_profile(kFile, "other");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::not_found);
  const auto half = aws_profile("[a]\naws_secret_access_key=hush\n", "a");
  ASSERT_FALSE(half);
  EXPECT_EQ(half.error().code, ErrorCode::invalid);
  EXPECT_FALSE(half.error().text.contains("hush"));
  EXPECT_FALSE(aws_profile(kFile, "sso"));
}

}  // namespace
}  // namespace gameday
