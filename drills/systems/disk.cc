#include "drills/systems/disk.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "engine/base/digest.h"
#include "engine/sys/descriptor.h"

namespace gameday {
namespace {

constexpr std::int64_t kChunk = 64 << 20;  // takes a few milliseconds, so that a stop is heard
constexpr std::int64_t kBlock = 1 << 20;   // what is written at once where nothing can be allocated
constexpr std::string_view kPrefix = ".gameday-";
constexpr std::string_view kSuffix = ".filler";

std::string head_of(const Filler& filler) { return "gameday filler of deed " + filler.mark + "\n"; }

// Root may write where ordinary users cannot any more. This thread alone is an ordinary one while
// this lives.
class AsOrdinaryUser {
 public:
  AsOrdinaryUser() {
    constexpr uid_t kDaemon = 1;
    if (geteuid() != 0) return;
    syscall(SYS_capget, &header_, before_);
    __user_cap_data_struct now[2] = {before_[0], before_[1]};
    now[0].effective &= ~CAP_TO_MASK(CAP_SYS_RESOURCE);
    setfsuid(kDaemon);
    syscall(SYS_capset, &header_, now);
    changed_ = true;
  }
  ~AsOrdinaryUser() {
    if (!changed_) return;
    setfsuid(0);
    syscall(SYS_capset, &header_, before_);
  }
  AsOrdinaryUser(const AsOrdinaryUser&) = delete;
  AsOrdinaryUser& operator=(const AsOrdinaryUser&) = delete;

 private:
  __user_cap_header_struct header_{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct before_[2] = {};
  bool changed_ = false;
};

// What no filesystem can make smaller.
const std::string& dense_block() {
  static const std::string block = [] {
    std::string made;
    for (std::string part = "gameday"; static_cast<std::int64_t>(made.size()) < kBlock;) {
      part = sha256(part);
      made += part;
    }
    made.resize(static_cast<std::size_t>(kBlock));
    return made;
  }();
  return block;
}

// Makes a file larger: allocates what can be, else writes.
class Growing {
 public:
  Growing(int file, std::int64_t size) : file_(file), size_(size) {}

  // The bytes that were added, at least one; no_space where not all of `wanted` fit in.
  Result<std::int64_t> grow(std::int64_t wanted) {
    if (allocates_) {
      const std::int64_t bytes = std::min(wanted, kChunk);
      if (fallocate(file_, 0, size_, bytes) == 0) return added(bytes);
      if (errno != EOPNOTSUPP && errno != ENOSYS) return failed();
      allocates_ = false;
    }
    const auto bytes = static_cast<std::size_t>(std::min(wanted, kBlock));
    const ssize_t written = pwrite(file_, dense_block().data(), bytes, size_);
    if (written <= 0) return failed();
    return added(written);
  }
  [[nodiscard]] std::int64_t size() const { return size_; }

 private:
  Result<std::int64_t> added(std::int64_t bytes) {
    size_ += bytes;
    return bytes;
  }
  static Result<std::int64_t> failed() {
    return std::unexpected(system_error(errno, "cannot make a file larger"));
  }

