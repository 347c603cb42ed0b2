// `dns`: names as real processes resolve them, from files of both kinds.
#include <arpa/inet.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>

#include "drills/systems/look_up.h"
#include "drills/systems/name_file.h"
#include "drills/systems/owned_file.h"
#include "tests/drills/netns_fixture.h"

namespace gameday {

extern const FaultRow dns_fault;

namespace {

using namespace std::chrono_literals;

constexpr const char* kHosts =
    "127.0.0.1\tlocalhost\n"
    "# 10.1.1.1 store.shop\n"
    "10.0.0.5 store.shop db.shop # both\n"
    "10.0.0.6 STORE.shop\n"
    "10.0.0.7 front.shop";  // without an end of line

Json list(std::initializer_list<const char*> texts) {
  Json items = Json::array();
  for (const char* text : texts) items.push(text);
  return items;
}

class DnsFaultTest : public testing::Test {
 protected:
  DnsFaultTest() {
    std::filesystem::create_directories(world_.private_folder());
    write(kHosts);
    chmod(hosts().c_str(), 0640);
    EXPECT_EQ(chown(hosts().c_str(), 12, 34), 0) << "this test must be run as root";
  }
  std::string hosts() const { return world_.file("hosts"); }
  void write(const std::string& bytes) const { std::ofstream(hosts()) << bytes; }
  std::string bytes() { return world_.doors().files.read(hosts()).value_or("none"); }

  Result<Undo> prepare(const Json& more = Json::object()) {
    Json arguments = Json::object({{"file", hosts()},
                                   {"kind", "hosts"},
                                   {"names", list({"store.shop"})},
                                   {"to", list({"192.0.2.1", "2001:db8::1"})},
                                   {"i_mean", "nothing"}});
    for (const auto& [name, value] : more.members()) arguments.set(name, value);
    deed_.arguments = arguments;
    return dns_fault.prepare(deed_, world_.context());
  }
  Undo injected(const Json& more = Json::object()) {
    const auto undo = prepare(more);
    EXPECT_TRUE(undo) << (undo ? "" : undo.error().text);
    const auto done = dns_fault.inject(deed_, undo.value_or(Undo{}), world_.context());
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    return undo.value_or(Undo{});
  }
  Proof proof(const Undo& undo) {
    const auto seen = dns_fault.prove(deed_, undo, world_.context());
    EXPECT_TRUE(seen) << (seen ? "" : seen.error().text);
    return seen.value_or(Proof{});
  }
  Proof gone(const Undo& undo) {
    const auto seen = dns_fault.gone(undo, world_.context());
    EXPECT_TRUE(seen) << (seen ? "" : seen.error().text);
    return seen.value_or(Proof{});
  }
  void expect_undone(const Undo& undo) {
    const auto done = dns_fault.undo(undo, world_.context());
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    EXPECT_TRUE(gone(undo).held) << gone(undo).text;
  }
  std::vector<std::string> leads(const std::string& name) {
    return look_up(name, NameFile::hosts, hosts(), world_.context()).value();
  }
  struct stat facts() const {
    struct stat found{};
    stat(hosts().c_str(), &found);
    return found;
  }

