#include "reports/without_evidence.h"

namespace gameday {

Json without_evidence(Json result, const std::string& drill, const std::string& why) {
  constexpr int kInconclusive = 6;
  Json reasons = Json::array();
  reasons.push(Json::object({{"code", kInconclusive}, {"text", why}}));
  for (const auto& reason : result.items("reasons")) reasons.push(reason);
  result.set("drill", drill).set("reasons", std::move(reasons));
  if (result.integer("exit_code", 0) == 0) {
    result.set("verdict", "inconclusive").set("exit_code", kInconclusive);
  }
  return result;
}

}  // namespace gameday
