#include "drills/systems/inodes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "drills/systems/filling.h"

namespace gameday {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = ".gameday-";
constexpr std::string_view kSuffix = ".inodes";
constexpr const char* kHead = "deed";  // the file that carries the mark
constexpr std::int64_t kInFolder = 1000;

struct Taking {
  std::string folder;
  std::string taker;  // the folder of ours in it
  std::string mark;
  std::int64_t leave = 0, count = 0;
  std::string disk;  // its id
  bool in_memory = false;
};

Result<Taking> taking_in(const Undo& undo) {
  const Json& from = undo.arguments;
  Taking taking{from.text("folder"),
                from.text("taker"),
                from.text("mark"),
                from.integer("leave", -1),
                from.integer("count", 0),
                from.text("disk"),
                from.boolean("in_memory", false)};
  const bool named =
      taking.taker.ends_with(std::string(kPrefix) + taking.mark + std::string(kSuffix));
  if (taking.folder.empty() || taking.mark.empty() || !named || taking.leave < 0) {
    return fail(ErrorCode::corrupt, "an undo of " + undo.kind + " lacks folder, mark or leave");
  }
  return taking;
}

std::string head_of(const std::string& mark) { return "gameday inodes of deed " + mark + "\n"; }

enum class Taker { no, ours, not_ours };

// One that was just made may be empty yet.
Taker look_for_taker(const std::string& taker, const std::string& mark, const Files& files) {
  struct stat found{};
  if (lstat(taker.c_str(), &found) != 0) return errno == ENOENT ? Taker::no : Taker::not_ours;
  if (!S_ISDIR(found.st_mode)) return Taker::not_ours;
  std::error_code error;
  if (fs::is_empty(taker, error)) return Taker::ours;
  const auto head = files.read(taker + "/" + kHead, 1 << 10);
  return head && head_of(mark).starts_with(*head) ? Taker::ours : Taker::not_ours;
}

// What a filesystem may have more or less by the time it is looked at: others write too.
std::int64_t tolerated(std::int64_t leave) { return leave + std::max<std::int64_t>(16, leave / 8); }

Status check_until(const DeedContext& context) {
  if (context.until.stop.requested()) return fail(ErrorCode::stopped, "stopped");
  if (context.doors.clock.now().boot < context.until.deadline) return {};
  return fail(ErrorCode::timed_out, "the inodes were not taken in time");
}

// An empty file, or a folder for the next ones; no_space: there is no inode left for it.
Status make_one(const std::string& path, bool folder) {
  if (folder) {
    if (mkdir(path.c_str(), 0700) == 0) return {};
    return std::unexpected(system_error(errno, "cannot create " + path));
  }
  const Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file) return {};
  return std::unexpected(system_error(errno, "cannot create " + path));
}

// How many more are to be made, as things stand.
Result<std::int64_t> wanted(const Taking& taking, std::int64_t made) {
  const std::int64_t most = (taking.count > 0 ? taking.count : kMostInodes) - made;
  if (taking.count > 0) return most;
  TRY(now, inodes_of(taking.folder));
  return std::min(most, now.free - taking.leave);
}

Status take_until(const Taking& taking, const DeedContext& context) {
  constexpr std::int64_t kLookEach = 100;
  std::int64_t made = 1;  // its head
  std::string folder = taking.taker;
  TRY(left, wanted(taking, made));
  for (; left > 0; --left, ++made) {
    const bool next = made % kInFolder == 0;
    const std::string number = std::to_string(made);
    if (next) folder = taking.taker + "/" + number;
    const auto done = make_one(next ? folder : folder + "/" + number + ".", next);
    // Others take them too: what is left when there is none is none of ours to take.
    if (!done && done.error().code == ErrorCode::no_space) return {};
    TRY_OK(done);
    if (made % kLookEach != 0) continue;
    TRY_OK(check_until(context));
    TRY(again, wanted(taking, made + 1));
    left = again + 1;  // this one is counted off yet
  }
  return {};
}

