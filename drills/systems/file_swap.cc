#include "drills/systems/file_swap.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>

#include "drills/systems/own_rights.h"
#include "engine/base/digest.h"

namespace gameday {
namespace {

constexpr std::int64_t kLargest = 16 << 20;

struct Kept {
  std::string was;
  std::string ours;
  mode_t mode = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

Result<Kept> kept_of(const FileSwap& swap, const DeedContext& context) {
  const auto bytes = context.doors.files.read(swap.saved, 4 * kLargest);
  if (!bytes) {
    return std::unexpected(bytes.error().in("what " + swap.path + " held is kept in a file that"));
  }
  TRY(value, Json::parse(*bytes));
  TRY(was, decode_base64(value.text("was")));
  TRY(ours, decode_base64(value.text("ours")));
  return Kept{was, ours, static_cast<mode_t>(value.integer("mode", 0600)),
              static_cast<uid_t>(value.integer("uid", 0)),
              static_cast<gid_t>(value.integer("gid", 0))};
}

Status write_whole(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return std::unexpected(system_error(errno, "cannot write"));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Status sync_folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const Descriptor opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened && fsync(opened.get()) == 0) return {};
  return std::unexpected(system_error(errno, "cannot sync " + folder));
}

std::string beside_of(const std::string& path, const DeedContext& context) {
  return path + ".gameday." + context.mark;
}

// Nobody may read it before it has its owner, and whoever may read the file finds it whole.
Status exchange(const std::string& path, const std::string& bytes, const Kept& like,
                const DeedContext& context) {
  const std::string beside = beside_of(path, context);
  unlink(beside.c_str());
  const Descriptor file(
      open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return std::unexpected(system_error(errno, "cannot create " + beside));
  auto done = write_whole(file.get(), bytes);
  struct stat made{};
  if (done && fstat(file.get(), &made) != 0) done = std::unexpected(system_error(errno, beside));
  const bool owned = made.st_uid == like.uid && made.st_gid == like.gid;
  if (done && !owned && fchown(file.get(), like.uid, like.gid) != 0) {
    done = std::unexpected(system_error(errno, "cannot give " + beside + " its owner"));
  }
  if (done && (fchmod(file.get(), like.mode) != 0 || fsync(file.get()) != 0 ||
               rename(beside.c_str(), path.c_str()) != 0)) {
    done = std::unexpected(system_error(errno, "cannot put " + path + " in place"));
  }
  if (!done) {
    unlink(beside.c_str());
    return done;
  }
  return sync_folder_of(path);
}

Status told_exchange(const FileSwap& swap, const std::string& bytes, const Kept& like,
                     const DeedContext& context) {
  const auto& observer = context.doors.observer;
  if (observer) observer("files", Side::before);
  TRY_OK(exchange(swap.path, bytes, like, context));
  if (observer) observer("files", Side::after);
  return {};
}

}  // namespace

Json to_json(const FileSwap& swap) {
  return Json::object({{"path", swap.path}, {"saved", swap.saved}});
}

Result<FileSwap> file_swap_from(const Json& value) {
  FileSwap swap{value.text("path"), value.text("saved")};
  if (swap.path.empty() || swap.saved.empty()) {
    return fail(ErrorCode::corrupt, "an undo of a file lacks its path or its saved copy");
  }
  return swap;
}

Result<std::string> file_to_swap(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(realpath(path.c_str(), nullptr),
                                                         &std::free);
  if (real == nullptr) return std::unexpected(system_error(errno, "no file " + path));
  std::string file = real.get();
  struct stat found{};
  if (stat(file.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) {
    return fail(ErrorCode::invalid, path + " is no regular file");
  }
  if (found.st_nlink > 1) {
    return fail(ErrorCode::refused,
                path +
                    " has other names (hard links), which would keep the "
                    "old content",
                "name a file of its own");
  }
  const std::string folder = std::filesystem::path(file).parent_path().string();
  if (!may_change_folder(folder)) {
    return fail(ErrorCode::refused, "we may not exchange files in " + folder,
                "run gameday as the folder's owner, or as root");
  }
  if (!may_give_to(found.st_uid, found.st_gid)) {
    return fail(ErrorCode::refused,
                path + " is another user's or another group's, and could not be given back to them",
                "run gameday as that user, in that group, or as root");
  }
  return file;
}

Result<FileSwap> keep_for_swap(const std::string& file, const std::string& content,
                               const std::string& name, const DeedContext& context) {
  TRY(was, context.doors.files.read(file, kLargest));
  struct stat found{};
  if (stat(file.c_str(), &found) != 0) return std::unexpected(system_error(errno, file));
  TRY_OK(context.doors.files.make_folder(context.private_folder, 0700));
  const FileSwap swap{file, context.private_folder + "/" + context.mark + "." + name + ".json"};
  const Json kept = Json::object({{"was", base64(was)},
                                  {"ours", base64(content)},
                                  {"mode", found.st_mode & 07777U},
                                  {"uid", found.st_uid},
                                  {"gid", found.st_gid}});
  TRY_OK(context.doors.files.write(swap.saved, kept.dump() + "\n", 0600));
  return swap;
}

Result<Holds> look_at_swap(const FileSwap& swap, const DeedContext& context) {
  TRY(kept, kept_of(swap, context));
  if (!context.doors.files.exists(swap.path)) return Holds::nothing;
  TRY(now, context.doors.files.read(swap.path, kLargest));
  return now == kept.was ? Holds::what_was : now == kept.ours ? Holds::ours : Holds::other;
}

Status swap_in(const FileSwap& swap, const DeedContext& context) {
  TRY(holds, look_at_swap(swap, context));
  if (holds == Holds::ours) return {};
  if (holds != Holds::what_was) {
    return fail(ErrorCode::conflict, swap.path + " was changed by somebody else meanwhile");
  }
  TRY(kept, kept_of(swap, context));
  return told_exchange(swap, kept.ours, kept, context);
}

// Missing it is no renewal: what we took away has to be back.
Result<bool> put_back(const FileSwap& swap, const DeedContext& context) {
  TRY(holds, look_at_swap(swap, context));
  if (holds == Holds::what_was || holds == Holds::other) return false;
  TRY(kept, kept_of(swap, context));
  TRY_OK(told_exchange(swap, kept.was, kept, context));
  return true;
}

Status remove_half_swap(const FileSwap& swap, const DeedContext& context) {
  return context.doors.files.remove(beside_of(swap.path, context));
}

Status erase_swap(const FileSwap& swap, bool keep, const DeedContext& context) {
  return keep ? Status{} : context.doors.files.remove(swap.saved);
}

}  // namespace gameday
