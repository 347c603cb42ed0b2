#include "cli/evidence.h"

#include <filesystem>

#include "cli/common.h"
#include "engine/base/text.h"
#include "engine/journal/bundle.h"

namespace gameday {

bool is_folder(const std::string& named) {
  std::error_code none;
  return std::filesystem::is_directory(named, none);
}

Result<Evidence> evidence_in_store(const Arguments& arguments, const std::string& named) {
  const SystemClock clock;
  TRY(store, existing_store(arguments, clock));
  TRY(record, store->drill(named));
  TRY(lines, store->lines(record.id));
  if (lines.empty()) return fail(ErrorCode::corrupt, "drill " + record.id + " has no event");
  return Evidence{record.id, std::move(lines)};
}

Result<Evidence> evidence_of(const Arguments& arguments, const std::string& named) {
  if (!is_folder(named)) return evidence_in_store(arguments, named);
  constexpr std::int64_t kLargestJournal = std::int64_t{1} << 30;
  const std::string path = named + "/" + std::string(kJournalFile);
  TRY(bytes, Files().read(path, kLargestJournal));
  Evidence evidence;
  evidence.lines = split(bytes, '\n');
  if (evidence.lines.back().empty()) evidence.lines.pop_back();
  if (evidence.lines.empty()) return fail(ErrorCode::corrupt, path + " has no event");
  TRY(first, parse_event(evidence.lines.front()));
  evidence.drill = first.drill;
  return evidence;
}

int exit_code_of(const Error& error) {
  return error.code == ErrorCode::not_found || error.code == ErrorCode::invalid ? 2 : 1;
}

}  // namespace gameday
