// Takes the room of a filesystem away with one file, until only so much is free for ordinary users
// as the playbook says.
#include <sys/stat.h>

#include "drills/systems/filling.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr std::string_view kMeant[] = {"nothing", "/"};

constexpr Field kFields[] = {
    {.name = "path",
     .type = FieldType::path,
     .help = "A folder; the filesystem that it is on is filled, by one file in it.",
     .required = true},
    {.name = "leave",
     .type = FieldType::size,
     .help = "How much stays free for ordinary users.",
     .required = true},
    {.name = "i_mean",
     .type = FieldType::choice,
     .help = "The root filesystem is filled only where `/` stands here: the whole machine is hit.",
     .otherwise = "nothing",
     .choices = kMeant},
};

Status refuse_root(const std::string& folder, const Disk& disk, const Json& arguments) {
  if (arguments.text("i_mean") == "/") return {};
  TRY(root, disk_of("/"));
  if (!share_room(disk, root)) return {};
  return fail(ErrorCode::refused,
              folder + " is on the root filesystem: filling it hits everything on this machine",
              "name a folder on a filesystem of its own, or say `i_mean: /`");
}

// All that would be refused whatever happens until the step comes. How much is free is not among
// it.
Result<Disk> fillable(const Deed& deed, const DeedContext& context) {
  const std::string folder = deed.arguments.text("path");
  const auto leave = size_in(deed.arguments, "leave");
  if (!leave) return fail(ErrorCode::invalid, "fill-disk needs `leave`");
  struct stat found{};
  if (stat(folder.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) {
    return fail(ErrorCode::not_found, "no folder " + folder);
  }
  TRY(disk, disk_of(folder));
  TRY_OK(may_fill(folder, disk, disk.free - *leave, Filled::up, context));
  TRY_OK(refuse_root(folder, disk, deed.arguments));
  return disk;
}

Status may(const Deed& deed, const DeedContext& context) {
  TRY(disk, fillable(deed, context));
  static_cast<void>(disk);
  return {};
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(disk, fillable(deed, context));
  const std::string folder = deed.arguments.text("path");
  const std::int64_t leave = size_in(deed.arguments, "leave").value_or(0);
  return prepare_filling("fill-disk", folder, leave, 0, disk, context);
}

std::string aim(const Json& arguments) { return arguments.text("path"); }

Result<Json> discover(const Deed& deed, const DeedContext&) {
  Json found = Json::array();
  for (const auto& filler : fillers_in(deed.arguments.text("path"))) {
    if (look_for(filler) != FillerThere::ours) continue;
    found.push(Json::object({{"where", filler.path}, {"mark", filler.mark}}));
  }
  return found;
}

}  // namespace

extern const FaultRow fill_disk_fault;
const FaultRow fill_disk_fault{
    .name = "fill-disk",
    .summary = "Fills a filesystem with one file until only so much is free as is to be left.",
    .fields = kFields,
    .facet = "",
    .reversal = Reversal::exact,
    .effect = Effect::fills,
    .rights = "to read and write in the folder",
    .example = "- { fault: fill-disk, path: spool, leave: 1MiB, for: 5s }",
    .prepare = prepare,
    .inject = fill_disk,
    .prove = disk_filled,
    .undo = free_disk,
    .gone = disk_freed,
    .close = nullptr,
    .aim = aim,
    .discover = discover,
    .may = may,
};

}  // namespace gameday
