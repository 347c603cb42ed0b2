#include "cli/bundle_files.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "engine/base/text.h"
#include "engine/journal/bundle.h"
#include "engine/sys/processes.h"
#include "reports/documents.h"
#include "reports/score.h"

namespace gameday {
namespace {

bool of_a_bundle(const std::string& name) {
  const auto formats = document_formats();
  return std::ranges::find(formats, name, &DocumentFormat::file) != formats.end() ||
         name == "playbook.yaml" || name == kRubricFile || name == kManifestFile ||
         name == kJournalFile || name.starts_with("ledger");
}

Status hold_nothing_else(const std::string& out) {
  for (const auto& entry : std::filesystem::directory_iterator(out)) {
    const std::string name = entry.path().filename().string();
    if (of_a_bundle(name)) continue;
    return fail(ErrorCode::refused, out + " holds " + name + ", which is no part of a bundle",
                "give an empty folder with --out");
  }
  return {};
}

Result<std::string> git_says(const std::string& folder, std::vector<std::string> words) {
  const SystemClock clock;
  const auto processes = make_processes(clock);
  std::vector<std::string> argv = {"git", "-C", folder};
  argv.insert(argv.end(), words.begin(), words.end());
  TRY(ended, processes->run({argv, folder, {}}, {Stop(), clock.in(std::chrono::seconds(5))}));
  if (!ended.succeeded()) return fail(ErrorCode::not_found, "no checkout");
  return std::string(trimmed(ended.output));
}

}  // namespace

Status open_folder(const std::string& out) {
  TRY_OK(Files().make_folder(out));
  if (access(out.c_str(), R_OK | W_OK | X_OK) != 0) {
    return std::unexpected(system_error(errno, "cannot write into " + out));
  }
  return {};
}

Status open_bundle_folder(const std::string& out) {
  TRY_OK(open_folder(out));
  return hold_nothing_else(out);
}

Status write_bundle_files(const std::vector<std::string>& lines, const std::string& private_folder,
                          const std::string& out, const Story& story, const Json& result) {
  const Files files;
  TRY_OK(open_bundle_folder(out));
  for (const auto& entry : std::filesystem::directory_iterator(out)) {
    TRY_OK(files.remove(entry.path().string()));
  }
  for (const auto& format : document_formats()) {
    TRY_OK(files.write(out + "/" + std::string(format.file), format.made(story, result)));
  }
  if (const auto rubric = rubric_of(story)) {
    TRY_OK(files.write(out + "/" + std::string(kRubricFile), rubric->source));
  }
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(private_folder, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("ledger") && name != "playbook.yaml") continue;
    std::filesystem::copy_file(entry.path(), out + "/" + name, error);
    if (error) return fail(ErrorCode::failed, "cannot copy " + name + ": " + error.message());
  }
  return write_bundle(files, out, lines);
}

void abandon_bundle_files(const std::string& out) {
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(out, none)) {
    if (of_a_bundle(entry.path().filename().string())) (void)Files().remove(entry.path().string());
  }
}

Json git_of(const std::string& folder) {
  const auto commit = git_says(folder, {"rev-parse", "HEAD"});
  const auto changes = git_says(folder, {"status", "--porcelain", "--", "."});
  if (!commit || !changes) return {};
  return Json::object({{"commit", *commit}, {"dirty", !changes->empty()}});
}

}  // namespace gameday
