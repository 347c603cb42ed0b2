#include "drills/systems/wal_archive.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>

#include "engine/base/text.h"

namespace gameday {
namespace {

constexpr std::size_t kNameLength = 24;
constexpr std::uint64_t kSpan = 1ULL << 32;  // of the WAL that the middle part of a name counts

template <class Number>
std::optional<Number> hex_number(std::string_view text) {
  Number number{};
  const auto* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number, 16);
  if (text.empty() || read.ec != std::errc() || read.ptr != end) return {};
  return number;
}

// In capitals, as PostgreSQL writes it; `digits` of them at least.
std::string hex_text(std::uint64_t number, std::size_t digits = 1) {
  std::string text;
  for (; number != 0 || text.size() < digits; number >>= 4) {
    text.insert(text.begin(), "0123456789ABCDEF"[number & 15]);
  }
  return text;
}

struct Segment {
  std::uint32_t timeline = 0;
  std::uint32_t high = 0, low = 0;
};

std::optional<Segment> segment_of(std::string_view name) {
  if (name.size() != kNameLength) return {};
  if (name.find_first_not_of("0123456789ABCDEF") != std::string_view::npos) return {};
  return Segment{*hex_number<std::uint32_t>(name.substr(0, 8)),
                 *hex_number<std::uint32_t>(name.substr(8, 8)),
                 *hex_number<std::uint32_t>(name.substr(16, 8))};
}

// What the first page of every segment says of itself.
struct Header {
  Lsn begins = 0;
  std::uint64_t cluster = 0;
  std::uint32_t size = 0;  // of a segment
};

Result<Header> header_of(const std::string& path) {
  constexpr std::size_t kBegins = 8, kCluster = 24, kSize = 32, kWhole = 40;
  std::array<char, kWhole> bytes{};
  std::ifstream file(path, std::ios::binary);
  file.read(bytes.data(), bytes.size());
  if (!file) return fail(ErrorCode::corrupt, path + " cannot be read, or is no WAL segment");
  Header header;
  std::memcpy(&header.begins, bytes.data() + kBegins, sizeof header.begins);
  std::memcpy(&header.cluster, bytes.data() + kCluster, sizeof header.cluster);
  std::memcpy(&header.size, bytes.data() + kSize, sizeof header.size);
  const bool usual = header.size >= (1U << 20) && header.size <= (1U << 30) &&
                     (header.size & (header.size - 1)) == 0;
  if (!usual) return fail(ErrorCode::corrupt, path + " is no WAL segment");
  return header;
}

std::string history_name(std::uint32_t timeline) { return hex_text(timeline, 8) + ".history"; }

class Archive {
 public:
  Archive(const WalWanted& wanted, const Files& files) : wanted_(wanted), files_(files) {}

  Result<WalThere> look() {
    TRY_OK(list(wanted_.archive));
    if (!wanted_.beside.empty()) static_cast<void>(list(wanted_.beside));
    if (segments_.empty()) {
      return fail(ErrorCode::corrupt, "there is no WAL in " + called());
    }
    TRY(first, header_of(segments_.begin()->second));
    size_ = first.size;
    TRY_OK(choose_timeline());
    return follow();
  }

 private:
  struct Key {
    std::uint32_t timeline = 0;
    std::uint64_t place = 0;  // high and low of the name
    auto operator<=>(const Key&) const = default;
  };

  [[nodiscard]] const std::string& called() const {
    return wanted_.called.empty() ? wanted_.archive : wanted_.called;
  }

