// Signs a load's requests in the way of Amazon's services (engine/sys/aws_signature.h), each when
// it is sent: a signature holds for some minutes.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/time.h"
#include "engine/playbook/playbook.h"
#include "engine/secrets.h"

namespace gameday {

struct SignedRequest {
  std::string_view method;
  std::string_view host;    // as its header has it
  std::string_view target;  // path and query, as they are sent
  std::string_view body;
};

// The headers that sign it, Authorization the last of them. An error: a secret cannot be had, or
// would break out of its header.
[[nodiscard]] Result<std::vector<std::pair<std::string, std::string>>> aws_headers(
    const AwsAuth& auth, const SignedRequest& request, Utc now, const Secrets& secrets);

// "shop:8080" and "/a?b" of "http://shop:8080/a?b#c".
struct UrlParts {
  std::string_view host, target;
};
[[nodiscard]] UrlParts parts_of_url(std::string_view url);

}  // namespace gameday
