// Writes a drill's bundle: what an auditor gets.
#pragma once

#include <string>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "reports/story.h"

namespace gameday {

// Makes `out`, and says no where nothing could be written into it.
[[nodiscard]] Status open_folder(const std::string& out);
// The same, and says no to files of somebody else's. Those of an older bundle stay for now.
[[nodiscard]] Status open_bundle_folder(const std::string& out);

// Every document of the story, journal.jsonl, ledgers, playbook.yaml, rubric.yaml and the MANIFEST
// into `out`, which is made, and emptied of an earlier bundle's files. Ledgers are copied from
// `private_folder`.
[[nodiscard]] Status write_bundle_files(const std::vector<std::string>& lines,
                                        const std::string& private_folder, const std::string& out,
                                        const Story& story, const Json& result);

// Takes a bundle's files out of `out`, whole or half-written: what is no bundle must not look like
// one, or like that of an earlier drill.
void abandon_bundle_files(const std::string& out);

// {"commit","dirty"} of the checkout that `folder` lies in; null outside of one, or without git.
[[nodiscard]] Json git_of(const std::string& folder);

}  // namespace gameday
