#include "engine/sys/aws_credentials.h"

#include "engine/base/text.h"

namespace gameday {

Result<AwsCredentials> aws_profile(std::string_view text, std::string_view profile) {
  const std::string named = "the profile '" + std::string(profile) + "'";
  AwsCredentials found;
  bool inside = false, there = false;
  for (const auto& raw : split(text, '\n')) {
    const auto line = trimmed(raw);
    if (line.empty() || line.starts_with('#') || line.starts_with(';')) continue;
    if (line.starts_with('[') && line.ends_with(']')) {
      inside = trimmed(line.substr(1, line.size() - 2)) == profile;
      there = there || inside;
      continue;
    }
    const auto equals = line.find('=');
    if (!inside || equals == line.npos) continue;
    const auto name = trimmed(line.substr(0, equals));
    const std::string value(trimmed(line.substr(equals + 1)));
    if (name == "aws_access_key_id") found.access_key = value;
    if (name == "aws_secret_access_key") found.secret_key = value;
    if (name == "aws_session_token") found.session_token = value;
  }
  if (!there) return fail(ErrorCode::not_found, named + " is not in the file of credentials");
  if (!found.access_key.empty() && !found.secret_key.empty()) return found;
  return fail(ErrorCode::invalid,
              named +
                  " has no aws_access_key_id or no aws_secret_access_key: other ways to "
                  "credentials are not known here");
}

}  // namespace gameday
