// What is done to a process of one's own takes no rights of root's; what is another user's is
// refused before the drill, right by right.
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>

#include "drills/systems/process.h"
#include "tests/drills/edge_server.h"
#include "tests/drills/rights/as_user.h"
#include "tests/drills/rights/rights_case.h"

namespace gameday {
namespace {

constexpr const char* kSignal = "to signal the process";
constexpr const char* kItsUser = "be its user, or root";
const std::vector<RowNeeds> kNeeds = {
    {"bad-certificate",
     {"be their owner, in their groups", "write access to their folders", "to read signed_by",
      kSignal, kItsUser}},
    {"kill",
     {kSignal, "to start it as its user", "to write its pidfile", "access to the pidfile's folder",
      "CAP_SYS_RESOURCE where its hard limits are above ours"}},
    {"limit-descriptors", {"be its user, in its group, or root with CAP_SYS_RESOURCE"}},
    {"pause", {kSignal, kItsUser}},
    {"restart",
     {kSignal, "to start it as its user", "to write its pidfile", "access to the pidfile's folder",
      "CAP_SYS_RESOURCE where its hard limits are above ours"}},
    {"revoke-credential",
     {"be its owner, in its group", "write access to its folder", kSignal, kItsUser}},
    {"skew-clock", {"as kill", "with monotonic CAP_SYS_ADMIN and CAP_SYS_TIME", "faketime"}},
};

const std::string kMonotonic = "skew-clock, target: west, clock: monotonic, by: 1h";
constexpr gid_t kGroup = 34567;

// A process of whoever this is, without capabilities, with its pidfile in a folder of its own.
class Own {
 public:
  explicit Own(bool part_of_ours = false) {
    std::filesystem::create_directory(world_.file("run"));
    start(part_of_ours);
  }
  ~Own() {
    if (const auto living = process_at(pidfile(), world_.doors())) {
      (void)world_.doors().processes.signal(living->id, SIGKILL);
    }
    (void)chmod(world_.file("run").c_str(), 0700);
  }
  Own(const Own&) = delete;
  Own& operator=(const Own&) = delete;
  [[nodiscard]] std::string pidfile() const { return world_.file("run/west.pid"); }
  [[nodiscard]] const DeedWorld& world() const { return world_; }
  RightsCase step(const std::string& fault) {
    return RightsCase(world_, "  west: { process: " + pidfile() + " }\n",
                      "  - { fault: " + fault + ", for: 1s }\n");
  }
  void expect_works(const std::string& fault) {
    SCOPED_TRACE(fault);
    step(fault).expect_works();
    EXPECT_EQ(capabilities(), "0000000000000000") << "it has got rights of ours";
  }
  void expect_missed(const std::string& fault, const std::string& words) {
    SCOPED_TRACE(fault);
    const auto before = process_at(pidfile(), world_.doors());
    step(fault).expect_missed(words);
    const auto after = process_at(pidfile(), world_.doors());
    EXPECT_TRUE(before && after && before->id == after->id);
  }

  [[nodiscard]] std::string capabilities() {
    const auto living = process_at(pidfile(), world_.doors());
    if (!living) return living.error().text;
    const auto status =
        world_.doors().files.read("/proc/" + std::to_string(living->id.pid) + "/status");
    const auto at = status ? status->find("CapEff:\t") : std::string::npos;
    return at == std::string::npos ? "none" : status->substr(at + 8, 16);
  }

