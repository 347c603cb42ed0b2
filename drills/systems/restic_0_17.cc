// restic from 0.17 on: a missing repository, a lock and a wrong password have exit codes of their
// own, and whatever else it exits with is a failure of an unknown kind.
#include "drills/systems/restic_truth.h"

namespace gameday {
namespace {

using enum Truth;
using enum ErrorCode;

constexpr TruthRow kRows[] = {
    {"done", "", 0, "", pass, ErrorCode::failed, "done"},
    {"incomplete", "backup", 3, "", fail, corrupt,
     "the snapshot lacks files that restic could not read"},
    {"crashed", "", 2, "", unknown, ErrorCode::failed, "restic itself came to grief"},
    {"interrupted", "", 130, "", unknown, stopped, "restic was interrupted"},
    {"no-repository", "", 10, "", unknown, not_found, "there is no repository"},
    {"locked", "", 11, "", unknown, conflict, "the repository is locked by somebody else"},
    {"wrong-password", "", 12, "", unknown, refused,
     "the password does not open the repository, or its keys are gone"},
    {"no-password", "", 1, "an empty password is not allowed", unknown, refused,
     "there is no password for the repository"},
    {"no-snapshot", "", 1, "no matching ID found", fail, not_found,
     "the snapshot is not in the repository"},
    // One that is named by its whole id is not looked for first.
    {"no-snapshot", "", 1, "failed to load snapshot", fail, not_found,
     "the snapshot is not in the repository"},
    {"no-source", "backup", 1, "all source directories/files do not exist", unknown, not_found,
     "nothing of what is to be backed up is there"},
    // Before what it makes of it: a check that may not read finds damage everywhere.
    {"denied", "", 1, "Access Denied", unknown, refused,
     "the store of the repository refuses what is asked of it"},
    {"denied", "check", 1, ": permission denied", unknown, refused,
     "not everything of the repository may be read"},
    // It has asked for a quarter of an hour by then.
    {"unreachable", "", 1, "failed: Get \"", unknown, ErrorCode::failed,
     "the repository cannot be reached any more"},
    {"damaged", "", 1, "is damaged: ciphertext verification failed", fail, corrupt,
     "the repository's own configuration is damaged"},
    {"damaged", "check", 1, "repository contains errors", fail, corrupt,
     "the repository is damaged"},
    // What it printed may have been too much for the last line to be seen.
    {"damaged", "check", 1, "unexpected pack id", fail, corrupt, "the repository is damaged"},
    {"damaged", "check", 1, ": does not exist", fail, corrupt, "the repository is damaged"},
    {"damaged", "restore", 1, "ignoring error for", fail, corrupt,
     "not everything of the snapshot comes back"},
    {"unreachable", "", 1, "unable to open", unknown, ErrorCode::failed,
     "the repository cannot be reached"},
};

}  // namespace

extern const TruthTable restic_0_17;
const TruthTable restic_0_17{"restic", "0.17", kRows};

}  // namespace gameday
