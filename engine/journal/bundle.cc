#include "engine/journal/bundle.h"

#include <algorithm>
#include <filesystem>

#include "engine/base/digest.h"
#include "engine/journal/chain.h"
#include "engine/journal/manifest.h"

namespace gameday {
namespace {

constexpr std::int64_t kLargestFile = std::int64_t{8} << 30;

struct Folder {
  std::vector<std::string> files;  // regular ones
  std::vector<std::string> others;
};

Result<Folder> listed(const std::string& path) {
  std::error_code failed;
  Folder folder;
  auto entry = std::filesystem::directory_iterator(path, failed);
  for (; !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
    std::error_code unknown;
    const bool regular =
        entry->symlink_status(unknown).type() == std::filesystem::file_type::regular;
    (regular ? folder.files : folder.others).push_back(entry->path().filename().string());
  }
  if (failed) return std::unexpected(system_error(failed.value(), "cannot read folder " + path));
  return folder;
}

std::string in_folder(const std::string& folder, std::string_view name) {
  return (std::filesystem::path(folder) / name).string();
}

}  // namespace

Status write_bundle(const Files& files, const std::string& folder,
                    const std::vector<std::string>& lines) {
  const ChainState state = verify_chain(lines);
  if (!state.intact) return fail(ErrorCode::corrupt, "the journal is no chain: " + state.problem);
  std::string journal;
  for (const auto& line : lines) journal += line + "\n";
  TRY_OK(files.write(in_folder(folder, kJournalFile), journal));
  TRY(found, listed(folder));
  if (!found.others.empty()) {
    return fail(ErrorCode::refused, found.others.front() + " in " + folder + " is no plain file",
                "give a folder of its own: --out DIR");
  }
  std::ranges::sort(found.files);
  Manifest manifest{state.drill, {}, state.events, state.head};
  for (const auto& name : found.files) {
    if (name == kManifestFile) continue;
    if (!is_bundle_name(name)) {
      return fail(ErrorCode::refused, "a file named " + name + " cannot be in a bundle",
                  "give a folder of its own: --out DIR");
    }
    TRY(bytes, files.read(in_folder(folder, name), kLargestFile));
    manifest.files.push_back({sha256(bytes), bytes.size(), name});
  }
  return files.write(in_folder(folder, kManifestFile), to_text(manifest));
}

Result<Verification> verify_bundle(const Files& files, const std::string& folder,
                                   const std::optional<std::string>& expected_head) {
  TRY(found, listed(folder));
  BundleFiles contents;
  std::vector<Finding> unread;
  for (const auto& name : found.files) {
    auto bytes = files.read(in_folder(folder, name), kLargestFile);
    if (!bytes) unread.push_back({name, 0, 0, 0, bytes.error().text});
    if (bytes) contents.emplace(name, std::move(*bytes));
  }
  for (const auto& name : found.others) {
    unread.push_back({name, 0, 0, 0, "no plain file: it cannot be in a bundle"});
  }
  Verification verification = verify_files(contents, expected_head);
  verification.findings.insert(verification.findings.end(), unread.begin(), unread.end());
  if (!verification.consistent()) verification.origin_proven = false;
  return verification;
}

std::string shown(const Finding& finding) {
  std::string where = finding.file;
  if (finding.line > 0) where += ": line " + std::to_string(finding.line);
  if (finding.to > 0) {
    where += ": bytes " + std::to_string(finding.from) + " to " + std::to_string(finding.to - 1);
  }
  return where + ": " + finding.text;
}

std::string shown(const Verification& verification) {
  const std::size_t count = verification.findings.size();
  if (count > 0) {
    return "does not verify: " + std::to_string(count) + (count == 1 ? " finding" : " findings");
  }
  return verification.origin_proven ? "consistent; it ends in the head that was given"
                                    : "consistent; origin not proven";
}

Json to_json(const Verification& verification) {
  Json findings = Json::array();
  for (const auto& finding : verification.findings) {
    Json one = Json::object({{"file", finding.file}});
    if (finding.line > 0) one.set("line", finding.line);
    if (finding.to > 0) one.set("from", finding.from).set("to", finding.to);
    findings.push(std::move(one.set("text", finding.text)));
  }
  return Json::object({{"drill", verification.drill},
                       {"events", verification.events},
                       {"head", verification.head},
                       {"consistent", verification.consistent()},
                       {"origin", verification.origin_proven ? "head" : "not_proven"},
                       {"text", shown(verification)},
                       {"findings", std::move(findings)}});
}

}  // namespace gameday
