// What a load by Locust asks of Locust, and what it says where that says no. A script stands for
// Locust here; drills with the real one are tests/systems/locust.
#include <fstream>

#include "engine/load/told_load.h"
#include "tests/drills/deed_world.h"

namespace gameday {

extern const LoadRow locust_load;

namespace {

using std::chrono::seconds;

class LocustLoadTest : public testing::Test {
 protected:
  LocustLoadTest() {
    std::filesystem::create_directories(world_.private_folder());
    write("locustfile.py", "from locust import HttpUser\n");
    spec_.name = "browsing";
    spec_.arguments =
        Json::object({{"file", world_.file("locustfile.py")}, {"users", 20}, {"spawn_rate", 5}});
  }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(world_.file(name)) << text;
  }
  // What is run in place of Locust.
  void let_locust_be(const std::string& script) {
    write("locust", "#!/bin/bash\n" + script);
    std::filesystem::permissions(world_.file("locust"), std::filesystem::perms::owner_all);
    spec_.arguments.set("program", world_.file("locust"));
  }
  Undo undo() {
    auto undo = locust_load.prepare(spec_, world_.context());
    EXPECT_TRUE(undo);
    return undo.value_or(Undo{});
  }
  std::string refused() {
    const Status may = locust_load.may(undo(), world_.context());
    EXPECT_TRUE(may || may.error().code == ErrorCode::refused) << may.error().text;
    return may ? "" : may.error().text;
  }
  std::string wrong() {
    const auto odd = locust_load.check(spec_, world_.system());
    return odd ? odd->field + ": " + odd->text : "";
  }
  std::vector<std::string> warnings(const std::string& text) {
    write("locustfile.py", text);
    return locust_load.warnings(spec_.arguments);
  }

  DeedWorld world_;
  LoadSpec spec_;
};

TEST_F(LocustLoadTest, WhatCannotWorkIsFoundByCheck) {
  EXPECT_EQ(wrong(), "");
  spec_.arguments.set("workers", 21);
  EXPECT_TRUE(wrong().starts_with("workers: there are more")) << wrong();
  spec_.arguments.set("workers", 20);
  EXPECT_EQ(wrong(), "");
  for (const char* file : {"/a/locustfile", "/a/b,c.py"}) {
    spec_.arguments.set("file", file);
    EXPECT_TRUE(wrong().starts_with("file: expected")) << file;
  }
}

TEST_F(LocustLoadTest, WhatIsCalledOtherwiseNowIsWarnedOfWithItsLine) {
  EXPECT_TRUE(warnings("from locust import HttpUser, between\nclass V(HttpUser):\n"
                       "    wait_time = between(5.0, 9.0)\n    tasks = {index: 1}\n"
                       "# HttpLocust, task_set = X\n")
                  .empty());
  const auto old = warnings(
      "from locust import HttpLocust\nclass V(HttpLocust):\n"
      "    task_set = Tasks\n    min_wait = 5000\n    max_wait = 9000\n");
  ASSERT_EQ(old.size(), 5U);
  EXPECT_EQ(old[0], "locustfile.py:1: since Locust 1.0, HttpLocust is HttpUser; it runs as it is");
  EXPECT_TRUE(old[2].starts_with("locustfile.py:3: since Locust 1.0, task_set = X"));
  EXPECT_TRUE(old[4].starts_with("locustfile.py:5: since Locust 1.0, min_wait and max_wait"));
  EXPECT_EQ(warnings("import locust.core\nclass V(Locust):\n  a = self.locust\n").size(), 3U);
}

TEST_F(LocustLoadTest, RunsWhereLocustNamesAUser) {
  let_locust_be(
      "echo \"$@\" > asked; ls -l \"${2%%,*}\" >> asked\n"
      "echo 'a word of warning'; echo 'Available Users:'; echo '    Visitor'\n");
  EXPECT_EQ(refused(), "");
  std::ifstream file(world_.file("asked"));
  const std::string asked((std::istreambuf_iterator<char>(file)), {});
  EXPECT_TRUE(asked.contains("gameday_teller.py," + world_.file("locustfile.py") + " --list"))
      << asked;
  const auto teller = asked.substr(3, asked.find(',') - 3);
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::path(teller).parent_path())) << teller;
}

