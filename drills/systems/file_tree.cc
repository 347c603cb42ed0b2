#include "drills/systems/file_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>

#include "engine/base/digest.h"
#include "engine/base/text.h"
#include "engine/sys/descriptor.h"

namespace gameday {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kPermissions = 07777;

std::string stamp_of(const struct stat& found) {
  std::string stamp;
  for (const auto number :
       {static_cast<std::int64_t>(found.st_ino), static_cast<std::int64_t>(found.st_size),
        static_cast<std::int64_t>(found.st_mtim.tv_sec),
        static_cast<std::int64_t>(found.st_mtim.tv_nsec),
        static_cast<std::int64_t>(found.st_ctim.tv_sec),
        static_cast<std::int64_t>(found.st_ctim.tv_nsec)}) {
    stamp += std::to_string(number) + " ";
  }
  return stamp;
}

Result<std::string> digest_of(const std::string& path, const DeedContext& context) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) return std::unexpected(system_error(errno, "cannot read " + path));
  Sha256 sum;
  std::array<char, 1 << 16> block{};
  while (true) {
    if (context.until.stop.requested()) return fail(ErrorCode::stopped, "stopped");
    if (context.doors.clock.now().boot >= context.until.deadline) {
      return fail(ErrorCode::timed_out, "reading " + path + " took too long");
    }
    const ssize_t got = read(file.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(system_error(errno, "cannot read " + path));
    if (got == 0) return sum.digest();
    sum.add({block.data(), static_cast<std::size_t>(got)});
  }
}

bool has_vanished(const Error& error) { return error.code == ErrorCode::not_found; }

class Walk {
 public:
  Walk(const std::string& root, Reads reads, const DeedContext& context)
      : root_(root), reads_(reads), context_(context) {}

  Status visit(const std::string& path) {
    struct stat found{};
    if (lstat((root_ + path).c_str(), &found) != 0) {
      if (errno == ENOENT || errno == ENOTDIR) return {};
      return std::unexpected(system_error(errno, "cannot look at " + path));
    }
    if (S_ISSOCK(found.st_mode)) return {};
    auto entry = entry_of(path, found);
    if (!entry && has_vanished(entry.error())) return {};
    if (!entry) return std::unexpected(entry.error());
    tree_[path] = *entry;
    return entry->kind == 'd' ? enter(path) : Status();
  }
  FileTree take() { return std::move(tree_); }

 private:
  Result<TreeEntry> entry_of(const std::string& path, const struct stat& found) const {
    TreeEntry entry{.kind = 'o', .mode = found.st_mode & kPermissions, .stamp = stamp_of(found)};
    if (S_ISDIR(found.st_mode)) entry.kind = 'd';
    if (S_ISLNK(found.st_mode)) {
      entry.kind = 'l';
      entry.mode = 0;  // a link has none
      std::error_code error;
      const auto leads = fs::read_symlink(root_ + path, error);
      if (!error) entry.digest = sha256(leads.string());
    }
    if (!S_ISREG(found.st_mode)) return entry;
    entry.kind = 'f';
    entry.size = found.st_size;
    if (reads_ == Reads::stamps) return entry;
    TRY(digest, digest_of(root_ + path, context_));
    entry.digest = digest;
    return entry;
  }

  Status enter(const std::string& path) {
    std::error_code error;
    std::vector<std::string> names;
    for (fs::directory_iterator at(root_ + path, error), end; !error && at != end;
         at.increment(error)) {
      names.push_back(at->path().filename().string());
    }
    if (error && error.value() != ENOENT) {
      return std::unexpected(system_error(error.value(), "cannot read the folder " + path));
    }
    for (const auto& name : names) {
      TRY_OK(visit(path == "/" ? path + name : path + "/" + name));
    }
    return {};
  }

  const std::string& root_;
  Reads reads_;
  const DeedContext& context_;
  FileTree tree_;
};

// A path on one line, whatever is in it.
std::string escaped(const std::string& path) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == '%' || byte == 0x7f) {
      text += {'%', kDigits[byte >> 4U], kDigits[byte & 15U]};
    } else {
      text += c;
    }
  }
  return text;
}

std::string unescaped(std::string_view text) {
  std::string path;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    const char* const at = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(at, at + 2, byte, 16).ptr == at + 2) {
      path += static_cast<char>(byte);
      i += 2;
    } else {
      path += text[i];
    }
  }
  return path;
}

template <class Number>
bool read_number(const std::string& text, Number& number, int base = 10) {
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number, base);
  return read.ec == std::errc() && read.ptr == end && !text.empty();
}

