#include "cli/evidence.h"

#include <filesystem>

#include "cli/common.h"
#include "engine/base/text.h"
#include "engine/journal/bundle.h"
#include "engine/journal/store_to_read.h"

namespace gameday {

bool is_folder(const std::string& named) {
  std::error_code none;
  return std::filesystem::is_directory(named, none);
}

Result<std::unique_ptr<Store>> store_to_read(const Arguments& arguments, const Clock& clock) {
  const auto place = store_path(arguments);
  if (!place || !Files().exists(*place)) return existing_store(arguments, clock);
  return open_store_to_read(*place, clock, arguments.world.observer);
}

Result<Evidence> evidence_in_store(const Arguments& arguments, const std::string& named) {
  const SystemClock clock;
  TRY(store, store_to_read(arguments, clock));
  TRY(record, store->drill(named));
  if (record.events == 0) return fail(ErrorCode::corrupt, "drill " + record.id + " has no event");
  return Evidence{record.id,
                  [store = std::shared_ptr<Store>(std::move(store)), drill = record.id](
                      const LineVisitor& each) { return store->each_line(drill, each); }};
}

Result<Evidence> evidence_of(const Arguments& arguments, const std::string& named) {
  if (!is_folder(named)) return evidence_in_store(arguments, named);
  const std::string path = named + "/" + std::string(kJournalFile);
  const auto lines = [path](const LineVisitor& each) { return Files().each_line(path, each); };
  Result<Event> first = fail(ErrorCode::corrupt, path + " has no event");
  TRY_OK(lines([&](std::string_view line) {
    first = parse_event(line);
    return false;
  }));
  if (!first) return std::unexpected(first.error());
  return Evidence{first->drill, lines};
}

int exit_code_of(const Error& error) {
  return error.code == ErrorCode::not_found || error.code == ErrorCode::invalid ? 2 : 1;
}

}  // namespace gameday
