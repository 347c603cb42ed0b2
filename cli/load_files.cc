#include "cli/load_files.h"

#include <unistd.h>

#include <filesystem>

#include "cli/load_ab.h"
#include "reports/load_page.h"

namespace gameday {
namespace {

Status can_be_written(const std::string& path) {
  if (path.empty()) return {};
  const auto whole = std::filesystem::absolute(path).lexically_normal();
  const std::string folder = whole.parent_path().string();
  const auto there = Files().look(folder);
  const bool is_folder = there && std::filesystem::is_directory(folder);
  if (!is_folder || whole.filename().empty()) {
    return fail(ErrorCode::invalid, path + " cannot be written: there is no folder " + folder);
  }
  if (access(folder.c_str(), W_OK) != 0) {
    return std::unexpected(system_error(errno, "cannot write into " + folder));
  }
  return {};
}

}  // namespace

LoadFiles::LoadFiles(const Arguments& arguments, const LoadOrder& order)
    : hdr_(arguments.text("hdr")),
      html_(arguments.text("html")),
      times_(order.times_file),
      percentages_(order.percentages_file) {}

Status LoadFiles::look() const {
  for (const auto& path : {hdr_, html_, times_, percentages_}) TRY_OK(can_be_written(path));
  return {};
}

void LoadFiles::see(const RunSecond& second, const Histogram& response) {
  if (!hdr_.empty()) intervals_.push_back({second, response});
}

Status LoadFiles::write(const LoadRun& run, const Json& document) const {
  const Files files;
  Status all;
  const auto put = [&](const std::string& path, const auto& made) {
    if (path.empty()) return;
    if (const Status kept = files.write(path, made()); !kept && all) all = kept;
  };
  put(hdr_, [&] {
    HdrLog log(run.started.utc);
    for (const auto& [second, response] : intervals_) {
      const char* tag = second.marked ? "late" : "";
      log.add(from_seconds(second.from_s), std::chrono::seconds(1), response, tag);
    }
    return log.text();
  });
  put(html_, [&] { return load_page(document); });
  put(times_, [&] { return ab_requests(run); });
  put(percentages_, [&] { return ab_percentages(run); });
  return all;
}

}  // namespace gameday
