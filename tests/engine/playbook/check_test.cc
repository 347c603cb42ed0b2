// Playbooks that decode and still cannot work, or are unwise: one edit of the good one each.
#include "tests/engine/playbook/edited_playbook.h"

namespace gameday {
namespace {

const EditedPlaybook kCannotWork[] = {
    {"TooFewTargetsForItsFaults",
     "fault: block, region: eu-west, for: 15s }",
     "fault: kill, target: north }\n  - { fault: kill, target: store }",
     {"38:5: error: 3 targets would be under fault at once; `limits.targets` is 2"}},
    {"ALinkIsATargetOfItsOwn",
     "- { fault: block, region: eu-west, for: 15s }",
     "- { fault: block, link: west-to-store }\n  - { fault: litter, path: x }\n  - { fault: "
     "litter, "
     "path: y }",
     {"38:5: error: 3 targets would be under fault at once; `limits.targets` is 2",
      "39:5: error: 4 targets would be under fault at once; `limits.targets` is 2",
      "41:5: error: 4 targets would be under fault at once; `limits.targets` is 2"}},
    {"TwoDeedsOnOnePlaceAtOnce",
     "- { fault: block, region: eu-west, for: 15s }",
     "- parallel: [{ fault: block, region: eu-west, for: 1s }, { fault: block, link: "
     "west-to-store, for: 1s }]",
     {"36:60: error: `west-to-store` is hit by step `fault-2-1` of the same `parallel`: what was "
      "there before could not be told any more"}},
    {"TooManyTargetsInAParallel",
     "- { fault: block, region: eu-west, for: 15s }",
     "- parallel: [{ fault: kill, target: west, for: 1s }, { fault: kill, target: north, for: 1s "
     "}, "
     "{ fault: litter, path: x, for: 1s }]",
     {"36:97: error: 3 targets would be under fault at once; `limits.targets` is 2"}},
    {"RevertBesideWhatItReverts",
     "- { fault: block, region: eu-west, for: 15s }",
     "- parallel: [{ fault: kill, target: north, id: n }, { revert: n }]",
     {"36:55: error: `north` is hit by step `n` of the same `parallel`: what was there before "
      "could "
      "not be told any more"}},
    {"FaultNeedsAFacetTheTargetLacks",
     "fault: kill, target: west",
     "fault: kill, target: front",
     {"37:5: error: fault `kill` needs a target with `process`, which target `front` has not"}},
    {"RegionWithoutLinks",
     "region: eu-west, for",
     "region: eu-north, for",
     {"36:5: error: region `eu-north` has no links that fault `block` could hit; declare them "
      "under `system.links`"}},
    {"RegionWithoutTargetsOfTheFacet",
     "fault: block, region: eu-west, for",
     "fault: block-queue, region: eu-west, for",
     {"36:5: error: region `eu-west` has no targets with `queue` that fault `block-queue` could "
      "hit"}},
    {"RpoBelowTheWaits",
     "- { fault: lose-data, target: store, id: lost }\n  - { restore: store, into: place, replay: "
     "orders }",
     "- wait: 20s\n  - { fault: lose-data, target: store, id: lost }\n  - { restore: store, into: "
     "place }",
     {"41:5: error: an RPO of 0s cannot hold: 20s or more lie between the backup (line 38) and the "
      "loss (line 40), and no `replay` fills them"}},
    {"FaultAfterTheLastVerify",
     "- verify: [checkout]",
     "- verify:\n  - { fault: kill, target: west, for: 5s }",
     {"43:5: error: a fault after `verify` has ended every load: nothing would see what it does"}},
    {"IrreversibleWithoutAReason",
     "fault: kill, target: west",
     "fault: burn, target: west",
     {"37:5: error: fault `burn` cannot be undone; it needs `allow_irreversible: REASON`"}},
    {"InjectionLongerThanItsLimit",
     "duration: 10m",
     "duration: 15s",
     {"22:9: error: `limits.duration` is 15s, but from the first fault to the last undo 20s or "
      "more pass"}},
    {"RestoreWithoutABackup",
     "- backup: store\n",
     "- wait: 1s\n",
     {"40:5: error: no backup of `store` is taken before this restore"}},
    {"RestoreFromNoBackup",
     "into: place,",
     "into: place, from: lost,",
     {"40:5: error: `lost` is no earlier backup of `store`"}},
    {"BackupOfNothing",
     "- backup: store",
     "- backup: front",
     {"38:5: error: target `front` has nothing that can be backed up",
      "40:5: error: no backup of `store` is taken before this restore"}},
    {"ReplayOfNoQueue",
     "replay: orders",
     "replay: front",
     {"40:5: error: target `front` has no queue that could replay"}},
    {"RevertOfNoFault",
     "- backup: store",
     "- backup: store\n  - revert: lots",
     {"39:5: error: `lots` is no earlier fault"}},
    {"RevertOfAFaultWithFor",
     "- backup: store",
     "- backup: store\n  - revert: fault-2",
     {"39:5: error: fault `fault-2` has `for`: it is reverted at its end"}},
    {"RevertOfWhatIsClosed",
     "- verify: [checkout]",
     "- revert: lost\n  - verify: [checkout]",
     {"42:5: error: fault `lost` is no longer open here"}},
    {"VerifyOfAnEndedLoad",
     "- verify: [checkout]",
     "- verify: [checkout]\n  - verify: []",
     {"43:5: error: load `checkout` was ended by an earlier `verify`"}},
    {"LedgerWithoutACleanup",
     "    cleanup: { method: DELETE, url: \"{front}/orders?drill={drill}\" }\n",
     "",
     {"25:3: error: load `checkout` has a ledger and no `cleanup`: what it writes would stay"}},
    {"WritesBelowTheLeastSent",
     "writes: 50000",
     "writes: 5000",
     {"22:9: error: `limits.writes` is 5000, but load `checkout` sends 8000 or more"}},
    {"ASteadyStateThatWaitsForAProbeOfFaults",
     "every: 500ms, timeout: 400ms",
     "during: fault, every: 500ms, timeout: 400ms",
     {"35:5: error: probe `shop-answers` is asked only while a fault is in force: this step would "
      "wait for it in vain",
      "41:5: error: probe `shop-answers` is asked only while a fault is in force: this step would "
      "wait for it in vain"}},
    {"AStopConditionOnAProbeOfTheEdges",
     "every: 500ms, timeout: 400ms",
     "during: edge, every: 500ms, timeout: 400ms",
     {"22:9: error: probe `shop-answers` is asked only while a steady state is waited for: "
      "`stop_when` would hear nothing of it during a fault"}},
    {"SlowProbeIsUnwise",
     "every: 500ms",
     "every: 30s",
     {"32:3: warning: probe `shop-answers` asks every 30s: too slow to judge an RTO of 1m"}},
    {"ARegionsLinksAloneAreHit",
     "http://127.0.0.1:8090/orders\" }",
     "http://127.0.0.1:8090/orders\", region: eu-west }",
     {"36:5: warning: region `eu-west` has links, which alone are hit: what orders (`queue`) sends "
      "beside them goes on"}},
    {"SlowAttemptsAreUnwise",
     "timeout: 400ms",
     "timeout: 900ms",
     {"32:3: warning: probe `shop-answers` may take longer (900ms) than it has until the next "
      "(500ms)"}},
    {"NoSteadyStateIsUnwise",
     "- steady_state: { for: 10s, within: 30s, probes: [shop-answers] }\n",
     "- wait: 1s\n",
     {"36:5: warning: no steady state before the first fault: what it breaks may have been broken "
      "before"}},
    {"ProductionIsNoted",
     "environment: staging",
     "environment: production",
     {"1:1: warning: environment is production: run asks for --confirm "
      "shop-survives-losing-its-store and --plan sha256:...",
      "1:1: warning: environment is production: the playbook has no `window`",
      "1:1: warning: environment is production: no `approve` step with `not: operator` stands "
      "before the first fault"}},
};

TEST(ProbesOfPartsOfADrill, NeedThatPart) {
  const auto told = [](std::string_view during, std::string_view head, std::string_view timeline) {
    std::string source("gameday: 1\nname: p\nsummary: s\nowner: o\n");
    source += std::string(head) + "\nsystem: { front: { http: \"http://127.0.0.1:8080\" } }\n";
    source += "probes:\n  it: { http: \"{front}/x\", during: " + std::string(during) + " }\n";
    return told_of(source + "timeline: [" + std::string(timeline) + "]\n");
  };
  const std::string steady = "{ steady_state: { for: 1s, within: 5s, probes: [it] } }";
  const std::string fault = "{ fault: litter, path: x, for: 1s }";
  using Lines = std::vector<std::string>;
  EXPECT_EQ(told("edge", "", steady + ", " + fault), Lines());
  EXPECT_EQ(told("edge", "", "{ wait: 1s }, " + fault).front(),
            "8:3: error: probe `it` is asked only while a steady state is waited for, and the "
            "timeline has no `steady_state`");
  EXPECT_EQ(told("fault", "", "{ wait: 1s }").front(),
            "8:3: error: probe `it` is asked only while a fault is in force, and the timeline has "
            "no `fault`");
  EXPECT_EQ(told("fault", "objectives: { rto: { within: 60s, hold: 5s, from: it } }",
                 "{ wait: 1s }, " + fault)
                .front(),
            "5:13: error: probe `it` is asked only while a fault is in force: an RTO is judged by "
            "one that is asked always");
}

class CannotWork : public testing::TestWithParam<EditedPlaybook> {};

TEST_P(CannotWork, IsToldWithItsPlace) { expect_told(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Playbook, CannotWork, testing::ValuesIn(kCannotWork), name_of_case);

}  // namespace
}  // namespace gameday