  const int file_;
  std::int64_t size_;
  bool allocates_ = true;
};

Status check_until(const DeedContext& context) {
  if (context.until.stop.requested()) return fail(ErrorCode::stopped, "stopped");
  if (context.doors.clock.now().boot < context.until.deadline) return {};
  return fail(ErrorCode::timed_out, "the disk was not full in time");
}

Status grow_until(Growing& growing, const std::string& folder, std::int64_t leave,
                  std::int64_t largest, const DeedContext& context) {
  std::int64_t most = kChunk;
  while (true) {
    TRY_OK(check_until(context));
    TRY(disk, disk_of(folder));
    const std::int64_t wanted = std::min({disk.free - leave, most, largest - growing.size()});
    if (wanted < disk.block) return {};
    const auto added = growing.grow(wanted);
    if (added) continue;
    if (added.error().code != ErrorCode::no_space) return std::unexpected(added.error());
    // What is left is in pieces, or taken by the filesystem's own books.
    most = wanted / 2;
  }
}

}  // namespace

Result<Disk> disk_of(const std::string& folder) {
  struct statvfs room{};
  struct stat itself{};
  if (statvfs(folder.c_str(), &room) != 0 || stat(folder.c_str(), &itself) != 0) {
    return std::unexpected(system_error(errno, "cannot look at " + folder));
  }
  TRY(kind, filesystem_of(folder));
  const auto block = static_cast<std::int64_t>(room.f_frsize);
  const auto bytes = [&](fsblkcnt_t count) { return static_cast<std::int64_t>(count) * block; };
  return Disk{.kind = kind,
              .device = itself.st_dev,
              .id = room.f_fsid == 0 ? "" : std::to_string(room.f_fsid),
              .block = block,
              .total = bytes(room.f_blocks),
              .unused = bytes(room.f_bfree),
              .free = bytes(room.f_bavail)};
}

bool share_room(const Disk& a, const Disk& b) {
  if (a.device == b.device) return true;
  // Subvolumes and overlays have devices of their own, and say what is left of the one below.
  return !a.in_memory() && !b.in_memory() && a.total == b.total && a.unused == b.unused;
}

std::string shown_bytes(std::int64_t bytes) {
  constexpr std::string_view kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  double value = static_cast<double>(bytes);
  for (; value >= 1024 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
  const auto tenths = static_cast<std::int64_t>(value * 10);
  const std::string rest = tenths % 10 == 0 ? "" : "." + std::to_string(tenths % 10);
  return std::to_string(tenths / 10) + rest + " " + std::string(kUnits[unit]);
}

Result<bool> takes(const std::string& folder, std::int64_t bytes, const DeedContext& context) {
  Descriptor file(open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
  if (!file) {
    std::string path = folder + "/" + std::string(kPrefix) + context.mark + ".probe-XXXXXX";
    file = Descriptor(mkostemp(path.data(), O_CLOEXEC));
    if (!file) return std::unexpected(system_error(errno, "cannot create a file in " + folder));
    unlink(path.c_str());
  }
  const AsOrdinaryUser ordinary;
  Growing growing(file.get(), 0);
  for (std::int64_t left = bytes; left > 0;) {
    TRY_OK(check_until(context));
    const auto added = growing.grow(left);
    if (!added && added.error().code == ErrorCode::no_space) return false;
    if (!added) return std::unexpected(added.error());
    left -= *added;
  }
  return true;
}

Filler filler_in(const std::string& folder, const std::string& mark) {
  const std::string name = std::string(kPrefix) + mark + std::string(kSuffix);
  return {(std::filesystem::path(folder) / name).string(), mark};
}

std::vector<Filler> fillers_in(const std::string& folder) {
  std::vector<Filler> found;
  std::error_code error;
  for (auto at = std::filesystem::directory_iterator(folder, error);
       !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    std::string name = at->path().filename().string();
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
    name = name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size());
    if (!name.empty()) found.push_back({at->path().string(), name});
  }
  return found;
}

// One that was just made may have its head in part, or not yet.
FillerThere look_for(const Filler& filler) {
  const Descriptor file(open(filler.path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) return errno == ENOENT || errno == ENOTDIR ? FillerThere::no : FillerThere::not_ours;
  struct stat found{};
  if (fstat(file.get(), &found) != 0 || !S_ISREG(found.st_mode)) return FillerThere::not_ours;
  const std::string head = head_of(filler);
  std::string bytes(head.size(), '\0');
  const ssize_t got = pread(file.get(), bytes.data(), bytes.size(), 0);
  if (got < 0) return FillerThere::not_ours;
  bytes.resize(static_cast<std::size_t>(got));
  return head.starts_with(bytes) ? FillerThere::ours : FillerThere::not_ours;
}

Status remove_filler(const Filler& filler, const Doors& doors) {
  TRY_OK(doors.files.remove(filler.path));
  const auto folder = std::filesystem::path(filler.path).parent_path().string();
  const Descriptor opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened && fsync(opened.get()) == 0) return {};
  return std::unexpected(system_error(errno, "cannot sync " + folder));
}

std::int64_t taken_by(const Filler& filler) {
  constexpr std::int64_t kUnit = 512;  // of st_blocks, whatever the filesystem's own are
  struct stat found{};
  return lstat(filler.path.c_str(), &found) == 0 ? found.st_blocks * kUnit : 0;
}

Status fill(const Filler& filler, std::int64_t leave, const DeedContext& context,
            std::int64_t most) {
  const auto told = [&](Side side) {
    if (context.doors.observer) context.doors.observer("files", side);
  };
  told(Side::before);
  const Descriptor file(
      open(filler.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return std::unexpected(system_error(errno, "cannot create " + filler.path));
  told(Side::after);
  const std::string head = head_of(filler);
  if (pwrite(file.get(), head.data(), head.size(), 0) != static_cast<ssize_t>(head.size())) {
    return std::unexpected(system_error(errno, "cannot write " + filler.path));
  }
  told(Side::before);
  Growing growing(file.get(), static_cast<std::int64_t>(head.size()));
  const auto folder = std::filesystem::path(filler.path).parent_path().string();
  if (auto grown = grow_until(growing, folder, leave, most, context); !grown) {
    return std::unexpected(grown.error().in("filling " + folder));
  }
  told(Side::after);
  return {};
}

}  // namespace gameday