TEST_F(LocustLoadTest, IsRefusedWhereItWouldNotRun) {
  spec_.arguments.set("program", world_.file("no-such"));
  EXPECT_TRUE(refused().contains("pip install locust")) << refused();
  let_locust_be("echo 'SyntaxError: invalid syntax' >&2; exit 1\n");
  EXPECT_TRUE(refused().ends_with("locustfile.py does not load: SyntaxError: invalid syntax"));
  let_locust_be("echo 'Available Users:'\n");
  EXPECT_TRUE(refused().ends_with("has no user class")) << refused();
  let_locust_be("exit 0\n");
  EXPECT_TRUE(refused().ends_with("has no user class")) << refused();
  std::filesystem::remove(world_.file("locustfile.py"));
  EXPECT_TRUE(refused().contains("there is no locustfile")) << refused();
}

TEST_F(LocustLoadTest, SaysWhatItIsHere) {
  let_locust_be("echo 'locust 2.47.0 from /x (Python 3.11.7)'\n");
  EXPECT_EQ(locust_load.carrier_here(undo(), world_.context()).value_or(""), "Locust 2.47.0");
  let_locust_be("exit 1\n");
  EXPECT_FALSE(locust_load.carrier_here(undo(), world_.context()));
}

TEST_F(LocustLoadTest, IsRunWithoutAShellAndWithoutASecretOnItsCommandLine) {
  setenv("GAMEDAY_TEST_HOST", "https://user:word@127.0.0.1:1", 1);
  spec_.arguments.set("host", "${env:GAMEDAY_TEST_HOST}").set("workers", 3);
  spec_.timeout = std::chrono::milliseconds(1500);
  const Undo owed = undo();
  EXPECT_FALSE(owed.arguments.dump().contains("word"));
  const auto carrier = locust_load.carry(owed, world_.context());
  unsetenv("GAMEDAY_TEST_HOST");
  ASSERT_TRUE(carrier) << carrier.error().text;
  std::string line;
  for (const auto& word : carrier->command.argv) line += word + " ";
  EXPECT_TRUE(line.starts_with("locust -f ")) << line;
  EXPECT_TRUE(line.contains("--headless -u 20 -r 5 ")) << line;
  EXPECT_TRUE(line.contains("--stop-timeout 2 ")) << line;
  EXPECT_TRUE(line.contains("--processes 3 --master-host 127.0.0.1 ")) << line;
  EXPECT_FALSE(line.contains("word")) << line;
  EXPECT_EQ(carrier->senders, 3U);
  EXPECT_EQ(carrier->others, 1U);
  EXPECT_EQ(carrier->users, 20U);
  const auto& environment = carrier->command.extra_environment;
  EXPECT_NE(std::ranges::find(environment, "LOCUST_HOST=https://user:word@127.0.0.1:1"),
            environment.end());
  EXPECT_EQ(carrier->command.folder + "/locustfile.py", world_.file("locustfile.py"));
}

// Also where what was started has gone its own way.
TEST_F(LocustLoadTest, ItsUndoEndsWhateverCarriesItsMark) {
  const Undo owed = undo();
  ASSERT_TRUE(locust_load.carry(owed, world_.context()));
  ASSERT_FALSE(std::filesystem::is_empty(world_.private_folder()));
  const auto start = [&](const std::string& mark) {
    return world_.doors().processes.start_detached(
        {{"/bin/sh", "-c", "sleep 100 & sleep 100"}, "/", {"GAMEDAY_MARK=" + mark}}, "/dev/null");
  };
  const auto ours = start("drill-1");
  const auto others = start("drill-11");
  ASSERT_TRUE(ours && others);
  EXPECT_FALSE(locust_load.gone(owed, world_.context())->held);
  for (int again = 0; again < 2; ++again) {
    const Status undone = locust_load.undo(owed, world_.context());
    EXPECT_TRUE(undone) << undone.error().text;
  }
  EXPECT_TRUE(locust_load.gone(owed, world_.context())->held);
  EXPECT_FALSE(world_.doors().processes.alive(*ours));
  EXPECT_TRUE(world_.doors().processes.alive(*others)) << "of another deed";
  EXPECT_TRUE(std::filesystem::is_empty(world_.private_folder()));
  Undo theirs = owed;
  theirs.arguments.set("mark", "drill-11");
  EXPECT_TRUE(locust_load.undo(theirs, world_.context()));
}

}  // namespace
}  // namespace gameday