  DeedWorld world_;
  Deed deed_{.id = "step", .kind = "dns", .target = "", .arguments = Json::object()};
};

using Addresses = std::vector<std::string>;

TEST_F(DnsFaultTest, OfBothFamiliesTheNameLeadsAstrayAndNoOther) {
  ASSERT_EQ(leads("store.shop"), (Addresses{"10.0.0.5", "10.0.0.6"}));
  const Undo undo = prepare().value();
  EXPECT_EQ(bytes(), kHosts) << "preparing must change nothing";
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(dns_fault.inject(deed_, undo, world_.context()));
  EXPECT_EQ(leads("store.shop"), (Addresses{"192.0.2.1", "2001:db8::1"}));
  EXPECT_EQ(leads("db.shop"), Addresses{"10.0.0.5"}) << "it shares a line with the one that is hit";
  EXPECT_EQ(leads("front.shop"), Addresses{"10.0.0.7"});
  EXPECT_TRUE(proof(undo).held);
  EXPECT_EQ(proof(undo).text,
            "store.shop leads to 192.0.2.1, 2001:db8::1, before to 10.0.0.5, 10.0.0.6");
  EXPECT_EQ(gone(undo).text, hosts() + " still has lines of this deed");
  EXPECT_EQ(facts().st_uid, 12U);
  expect_undone(undo);
  EXPECT_EQ(gone(undo).text, hosts() + " is as it was; store.shop leads to 10.0.0.5, 10.0.0.6");
  EXPECT_EQ(bytes(), kHosts);
  EXPECT_EQ(facts().st_uid, 12U);
  EXPECT_EQ(facts().st_gid, 34U);
  EXPECT_EQ(facts().st_mode & 07777, 0640U);
  ASSERT_TRUE(dns_fault.close(undo, false, world_.context()));
  EXPECT_TRUE(std::filesystem::is_empty(world_.private_folder()));
}

TEST_F(DnsFaultTest, AFileThatIsMountedSomewhereIsWrittenInPlace) {
  const std::string mounted = world_.file("mounted");
  std::ofstream(mounted) << "";
  ASSERT_EQ(mount(hosts().c_str(), mounted.c_str(), nullptr, MS_BIND, nullptr), 0);
  const auto inode = facts().st_ino;
  const Undo undo = injected(Json::object({{"file", mounted}}));
  EXPECT_EQ(facts().st_ino, inode) << "whoever has it mounted would see the old one";
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  EXPECT_EQ(leads("store.shop"), (Addresses{"192.0.2.1", "2001:db8::1"}));
  expect_undone(undo);
  EXPECT_EQ(facts().st_ino, inode);
  EXPECT_EQ(bytes(), kHosts);
  for (const auto& entry : std::filesystem::directory_iterator(world_.file(""))) {
    EXPECT_EQ(entry.path().string().find(".gameday-"), std::string::npos) << entry.path();
  }
  EXPECT_EQ(umount(mounted.c_str()), 0);
}

TEST_F(DnsFaultTest, AFileWithTwoNamesStaysOne) {
  std::filesystem::create_hard_link(hosts(), world_.file("second"));
  const Undo undo = injected();
  EXPECT_TRUE(std::filesystem::equivalent(hosts(), world_.file("second")));
  expect_undone(undo);
  EXPECT_TRUE(std::filesystem::equivalent(hosts(), world_.file("second")));
}

TEST_F(DnsFaultTest, ALinkToAFileStaysOne) {
  std::filesystem::create_symlink(hosts(), world_.file("link"));
  const Undo undo = injected(Json::object({{"file", world_.file("link")}}));
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  expect_undone(undo);
  EXPECT_TRUE(std::filesystem::is_symlink(world_.file("link")));
  EXPECT_EQ(bytes(), kHosts);
}

TEST_F(DnsFaultTest, WhatOthersWroteMeanwhileStaysWhenOurLinesGo) {
  const Undo undo = injected();
  write("10.0.0.8 early.shop\n" + bytes() + "\n10.0.0.9 late.shop\n");
  expect_undone(undo);
  EXPECT_EQ(bytes(), "10.0.0.8 early.shop\n" + std::string(kHosts) + "\n10.0.0.9 late.shop\n");
  EXPECT_NE(gone(undo).text.find("was changed by somebody else"), std::string::npos);
}

TEST_F(DnsFaultTest, WithoutItsSavedCopyTheSameBytesComeBack) {
  const Undo undo = injected();
  std::filesystem::remove_all(world_.private_folder());
  chmod(hosts().c_str(), 0600);
  expect_undone(undo);
  EXPECT_EQ(bytes(), kHosts);
  EXPECT_EQ(facts().st_mode & 07777, 0640U);
}

TEST_F(DnsFaultTest, WhatIsLeftOfAWriteInPlaceIsPutRight) {
  const Undo undo = injected();
  const std::string wrong = bytes(), right = kHosts;
  for (const std::size_t written : {1UL, 20UL, right.size() - 1, right.size()}) {
    write(wrong.substr(0, written) + right.substr(written));
    expect_undone(undo);
    EXPECT_EQ(bytes(), right) << written;
    write(right.substr(0, written) + wrong.substr(written));
    expect_undone(undo);
    EXPECT_EQ(bytes(), right) << written;
  }
}

TEST_F(DnsFaultTest, AFileThatSomebodyElseRemovedOrReplacedNeedsNoUndo) {
  const Undo undo = injected();
  write("10.9.9.9 store.shop\n");
  EXPECT_FALSE(proof(undo).held);
  expect_undone(undo);
  EXPECT_EQ(bytes(), "10.9.9.9 store.shop\n");
  std::filesystem::remove(hosts());
  expect_undone(undo);
}

TEST_F(DnsFaultTest, ItIsNeitherProvenNorGoneByLinesAlone) {
  const Undo undo = injected();
  // Our lines are there, and the name leads to where it should all the same.
  write(bytes() + "\n10.0.0.5 store.shop\n");
  EXPECT_FALSE(proof(undo).held) << proof(undo).text;
  // Our lines are not there, and the name leads astray all the same.
  write("192.0.2.1 store.shop\n2001:db8::1 store.shop\n");
  ASSERT_TRUE(dns_fault.undo(undo, world_.context()));
  EXPECT_FALSE(gone(undo).held);
  EXPECT_NE(gone(undo).text.find("all the same"), std::string::npos) << gone(undo).text;
  // A block without its end is nobody's to take apart.
  write("#gameday:drill-1 begin\n10.0.0.5 store.shop\n");
  ASSERT_TRUE(dns_fault.undo(undo, world_.context()));
  EXPECT_FALSE(gone(undo).held);
}

TEST_F(DnsFaultTest, AChangeBetweenPreparingAndDoingIsFoundOut) {
  const Undo undo = prepare().value();
  write("10.9.9.9 store.shop\n");
  const auto done = dns_fault.inject(deed_, undo, world_.context());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::conflict);
  EXPECT_EQ(bytes(), "10.9.9.9 store.shop\n");
}

TEST_F(DnsFaultTest, RefusesTheMachinesOwnWhatIsThereAlreadyAndWhatIsNoFile) {
  const auto code = [&](const Json& more) {
    const auto undo = prepare(more);
    return undo ? std::string("accepted") : std::string(name_of(undo.error().code));
  };
  EXPECT_EQ(code(Json::object({{"file", "/etc/hosts"}})), "refused");
  EXPECT_EQ(code(Json::object({{"file", "/etc/hosts"}, {"i_mean", "/etc/resolv.conf"}})),
            "refused");
  EXPECT_EQ(code(Json::object({{"file", "/etc/resolv.conf"}, {"kind", "resolver"}})), "refused");
  EXPECT_EQ(code(Json::object({{"file", "/etc/hosts"}, {"i_mean", "/etc/hosts"}})), "accepted");
  std::filesystem::create_symlink("/etc/hosts", world_.file("disguised"));
  EXPECT_EQ(code(Json::object({{"file", world_.file("disguised")}})), "refused");
  EXPECT_EQ(code(Json::object({{"file", world_.file("none")}})), "not_found");
  EXPECT_EQ(code(Json::object({{"file", world_.file("private")}})), "invalid");
  EXPECT_EQ(code(Json::object({{"to", list({"10.0.0.6", "10.0.0.5"})}})), "refused")
      << "it leads there already";
  const Undo undo = injected();
  EXPECT_EQ(code(Json::object()), "conflict");
  const auto marks = dns_fault.discover(deed_, world_.context());
  ASSERT_TRUE(marks);
  EXPECT_EQ(marks->items().front().text("mark"), "drill-1");
  expect_undone(undo);
}

TEST_F(DnsFaultTest, ChecksWhatItIsTold) {
  const auto fits = [](const char* names, const Json& to) {
    Step step;
    step.arguments.set("names", list({names})).set("to", to);
    return dns_fault.fits(step).has_value();
  };
  EXPECT_TRUE(fits("store.shop", list({"10.0.0.1"})));
  for (const char* wrong : {"", "two words", "line\nbreak", "-f", "a#b"}) {
    EXPECT_FALSE(fits(wrong, list({"10.0.0.1"}))) << wrong;
  }
  EXPECT_FALSE(fits("store.shop", list({"10.0.0"})));
  EXPECT_FALSE(fits("store.shop", list({})));
  Step none;
  EXPECT_FALSE(dns_fault.fits(none));
}

TEST_F(DnsFaultTest, DiesAnywhereAndIsUndone) {
  for (int change = 0; change < 10; ++change) {
    const Undo undo = prepare().value();
    const bool died =
        world_.dies_at(change, [&] { (void)dns_fault.inject(deed_, undo, world_.context()); });
    expect_undone(undo);
    EXPECT_EQ(bytes(), kHosts);
    if (died) continue;
    EXPECT_GT(change, 1);
    return;
  }
  FAIL() << "it never came to its end";
}

// Says of every name that it leads to that address, in a network namespace.
class NameServer {
 public:
  NameServer(const std::string& entrance, const std::string& address, const char* answer)
      : socket_(socket_inside(entrance, AF_INET, SOCK_DGRAM).value()) {
    const auto where = resolve_address(address + ":53");
    EXPECT_EQ(bind(socket_.get(), where->get(), where->size), 0);
    inet_pton(AF_INET, answer, answer_);
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }

 private:
  void serve(const std::stop_token& stop) const {
    while (!stop.stop_requested()) {
      pollfd wait{socket_.get(), POLLIN, 0};
      if (poll(&wait, 1, 50) <= 0) continue;
      char packet[512];
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      auto* whom = reinterpret_cast<sockaddr*>(&from);
      const ssize_t got = recvfrom(socket_.get(), packet, sizeof packet, 0, whom, &size);
      if (got < 17) continue;
      const std::string reply = answer_to(std::string(packet, static_cast<std::size_t>(got)));
      (void)sendto(socket_.get(), reply.data(), reply.size(), 0, whom, size);
    }
  }
  std::string answer_to(std::string question) const {
    const auto end = question.find('\0', 12) + 5;  // of the name, its type and class
    const bool four = question[end - 3] == 1;
    std::string reply = question.substr(0, end);
    reply[2] = static_cast<char>(0x84);
    reply[3] = 0;
    reply[7] = four ? 1 : 0;
    reply[11] = 0;
    if (!four) return reply;
    reply += std::string("\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04", 12);
    return reply.append(answer_, 4);
  }

  Descriptor socket_;
  char answer_[4] = {};
  std::jthread thread_;
};

// A network namespace with a name, and files of its own in /etc/netns.
class NamedNetns {
 public:
  explicit NamedNetns(DeedWorld& world)
      : world_(world), name_("gameday-test-" + std::to_string(getpid())) {
    ip({"netns", "add", name_});
    ip({"-n", name_, "link", "set", "lo", "up"});
    std::filesystem::create_directories(folder());
  }
  ~NamedNetns() {
    std::filesystem::remove_all(folder());
    std::error_code others;  // only where nobody else has anything in it
    std::filesystem::remove("/etc/netns", others);
    ip({"netns", "del", name_});
  }
  std::string folder() const { return "/etc/netns/" + name_; }
  std::string entrance() const { return "/run/netns/" + name_; }