std::int64_t held_by(const std::string& taker) {
  std::int64_t count = 0;
  std::error_code error;
  for (auto at = fs::recursive_directory_iterator(taker, error);
       !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    ++count;
  }
  return count;
}

// What is in a folder, all of it before any of it is removed; of a file, nothing.
std::vector<std::string> paths_in(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  for (auto at = fs::directory_iterator(folder, error); !error && at != fs::directory_iterator();
       at.increment(error)) {
    paths.push_back(at->path().string());
  }
  return paths;
}

Status remove_one(const std::string& path) {
  if (::remove(path.c_str()) == 0 || errno == ENOENT) return {};
  return std::unexpected(system_error(errno, "cannot remove " + path));
}

// Whether so many files could be made; none of them has a name.
Result<bool> takes_files(const std::string& folder, std::int64_t count) {
  std::vector<Descriptor> files;
  while (static_cast<std::int64_t>(files.size()) < count) {
    Descriptor file(open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
    if (!file && (errno == ENOSPC || errno == EDQUOT)) return false;
    if (!file) return std::unexpected(system_error(errno, "cannot create a file in " + folder));
    files.push_back(std::move(file));
  }
  return true;
}

}  // namespace

Result<Inodes> inodes_of(const std::string& folder) {
  struct statvfs room{};
  if (statvfs(folder.c_str(), &room) != 0) {
    return std::unexpected(system_error(errno, "cannot look at " + folder));
  }
  return Inodes{static_cast<std::int64_t>(room.f_files), static_cast<std::int64_t>(room.f_favail)};
}

Status may_take_inodes(const InodesAsked& asked, const Disk& disk, const DeedContext& context) {
  constexpr std::int64_t kInMemory = 1 << 10;  // bytes that one takes of a tmpfs, about
  TRY(now, inodes_of(asked.folder));
  if (now.total == 0) {
    return fail(ErrorCode::unsupported, asked.folder + " is on a filesystem (" + disk.kind.type +
                                            ") that makes inodes as they are needed");
  }
  const std::int64_t taken = asked.count > 0 ? asked.count : now.free - asked.leave;
  TRY_OK(may_fill(asked.folder, disk, std::max<std::int64_t>(0, taken) * kInMemory,
                  asked.count > 0 ? Filled::in_part : Filled::up, context));
  if (taken <= kMostInodes) return {};
  return fail(ErrorCode::refused,
              "of " + asked.folder + " " + std::to_string(taken) +
                  " inodes would be taken, and a drill takes " + std::to_string(kMostInodes) +
                  " at most",
              "leave more, or name a smaller filesystem");
}

Result<Undo> prepare_inodes(std::string_view kind, const InodesAsked& asked, const Disk& disk,
                            const DeedContext& context) {
  TRY(now, inodes_of(asked.folder));
  const std::int64_t least = tolerated(asked.leave) + asked.count;
  if (least >= now.free) {
    return fail(ErrorCode::refused,
                asked.folder + " has only " + std::to_string(now.free) + " free inodes: leaving " +
                    std::to_string(asked.leave) +
                    (asked.count > 0 ? " could not be kept" : " would take none"));
  }
  const std::string taker =
      (fs::path(asked.folder) / (std::string(kPrefix) + context.mark + std::string(kSuffix)))
          .string();
  if (look_for_taker(taker, context.mark, context.doors.files) != Taker::no) {
    return fail(ErrorCode::conflict, taker + " is there already");
  }
  return Undo{std::string(kind), Json::object({{"folder", asked.folder},
                                               {"taker", taker},
                                               {"mark", context.mark},
                                               {"leave", asked.leave},
                                               {"count", asked.count},
                                               {"free_before", now.free},
                                               {"disk", disk.id},
                                               {"in_memory", disk.in_memory()}})};
}

Json inode_takers_in(const std::string& folder) {
  Json found = Json::array();
  std::error_code error;
  for (auto at = fs::directory_iterator(folder, error); !error && at != fs::directory_iterator();
       at.increment(error)) {
    std::string mark = at->path().filename().string();
    if (!mark.starts_with(kPrefix) || !mark.ends_with(kSuffix)) continue;
    mark = mark.substr(kPrefix.size(), mark.size() - kPrefix.size() - kSuffix.size());
    if (look_for_taker(at->path().string(), mark, Files()) != Taker::ours) continue;
    found.push(Json::object({{"where", at->path().string()}, {"mark", mark}}));
  }
  return found;
}

