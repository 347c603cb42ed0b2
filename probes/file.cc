#include <algorithm>

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
    {.name = "expect", .type = FieldType::group, .help = "What a good file is.", .fields = kExpect},
};

constexpr std::int64_t kLargest = 64 << 20;

Answer judged_content(const std::string& path, const std::string& text, std::string seen,
                      const DeedContext& context) {
  const auto content = context.doors.files.read(path, kLargest);
  if (!content) return {false, content.error().text};
  if (!content->contains(text)) return {false, seen + ", but does not contain '" + text + "'"};
  return {true, seen + ", contains '" + text + "'"};
}

Answer judged(const FileFacts& file, const Json& arguments, const DeedContext& context) {
  const Json& expect = arguments.get("expect");
  const std::string path = arguments.text("path");
  if (!file.regular) return {false, path + " is no file with content"};
  const auto size = size_in(expect, "size_at_least").value_or(0);
  std::string seen = path + " has " + std::to_string(file.size) + " bytes";
  if (file.size < size) return {false, seen + ", expected at least " + std::to_string(size)};
  // A clock that was set back makes a file of the future: it is new, whatever its age.
  const Duration age = std::max(context.doors.clock.now().utc - file.changed, Duration{});
  seen += ", is " + shown(age) + " old";
  if (const auto most = duration_in(expect, "age_at_most"); most && age > *most) {
    return {false, seen + ", expected at most " + shown(*most)};
  }
  const std::string text = expect.text("contains");
  if (text.empty()) return {true, seen};
  return judged_content(path, text, std::move(seen), context);
}

Answer ask(const Json& arguments, const DeedContext& context) {
  const std::string path = arguments.text("path");
  const bool wanted = arguments.get("expect").boolean("exists", true);
  const auto file = context.doors.files.look(path);
  if (file && !wanted) return {false, path + " is there, expected nothing"};
  if (file) return judged(*file, arguments, context);
  const bool absent = file.error().code == ErrorCode::not_found;
  if (absent && !wanted) return {true, "there is no " + path};
  return {false, absent ? "there is no " + path : file.error().text};
}

std::optional<WrongField> check(const Json& arguments, const System&) {
  const Json& expect = arguments.get("expect");
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
