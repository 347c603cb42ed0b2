#include "drills/systems/filling.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "drills/systems/disk.h"
#include "drills/systems/own_rights.h"

namespace gameday {
namespace {

struct Filling {
  std::string folder;
  Filler filler;
  std::int64_t leave = 0;
  std::int64_t size = 0;  // of the filler, where that is its bound; else 0
  std::string disk;       // its id
  bool in_memory = false;
};

Result<Filling> filling_in(const Undo& undo) {
  const Json& from = undo.arguments;
  Filling filling{from.text("folder"),       {from.text("filler"), from.text("mark")},
                  from.integer("leave", -1), from.integer("size", 0),
                  from.text("disk"),         from.boolean("in_memory", false)};
  if (filling.folder.empty() || filling.filler.path.empty() || filling.filler.mark.empty() ||
      filling.leave < 0) {
    return fail(ErrorCode::corrupt,
                "an undo of " + undo.kind + " lacks folder, filler, mark or leave");
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
  if (may_change_folder(folder)) return {};
  return fail(ErrorCode::refused, "we may not read and write in " + folder,
              "run gameday as a user who may");
}

}  // namespace

Status may_fill(const std::string& folder, const Disk& disk, std::int64_t bytes, Filled filled,
                const DeedContext& context) {
  TRY_OK(refuse_kind(folder, disk));
  TRY_OK(refuse_unwritable(folder));
  if (filled == Filled::up) TRY_OK(refuse_our_own(folder, disk, context));
  return refuse_memory(folder, disk, bytes, context.doors.files);
}

Result<Undo> prepare_filling(std::string_view kind, const std::string& folder, std::int64_t leave,
                             std::int64_t size, const Disk& disk, const DeedContext& context) {
  if (tolerated(leave) >= disk.free) {
    return fail(ErrorCode::refused, folder + " has only " + shown_bytes(disk.free) +
                                        " free: leaving " + shown_bytes(leave) +
                                        " would fill nothing");
  }
  const Filler filler = filler_in(folder, context.mark);
  if (look_for(filler) != FillerThere::no) {
    return fail(ErrorCode::conflict, filler.path + " is there already");
  }
  return Undo{std::string(kind), Json::object({{"folder", folder},
                                               {"filler", filler.path},
                                               {"mark", filler.mark},
                                               {"leave", leave},
                                               {"size", size},
                                               {"free_before", disk.free},
                                               {"disk", disk.id},
                                               {"in_memory", disk.in_memory()}})};
}

Status fill_disk(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(filling, filling_in(undo));
  return fill(filling.filler, filling.leave, context, filling.size > 0 ? filling.size : kNoMost);
}

// What statvfs says, and what writing says.
Result<Proof> disk_filled(const Deed&, const Undo& undo, const DeedContext& context) {
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
  if (filling.size > 0) {
    const auto taken = taken_by(filling.filler);
    proof.facts.set("filler_bytes", taken);
    proof.text += ", " + shown_bytes(taken) + " less by the filler of this deed";
    proof.held = taken >= filling.size;
    return proof;
  }
  if (disk.free > most) return proof;
  TRY(took, takes(filling.folder, most + disk.block, context));
  proof.held = !took;
  proof.text += took ? "; more than that can be written all the same"
                     : "; writing " + shown_bytes(most + disk.block) + " says that it is full";
  return proof;
}

Status free_disk(const Undo& undo, const DeedContext& context) {
  TRY(filling, filling_in(undo));
  if (look_for(filling.filler) != FillerThere::ours) return {};
  return remove_filler(filling.filler, context.doors);
}

// A filler that cannot be found is gone only if it is looked for on the filesystem that it is on.
Result<Proof> disk_freed(const Undo& undo, const DeedContext& context) {
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

}  // namespace gameday