 private:
  void start(bool part_of_ours) {
    std::vector<std::string> argv = {std::string(GAMEDAY_BIN_DIR) + "/process_child", "serve",
                                     world_.file("said")};
    const auto plain = {"setpriv", "--inh-caps", "-all", "--ambient-caps", "-all"};
    if (!part_of_ours) argv.insert(argv.begin(), plain.begin(), plain.end());
    const auto id = world_.doors().processes.start_detached({argv, "/", {}}, world_.file("log"));
    ASSERT_TRUE(id) << id.error().text;
    ASSERT_TRUE(eventually([&] { return std::filesystem::exists(world_.file("said")); }));
    std::ofstream(pidfile()) << id->pid << "\n";
  }
  DeedWorld world_;
};

const std::vector<std::string> kEnding = {"kill, target: west", "restart, target: west",
                                          kMonotonic};

TEST(ProcessRights, OnesOwnProcessWantsNoMore) {
  as_user(kNobody, {}, [] {
    Own own;
    for (const char* fault : {"pause, target: west", "limit-descriptors, target: west, leave: 5",
                              "kill, target: west", "restart, target: west"}) {
      own.expect_works(fault);
    }
    own.expect_missed(kMonotonic, "we lack CAP_SYS_ADMIN and CAP_SYS_TIME");
  });
  as_user(kNobody, {}, {CAP_SYS_ADMIN, CAP_SYS_TIME}, [] { Own().expect_works(kMonotonic); });
  as_user(kNobody, {}, {CAP_SYS_ADMIN},
          [] { Own().expect_missed(kMonotonic, "we lack CAP_SYS_TIME"); });
  as_user(kNobody, {}, {CAP_SYS_TIME},
          [] { Own().expect_missed(kMonotonic, "we lack CAP_SYS_ADMIN"); });
}

// A proxy may want to listen where nobody else may, and a stressor to hold its memory.
TEST(ProcessRights, APartOfGamedayKeepsWhatItWasGiven) {
  as_user(kNobody, {}, {CAP_SYS_TIME}, [] {
    Own part(true);
    EXPECT_EQ(part.capabilities(), "0000000002000000");
  });
}

TEST(ProcessRights, WhatEndsItMustPutItBack) {
  const std::vector<int> clocks = {CAP_SYS_ADMIN, CAP_SYS_TIME};
  as_user(kNobody, {}, clocks, [] {
    Own own;
    EXPECT_EQ(chmod(own.world().file("run").c_str(), 0500), 0);
    for (const auto& fault : kEnding) own.expect_missed(fault, "is to get a new pid");
    EXPECT_EQ(chmod(own.world().file("run").c_str(), 0700), 0);
    rlimit limit{};
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_max = --limit.rlim_cur;
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (const auto& fault : kEnding) own.expect_missed(fault, "we lack CAP_SYS_RESOURCE");
  });
  // In a group that it is not in any more: only root's programs may give a file to that.
  as_user(kNobody, {kGroup}, {CAP_SETGID, CAP_SYS_ADMIN, CAP_SYS_TIME}, [&] {
    Own own;
    EXPECT_EQ(chown(own.pidfile().c_str(), kNobody, kGroup), 0);
    if (!become(kNobody, {}, clocks)) return;
    for (const auto& fault : kEnding) own.expect_missed(fault, "could not be given back");
  });
}

// A world of root's, in which a process of root's is, seen by somebody else.
TEST(ProcessRights, AnotherUsersProcessIsRefused) {
  Own roots;
  EXPECT_EQ(chmod(roots.world().file("").c_str(), 0755), 0);
  const auto expect = [&](const std::string& fault, const std::string& words) {
    SCOPED_TRACE(fault);
    DeedWorld world;
    RightsCase(world, "  west: { process: " + roots.pidfile() + " }\n",
               "  - { fault: " + fault + ", for: 1s }\n")
        .expect_missed(words);
  };
  const std::string descriptors = "limit-descriptors, target: west, leave: 5";
  as_user(kNobody, {}, [&] {
    for (const auto& fault : kEnding) expect(fault, "belongs to somebody else");
    expect("pause, target: west", "belongs to somebody else");
    expect(descriptors, "belongs to somebody else");
  });
  // Who may look at it may not yet do anything to it.
  as_user(kNobody, {}, {CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH}, [&] {
    for (const auto& fault : kEnding) expect(fault, "we lack CAP_KILL");
    expect("pause, target: west", "we lack CAP_KILL");
    expect(descriptors, "we lack CAP_SYS_RESOURCE");
    // It could not be told to read files again that are ours.
    const DeedWorld files;
    for (const char* name : {"a.pem", "a.key"}) std::ofstream(files.file(name)) << "a line\n";
    expect("bad-certificate, target: west, how: expired, certificate: " + files.file("a.pem") +
               ", key: " + files.file("a.key") + ", address: \"127.0.0.1:1\"",
           "we lack CAP_KILL");
    expect("revoke-credential, target: west, file: " + files.file("a.pem") +
               ", entry: a, url: \"http://127.0.0.1:1/\", credential: \"${env:HOME}\"",
           "we lack CAP_KILL");
  });
}

// A server of one's own that reads its files again when it is told.
class OwnEdge {
 public:
  OwnEdge() = default;
  ~OwnEdge() {
    // The one that was put back.
    if (const auto living = process_at(edge_.pidfile(), world_.doors())) {
      (void)world_.doors().processes.signal(living->id, SIGKILL);
    }
  }
  OwnEdge(const OwnEdge&) = delete;
  OwnEdge& operator=(const OwnEdge&) = delete;
  std::string certificate(const std::string& more = "") const {
    return "bad-certificate, target: edge, how: expired, certificate: " + edge_.file("edge.pem") +
           ", key: " + edge_.file("edge.key") + ", address: \"" + edge_.tls() + "\"" + more;
  }
  std::string credential() const {
    return "revoke-credential, target: edge, file: " + edge_.file("edge.tokens") +
           ", entry: alice, url: \"" + edge_.url() + "\", credential: \"${env:EDGE_TOKEN}\"";
  }
  std::string realtime() const {
    return "skew-clock, target: edge, clock: realtime, by: 1h, url: \"" + edge_.url() + "\"";
  }
  void expect_works(const std::string& fault) {
    SCOPED_TRACE(fault);
    step(fault).expect_works();
  }
  void expect_missed(const std::string& fault, const std::string& words) {
    SCOPED_TRACE(fault);
    const std::string before = edge_.content("edge.pem") + edge_.content("edge.tokens");
    step(fault).expect_missed(words);
    EXPECT_EQ(edge_.content("edge.pem") + edge_.content("edge.tokens"), before);
  }
  [[nodiscard]] const EdgeServer& edge() const { return edge_; }
  [[nodiscard]] const DeedWorld& world() const { return world_; }

