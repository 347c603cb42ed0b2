#include "cli/refusal.h"

#include "cli/bundle_files.h"
#include "cli/common.h"
#include "cli/say.h"
#include "cli/step_summary.h"
#include "engine/journal/bundle.h"
#include "reports/documents.h"
#include "reports/unstarted.h"

namespace gameday {
namespace {

Status write_for_ci(const Json& result, const std::string& out) {
  const Files files;
  if (files.exists(out + "/" + std::string(kManifestFile))) {
    return fail(ErrorCode::refused, out + " holds the bundle of an earlier drill",
                "give an empty folder with --out");
  }
  TRY_OK(open_bundle_folder(out));
  for (const auto& format : document_formats()) {
    if (format.name != "json" && format.name != "junit") continue;
    // Without a journal there is no story to be told beside the result.
    TRY_OK(files.write(out + "/" + std::string(format.file), format.made(Story(), result)));
  }
  return {};
}

}  // namespace

Json refusal_document(const Refusal& refusal) {
  Unstarted unstarted;
  unstarted.exit_code = refusal.exit_code;
  unstarted.reasons = refusal.reasons;
  unstarted.version = GAMEDAY_VERSION;
  unstarted.operator_name = operator_name();
  unstarted.seed = refusal.seed;
  unstarted.at = SystemClock().now().utc;
  if (refusal.playbook != nullptr) {
    unstarted.environment = refusal.playbook->environment;
    unstarted.playbook = refusal.playbook->name;
    unstarted.playbook_sha256 = refusal.playbook->sha256;
  }
  return unstarted_document(unstarted);
}

void tell_ci(const Json& result, const std::string& out) {
  if (!out.empty()) {
    const auto written = write_for_ci(result, out);
    if (!written) say_error(written.error().in("result.json and junit.xml could not be written"));
  }
  append_step_summary(result);
}

}  // namespace gameday