 private:
  void ip(std::vector<std::string> words) const {
    words.insert(words.begin(), "ip");
    const auto ended = world_.doors().processes.run({words, "/", {}}, world_.context().until);
    EXPECT_TRUE(ended && ended->succeeded()) << (ended ? ended->output : ended.error().text);
  }
  DeedWorld& world_;
  std::string name_;
};

TEST_F(DnsFaultTest, AResolverThatAsksADeadOrAWrongServer) {
  const NamedNetns netns(world_);
  const NameServer right(netns.entrance(), "127.0.0.1", "10.0.0.5"),
      liar(netns.entrance(), "127.0.0.2", "192.0.2.66");
  const std::string file = netns.folder() + "/resolv.conf";
  const std::string before = "search shop\nnameserver 127.0.0.1\noptions timeout:1\n";
  std::ofstream(file) << before;
  const auto about = [&](const char* server) {
    return Json::object({{"file", file},
                         {"kind", "resolver"},
                         {"names", list({"store.example"})},
                         {"to", list({server})}});
  };
  Undo undo = injected(about("127.0.0.3"));
  EXPECT_TRUE(proof(undo).held);
  EXPECT_EQ(proof(undo).text, "store.example leads nowhere, before to 10.0.0.5");
  expect_undone(undo);
  EXPECT_EQ(world_.doors().files.read(file).value(), before);
  EXPECT_EQ(gone(undo).text, file + " is as it was; store.example leads to 10.0.0.5");
  undo = injected(about("127.0.0.2"));
  EXPECT_TRUE(proof(undo).held);
  EXPECT_EQ(proof(undo).text, "store.example leads to 192.0.2.66, before to 10.0.0.5");
  expect_undone(undo);
  undo = injected(about("127.0.0.1"));
  EXPECT_FALSE(proof(undo).held) << "the same server is asked, which says the same";
  expect_undone(undo);
}

}  // namespace
}  // namespace gameday
