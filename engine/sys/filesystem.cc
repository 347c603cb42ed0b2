#include "engine/sys/filesystem.h"

#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>

#include "engine/base/text.h"

namespace gameday {
namespace {

struct Known {
  std::int64_t magic;
  std::string_view name;
};
constexpr std::array kNetwork{
    Known{0x6969, "NFS"},        Known{0x517b, "SMB"},        Known{0xff534d42, "CIFS"},
    Known{0xfe534d42, "SMB2"},   Known{0x01021997, "9p"},     Known{0x5346414f, "AFS"},
    Known{0x6b414653, "kAFS"},   Known{0x00c36400, "Ceph"},   Known{0x73757245, "Coda"},
    Known{0x0bd00bd0, "Lustre"}, Known{0x19830326, "BeeGFS"}, Known{0x47504653, "GPFS"},
};
constexpr std::int64_t kFuse = 0x65735546;
constexpr std::array<std::string_view, 16> kNetworkFuse{
    "sshfs",     "s3fs",  "s3fs-fuse", "gcsfuse", "goofys", "rclone",    "glusterfs", "ceph",
    "ceph-fuse", "davfs", "davfs2",    "juicefs", "mfs",    "curlftpfs", "blobfuse2", "seaweedfs"};

// Lines of mountinfo: id parent MAJOR:MINOR root point options [tags] - TYPE source options.
std::string type_of_device(dev_t device) {
  const std::string wanted = std::to_string(major(device)) + ":" + std::to_string(minor(device));
  std::ifstream mounts("/proc/self/mountinfo");
  std::string line;
  while (std::getline(mounts, line)) {
    const auto words = split(line, ' ');
    const auto dash = std::ranges::find(words, "-");
    if (words.size() < 3 || words[2] != wanted || words.end() - dash < 2) continue;
    return *(dash + 1);
  }
  return "";
}

}  // namespace

Result<Filesystem> filesystem_of(const std::string& folder) {
  struct statfs found{};
  struct statvfs flags{};
  struct stat itself{};
  if (statfs(folder.c_str(), &found) != 0 || statvfs(folder.c_str(), &flags) != 0 ||
      stat(folder.c_str(), &itself) != 0) {
    return std::unexpected(system_error(errno, "cannot look at " + folder));
  }
  // Magic numbers are 32 bits wide, whatever sign the platform's type gives them.
  return Filesystem{static_cast<std::int64_t>(static_cast<std::uint32_t>(found.f_type)),
                    type_of_device(itself.st_dev), (flags.f_flag & ST_RDONLY) != 0};
}

std::string network_name(const Filesystem& filesystem) {
  for (const auto& [magic, name] : kNetwork) {
    if (filesystem.magic == magic) return std::string(name);
  }
  if (filesystem.magic != kFuse) return "";
  const auto dot = filesystem.type.find('.');
  if (dot == std::string::npos) return "";
  const auto known = std::ranges::find(kNetworkFuse, filesystem.type.substr(dot + 1));
  return known != kNetworkFuse.end() ? filesystem.type : "";
}

}  // namespace gameday