std::string difference(const TreeEntry& meant, const TreeEntry& copy) {
  if (meant.kind != copy.kind) return "is of another kind";
  if (!meant.digest.empty() && meant.digest != copy.digest) {
    return meant.kind == 'l' ? "leads elsewhere" : "has another content";
  }
  if (meant.mode != copy.mode) return "has another mode";
  return "";
}

void note(TreeDifference& found, const std::string& path, std::string_view what) {
  constexpr std::size_t kShown = 3;
  ++found.wrong;
  if (found.shown.size() < kShown) {
    found.shown.push_back(valid_utf8(escaped(path)) + " " + std::string(what));
  }
}

}  // namespace

Result<FileTree> read_tree(const std::vector<std::string>& paths, const std::string& root,
                           Reads reads, const DeedContext& context) {
  Walk walk(root, reads, context);
  for (const auto& path : paths) TRY_OK(walk.visit(path));
  return walk.take();
}

FileTree settled(FileTree before, const FileTree& after) {
  for (auto& [path, entry] : before) {
    const auto now = after.find(path);
    entry.moving = now == after.end() || now->second.stamp != entry.stamp;
  }
  for (const auto& [path, entry] : after) {
    if (before.contains(path)) continue;
    before[path] = entry;
    before[path].moving = true;
  }
  return before;
}

std::string to_text(const FileTree& tree) {
  std::string text;
  for (const auto& [path, entry] : tree) {
    std::array<char, 8> mode{};
    const auto end = std::to_chars(mode.data(), mode.data() + mode.size(), entry.mode, 8);
    text += entry.kind + std::string(entry.moving ? "~ " : " ") +
            std::string(mode.data(), end.ptr) + " " + std::to_string(entry.size) + " " +
            (entry.digest.empty() ? "-" : entry.digest) + " " + escaped(path) + "\n";
  }
  return text;
}

Result<FileTree> file_tree_from(std::string_view text) {
  constexpr std::size_t kWords = 4;
  FileTree tree;
  for (const auto& line : split(text, '\n')) {
    if (line.empty()) continue;
    const auto words = split(line, ' ');
    TreeEntry entry;
    if (words.size() <= kWords || words[0].empty() || !read_number(words[1], entry.mode, 8) ||
        !read_number(words[2], entry.size)) {
      return fail(ErrorCode::corrupt, "this is no list of files: " + valid_utf8(line));
    }
    entry.kind = words[0].front();
    entry.moving = words[0].ends_with('~');
    entry.digest = words[3] == "-" ? "" : words[3];
    std::size_t at = 0;
    for (std::size_t i = 0; i < kWords; ++i) at = line.find(' ', at) + 1;
    tree[unescaped(std::string_view(line).substr(at))] = entry;
  }
  return tree;
}

Result<FileTree> file_tree_from_sums(std::string_view text, const std::string& folder) {
  constexpr std::size_t kDigits = 64;
  FileTree tree;
  for (const auto& line : split(text, '\n')) {
    if (line.empty()) continue;
    if (line.size() < kDigits + 3 || line.find_first_not_of("0123456789abcdef") != kDigits ||
        line[kDigits] != ' ') {
      return fail(ErrorCode::invalid, "this is no line of sha256sum: " + valid_utf8(line));
    }
    TreeEntry entry;
    entry.digest = "sha256:" + line.substr(0, kDigits);
    tree[resolved_path(folder, line.substr(kDigits + 2))] = entry;
  }
  return tree;
}

TreeTotals totals_of(const FileTree& tree) {
  TreeTotals totals;
  for (const auto& [path, entry] : tree) {
    if (entry.kind != 'f') continue;
    ++totals.files;
    totals.bytes += entry.size;
  }
  return totals;
}

TreeDifference compare_trees(const FileTree& meant, const FileTree& copy, bool only_named) {
  TreeDifference found;
  for (const auto& [path, entry] : meant) {
    const auto there = copy.find(path);
    if (entry.moving) {
      ++found.moving;
    } else if (there == copy.end()) {
      note(found, path, "is missing");
    } else {
      TreeEntry seen = there->second;
      if (only_named) seen.mode = entry.mode;
      const std::string wrong = difference(entry, seen);
      if (!wrong.empty()) note(found, path, wrong);
      found.compared += wrong.empty() && entry.kind == 'f' ? 1 : 0;
    }
  }
  for (const auto& [path, entry] : copy) {
    if (!only_named && !meant.contains(path)) note(found, path, "was not there");
  }
  return found;
}

}  // namespace gameday
