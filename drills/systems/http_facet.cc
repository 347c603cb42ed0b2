#include "engine/base/text.h"
#include "engine/rows.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "url",
     .type = FieldType::url,
     .help = "Where it answers; {NAME} in other URLs of the playbook stands for it.",
     .required = true},
};

// Scheme, host and port: two paths on one server are one place, whoever the user is.
std::string origin_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return "";
  const auto rest = url.substr(scheme + 3);
  const auto host = rest.substr(0, rest.find_first_of("/?#"));
  const auto user = host.rfind('@');
  return lower(url.substr(0, scheme + 3)) +
         lower(user == std::string_view::npos ? host : host.substr(user + 1));
}

Result<Instance> resolve(const Target& target, const DeedContext&) {
  const std::string origin = origin_of(target.facets.get("http").text("url"));
  if (origin.empty()) {
    return fail(ErrorCode::invalid, "target " + target.name + " has no http:// or https:// URL");
  }
  return Instance{target.name, origin, "http:" + origin, Json::object()};
}

}  // namespace

extern const FacetRow http_facet;
const FacetRow http_facet{
    .name = "http",
    .summary = "Something that answers HTTP.",
    .scalar = "url",
    .fields = kFields,
    .resolve = &resolve,
};

}  // namespace gameday
