#include "cli/common.h"
#include "cli/evidence.h"
#include "cli/say.h"
#include "engine/journal/bundle.h"
#include "engine/journal/chain.h"
#include "reports/document.h"

namespace gameday {
namespace {

constexpr Option kOptions[] = {
    kStoreOption,
    {"head", OptionKind::text, "sha256:...", "The journal's head, as it was told elsewhere."},
    kJsonOption};

// In the store a drill is its journal alone.
Result<Verification> verified(const Evidence& evidence, const std::optional<std::string>& head) {
  TRY(chain, verify_chain(evidence.lines));
  Verification done{evidence.drill, chain.events, chain.head, false, {}};
  const auto found = [&](std::uint64_t line, std::string text) {
    done.findings.push_back({"journal", line, 0, 0, std::move(text)});
  };
  if (chain.line > 0) {
    found(chain.line, chain.problem.substr(chain.problem.find(": ") + 2));
  } else if (chain.drill != evidence.drill) {
    found(1, "it is of drill " + chain.drill);
  } else if (chain.interrupted) {
    found(chain.events, "interrupted: no closing event after it");
  }
  if (head && chain.head != *head) {
    found(chain.events, "its head is " + chain.head + ", not the one expected");
  }
  done.origin_proven = head && done.consistent();
  return done;
}

// The score is made again from the journal and the rubric in it. Another version may judge
// otherwise, which is no edit: it is let be.
void verify_score(const std::string& folder, Verification& done) {
  const auto evidence = evidence_of({}, folder);
  const auto text = Files().read(folder + "/result.json");
  if (!done.consistent() || !evidence || !text) return;
  const auto story = story_of(evidence->lines);
  const auto result = Json::parse(*text);
  if (!story || !result || story->planned.text("version") != GAMEDAY_VERSION) return;
  const auto found = [&](std::string_view file, std::string what) {
    done.findings.push_back({std::string(file), 0, 0, 0, std::move(what)});
    done.origin_proven = false;
  };
  const std::string rubric = story->planned.get("rubric").text("text");
  const auto kept = Files().read(folder + "/" + std::string(kRubricFile));
  if (!rubric.empty() && (!kept || *kept != rubric)) {
    found(kRubricFile, "is not the rubric that the journal holds");
  }
  if (result->get("score") != document_of(*story).get("score")) {
    found("result.json", "its score is not the one that journal and rubric give");
  }
}

Result<Verification> verification_of(const Arguments& arguments, const std::string& named,
                                     const std::optional<std::string>& head) {
  if (is_folder(named)) {
    TRY(done, verify_bundle(Files(), named, head));
    verify_score(named, done);
    return done;
  }
  TRY(evidence, evidence_in_store(arguments, named));
  return verified(evidence, head);
}

int run(const Arguments& arguments) {
  std::optional<std::string> head;
  if (arguments.has("head")) head = arguments.text("head");
  if (head && !is_digest(*head)) {
    say_error({ErrorCode::invalid, "\"" + *head + "\" is no head",
               "it is `sha256:` and 64 digits, as evidence.head of the result says it"});
    return 2;
  }
  const auto done = verification_of(arguments, arguments.positionals.front(), head);
  if (!done) return say_error(done.error()), exit_code_of(done.error());
  if (arguments.has("json")) {
    print_json(to_json(*done));
  } else {
    for (const auto& finding : done->findings) print(harmless(shown(finding)));
    print(shown(*done));
  }
  return done->consistent() ? 0 : 1;
}

}  // namespace

extern const CommandRow verify_command;
const CommandRow verify_command{
    "verify",
    "Checks the chain and every file's digest again, and says where they do not hold.",
    "gameday verify demo",
    {"DRILL|DIR", "A drill's id, the start of it or `latest`; or a bundle's folder.", true, false},
    kOptions,
    run,
    Group::afterwards};

}  // namespace gameday
