#include "engine/runtime/own_backups.h"

#include <cerrno>
#include <filesystem>
#include <vector>

namespace gameday {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kKept = ".keep";

std::vector<fs::path> passing(const std::string& private_folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(own_backups_of(private_folder), error)) {
    const std::string path = entry.path().string();
    const bool kept = path.ends_with(kKept) || fs::exists(path + std::string(kKept), error);
    if (!kept) found.push_back(entry.path());
  }
  return found;
}

Status cannot(const fs::path& path, const std::error_code& error) {
  return std::unexpected(system_error(error.value(), "cannot remove " + path.string()));
}

// A base backup is as large as its cluster: what is left of the time is looked at in between.
Status erase(const fs::path& path, const Clock& clock, const Until& until) {
  std::error_code error;
  if (!fs::is_symlink(path, error) && fs::is_directory(path, error)) {
    std::vector<fs::path> inside;
    for (const auto& entry : fs::directory_iterator(path, error)) inside.push_back(entry.path());
    if (error) return cannot(path, error);
    for (const auto& one : inside) TRY_OK(erase(one, clock, until));
  }
  if (until.stop.requested() || clock.now().boot >= until.deadline) {
    return fail(ErrorCode::timed_out, "there was no time to remove " + path.string());
  }
  fs::remove(path, error);
  return error ? cannot(path, error) : Status();
}

}  // namespace

std::string own_backups_of(const std::string& private_folder) {
  return private_folder + "/backups";
}

bool is_own_backup(const std::string& id, const std::string& private_folder) {
  return fs::path(id).parent_path() == own_backups_of(private_folder);
}

Status keep_own_backup(const std::string& id, const Files& files) {
  return files.write(id + std::string(kKept), "", 0600);
}

bool has_own_backups(const std::string& private_folder) { return !passing(private_folder).empty(); }

Status erase_own_backups(const std::string& private_folder, const Clock& clock,
                         const Until& until) {
  for (const auto& path : passing(private_folder)) TRY_OK(erase(path, clock, until));
  std::error_code error;
  const std::string folder = own_backups_of(private_folder);
  if (fs::is_empty(folder, error) && !error) fs::remove(folder, error);
  return {};
}

}  // namespace gameday