  Status list(const std::string& folder) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
      const std::string name = entry.path().filename().string();
      if (const auto segment = segment_of(name)) {
        const std::uint64_t place = (std::uint64_t{segment->high} << 32) | segment->low;
        segments_.emplace(Key{segment->timeline, place}, entry.path().string());
      }
    }
    if (error) return std::unexpected(system_error(error.value(), "cannot list " + folder));
    return {};
  }

  // The one asked for; else, as PostgreSQL does it, the newest that a chain of histories leads to.
  Status choose_timeline() {
    timeline_ = wanted_.timeline;
    if (wanted_.until_timeline != 0) {
      timeline_ = wanted_.until_timeline;
    } else {
      while (files_.exists(wanted_.archive + "/" + history_name(timeline_ + 1))) ++timeline_;
    }
    line_ = {timeline_};
    if (timeline_ != wanted_.timeline) TRY_OK(read_history());
    if (wanted_.until_timeline != 0) return {};
    const std::uint32_t newest = segments_.rbegin()->first.timeline;
    if (newest <= timeline_) return {};
    return fail(ErrorCode::corrupt, "the archive goes on in timeline " + std::to_string(newest) +
                                        " (" + base_name(segments_.rbegin()->second) + "), but " +
                                        history_name(newest) +
                                        " is not in it: what can be recovered ends in timeline " +
                                        std::to_string(timeline_));
  }

  Status read_history() {
    const std::string name = history_name(timeline_);
    auto text = files_.read(wanted_.archive + "/" + name);
    if (!text)
      return fail(ErrorCode::corrupt, "no way leads to timeline " + std::to_string(timeline_) +
                                          ": " + text.error().text);
    for (const auto& line : split(*text, '\n')) {
      std::uint32_t parent = 0;
      const auto read = std::from_chars(line.data(), line.data() + line.size(), parent);
      if (read.ec == std::errc()) line_.insert(parent);
    }
    if (line_.contains(wanted_.timeline)) return {};
    return fail(ErrorCode::corrupt, "timeline " + std::to_string(timeline_) +
                                        " does not come from the backup's, which is " +
                                        std::to_string(wanted_.timeline) + " (" + name + ")");
  }

  // Each segment from the first one wanted to the newest, on whatever timeline of the line.
  Result<WalThere> follow() {
    std::map<std::uint64_t, std::string> there;  // by number; of two, the later timeline's
    for (const auto& [key, path] : segments_) {
      if (line_.contains(key.timeline)) there[number_of(key.place)] = path;
    }
    WalThere found{.timeline = timeline_};
    const std::uint64_t first = wanted_.begin / size_;
    if (!there.contains(first)) return first_is_missing(first);
    for (std::uint64_t number = first; number <= there.rbegin()->first; ++number) {
      const auto at = there.find(number);
      if (at == there.end()) {
        if (found.missing.empty()) {
          found.missing = name_of(number, timeline_);
          found.missing_begins = number * size_;
        }
        continue;
      }
      TRY_OK(check(number, at->second));
      ++found.segments;
    }
    found.last_begins = there.rbegin()->first * size_;
    found.last = base_name(there.rbegin()->second);
    return found;
  }

  std::unexpected<Error> first_is_missing(std::uint64_t first) const {
    std::string text = "the WAL segment " + name_of(first, wanted_.timeline) +
                       ", in which the backup begins, is not in " + called();
    for (const auto& [key, path] : segments_) {
      if (number_of(key.place) != first) continue;
      text += ", which has it of timeline " + std::to_string(key.timeline) + " alone";
    }
    return fail(ErrorCode::corrupt, std::move(text));
  }

  Status check(std::uint64_t number, const std::string& path) const {
    TRY(facts, files_.look(path));
    if (facts.size != static_cast<std::int64_t>(size_)) {
      return fail(ErrorCode::corrupt, "the WAL segment " + path + " has " +
                                          std::to_string(facts.size) + " bytes, not " +
                                          std::to_string(size_));
    }
    TRY(header, header_of(path));
    if (std::to_string(header.cluster) != wanted_.cluster) {
      return fail(ErrorCode::corrupt, "the WAL segment " + path + " is of cluster " +
                                          std::to_string(header.cluster) + ", the base backup of " +
                                          wanted_.cluster);
    }
    if (header.begins == number * size_) return {};
    return fail(ErrorCode::corrupt, "the WAL segment " + path +
                                        " has another one's content: " + lsn_text(header.begins));
  }

  static std::string base_name(const std::string& path) {
    return std::filesystem::path(path).filename().string();
  }
  std::uint64_t number_of(std::uint64_t place) const {
    return (place >> 32) * (kSpan / size_) + (place & 0xFFFFFFFF);
  }
  std::string name_of(std::uint64_t number, std::uint32_t timeline) const {
    const std::uint64_t in_one = kSpan / size_;
    return hex_text(timeline, 8) + hex_text(number / in_one, 8) + hex_text(number % in_one, 8);
  }

  const WalWanted& wanted_;
  const Files& files_;
  std::map<Key, std::string> segments_;
  std::uint64_t size_ = 0;  // of a segment
  std::uint32_t timeline_ = 0;
  std::set<std::uint32_t> line_;  // the timelines that lead to it, and it
};

}  // namespace

