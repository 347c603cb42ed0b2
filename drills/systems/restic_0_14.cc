// restic from 0.14 on, which Debian 12 has: what it prints tells its failures apart, for they all
// exit with 1 but that of unreadable files.
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
    {"wrong-password", "", 1, "wrong password or no key found", unknown, refused,
     "the password does not open the repository, or its keys are gone"},
    {"no-password", "", 1, "an empty password is not a password", unknown, refused,
     "there is no password for the repository"},
    {"locked", "", 1, "repository is already locked", unknown, conflict,
     "the repository is locked by somebody else"},
    {"no-snapshot", "", 1, "no matching ID found", fail, not_found,
     "the snapshot is not in the repository"},
    {"no-source", "backup", 1, "all target directories/files do not exist", unknown, not_found,
     "nothing of what is to be backed up is there"},
    // Before what it makes of it: a check that may not read finds damage everywhere.
    {"denied", "", 1, "Access Denied", unknown, refused,
     "the store of the repository refuses what is asked of it"},
    {"denied", "check", 1, ": permission denied", unknown, refused,
     "not everything of the repository may be read"},
    // It has asked ten times by then.
    {"unreachable", "", 1, "StreamPack: Get \"", unknown, ErrorCode::failed,
     "the repository cannot be reached any more"},
    {"damaged", "", 1, "is damaged: ciphertext verification failed", fail, corrupt,
     "the repository's own configuration is damaged"},
    {"damaged", "check", 1, "repository contains errors", fail, corrupt,
     "the repository is damaged"},
    // What it printed may have been too much for the last line to be seen.
    {"damaged", "check", 1, "Pack ID does not match", fail, corrupt, "the repository is damaged"},
    {"damaged", "check", 1, ": does not exist", fail, corrupt, "the repository is damaged"},
    {"damaged", "restore", 1, "ignoring error for", fail, corrupt,
     "not everything of the snapshot comes back"},
    // It says so of every repository that it cannot open; that there is none is one reason.
    {"no-repository", "", 1, "unable to open config file: stat ", unknown, not_found,
     "there is no repository"},
    {"no-repository", "", 1, "unable to open config file: Stat: The specified key does not exist",
     unknown, not_found, "there is no repository"},
    {"unreachable", "", 1, "unable to open", unknown, ErrorCode::failed,
     "the repository cannot be reached"},
};

}  // namespace

extern const TruthTable restic_0_14;
const TruthTable restic_0_14{"restic", "0.14", kRows};

}  // namespace gameday
