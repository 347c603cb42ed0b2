// Whether the clients inside the system retry with restraint, by what the links' proxies counted.
#include "reports/assessment.h"
#include "reports/markup.h"
#include "reports/retries.h"

namespace gameday {
namespace {

// Why this one is too much; empty: it is not.
std::string storm(const Retries& retries, const Criterion& criterion) {
  const auto each = retries.amplification();
  if (each && *each > criterion.most) {
    return "more than " + fixed(criterion.most, 1) + " for each request due";
  }
  const bool often = retries.late_per_s && *retries.late_per_s > criterion.calm_per_s;
  if (often && *retries.late_per_s > *retries.early_per_s / 2) return "no backing off";
  if (retries.baseline && *retries.busy_after_s > seconds(*criterion.within)) {
    return "still busier than before " + shown_seconds(seconds(*criterion.within)) + " after";
  }
  return "";
}

// Why nothing can be said of it; empty: something can.
std::string unknown(const Retries& retries) {
  if (!retries.late_per_s) return "it was over too soon to tell how often they came back";
  if (!retries.baseline) return "the link was not looked at for long enough before";
  if (!retries.amplification()) return "no request was due meanwhile";
  // What is busy at the last look may still be.
  if (*retries.busy_after_s > 0 && *retries.busy_after_s + 1 >= retries.seen_after_s) {
    return "the next fault or the end came before it was calm again";
  }
  return "";
}

}  // namespace

Assessment judged_retries(const Case& drill, const Criterion& criterion) {
  // Who brings a probe of their own for it knows better.
  if (Assessment told = judged_probes(drill, criterion); told.assessed()) return told;
  const Calm calm{criterion.calm_per_s, criterion.margin, Calm().bytes_per_s};
  Assessment worst = unassessed("no fault was on a link, where a proxy sees who tries again");
  std::string untold;
  for (const auto& retries : retries_of(drill.story, calm)) {
    const std::string text =
        "link " + retries.link + " during " + retries.fault + ": " + in_words(retries);
    if (const auto why = storm(retries, criterion); !why.empty()) {
      return failed(why + ": " + text, retries.evidence);
    }
    if (const auto why = unknown(retries); !why.empty()) {
      untold = text + ": " + why;
    } else {
      worst = passed(text, retries.evidence);
    }
  }
  return worst.outcome == Outcome::pass || untold.empty() ? worst : unassessed(untold);
}

}  // namespace gameday
