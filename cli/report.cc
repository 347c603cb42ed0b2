#include <algorithm>

#include "cli/common.h"
#include "cli/evidence.h"
#include "cli/say.h"
#include "engine/base/text.h"
#include "engine/journal/bundle.h"
#include "reports/document.h"
#include "reports/documents.h"

namespace gameday {
namespace {

constexpr Option kOptions[] = {
    kStoreOption,
    {"format", OptionKind::text, "LIST",
     "Any of html,markdown,json,junit,openmetrics; default all."},
    {"out", OptionKind::text, "DIR", "Where they go; default gameday-report/DRILL."}};

Result<std::vector<const DocumentFormat*>> documents_asked(const std::string& formats) {
  std::vector<const DocumentFormat*> asked;
  std::vector<std::string> known;
  for (const auto& document : document_formats()) known.emplace_back(document.name);
  for (const auto& format : formats.empty() ? known : split(formats, ',')) {
    const auto all = document_formats();
    const auto found = std::ranges::find(all, format, &DocumentFormat::name);
    if (found == all.end()) {
      const auto near = nearest(format, known);
      return fail(ErrorCode::invalid, "there is no format \"" + format + "\"",
                  near ? "did you mean `" + *near + "`?" : "known are: " + join(known, ", "));
    }
    asked.push_back(&*found);
  }
  return asked;
}

// A sealed bundle stays as it is: a document that came out differently (another version of
// gameday) must not break what its MANIFEST says.
Status put(const Files& files, const std::string& out, const DocumentFormat& document,
           const std::string& bytes) {
  const std::string path = out + "/" + std::string(document.file);
  const auto there = files.read(path);
  if (there && *there == bytes) return {};
  if (files.exists(out + "/" + std::string(kManifestFile))) {
    return fail(ErrorCode::refused, path + " would change, and with it a sealed bundle",
                "give another folder with --out");
  }
  return files.write(path, bytes);
}

int run(const Arguments& arguments) {
  const auto asked = documents_asked(arguments.text("format"));
  if (!asked) return say_error(asked.error()), 2;
  const auto evidence = evidence_of(arguments, arguments.positionals.front());
  if (!evidence) return say_error(evidence.error()), exit_code_of(evidence.error());
  const auto story = story_of(evidence->lines);
  if (!story) return say_error(story.error()), 1;
  const Json result = document_of(*story);
  const std::string out = arguments.text("out", "gameday-report/" + evidence->drill);
  const Files files;
  if (auto made = files.make_folder(out); !made) return say_error(made.error()), 2;
  for (const DocumentFormat* document : *asked) {
    const auto written = put(files, out, *document, document->made(*story, result));
    if (!written) return say_error(written.error()), 1;
    print(out + "/" + std::string(document->file));
  }
  return 0;
}

}  // namespace

extern const CommandRow report_command;
const CommandRow report_command{
    "report",
    "A drill's documents, made again from its journal: the same bytes each time.",
    "gameday report demo --format html,json --out again",
    {"DRILL|DIR", "A drill's id, the start of it or `latest`; or a bundle's folder.", true, false},
    kOptions,
    run,
    Group::afterwards};

}  // namespace gameday
