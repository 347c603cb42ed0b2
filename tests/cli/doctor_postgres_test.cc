// What doctor says of PostgreSQL's programs.
#include <unistd.h>

#include "tests/cli/cli_fixture.h"

namespace gameday {
namespace {

class DoctorPostgresTest : public CliTest {
 protected:
  // With what the script makes in /usr/lib/postgresql, and nothing else there.
  [[nodiscard]] Json line_with(std::string_view name, const std::string& making) const {
    std::vector<std::string> argv = {"unshare", "--mount"};
    if (geteuid() != 0) argv.push_back("--map-root-user");
    for (const char* word : {"sh", "-c"}) argv.emplace_back(word);
    argv.push_back("set -e; cd /usr/lib; mount -t tmpfs none /usr/lib/postgresql; " + making +
                   "; exec " GAMEDAY_BINARY " doctor --json");
    const Json found = document(run_program(argv));
    for (const auto& check : found.items("checks")) {
      if (check.text("name") == name) return check;
    }
    ADD_FAILURE() << "no line " << name;
    return {};
  }
  static std::string program(const std::string& path) {
    return "mkdir -p postgresql/" + path.substr(0, path.rfind('/')) + "; cp /bin/true postgresql/" +
           path + "; ";
  }
};

TEST_F(DoctorPostgresTest, AServerIsFoundWhereItHasAllThatARecoveryWants) {
  if (!std::filesystem::is_directory("/usr/lib/postgresql")) GTEST_SKIP() << "no such folder";
  const Json none = line_with("postgresql servers", "true");
  EXPECT_FALSE(none.boolean("ok", true));
  EXPECT_EQ(none.text("found"), "none in /usr/lib/postgresql/*/bin");
  EXPECT_TRUE(none.text("advice").contains("apt-get install postgresql-"));
  const std::string half = program("15/bin/postgres") + program("15/bin/pg_checksums");
  EXPECT_FALSE(line_with("postgresql servers", half + "true").boolean("ok", true));
  const Json whole =
      line_with("postgresql servers", half + program("15/bin/pg_verifybackup") + "true");
  EXPECT_TRUE(whole.boolean("ok", false));
  EXPECT_EQ(whole.text("found"), "/usr/lib/postgresql/15/bin");
}

TEST_F(DoctorPostgresTest, ItsClientsAreAskedForTheirVersion) {
  setenv("PATH", folder_.c_str(), 1);
  const auto clients = [&] {
    const Json found = document(run({"doctor", "--json"}));
    for (const auto& check : found.items("checks")) {
      if (check.text("name") == "postgresql clients") return check;
    }
    return Json();
  };
  const auto make = [&](const std::string& name) {
    write(name, "#!/bin/sh\necho \"$0 (PostgreSQL) 15.18\"\n");
    std::filesystem::permissions(file(name), std::filesystem::perms(0755));
  };
  EXPECT_EQ(clients().text("found"), "pg_dump is not installed");
  make("pg_dump");
  EXPECT_EQ(clients().text("found"), "pg_restore is not installed");
  make("pg_restore");
  EXPECT_TRUE(clients().text("found").ends_with("pg_dump (PostgreSQL) 15.18"));
}

}  // namespace
}  // namespace gameday
