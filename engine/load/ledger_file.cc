#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <mutex>

#include "engine/base/digest.h"
#include "engine/load/ledger.h"
#include "engine/sys/descriptor.h"

namespace gameday {
namespace {

class AppendedLedger : public LedgerFile {
 public:
  AppendedLedger(Descriptor file, std::string path, Now started)
      : file_(std::move(file)), path_(std::move(path)), started_(started) {}

  Status intend(std::uint64_t from, std::uint64_t to) override {
    buffer(Json::object({{"type", "intent"}, {"from", from}, {"to", to}}).dump());
    return sync();
  }

  Status write(const Sample& sample, std::string_view key, std::string_view digest) override {
    buffer(line_of(sample, key, digest));
    return {};
  }

  Status note(const Json& line) override {
    buffer(line.dump());
    return {};
  }

  Status sync() override {
    const std::lock_guard disk(disk_);
    {
      const std::lock_guard lock(buffer_mutex_);
      pending_ += buffer_;
      buffer_.clear();
    }
    if (broken_) return std::unexpected(*broken_);
    TRY_OK(append());
    if (fdatasync(file_.get()) != 0) {
      // The kernel may have dropped the pages, so no later success would mean anything.
      broken_ = system_error(errno, "cannot sync " + path_);
      return std::unexpected(*broken_);
    }
    return {};
  }

  std::string digest() const override { return mark().digest; }

  LedgerMark mark() const override {
    const std::lock_guard disk(disk_);
    return {size_, sum_.digest()};
  }

 private:
  void buffer(std::string_view line) {
    const std::lock_guard lock(buffer_mutex_);
    buffer_ += line;
    buffer_ += '\n';
  }

  // Writes what is pending, or nothing of it.
  Status append() {
    std::size_t done = 0;
    while (done < pending_.size()) {
      const ssize_t written = ::write(file_.get(), pending_.data() + done, pending_.size() - done);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        const Error error = system_error(errno, "cannot write " + path_);
        if (ftruncate(file_.get(), static_cast<off_t>(size_)) != 0) broken_ = error;
        return std::unexpected(error);
      }
      done += static_cast<std::size_t>(written);
    }
    sum_.add(pending_);
    size_ += pending_.size();
    pending_.clear();
    return {};
  }

  [[nodiscard]] std::string utc(Instant t) const {
    return rfc3339(started_.utc + (t - started_.boot));
  }

  // By hand: a tree of Json for each of thousands a second would cost more than sending.
  [[nodiscard]] std::string line_of(const Sample& s, std::string_view key,
                                    std::string_view digest) const {
    const auto ns = [](Instant t) { return std::to_string(t.time_since_epoch().count()); };
    std::string line = R"({"type":"write","seq":)" + std::to_string(s.seq);
    line += R"(,"key":)" + json_text(key) + R"(,"digest":)" + json_text(digest);
    line += R"(,"due":")" + utc(s.due) + R"(","sent":")" + utc(s.sent);
    line += R"(","completed":")" + utc(s.end) + R"(","due_ns":)" + ns(s.due);
    line += R"(,"sent_ns":)" + ns(s.sent) + R"(,"end_ns":)" + ns(s.end);
    line += std::string(R"(,"outcome":")") + name_of(s.outcome);
    line += R"(","status":)" + std::to_string(s.status) + "}";
    return line;
  }

  const Descriptor file_;
  const std::string path_;
  const Now started_;

  mutable std::mutex disk_;  // taken before buffer_mutex_
  std::string pending_;
  std::uint64_t size_ = 0;
  Sha256 sum_;
  std::optional<Error> broken_;

  std::mutex buffer_mutex_;  // never held while the disk is waited for
  std::string buffer_;
};

Status sync_folder_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const std::string folder = parent.empty() ? "." : parent;
  const Descriptor opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened || fsync(opened.get()) != 0) {
    return std::unexpected(system_error(errno, "cannot sync " + folder));
  }
  return {};
}

}  // namespace

std::string ledger_key(std::string_view drill, std::string_view load, std::uint64_t seq) {
  std::string number = std::to_string(seq);
  if (number.size() < kKeyDigits) number.insert(0, kKeyDigits - number.size(), '0');
  return ledger_key_start(drill, load) + number;
}

std::string ledger_key_start(std::string_view drill, std::string_view load) {
  return std::string(drill) + "-" + std::string(load) + "-";
}

std::string ledger_digest(std::string_view key, std::uint64_t seed) {
  constexpr std::size_t kPrefix = 7;  // "sha256:"
  return sha256(std::string(key) + ":" + std::to_string(seed)).substr(kPrefix, 32);
}

Result<std::unique_ptr<LedgerFile>> create_ledger_file(const std::string& path,
                                                       const LedgerHead& head) {
  Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644));
  if (!file && errno == EEXIST) {
    return fail(ErrorCode::conflict, "there is already a ledger in " + path);
  }
  if (!file) return std::unexpected(system_error(errno, "cannot create " + path));
  auto ledger = std::make_unique<AppendedLedger>(std::move(file), path, head.started);
  TRY_OK(ledger->note(Json::object({{"type", "ledger"},
                                    {"drill", head.drill},
                                    {"load", head.load},
                                    {"seed", head.seed},
                                    {"rate", head.rate},
                                    {"timeout_s", seconds(head.timeout)},
                                    {"started", rfc3339(head.started.utc)},
                                    {"boot_ns", head.started.boot.time_since_epoch().count()}})));
  TRY_OK(ledger->sync());
  TRY_OK(sync_folder_of(path));
  return std::unique_ptr<LedgerFile>(std::move(ledger));
}

}  // namespace gameday