Status take_inodes(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(taking, taking_in(undo));
  TRY_OK(make_one(taking.taker, true));
  TRY_OK(context.doors.files.write(taking.taker + "/" + kHead, head_of(taking.mark), 0600));
  if (context.doors.observer) context.doors.observer("files", Side::before);
  TRY_OK(take_until(taking, context));
  if (context.doors.observer) context.doors.observer("files", Side::after);
  return {};
}

// What statvfs says, and what making files says, as far as so many can be open at once.
Result<Proof> inodes_taken(const Deed&, const Undo& undo, const DeedContext& context) {
  constexpr std::int64_t kMostTried = 512;
  TRY(taking, taking_in(undo));
  TRY(now, inodes_of(taking.folder));
  Proof proof;
  proof.facts.set("free", now.free).set("leave", taking.leave);
  proof.text = std::to_string(now.free) + " inodes of " + taking.folder + " are free";
  if (look_for_taker(taking.taker, taking.mark, context.doors.files) != Taker::ours) {
    proof.text += ", and no folder of this deed takes any";
    return proof;
  }
  if (taking.count > 0) {
    const std::int64_t held = held_by(taking.taker);
    proof.facts.set("held", held);
    proof.text += ", " + std::to_string(held) + " less by the folder of this deed";
    proof.held = held >= taking.count;
    return proof;
  }
  const std::int64_t most = tolerated(taking.leave);
  proof.held = now.free <= most;
  if (!proof.held || most >= kMostTried) return proof;
  TRY(took, takes_files(taking.folder, most + 1));
  proof.held = !took;
  proof.text += took ? "; more files than that can be made all the same"
                     : "; making " + std::to_string(most + 1) + " files fails";
  return proof;
}

// Its head goes last: whatever is left of it is ours until then.
Status free_inodes(const Undo& undo, const DeedContext& context) {
  TRY(taking, taking_in(undo));
  if (look_for_taker(taking.taker, taking.mark, context.doors.files) != Taker::ours) return {};
  if (context.doors.observer) context.doors.observer("files", Side::before);
  const std::string head = taking.taker + "/" + kHead;
  for (const auto& path : paths_in(taking.taker)) {
    if (path == head) continue;
    for (const auto& within : paths_in(path)) TRY_OK(remove_one(within));
    TRY_OK(remove_one(path));
    TRY_OK(check_until(context));
  }
  TRY_OK(context.doors.files.remove(head));
  TRY_OK(remove_one(taking.taker));
  if (context.doors.observer) context.doors.observer("files", Side::after);
  const Descriptor opened(open(taking.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened && fsync(opened.get()) == 0) return {};
  return std::unexpected(system_error(errno, "cannot sync " + taking.folder));
}

Result<Proof> inodes_freed(const Undo& undo, const DeedContext& context) {
  TRY(taking, taking_in(undo));
  if (look_for_taker(taking.taker, taking.mark, context.doors.files) == Taker::ours) {
    return Proof{false, taking.taker + " is still there"};
  }
  const auto now = disk_of(taking.folder);
  const bool same = now && (now->id == taking.disk || now->id.empty() || taking.disk.empty());
  if (!same && taking.in_memory) {
    return Proof{true, "the filesystem in memory is gone, and with it what took its inodes"};
  }
  if (!same) {
    return Proof{false, taking.folder + " is not on the filesystem that was hit; mount it"};
  }
  TRY(inodes, inodes_of(taking.folder));
  Proof proof{.held = taking.count > 0 || inodes.free > taking.leave,
              .text = "nothing of this deed is in " + taking.folder + ", " +
                      std::to_string(inodes.free) + " inodes are free",
              .facts = Json::object({{"free", inodes.free}})};
  if (!proof.held) proof.text += ": something else takes them";
  return proof;
}

}  // namespace gameday
