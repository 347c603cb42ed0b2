// Amazon's file of credentials, ~/.aws/credentials, as every tool of the field reads it.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/sys/aws_signature.h"

namespace gameday {

// Those of one profile in the file's text. not_found: it has no such profile; invalid: the profile
// lacks a key. No error repeats what stands in the file.
[[nodiscard]] Result<AwsCredentials> aws_profile(std::string_view text, std::string_view profile);

}  // namespace gameday