Result<Lsn> parse_lsn(std::string_view text) {
  const auto slash = text.find('/');
  if (slash != std::string_view::npos) {
    const auto high = hex_number<std::uint32_t>(text.substr(0, slash));
    const auto low = hex_number<std::uint32_t>(text.substr(slash + 1));
    if (high && low) return (Lsn{*high} << 32) | *low;
  }
  return fail(ErrorCode::invalid, "`" + std::string(text) + "` is no place in the WAL");
}

std::string lsn_text(Lsn lsn) { return hex_text(lsn >> 32) + "/" + hex_text(lsn & 0xFFFFFFFF); }

Status copy_wal(const std::string& archive, const std::string& from_segment,
                const std::string& folder, const DeedContext& context) {
  TRY_OK(context.doors.files.make_folder(folder, 0700));
  constexpr std::size_t kPlace = 8;  // behind the timeline
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(archive, error)) {
    const std::string name = entry.path().filename().string();
    const bool later = segment_of(name) && (from_segment.size() < kPlace ||
                                            name.substr(kPlace) >= from_segment.substr(kPlace));
    if (!later && !(name.ends_with(".history") && !name.starts_with('.'))) continue;
    TRY_OK(context.doors.clock.pause(Duration{}, context.until));
    std::filesystem::copy_file(entry.path(), folder + "/" + name, error);
    if (error) return std::unexpected(system_error(error.value(), "cannot copy " + name));
  }
  if (!error) return {};
  return std::unexpected(system_error(error.value(), "cannot list " + archive));
}

Result<WalThere> look_at_wal(const WalWanted& wanted, const DeedContext& context) {
  return Archive(wanted, context.doors.files).look();
}

WalThere wal_by_names(const std::vector<std::string>& names, const std::string& first,
                      std::uint64_t segment_size) {
  WalThere found;
  const auto from = segment_of(first);
  if (!from || segment_size == 0) return found;
  const std::uint64_t in_one = kSpan / segment_size;
  const auto number_of = [in_one](const Segment& one) { return one.high * in_one + one.low; };
  std::map<std::uint64_t, std::uint32_t> there;  // its timeline; of two, the later
  for (const auto& name : names) {
    const auto segment = segment_of(name);
    if (!segment || segment->timeline < from->timeline) continue;
    auto& timeline = there[number_of(*segment)];
    timeline = std::max(timeline, segment->timeline);
  }
  const auto name_of = [in_one](std::uint64_t number, std::uint32_t timeline) {
    return hex_text(timeline, 8) + hex_text(number / in_one, 8) + hex_text(number % in_one, 8);
  };
  found.timeline = from->timeline;
  const std::uint64_t begin = number_of(*from);
  const std::uint64_t end = there.empty() ? begin : std::max(begin, there.rbegin()->first);
  for (std::uint64_t number = begin; number <= end; ++number) {
    const auto at = there.find(number);
    if (at == there.end()) {
      if (!found.missing.empty()) continue;
      found.missing = name_of(number, found.timeline);
      found.missing_begins = number * segment_size;
      continue;
    }
    found.timeline = std::max(found.timeline, at->second);
    ++found.segments;
    found.last = name_of(number, at->second);
    found.last_begins = number * segment_size;
  }
  return found;
}

}  // namespace gameday
