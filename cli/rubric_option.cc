#include "cli/rubric_option.h"

#include "cli/say.h"

namespace gameday {

std::optional<Rubric> chosen_rubric(const Arguments& arguments) {
  if (!arguments.has("rubric")) return default_rubric();
  constexpr std::int64_t kLargest = 1 << 20;
  const std::string path = arguments.text("rubric");
  auto source = Files().read(path, kLargest);
  if (!source) {
    say_error(source.error().in("the rubric"));
    return {};
  }
  auto read = read_rubric(path, std::move(*source));
  if (!read.problems.empty()) {
    say(read.problems.substr(0, read.problems.find_last_not_of('\n') + 1));
  }
  return std::move(read.rubric);
}

Json to_json(const Rubric& rubric) {
  return Json::object({{"sha256", rubric.sha256}, {"text", rubric.source}});
}

}  // namespace gameday
