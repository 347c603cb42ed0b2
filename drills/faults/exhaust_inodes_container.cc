// Takes the inodes of a container's own volume away with empty files. On a disk of its machine,
// where others live, only a bounded number is taken, and only where enough are left for them.
#include "drills/systems/container_volume.h"
#include "drills/systems/inodes.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "path",
     .type = FieldType::text,
     .help = "Where the volume is mounted in the container: /var/lib/postgresql/data.",
     .required = true},
    {.name = "leave",
     .type = FieldType::integer,
     .help = "How many inodes of a volume that is a filesystem of its own stay free.",
     .otherwise = "0",
     .required = false,
     .most = 1e12},
    {.name = "count",
     .type = FieldType::integer,
     .help = "How many are taken; needed where the volume shares a disk with its machine, which "
             "keeps a twentieth of them free. 0 is no bound but 1,000,000.",
     .otherwise = "0",
     .required = false,
     .most = 1e6},
};

struct Volume {
  InodesAsked asked;
  Disk disk;
};

Result<Volume> hittable(const Deed& deed, const DeedContext& context) {
  constexpr std::int64_t kPart = 20;
  TRY(held, keep_container(deed, false, context));
  TRY(engine, engine_of(held, context));
  TRY(now, still_held(held, engine, context));
  const auto path = deed.arguments.text("path");
  TRY(folder, folder_of_volume(held, now, path));
  TRY(disk, disk_of(folder));
  InodesAsked asked{folder, deed.arguments.integer("leave", 0), deed.arguments.integer("count", 0)};
  TRY(shared, is_shared_disk(disk, engine, context));
  const std::string what = "the volume at " + path + " of " + shown(held);
  if (shared && asked.count == 0) {
    return fail(ErrorCode::refused,
                what +
                    " is on a disk that its machine uses too: without inodes, everything there "
                    "is hit",
                "give the volume a filesystem of its own, or say how many are taken: count: 1000");
  }
  TRY(inodes, inodes_of(folder));
  if (shared) asked.leave = inodes.total / kPart;
  if (asked.count > 0 && inodes.total > 0 && inodes.free - asked.count < asked.leave) {
    return fail(ErrorCode::refused, what + " has " + std::to_string(inodes.free) +
                                        " inodes free: taking " + std::to_string(asked.count) +
                                        " would leave less than " + std::to_string(asked.leave));
  }
  TRY_OK(may_take_inodes(asked, disk, context));
  return Volume{std::move(asked), std::move(disk)};
}

Status may(const Deed& deed, const DeedContext& context) {
  const auto volume = hittable(deed, context);
  return volume ? Status() : std::unexpected(volume.error());
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(volume, hittable(deed, context));
  return prepare_inodes("exhaust-inodes-container", volume.asked, volume.disk, context);
}

Result<Json> discover(const Deed& deed, const DeedContext& context) {
  TRY(volume, hittable(deed, context));
  return inode_takers_in(volume.asked.folder);
}

}  // namespace

extern const FaultRow exhaust_inodes_container_fault;
const FaultRow exhaust_inodes_container_fault{
    .name = "exhaust-inodes-container",
    .summary = "Takes the inodes of a container's own volume, all of them or a bounded number.",
    .fields = kFields,
    .facet = "container",
    .reversal = Reversal::exact,
    .effect = Effect::fills,
    .rights =
        "to speak to the Docker engine of this machine, to see its process (be its user, or have "
        "CAP_SYS_PTRACE), and to read and write in the folder that is its volume (be who may, or "
        "have CAP_DAC_OVERRIDE); root has both",
    .example =
        "- { fault: exhaust-inodes-container, target: cache, path: /data, count: 200, for: 5s }",
    .prepare = prepare,
    .inject = take_inodes,
    .prove = inodes_taken,
    .undo = free_inodes,
    .gone = inodes_freed,
    .close = nullptr,
    .discover = discover,
    .as = "exhaust-inodes",
    .may = may,
};

}  // namespace gameday
