// A drill's bundle: the folder with what an auditor gets. Writes its journal and MANIFEST, and
// checks a bundle that comes from anywhere. Checking changes nothing and needs no store.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/sys/files.h"

namespace gameday {

inline constexpr std::string_view kManifestFile = "MANIFEST";
inline constexpr std::string_view kJournalFile = "journal.jsonl";
inline constexpr std::string_view kRubricFile = "rubric.yaml";

// Writes journal.jsonl and then the MANIFEST over all files that are in the folder by then, so it
// comes last. `corrupt` where the lines are no chain; `refused` where the folder holds what cannot
// be in a bundle (a folder, a link, an odd name).
[[nodiscard]] Status write_bundle(const Files& files, const std::string& folder,
                                  const std::vector<std::string>& lines);

// Something that is wrong, and where.
struct Finding {
  std::string file;
  std::uint64_t line = 0;          // from 1; 0: the whole file, or bytes
  std::uint64_t from = 0, to = 0;  // bytes from..to-1; both 0: not known
  std::string text;
  bool operator==(const Finding&) const = default;
};

struct Verification {
  std::string drill;
  std::uint64_t events = 0;
  std::string head;            // as the journal's lines give it
  bool origin_proven = false;  // the head is the one that was expected
  std::vector<Finding> findings;
  [[nodiscard]] bool consistent() const { return findings.empty(); }
};
// {"drill","events","head","consistent","origin","text","findings":[{"file","line","from","to",
//  "text"}]}; what is not known is not there.
[[nodiscard]] Json to_json(const Verification& verification);
// One line for people: "consistent; origin not proven".
[[nodiscard]] std::string shown(const Verification& verification);
// "journal.jsonl: line 12: edited (...)"
[[nodiscard]] std::string shown(const Finding& finding);

// An error only where the folder cannot be read at all; everything else is a finding.
[[nodiscard]] Result<Verification> verify_bundle(
    const Files& files, const std::string& folder,
    const std::optional<std::string>& expected_head = std::nullopt);

// The same of files in memory, by name.
using BundleFiles = std::map<std::string, std::string>;
[[nodiscard]] Verification verify_files(
    const BundleFiles& files, const std::optional<std::string>& expected_head = std::nullopt);

}  // namespace gameday