 private:
  RightsCase step(const std::string& fault) {
    return RightsCase(world_, "  edge: { process: " + edge_.pidfile() + " }\n",
                      "  - { fault: " + fault + ", for: 1s }\n");
  }

  DeedWorld world_;
  EdgeServer edge_{world_};
};

TEST(ProcessRights, OnesOwnFilesWantNoMore) {
  as_user(kNobody, {kGroup}, [] {
    OwnEdge own;
    for (const char* name : {"edge.key", "edge.tokens"}) {
      EXPECT_EQ(chown(own.edge().file(name).c_str(), kNobody, kGroup), 0);
    }
    own.expect_works(own.certificate());
    own.expect_works(own.credential());
    const std::string folder = own.edge().file("");
    EXPECT_EQ(chmod(folder.c_str(), 0500), 0);
    for (const auto& fault : {own.certificate(), own.credential()}) {
      own.expect_missed(fault, "we may not exchange files in");
    }
    EXPECT_EQ(chmod(folder.c_str(), 0700), 0);
    std::ofstream(own.world().file("unread")) << "a key\n";
    EXPECT_EQ(chmod(own.world().file("unread").c_str(), 0), 0);
    own.expect_missed(own.certificate(", signed_by: " + own.edge().file("ca.pem") +
                                      ", signed_by_key: " + own.world().file("unread")),
                      "unread: Permission denied");
    own.expect_works(own.realtime());
  });
  // The same, in that group no more: to leave it takes a right, which the server is not given.
  as_user(kNobody, {kGroup}, {CAP_SETGID}, [] {
    EXPECT_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), 0);
    OwnEdge own;
    for (const char* name : {"edge.key", "edge.tokens"}) {
      EXPECT_EQ(chown(own.edge().file(name).c_str(), kNobody, kGroup), 0);
    }
    if (!become(kNobody, {})) return;
    own.expect_missed(own.certificate(), "edge.key is another user's or another group's");
    own.expect_missed(own.credential(), "edge.tokens is another user's or another group's");
  });
}

TEST(ProcessRights, AreToldOfEachRow) {
  const Rows rows = all_rows();
  expect_told(rows.faults, kNeeds, [](const auto& row) { return row.facet == "process"; });
}

}  // namespace
}  // namespace gameday
