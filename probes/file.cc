#include <algorithm>
#include <cstdlib>
#include <functional>

#include "drills/systems/remote.h"
#include "engine/base/text.h"
#include "engine/base/units.h"
#include "engine/playbook/arguments.h"
#include "engine/rows.h"

namespace gameday {
namespace {

constexpr Field kExpect[] = {
    {.name = "exists",
     .type = FieldType::boolean,
     .help = "Whether there must be a file; with false nothing may be there.",
     .otherwise = "true"},
    {.name = "contains",
     .type = FieldType::text,
     .help = "Text that must stand in it; a file of more than 64 MiB is not looked through."},
    {.name = "age_at_most",
     .type = FieldType::duration,
     .help = "How long ago its content may have changed."},
    {.name = "size_at_least", .type = FieldType::size, .help = "How large it must be."},
};

constexpr Field kFields[] = {
    {.name = "path",
     .type = FieldType::path,
     .help = "The file, on this machine; links are followed.",
     .required = true},
    {.name = "on",
     .type = FieldType::target,
     .help = "A target with `ssh`: the file is on that machine, by a whole path."},
    {.name = "expect", .type = FieldType::group, .help = "What a good file is.", .fields = kExpect},
};

constexpr std::int64_t kLargest = 64 << 20;

// Where it is, what time it is there, and whether a text stands in it.
struct Place {
  Utc now;
  std::function<Result<bool>(const std::string& text)> contains;
};

Answer judged_content(const std::string& text, std::string seen, const Place& place) {
  const auto contains = place.contains(text);
  if (!contains) return {false, contains.error().text};
  if (!*contains) return {false, seen + ", but does not contain '" + text + "'"};
  return {true, seen + ", contains '" + text + "'"};
}

Answer judged(const FileFacts& file, const Json& arguments, const Place& place) {
  const Json& expect = arguments.get("expect");
  const std::string path = arguments.text("path");
  if (!file.regular) return {false, path + " is no file with content"};
  const auto size = size_in(expect, "size_at_least").value_or(0);
  std::string seen = path + " has " + std::to_string(file.size) + " bytes";
  if (file.size < size) return {false, seen + ", expected at least " + std::to_string(size)};
  // A clock that was set back makes a file of the future: it is new, whatever its age.
  const Duration age = std::max(place.now - file.changed, Duration{});
  seen += ", is " + shown(age) + " old";
  if (const auto most = duration_in(expect, "age_at_most"); most && age > *most) {
    return {false, seen + ", expected at most " + shown(*most)};
  }
  const std::string text = expect.text("contains");
  if (text.empty()) return {true, seen};
  return judged_content(text, std::move(seen), place);
}

// $1: the file, $2: a text, or nothing.
constexpr std::string_view kLook = R"sh(
stat -L -c 'file %s %Y %F' -- "$1" || exit
date '+now %s'
[ -f "$1" ] && [ -n "$2" ] || exit 0
[ "$(stat -L -c %s -- "$1")" -le 67108864 ] || { echo 'large yes'; exit 0; }
grep -qF -- "$2" "$1" && echo 'contains yes'; [ $? -le 1 ])sh";

Answer ask_there(const Target& target, const Json& arguments, const DeedContext& context) {
  const std::string path = arguments.text("path");
  const Json& expect = arguments.get("expect");
  const bool wanted = expect.boolean("exists", true);
  const auto said =
      ask_target(target, std::string(kLook), {path, expect.text("contains")}, context);
  if (!said) return {false, said.error().text};
  const auto words = split(told_of(said->output, "file"), ' ');
  if (words.size() < 3) {
    const bool absent = said->output.contains("No such file or directory");
    return {absent && !wanted, std::string(trimmed(said->output))};
  }
  if (!wanted) return {false, path + " is there, expected nothing"};
  const auto at = [](const std::string& number) {
    return Utc(std::chrono::seconds(std::atoll(number.c_str())));
  };
  const bool regular = words[2] == "regular";
  const Place place{at(told_of(said->output, "now")), [&](const std::string&) -> Result<bool> {
                      if (told_of(said->output, "large").empty() && said->code == 0) {
                        return told_of(said->output, "contains") == "yes";
                      }
                      return fail(ErrorCode::failed, path + " cannot be looked through: " +
                                                         std::string(trimmed(said->output)));
                    }};
  return judged({regular, std::atoll(words[0].c_str()), at(words[1])}, arguments, place);
}

Answer ask(const Json& arguments, const DeedContext& context) {
  if (const Target* on = context.system.target(arguments.text("on"))) {
    return ask_there(*on, arguments, context);
  }
  const std::string path = arguments.text("path");
  const bool wanted = arguments.get("expect").boolean("exists", true);
  const auto file = context.doors.files.look(path);
  const Place place{context.doors.clock.now().utc, [&](const std::string& text) -> Result<bool> {
                      TRY(content, context.doors.files.read(path, kLargest));
                      return content.contains(text);
                    }};
  if (file && !wanted) return {false, path + " is there, expected nothing"};
  if (file) return judged(*file, arguments, place);
  const bool absent = file.error().code == ErrorCode::not_found;
  if (absent && !wanted) return {true, "there is no " + path};
  return {false, absent ? "there is no " + path : file.error().text};
}

std::optional<WrongField> check(const Json& arguments, const System& system) {
  if (const auto wrong = wrong_remote(arguments, "on", system); !wrong.empty()) {
    return WrongField{"on", wrong};
  }
  const Json& expect = arguments.get("expect");
  if (arguments.find("on") != nullptr && has_control(expect.text("contains"))) {
    return WrongField{"expect.contains", "on another machine it is one line of text"};
  }
  if (expect.boolean("exists", true)) return std::nullopt;
  for (const char* other : {"contains", "age_at_most", "size_at_least"}) {
    if (expect.find(other) == nullptr) continue;
    return WrongField{"expect." + std::string(other),
                      "a file that must not be there has none of this"};
  }
  return std::nullopt;
}

}  // namespace

extern const ProbeRow file_probe;
const ProbeRow file_probe{
    .name = "file",
    .summary =
        "Looks at a file of this machine: whether it is there, how old, how large, what "
        "stands in it.",
    .scalar = "path",
    .fields = kFields,
    .example = "backup-is-fresh: { file: run/backup.db, expect: { age_at_most: 1h } }",
    .ask = &ask,
    .check = &check,
};

}  // namespace gameday
