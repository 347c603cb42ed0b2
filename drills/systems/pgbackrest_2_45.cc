// pgBackRest from 2.45 on, which Debian 12 has: `info` and `verify` exit with 0 whatever they find,
// and say it in words. Later ones may exit with something else where `verify` finds damage.
#include "drills/systems/pgbackrest.h"

namespace gameday {
namespace {

using enum Truth;
using enum ErrorCode;

constexpr TruthRow kRows[] = {
    {"done", "info", 0, R"("status":{"code":0,"lock")", pass, ErrorCode::failed, "done"},
    {"no-stanza", "info", 0, R"("status":{"code":1,"lock")", unknown, not_found,
     "the repository has no such stanza"},
    {"no-backup", "info", 0, R"("status":{"code":2,"lock")", fail, not_found,
     "the stanza has no backup"},
    {"no-catalogue", "info", 0, R"("status":{"code":3,"lock")", fail, not_found,
     "the list of the backups is not in the repository"},
    {"wrong-password", "info", 0, "FormatError: key/value found outside of section", unknown,
     refused, "the repository cannot be read: its key is another one, or it is damaged"},
    {"no-configuration", "info", 55, "unable to open missing file", unknown, not_found,
     "its configuration is not there"},
    {"damaged", "verify", kAnyExit, "status: invalid", fail, corrupt,
     "the repository does not verify: a backup in it is invalid"},
    {"damaged", "verify", kAnyExit, "status: error", fail, corrupt,
     "the repository does not verify"},
    {"done", "verify", 0, "status: ok", pass, ErrorCode::failed, "done"},
    {"done", "restore", 0, "", pass, ErrorCode::failed, "done"},
    {"done", "backup", 0, "", pass, ErrorCode::failed, "done"},
    {"not-archived", "backup", 82, "", fail, ErrorCode::failed,
     "the WAL of the backup does not get into the repository"},
    {"locked", "backup", 50, "", unknown, conflict, "the stanza is locked by another pgBackRest"},
    {"no-server", "backup", 56, "", unknown, not_found, "no primary answers pgBackRest"},
    {"done", "repo-ls", 0, "", pass, ErrorCode::failed, "done"},
    {"wrong-password", "restore", 75, "FormatError: key/value found outside of section", unknown,
     refused, "the repository cannot be read: its key is another one, or it is damaged"},
    {"no-catalogue", "restore", 75, "backup.info.copy' for read", fail, not_found,
     "the list of the backups is not in the repository"},
    {"no-backup", "restore", 75, "no backup set found to restore", fail, not_found,
     "the stanza has no backup"},
    {"too-early", "restore", 75, "unable to find backup set with stop time", fail, corrupt,
     "no backup is older than that"},
    {"no-such-backup", "restore", 75, "is not valid", fail, not_found,
     "the backup is not in the repository"},
    {"damaged", "restore", 55, "unable to load backup manifest file", fail, corrupt,
     "the backup is not whole"},
    {"damaged", "restore", 55, "unable to open missing file", fail, corrupt,
     "the backup is not whole"},
    {"damaged", "restore", 29, "", fail, corrupt, "the backup is damaged"},
    {"not-empty", "restore", 40, "", unknown, conflict, "the folder to restore into has files"},
};

}  // namespace

extern const TruthTable pgbackrest_2_45;
const TruthTable pgbackrest_2_45{"pgbackrest", "2.45", kRows};

}  // namespace gameday
