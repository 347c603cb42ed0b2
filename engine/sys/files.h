// The door to files. Writes are whole and durable: temporary file, fsync, rename, fsync of the
// folder.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/sys/descriptor.h"

namespace gameday {

// Told of each change that a door makes to the world, before and after it: the crash campaign dies
// there. `door` is files, processes, http, sqlite, postgres, amqp, redis, proxy or journal.
enum class Side { before, after };
using WriteObserver = std::function<void(std::string_view door, Side side)>;

// What stands at a path, without opening it.
struct FileFacts {
  bool regular = false;  // a file with content; no folder, pipe, socket or device
  std::int64_t size = 0;
  Utc changed;  // its content
};

class Files {
 public:
  explicit Files(WriteObserver observer = {}) : observer_(std::move(observer)) {}

  // At most `limit` bytes; a larger file is an error.
  [[nodiscard]] Result<std::string> read(const std::string& path,
                                         std::int64_t limit = 64 << 20) const;
  // Line by line, without their line feeds, for as long as `each` wants another; a line of more
  // than 64 MiB is an error.
  [[nodiscard]] Status each_line(const std::string& path,
                                 const std::function<bool(std::string_view line)>& each) const;
  [[nodiscard]] Result<FileFacts> look(const std::string& path) const;  // not_found: nothing
  [[nodiscard]] bool exists(const std::string& path) const;
  [[nodiscard]] Status write(const std::string& path, std::string_view bytes,
                             unsigned mode = 0644) const;
  [[nodiscard]] Status make_folder(const std::string& path,
                                   unsigned mode = 0755) const;  // parents too
  [[nodiscard]] Status remove(const std::string& path) const;  // one that is not there is no error
  // Waits not: `conflict` when another holds it. The lock ends with the descriptor, or with the
  // process.
  [[nodiscard]] Result<Descriptor> lock(const std::string& path) const;

 private:
  void told(Side side) const {
    if (observer_) observer_("files", side);
  }
  WriteObserver observer_;
};

// `path` as seen from `folder`, without dots in it; an absolute path stays.
[[nodiscard]] std::string resolved_path(const std::string& folder, const std::string& path);

}  // namespace gameday
