// PostgreSQL from 15 on, which Debian 12 has. What it is not sure to say of the backup comes first:
// a disk that is full, or a file that may not be read, makes damage out of everything.
#include "drills/systems/postgres_truth.h"

namespace gameday {
namespace {

using enum Truth;
using enum ErrorCode;

constexpr TruthRow kRows[] = {
    {"done", "pg_restore", 0, "", pass, ErrorCode::failed, "done"},
    {"disk-full", "pg_restore", 1, "No space left on device", unknown, no_space,
     "the server that is restored into has a full disk"},
    {"server-gone", "pg_restore", 1, "server closed the connection unexpectedly", unknown,
     ErrorCode::failed, "the server that is restored into went away"},
    {"wrong-password", "pg_restore", 1, "no password supplied", unknown, refused,
     "the server wants a password"},
    {"wrong-password", "pg_restore", 1, "password authentication failed", unknown, refused,
     "the server wants another password"},
    {"no-server", "pg_restore", 1, "error: connection to server ", unknown, ErrorCode::failed,
     "the server that is restored into cannot be reached"},
    {"denied", "pg_restore", 1, "ermission denied", unknown, refused,
     "the dump may not be read, or not be restored by this role"},
    {"wrong-version", "pg_restore", 1, "in file header", unknown, unsupported,
     "the dump is of a later pg_dump than this pg_restore"},
    {"missing-extension", "pg_restore", 1, "extension control file", unknown, unsupported,
     "the server has not the extension that the dump names"},
    {"not-empty", "pg_restore", 1, "already exists", unknown, conflict,
     "the database that is restored into is not empty"},
    {"missing-role", "pg_restore", 1, "does not exist\nCommand was: ALTER ", fail, corrupt,
     "the dump names what is not in it, nor on the server"},
    {"missing-file", "pg_restore", 1, "could not open input file", fail, corrupt,
     "the dump is not there"},
    {"damaged", "pg_restore", 1, "does not appear to be a valid archive", fail, corrupt,
     "the file is no dump"},
    {"damaged", "pg_restore", 1, "input file is too short", fail, corrupt, "the file is no dump"},
    {"damaged", "pg_restore", 1, "could not read from input file: end of file", fail, corrupt,
     "the dump is not whole"},
    {"damaged", "pg_restore", 1, "could not uncompress data", fail, corrupt, "the dump is damaged"},

    {"done", "pg_verifybackup", 0, "backup successfully verified", pass, ErrorCode::failed, "done"},
    {"denied", "pg_verifybackup", 1, "Permission denied", unknown, refused,
     "not everything of the base backup may be read"},
    {"damaged", "pg_verifybackup", 1, "checksum mismatch", fail, corrupt,
     "the base backup does not verify"},
    {"damaged", "pg_verifybackup", 1, "on disk but size", fail, corrupt,
     "the base backup does not verify"},
    {"damaged", "pg_verifybackup", 1, "is present ", fail, corrupt,
     "the base backup does not verify"},
    {"damaged", "pg_verifybackup", 1, "could not parse backup manifest", fail, corrupt,
     "the base backup does not verify"},
    {"damaged", "pg_verifybackup", 1, "backup_manifest\": No such file", fail, corrupt,
     "the base backup does not verify"},

    {"done", "pg_checksums", 0, "Bad checksums:  0", pass, ErrorCode::failed, "done"},
    {"no-checksums", "pg_checksums", 1, "data checksums are not enabled", unknown, unsupported,
     "the cluster has no checksums"},
    {"denied", "pg_checksums", 1, "Permission denied", unknown, refused,
     "not every page may be read"},
    {"running", "pg_checksums", 1, "cluster must be shut down", unknown, conflict,
     "a server runs on the cluster"},
    {"damaged", "pg_checksums", 1, "checksum verification failed", fail, corrupt,
     "its pages do not verify"},
    {"damaged", "pg_checksums", 1, "could not read block", fail, corrupt,
     "its pages do not verify"},
    {"damaged", "pg_checksums", 1, "pg_control CRC value is incorrect", fail, corrupt,
     "its control file does not verify"},
    {"damaged", "pg_checksums", 1, "/global/pg_control\"", fail, corrupt,
     "its control file cannot be read"},

    {"disk-full", "recovery", kAnyExit, "No space left on device", unknown, no_space,
     "the disk of the scratch server is full"},
    {"no-memory", "recovery", kAnyExit, "Cannot allocate memory", unknown, ErrorCode::failed,
     "there is no memory for a scratch server"},
    {"wrong-version", "recovery", kAnyExit, "database files are incompatible", unknown, unsupported,
     "the programs of the scratch server are of another version"},
    {"no-command", "recovery", kAnyExit, "from archive: command not found", unknown, unsupported,
     "the program that fetches the WAL is not there"},
    {"not-reached", "recovery", kAnyExit, "before configured recovery target", fail, corrupt,
     "it does not recover"},
    {"too-early", "recovery", kAnyExit, "is before consistent recovery point", fail, corrupt,
     "it does not recover"},
    {"no-timeline", "recovery", kAnyExit, "recovery target timeline", fail, corrupt,
     "it does not recover"},
    {"no-wal", "recovery", kAnyExit, "could not locate required checkpoint record", fail, corrupt,
     "it does not recover"},
    {"no-wal", "recovery", kAnyExit, "could not locate a valid checkpoint record", fail, corrupt,
     "it does not recover"},
    {"no-wal", "recovery", kAnyExit, "WAL ends before ", fail, corrupt, "it does not recover"},
    {"damaged", "recovery", kAnyExit, "could not find the database system", fail, corrupt,
     "it does not recover"},
    {"damaged", "recovery", kAnyExit, "incorrect checksum in control file", fail, corrupt,
     "it does not recover"},
    {"damaged", "recovery", kAnyExit, "invalid data in file", fail, corrupt, "it does not recover"},
};

constexpr TruthRow kTarRows[] = {
    {"done", "extract", 0, "", pass, ErrorCode::failed, "done"},
    {"disk-full", "extract", 2, "No space left on device", unknown, no_space,
     "the disk that is unpacked to is full"},
    {"no-program", "extract", 2, "Cannot exec", unknown, unsupported,
     "the program that uncompresses it is not installed"},
    {"denied", "extract", 2, "Permission denied", unknown, refused, "it may not be read"},
    {"damaged", "extract", 2, "Cannot open: No such file", fail, corrupt, "it is not there"},
    {"damaged", "extract", 2, "unexpected end of file", fail, corrupt, "it is not whole"},
    {"damaged", "extract", 2, "Unexpected EOF", fail, corrupt, "it is not whole"},
    {"damaged", "extract", 2, "not in gzip format", fail, corrupt, "it is no archive"},
    {"damaged", "extract", 2, "invalid compressed data", fail, corrupt, "it is damaged"},
    {"damaged", "extract", 2, "does not look like a tar archive", fail, corrupt,
     "it is no archive"},
    {"damaged", "extract", 2, "Skipping to next header", fail, corrupt, "it is damaged"},
};

}  // namespace

extern const TruthTable postgres_15;
const TruthTable postgres_15{"PostgreSQL's", "15", kRows};

extern const TruthTable tar_1_34;
const TruthTable tar_1_34{"tar", "1.34", kTarRows};

Status told_by(const TruthTable& table, std::string_view command, const Ended& ended) {
  const Reading reading = read_ending(table, command, ended);
  if (reading.truth == Truth::pass) return {};
  return gameday::fail(reading.code, reading.text);
}

}  // namespace gameday
