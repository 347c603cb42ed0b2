// Takes the room of a filesystem away with one file, until only so much is free for ordinary users
// as the playbook says.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "drills/systems/disk.h"
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

struct Filling {
  std::string folder;
  Filler filler;
  std::int64_t leave = 0;
  std::string disk;  // its id
  bool in_memory = false;
};

Result<Filling> filling_in(const Undo& undo) {
  const Json& from = undo.arguments;
  Filling filling{from.text("folder"),
                  {from.text("filler"), from.text("mark")},
                  from.integer("leave", -1),
                  from.text("disk"),
                  from.boolean("in_memory", false)};
  if (filling.folder.empty() || filling.filler.path.empty() || filling.filler.mark.empty() ||
      filling.leave < 0) {
    return fail(ErrorCode::corrupt, "an undo of fill-disk lacks folder, filler, mark or leave");
  }
  return filling;
}

// What a filesystem may have more or less by the time it is looked at: others write too.
std::int64_t tolerated(std::int64_t leave) {
  constexpr std::int64_t kLeast = 64 << 10;
  return leave + std::max(kLeast, leave / 8);
}

// A plan without a store cannot tell.
Status refuse_our_own(const std::string& folder, const Disk& disk, const DeedContext& context) {
  if (context.private_folder.empty()) return {};
  std::filesystem::path ours = context.private_folder;
  std::error_code error;
  while (!std::filesystem::exists(ours, error) && ours.has_relative_path()) {
    ours = ours.parent_path();
  }
  TRY(store, disk_of(ours.string()));
  if (!share_room(disk, store)) return {};
  return fail(ErrorCode::refused,
              folder + " is on the same filesystem as gameday's store, which the undo needs",
              "put the store on another one: --store FILE");
}

Status refuse_root(const std::string& folder, const Disk& disk, const Json& arguments) {
  if (arguments.text("i_mean") == "/") return {};
  TRY(root, disk_of("/"));
  if (!share_room(disk, root)) return {};
  return fail(ErrorCode::refused,
              folder + " is on the root filesystem: filling it hits everything on this machine",
              "name a folder on a filesystem of its own, or say `i_mean: /`");
}

Status refuse_kind(const std::string& folder, const Disk& disk) {
  if (const auto network = network_name(disk.kind); !network.empty()) {
    return fail(ErrorCode::refused, folder + " is on a network filesystem (" + network +
                                        "): others than this machine would be hit");
  }
  if (disk.kind.read_only) {
    return fail(ErrorCode::refused, folder + " is on a read-only filesystem");
  }
  if (disk.total > 0) return {};
  return fail(ErrorCode::refused,
              folder + " is on a filesystem without a size (" + disk.kind.type + ")");
}

// A filler in memory that does not fit there would end other processes, not fill a disk.
Status refuse_memory(const std::string& folder, const Disk& disk, std::int64_t bytes,
                     const Files& files) {
  constexpr std::string_view kLine = "MemAvailable:";
  if (!disk.in_memory()) return {};
  TRY(memory, files.read("/proc/meminfo", 1 << 20));
  const auto at = memory.find(kLine);
  if (at == std::string::npos) return fail(ErrorCode::unsupported, "no MemAvailable in meminfo");
  const std::int64_t available = std::atoll(memory.c_str() + at + kLine.size()) * 1024;
  if (bytes < available / 2) return {};
  return fail(ErrorCode::refused,
              folder + " is in memory: its filler would take " + shown_bytes(bytes) + " of the " +
                  shown_bytes(available) + " that this machine has left",
              "give the tmpfs a size of less than half of that");
}

// A folder of others, where our filler could not be made.
Status refuse_unwritable(const std::string& folder) {
  if (faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0) return {};
  return fail(ErrorCode::refused, "we may not write into " + folder,
              "run gameday as a user who may");
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
  TRY_OK(refuse_kind(folder, disk));
  TRY_OK(refuse_unwritable(folder));
  TRY_OK(refuse_our_own(folder, disk, context));
  TRY_OK(refuse_root(folder, disk, deed.arguments));
  TRY_OK(refuse_memory(folder, disk, disk.free - *leave, context.doors.files));
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
  if (tolerated(leave) >= disk.free) {
    return fail(ErrorCode::refused, folder + " has only " + shown_bytes(disk.free) +
                                        " free: leaving " + shown_bytes(leave) +
                                        " would fill nothing");
  }
  const Filler filler = filler_in(folder, context.mark);
  if (look_for(filler) != FillerThere::no) {
    return fail(ErrorCode::conflict, filler.path + " is there already");
  }
  return Undo{"fill-disk", Json::object({{"folder", folder},
                                         {"filler", filler.path},
                                         {"mark", filler.mark},
                                         {"leave", leave},
                                         {"free_before", disk.free},
                                         {"disk", disk.id},
                                         {"in_memory", disk.in_memory()}})};
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(filling, filling_in(undo));
  return fill(filling.filler, filling.leave, context);
}

// What statvfs says, and what writing says.
Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(filling, filling_in(undo));
  TRY(disk, disk_of(filling.folder));
  const std::int64_t most = tolerated(filling.leave);
  Proof proof;
  proof.facts.set("free_bytes", disk.free).set("leave_bytes", filling.leave);
  proof.text = shown_bytes(disk.free) + " of " + filling.folder + " are free";
  if (look_for(filling.filler) != FillerThere::ours) {
    proof.text += ", and no filler of this deed is there";
    return proof;
  }
  if (disk.free > most) return proof;
  TRY(took, takes(filling.folder, most + disk.block, context));
  proof.held = !took;
  proof.text += took ? "; more than that can be written all the same"
                     : "; writing " + shown_bytes(most + disk.block) + " says that it is full";
  return proof;
}

Status undo(const Undo& undo, const DeedContext& context) {
  TRY(filling, filling_in(undo));
  if (look_for(filling.filler) != FillerThere::ours) return {};
  return remove_filler(filling.filler, context.doors);
}

// A filler that cannot be found is gone only if it is looked for on the filesystem that it is on.
Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  constexpr int kLooks = 20;
  constexpr Duration kLook = std::chrono::milliseconds(50);
  TRY(filling, filling_in(undo));
  if (look_for(filling.filler) == FillerThere::ours) {
    return Proof{false, filling.filler.path + " is still there"};
  }
  const auto now = disk_of(filling.folder);
  const bool same = now && (now->id == filling.disk || now->id.empty() || filling.disk.empty());
  if (!same && filling.in_memory) {
    return Proof{true, "the filesystem in memory is gone, and with it what filled it"};
  }
  if (!same) {
    return Proof{false, filling.folder + " is not on the filesystem that was filled; mount it"};
  }
  // Some give back what a removed file had only a moment later.
  Disk disk = *now;
  for (int look = 0; look < kLooks && disk.free <= filling.leave; ++look) {
    TRY_OK(context.doors.clock.pause(kLook, context.until));
    TRY(again, disk_of(filling.folder));
    disk = again;
  }
  Proof proof{.held = disk.free > filling.leave, .text = "", .facts = Json::object()};
  proof.facts.set("free_bytes", disk.free);
  proof.text = "no filler is in " + filling.folder + ", " + shown_bytes(disk.free) + " are free";
  if (!proof.held) proof.text += ": something else takes the room, or holds the filler open";
  return proof;
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
    .rights = "to write into the folder",
    .example = "- { fault: fill-disk, path: spool, leave: 1MiB, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = nullptr,
    .aim = aim,
    .discover = discover,
    .may = may,
};

}  // namespace gameday
