#include "reports/junit.h"

#include <algorithm>

#include "reports/invariants.h"
#include "reports/markup.h"

namespace gameday {
namespace {

enum class Kind { good, failure, error, skipped };

struct Suite {
  std::string name;
  std::string cases;
  int tests = 0, failures = 0, errors = 0, skipped = 0;
  double time_s = 0;

  void add(const std::string& title, Kind kind, const std::string& text, double took_s = 0) {
    ++tests;
    time_s += took_s;
    cases += "    <testcase classname=\"gameday." + escaped(name) + "\" name=\"" + escaped(title) +
             "\" time=\"" + fixed(took_s, 3) + "\"";
    const auto end = [&](const char* element) {
      cases += std::string("><") + element + " message=\"" + escaped(text) + "\"/></testcase>\n";
    };
    switch (kind) {
      case Kind::good: cases += "/>\n"; return;
      case Kind::failure: ++failures; return end("failure");
      case Kind::error: ++errors; return end("error");
      case Kind::skipped: ++skipped; return end("skipped");
    }
  }
};

Suite verdict(const Json& result) {
  Suite suite{"verdict", "", 0, 0, 0, 0, 0};
  const std::string name = result.text("verdict");
  std::string reasons;
  for (const auto& reason : result.items("reasons")) {
    reasons += (reasons.empty() ? "" : "; ") + reason.text("text");
  }
  const Kind kind = name == "passed" ? Kind::good : name == "failed" ? Kind::failure : Kind::error;
  suite.add("the drill " + name, kind, reasons);
  return suite;
}

Suite objectives(const Json& result) {
  Suite suite{"objectives", "", 0, 0, 0, 0, 0};
  for (const auto& one : result.items("objectives")) {
    const std::string name = one.text("name");
    const Json& held = one.get("held");
    const std::string text = "measured " + shown_measure(name, one.get("measured")) + ", asked " +
                             shown_measure(name, one.get("objective")) + ". " + one.text("why");
    suite.add(name,
              !held.is_boolean() ? Kind::error
              : held.boolean()   ? Kind::good
                                 : Kind::failure,
              text);
  }
  return suite;
}

Suite faults(const Story& story) {
  Suite suite{"faults", "", 0, 0, 0, 0, 0};
  for (const auto& deed : story.deeds) {
    if (!deed.is_fault()) continue;
    const double until = deed.reverted ? deed.reverted->at_s : story.ended.at_s;
    const double took = std::max(0.0, until - deed.recorded.at_s);
    const std::string name = deed.id + ": " + deed.kind + " on " + deed.target;
    if (!deed.residue.empty() || deed.open) {
      suite.add(name, Kind::error, "not undone: " + deed.residue, took);
    } else if (!deed.proven) {
      suite.add(name, Kind::error, "not proven to have bitten: " + deed.proof_text, took);
    } else {
      suite.add(name, Kind::good, "", took);
    }
  }
  return suite;
}

Suite restores(const Json& result) {
  Suite suite{"restores", "", 0, 0, 0, 0, 0};
  for (const auto& one : result.items("restores")) {
    const std::string name =
        one.text("target") + " by " + one.text("kind") + " into " + one.text("into");
    const bool verified = one.boolean("verified", false);
    const bool good = verified && !one.boolean("vacuous", true);
    suite.add(name, good ? Kind::good : Kind::failure,
              verified ? "it brought nothing back" : "it does not verify", one.number("took_s", 0));
  }
  return suite;
}

Suite invariants(const Json& result) {
  Suite suite{"invariants", "", 0, 0, 0, 0, 0};
  for (const auto& one : result.items("invariants")) {
    const bool read = one.text("error").empty();
    suite.add(one.text("name") + " of " + one.text("target") + ", " + moment_read(one),
              one.boolean("holds", false) ? Kind::good
              : read                      ? Kind::failure
                                          : Kind::error,
              value_read(one) + ", expected " + one.text("must"));
  }
  return suite;
}

Suite criteria(const Json& result) {
  Suite suite{"criteria", "", 0, 0, 0, 0, 0};
  for (const auto& pillar : result.get("score").items("pillars")) {
    for (const auto& one : pillar.items("criteria")) {
      const std::string found = one.text("result");
      const Kind kind = found == "pass" || found == "partial" ? Kind::good
                        : found == "fail"                     ? Kind::failure
                        : found == "invalid"                  ? Kind::error
                                                              : Kind::skipped;
      suite.add(one.text("id") + ": " + one.text("title"), kind, one.text("reason"));
    }
  }
  return suite;
}

std::string counts_of(const Suite& suite) {
  return " tests=\"" + std::to_string(suite.tests) + "\" failures=\"" +
         std::to_string(suite.failures) + "\" errors=\"" + std::to_string(suite.errors) +
         "\" skipped=\"" + std::to_string(suite.skipped) + "\" time=\"" + fixed(suite.time_s, 3) +
         "\"";
}

}  // namespace

std::string junit_report(const Story& story, const Json& result) {
  Suite all;
  std::string suites;
  // JUnit's times have no fractions and no zone; these are UTC.
  const std::string timestamp = escaped(result.text("started").substr(0, 19));
  for (const auto& suite : {verdict(result), objectives(result), faults(story), restores(result),
                            invariants(result), criteria(result)}) {
    if (suite.tests == 0) continue;
    all.tests += suite.tests;
    all.failures += suite.failures;
    all.errors += suite.errors;
    all.skipped += suite.skipped;
    all.time_s += suite.time_s;
    suites += "  <testsuite name=\"" + suite.name + "\"" + counts_of(suite) + " timestamp=\"" +
              timestamp + "\">\n" + suite.cases + "  </testsuite>\n";
  }
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"" +
         escaped(result.get("playbook").text("name", "drill")) + "\"" + counts_of(all) + ">\n" +
         suites + "</testsuites>\n";
}

}  // namespace gameday
