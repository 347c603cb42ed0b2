// Takes the room of a container's own volume away with one file in it. A volume that lies on a
// disk of its machine is not filled, because others live there: it is given a file of a bounded
// size, and only where enough is left for them.
#include "drills/systems/container_volume.h"
#include "drills/systems/filling.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "path",
     .type = FieldType::text,
     .help = "Where the volume is mounted in the container: /var/lib/postgresql/data.",
     .required = true},
    {.name = "leave",
     .type = FieldType::size,
     .help = "How much of a volume that is a filesystem of its own stays free.",
     .otherwise = "1MiB"},
    {.name = "size",
     .type = FieldType::size,
     .help = "How much is taken at most; needed where the volume shares a disk with its machine, "
             "which keeps 1 GiB and a twentieth of it free. 0B is no bound.",
     .otherwise = "0B"},
};

struct Volume {
  HeldContainer held;
  std::string folder;
  Disk disk;
  std::int64_t leave = 0, size = 0;
};

Result<Volume> fillable(const Deed& deed, const DeedContext& context) {
  constexpr std::int64_t kKept = std::int64_t{1} << 30, kPart = 20;
  TRY(held, keep_container(deed, false, context));
  TRY(engine, engine_of(held, context));
  TRY(now, still_held(held, engine, context));
  const auto path = deed.arguments.text("path");
  TRY(folder, folder_of_volume(held, now, path));
  TRY(disk, disk_of(folder));
  Volume volume{std::move(held), folder, disk, size_in(deed.arguments, "leave").value_or(0),
                size_in(deed.arguments, "size").value_or(0)};
  TRY(shared, is_shared_disk(disk, engine, context));
  const std::string what = "the volume at " + path + " of " + shown(volume.held);
  if (shared && volume.size == 0) {
    return fail(ErrorCode::refused,
                what + " is on a disk that its machine uses too: filling it hits everything there",
                "give the volume a filesystem of its own, or say how much is taken: size: 100MiB");
  }
  if (shared) volume.leave = kKept + disk.total / kPart;
  if (volume.size > 0 && disk.free - volume.size < volume.leave) {
    return fail(ErrorCode::refused, what + " has " + shown_bytes(disk.free) + " free: taking " +
                                        shown_bytes(volume.size) + " would leave less than " +
                                        shown_bytes(volume.leave));
  }
  const auto taken = volume.size > 0 ? volume.size : disk.free - volume.leave;
  TRY_OK(may_fill(folder, disk, taken, shared ? Filled::in_part : Filled::up, context));
  return volume;
}

Status may(const Deed& deed, const DeedContext& context) {
  const auto volume = fillable(deed, context);
  return volume ? Status() : std::unexpected(volume.error());
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(volume, fillable(deed, context));
  return prepare_filling("fill-disk-container", volume.folder, volume.leave, volume.size,
                         volume.disk, context);
}

Result<Json> discover(const Deed& deed, const DeedContext& context) {
  TRY(volume, fillable(deed, context));
  Json found = Json::array();
  for (const auto& filler : fillers_in(volume.folder)) {
    if (look_for(filler) != FillerThere::ours) continue;
    found.push(Json::object({{"where", filler.path}, {"mark", filler.mark}}));
  }
  return found;
}

}  // namespace

extern const FaultRow fill_disk_container_fault;
const FaultRow fill_disk_container_fault{
    .name = "fill-disk-container",
    .summary = "Takes the room of a container's own volume away, all of it or a bounded part.",
    .fields = kFields,
    .facet = "container",
    .reversal = Reversal::exact,
    .effect = Effect::fills,
    .rights =
        "to speak to the Docker engine of this machine, to see its process (be its user, or have "
        "CAP_SYS_PTRACE), and to read and write in the folder that is its volume (be who may, or "
        "have CAP_DAC_OVERRIDE); root has both",
    .example = "- { fault: fill-disk-container, target: cache, path: /data, size: 16MiB, for: 5s }",
    .prepare = prepare,
    .inject = fill_disk,
    .prove = disk_filled,
    .undo = free_disk,
    .gone = disk_freed,
    .close = nullptr,
    .discover = discover,
    .as = "fill-disk",
    .may = may,
};

}  // namespace gameday
