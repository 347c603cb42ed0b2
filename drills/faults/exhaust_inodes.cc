// Takes the inodes of a filesystem away with empty files, until only so many are free as the
// playbook says: no file can be made there any more, though there is room.
#include <sys/stat.h>

#include "drills/systems/inodes.h"

namespace gameday {
namespace {

constexpr std::string_view kMeant[] = {"nothing", "/"};

constexpr Field kFields[] = {
    {.name = "path",
     .type = FieldType::path,
     .help = "A folder; the filesystem that it is on is hit, by empty files in it.",
     .required = true},
    {.name = "leave",
     .type = FieldType::integer,
     .help = "How many inodes stay free for ordinary users. A drill takes 1,000,000 at most.",
     .required = true,
     .most = 1e12},
    {.name = "i_mean",
     .type = FieldType::choice,
     .help = "The root filesystem is hit only where `/` stands here: the whole machine is hit.",
     .otherwise = "nothing",
     .choices = kMeant},
};

// All that would be refused whatever happens until the step comes.
Result<Disk> hittable(const Deed& deed, const DeedContext& context) {
  const std::string folder = deed.arguments.text("path");
  struct stat found{};
  if (stat(folder.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) {
    return fail(ErrorCode::not_found, "no folder " + folder);
  }
  TRY(disk, disk_of(folder));
  TRY(root, disk_of("/"));
  if (share_room(disk, root) && deed.arguments.text("i_mean") != "/") {
    return fail(ErrorCode::refused,
                folder +
                    " is on the root filesystem: taking its inodes hits everything on this "
                    "machine",
                "name a folder on a filesystem of its own, or say `i_mean: /`");
  }
  TRY_OK(may_take_inodes({folder, deed.arguments.integer("leave", 0), 0}, disk, context));
  return disk;
}

Status may(const Deed& deed, const DeedContext& context) {
  const auto disk = hittable(deed, context);
  return disk ? Status() : std::unexpected(disk.error());
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(disk, hittable(deed, context));
  const Json& arguments = deed.arguments;
  return prepare_inodes("exhaust-inodes",
                        {arguments.text("path"), arguments.integer("leave", 0), 0}, disk, context);
}

std::string aim(const Json& arguments) { return arguments.text("path"); }

Result<Json> discover(const Deed& deed, const DeedContext&) {
  return inode_takers_in(deed.arguments.text("path"));
}

}  // namespace

extern const FaultRow exhaust_inodes_fault;
const FaultRow exhaust_inodes_fault{
    .name = "exhaust-inodes",
    .summary = "Takes a filesystem's inodes until only so many are free as are to be left.",
    .fields = kFields,
    .facet = "",
    .reversal = Reversal::exact,
    .effect = Effect::fills,
    .rights = "to read and write in the folder",
    .example = "- { fault: exhaust-inodes, path: spool, leave: 10, for: 5s }",
    .prepare = prepare,
    .inject = take_inodes,
    .prove = inodes_taken,
    .undo = free_inodes,
    .gone = inodes_freed,
    .close = nullptr,
    .aim = aim,
    .discover = discover,
    .may = may,
};

}  // namespace gameday
