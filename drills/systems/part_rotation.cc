#include "drills/systems/part_rotation.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "engine/base/digest.h"

namespace gameday {
namespace {

// Beside the drills' own folders, because it outlives each of them.
std::string folder_of(const DeedContext& context) {
  const auto drills = std::filesystem::path(context.private_folder).parent_path();
  return (drills / "restic-parts").string();
}

}  // namespace

PartRotation::PartRotation(const std::string& identity, std::int64_t parts,
                           const DeedContext& context)
    : context_(context), parts_(parts) {
  constexpr std::size_t kPrefix = 7, kDigits = 16;
  path_ = folder_of(context) + "/" + sha256(identity).substr(kPrefix, kDigits) + ".json";
  const auto text = context.doors.files.read(path_);
  const auto kept = text ? Json::parse(*text) : std::unexpected(text.error());
  // Of another division nothing can be told of the parts of this one.
  if (!kept || kept->integer("parts", 0) != parts) return;
  const Json& read = kept->get("read");
  if (!read.is_object()) return;
  for (const auto& [name, when] : read.members()) {
    std::int64_t part = 0;
    std::from_chars(name.data(), name.data() + name.size(), part);
    const auto time = when.is_text() ? parse_rfc3339(when.text()) : Result<Utc>(Utc{});
    if (part >= 1 && part <= parts && time) read_[part] = *time;
  }
}

std::int64_t PartRotation::due() const {
  std::int64_t due = 1;
  for (std::int64_t part = 1; part <= parts_; ++part) {
    if (!read_.contains(part)) return part;
    if (read_.at(part) < read_.at(due)) due = part;
  }
  return due;
}

Status PartRotation::note(std::int64_t part, Utc when) {
  read_[part] = when;
  Json read = Json::object();
  for (const auto& [number, time] : read_) read.set(std::to_string(number), rfc3339(time));
  TRY_OK(context_.doors.files.make_folder(folder_of(context_), 0700));
  const Json kept = Json::object({{"parts", parts_}, {"read", read}});
  return context_.doors.files.write(path_, kept.dump() + "\n", 0600);
}

Json PartRotation::evidence() const {
  Json since;
  if (static_cast<std::int64_t>(read_.size()) == parts_) {
    since = rfc3339(
        std::ranges::min_element(read_, {}, [](const auto& one) { return one.second; })->second);
  }
  return Json::object(
      {{"parts_read", static_cast<std::int64_t>(read_.size())}, {"all_read_since", since}});
}

}  // namespace gameday
