// Redis from 7.0 on, which Debian 12 has. What is wrong is told by what they print: nearly all of
// it exits with 1, and a server that lacks a module exits with 0.
#include "drills/systems/redis_truth.h"

namespace gameday {
namespace {

using enum Truth;
using enum ErrorCode;

constexpr TruthRow kRows[] = {
    {"done", "rdb", 0, "RDB looks OK!", pass, ErrorCode::failed, "done"},
    {"done", "aof", 0, "All AOF files and manifest are valid", pass, ErrorCode::failed, "done"},
    {"done", "aof", 0, " is valid\n", pass, ErrorCode::failed, "done"},
    // Before what is damaged: it is said of the same file.
    {"module", "load", kAnyExit, "no matching module type", unknown, unsupported,
     "the backup holds keys of a module that is not here"},
    {"newer", "", 1, "Can't handle RDB format version", unknown, unsupported,
     "the backup is of a newer Redis than the one here"},
    {"no-rdb", "", 1, "Wrong signature trying to load DB from file", fail, corrupt,
     "the backup is no RDB file"},
    {"truncated", "", 1, "Unexpected EOF reading RDB file", fail, corrupt,
     "the RDB file is cut short"},
    {"truncated", "load", 1, "Unexpected end of file reading the append only file", fail, corrupt,
     "the append-only file is cut short"},
    {"damaged", "", 1, "RDB CRC error", fail, corrupt, "the RDB file is damaged"},
    {"damaged", "", 1, "--- RDB ERROR DETECTED ---", fail, corrupt, "the RDB file is damaged"},
    {"damaged", "load", 1, "Bad file format reading the append only file", fail, corrupt,
     "the append-only file is damaged"},
    {"no-manifest", "", 1, "FATAL AOF MANIFEST FILE ERROR", fail, corrupt,
     "the manifest of the append-only files is damaged"},
    {"missing-file", "load", 1, "Unable to obtain the AOF file", fail, corrupt,
     "a file that the manifest names is missing"},
    {"missing-file", "aof", 1, ".aof: No such file or directory, aborting", fail, corrupt,
     "a file that the manifest names is missing"},
    {"missing", "aof", 1, "Cannot open file", unknown, not_found, "the backup is not there"},
    {"invalid", "aof", 1, " is not valid. Use the --fix option", fail, corrupt,
     "the append-only file is cut short or damaged"},
};

}  // namespace

extern const TruthTable redis_7_0;
const TruthTable redis_7_0{"redis", "7.0", kRows};

}  // namespace gameday
