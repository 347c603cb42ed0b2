#include "engine/journal/manifest.h"

#include <algorithm>
#include <charconv>

#include "engine/base/digest.h"
#include "engine/base/text.h"
#include "engine/journal/chain.h"

namespace gameday {
namespace {

constexpr std::string_view kFirst = "gameday-bundle 1 ";

bool name_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

// Without leading zeros or signs, which would be a second way to write the same.
Result<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || std::to_string(number) != text) {
    return fail(ErrorCode::corrupt, "expected a number");
  }
  return number;
}

std::string without_seal(const Manifest& manifest) {
  std::string text = std::string(kFirst) + manifest.drill + "\n";
  for (const auto& file : manifest.files) {
    text += file.sha256 + " " + std::to_string(file.size) + " " + file.name + "\n";
  }
  text += "events " + std::to_string(manifest.events) + "\n";
  text += "head " + manifest.head + "\n";
  return text;
}

Result<ManifestFile> file_in(const std::string& line) {
  const auto words = split(line, ' ');
  if (words.size() != 3 || !is_digest(words[0]) || !is_bundle_name(words[2])) {
    return fail(ErrorCode::corrupt, "expected DIGEST SIZE NAME");
  }
  TRY(size, number_in(words[1]));
  return ManifestFile{words[0], size, words[2]};
}

Result<std::string> value_in(const std::string& line, std::string_view key) {
  if (!line.starts_with(key)) {
    return fail(ErrorCode::corrupt, "expected \"" + std::string(key) + "...\"");
  }
  return line.substr(key.size());
}

Result<std::string> digest_in(const std::string& line, std::string_view key) {
  TRY(value, value_in(line, key));
  if (!is_digest(value)) return fail(ErrorCode::corrupt, "expected a digest");
  return value;
}

// Puts what line `i` of `lines` says into `manifest`.
Status read_line(const std::vector<std::string>& lines, std::size_t i, Manifest& manifest) {
  const std::string& line = lines[i];
  if (i == 0) {
    TRY(drill, value_in(line, kFirst));
    if (!is_bundle_name(drill)) return fail(ErrorCode::corrupt, "expected a drill's id");
    manifest.drill = drill;
  } else if (i + 3 == lines.size()) {
    TRY(count, value_in(line, "events "));
    TRY(events, number_in(count));
    manifest.events = events;
  } else if (i + 2 == lines.size()) {
    TRY(head, digest_in(line, "head "));
    manifest.head = head;
  } else if (i + 1 == lines.size()) {
    TRY_OK(digest_in(line, "manifest "));
  } else {
    TRY(file, file_in(line));
    if (!manifest.files.empty() && file.name <= manifest.files.back().name) {
      return fail(ErrorCode::corrupt, "not in the order of names");
    }
    manifest.files.push_back(std::move(file));
  }
  return {};
}

}  // namespace

bool is_bundle_name(std::string_view name) {
  return !name.empty() && name.front() != '.' && std::ranges::all_of(name, name_letter);
}

std::string to_text(const Manifest& manifest) {
  const std::string text = without_seal(manifest);
  return text + "manifest " + sha256(text) + "\n";
}

Result<ReadManifest> parse_manifest(std::string_view text) {
  auto lines = split(text, '\n');
  if (!lines.empty() && lines.back().empty()) {
    lines.pop_back();
  } else {
    return fail(ErrorCode::corrupt,
                "line " + std::to_string(lines.size()) + ": cut (no line feed at its end)");
  }
  constexpr std::size_t kFewest = 4;
  if (lines.size() < kFewest) {
    return fail(ErrorCode::corrupt,
                "line " + std::to_string(lines.size() + 1) + ": cut (its last lines are missing)");
  }
  ReadManifest read;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (auto fits = read_line(lines, i, read.manifest); !fits) {
      return std::unexpected(fits.error().in("line " + std::to_string(i + 1)));
    }
  }
  read.sealed = to_text(read.manifest) == text;
  return read;
}

}  // namespace gameday
