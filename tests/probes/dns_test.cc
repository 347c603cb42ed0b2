#include "engine/sys/dns.h"

#include "engine/base/random.h"
#include "tests/probes/probe_world.h"

namespace gameday {

extern const ProbeRow dns_probe;

namespace {

using namespace std::chrono_literals;

std::string in_16(unsigned value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}
// "shop.example" as it stands in a packet.
std::string labels(const std::string& name) {
  std::string wire;
  std::size_t begin = 0;
  while (begin < name.size()) {
    const auto end = std::min(name.find('.', begin), name.size());
    wire += static_cast<char>(end - begin) + name.substr(begin, end - begin);
    begin = end + 1;
  }
  return wire + '\0';
}
std::string pointer(unsigned to) { return in_16(0xc000 | to); }
constexpr unsigned kQuestion = 12;  // where the asked name stands

std::string record(const std::string& owner, unsigned type, const std::string& data) {
  return owner + in_16(type) + in_16(1) + in_16(0) + in_16(60) +
         in_16(static_cast<unsigned>(data.size())) + data;
}
std::string four(int last) { return {10, 0, 0, static_cast<char>(last)}; }

// An answer to `question` (a whole packet) with these records.
std::string answer_to(const std::string& question, const std::vector<std::string>& records,
                      unsigned flags = 0x8180) {
  std::string packet = question.substr(0, 2) + in_16(flags) + in_16(1) +
                       in_16(static_cast<unsigned>(records.size())) + in_16(0) + in_16(0) +
                       question.substr(kQuestion);
  for (const auto& one : records) packet += one;
  return packet;
}

using Answers = std::function<std::vector<std::string>(const std::string& question)>;

// A DNS server over UDP; and over TCP at the same port, where it has something to say there.
class DnsServer {
 public:
  explicit DnsServer(
      Answers answers, TestServer::Serve serve = [](int, const std::stop_token&) {})
      : answers_(std::move(answers)), tcp_(std::move(serve)) {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  [[nodiscard]] std::string address() const { return tcp_.address(); }

 private:
  static Descriptor beside(const TestServer& tcp) {
    Descriptor made(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(tcp.port()));
    EXPECT_EQ(bind(made.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return made;
  }
  void answer_datagram() {
    char heard[1024];
    sockaddr_in from{};
    socklen_t length = sizeof from;
    auto* const generic = reinterpret_cast<sockaddr*>(&from);
    const ssize_t size = recvfrom(udp_.get(), heard, sizeof heard, 0, generic, &length);
    if (size < 0) return;
    for (const auto& packet : answers_(std::string(heard, static_cast<std::size_t>(size)))) {
      sendto(udp_.get(), packet.data(), packet.size(), 0, generic, length);
    }
  }
  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd wait{udp_.get(), POLLIN, 0};
      if (poll(&wait, 1, 5) > 0) answer_datagram();
    }
  }
  Answers answers_;
  TestServer tcp_;
  Descriptor udp_ = beside(tcp_);
  std::jthread thread_;
};

Answers records(std::vector<std::string> list, unsigned flags = 0x8180) {
  return [list = std::move(list), flags](const std::string& question) {
    return std::vector{answer_to(question, list, flags)};
  };
}
Answers two_addresses() {
  return records({record(pointer(kQuestion), 1, four(1)), record(pointer(kQuestion), 1, four(2))});
}

class DnsProbeTest : public ProbeTest {
 protected:
  DnsProbeTest() : ProbeTest(dns_probe) {}

  Answer ask_of(const DnsServer& server, const Json& expect = {}, const std::string& type = "A",
                Duration d = 10s) {
    return attempt(arguments(server, expect, type), d);
  }
  static Json arguments(const DnsServer& server, const Json& expect = {},
                        const std::string& type = "A") {
    return Json::object({{"name", "Shop.example"},
                         {"type", type},
                         {"server", server.address()},
                         {"expect", expect}});
  }
  static Json addresses(const Json::Array& list) {
    return Json::object({{"addresses", Json(list)}});
  }
  void expect_no_answer(const DnsServer& server, const std::string& why) {
    expect_no(ask_of(server), "no answer (" + server.address() + ": " + why + ")");
  }
};

TEST_F(DnsProbeTest, TheExpectedAddressesAreGood) {
  const DnsServer server(two_addresses());
  const auto plain = ask_of(server);
  EXPECT_TRUE(plain.ok);
  EXPECT_EQ(plain.text, "10.0.0.1, 10.0.0.2");
  EXPECT_TRUE(ask_of(server, addresses({"10.0.0.2", "10.0.0.1"})).ok);
  EXPECT_TRUE(ask_of(server, Json::object({{"at_least", 2}})).ok);
}

TEST_F(DnsProbeTest, OtherAddressesAreNot) {
  const DnsServer server(two_addresses());
  expect_no(ask_of(server, addresses({"10.0.0.1"})), "10.0.0.1, 10.0.0.2, expected 10.0.0.1");
  expect_no(ask_of(server, addresses({"10.0.0.1", "10.0.0.3"})),
            "10.0.0.1, 10.0.0.2, expected 10.0.0.1, 10.0.0.3");
  expect_no(ask_of(server, Json::object({{"at_least", 3}})),
            "10.0.0.1, 10.0.0.2, expected at least 3");
  expect_no(ask_of(server, Json::object({{"none", true}})),
            "10.0.0.1, 10.0.0.2, expected no address");
}

TEST_F(DnsProbeTest, ANameThatIsNotThereIsNotGoodUnlessThatIsExpected) {
  const DnsServer unknown(records({}, 0x8183));
  expect_no(ask_of(unknown), "no such name, expected at least 1");
  EXPECT_TRUE(ask_of(unknown, Json::object({{"none", true}})).ok);
  const DnsServer empty(records({}));
  expect_no(ask_of(empty), "no address, expected at least 1");
  EXPECT_TRUE(ask_of(empty, Json::object({{"none", true}})).ok);
}

TEST_F(DnsProbeTest, AServerThatCannotTellIsNotGoodWhateverIsExpected) {
  for (const auto& [flags, name] :
       {std::pair{0x8182u, "SERVFAIL"}, {0x8185u, "REFUSED"}, {0x818fu, "code 15"}}) {
    const DnsServer server(records({}, flags));
    expect_no(ask_of(server, Json::object({{"none", true}})),
              "the server says " + std::string(name));
  }
  // One that did not understand the question does not repeat it.
  const DnsServer bare([](const std::string& question) {
    return std::vector{question.substr(0, 2) + in_16(0x8181) + std::string(8, '\0')};
  });
  expect_no(ask_of(bare), "the server says FORMERR");
}

TEST_F(DnsProbeTest, SixteenBytesAreAnAddressOfIpv6) {
  const std::string six = "\x20\x01\x0d\xb8" + std::string(11, '\0') + "\x01";
  const DnsServer server(records({record(pointer(kQuestion), 28, six)}));
  EXPECT_TRUE(ask_of(server, addresses({"2001:db8:0::1"}), "AAAA").ok);
  expect_no(ask_of(server, {}, "A"), "no address, expected at least 1");
}

TEST_F(DnsProbeTest, AnAliasIsFollowedInWhateverOrder) {
  const auto alias = record(labels("shop.EXAMPLE"), 5, labels("www").substr(0, 4) + pointer(17));
  const auto other = record(labels("elsewhere"), 1, four(9));
  const auto end = record(labels("WWW.example"), 1, four(7));
  const DnsServer server(records({other, end, alias}));
  EXPECT_TRUE(ask_of(server, addresses({"10.0.0.7"})).ok);
  const auto there = record(pointer(kQuestion), 5, labels("b"));
  const auto back = record(labels("b"), 5, labels("shop.example"));
  expect_no_answer(DnsServer(records({there, back})),
                   "a malformed answer: its aliases go round in a circle");
}

TEST_F(DnsProbeTest, AnAnswerToAnotherQuestionIsPassedOver) {
  const auto strangers = [](const std::string& question) {
    const auto right = answer_to(question, {record(pointer(kQuestion), 1, four(1))});
    std::string id = right;
    id[1] = static_cast<char>(id[1] ^ 1);
    std::string name = right;
    name[kQuestion + 1] = 'x';
    std::string type = right;
    type[kQuestion + 15] = 28;
    return std::vector{id, name, type, question};
  };
  const DnsServer server(strangers);
  expect_no(ask_of(server, {}, "A", 100ms),
            "no answer (" + server.address() +
                ": an answer to another question came: the deadline passed)");
}

TEST_F(DnsProbeTest, TheRightAnswerBehindAWrongOneIsTaken) {
  const DnsServer server([](const std::string& question) {
    auto right = answer_to(question, {record(pointer(kQuestion), 1, four(1))});
    std::string wrong = answer_to(question, {record(pointer(kQuestion), 1, four(66))});
    wrong[0] = static_cast<char>(wrong[0] ^ 1);
    return std::vector{wrong, right};
  });
  EXPECT_TRUE(ask_of(server, addresses({"10.0.0.1"})).ok);
}

TEST_F(DnsProbeTest, GarbageIsNot) {
  const auto with = [](const std::string& garbage) { return records({garbage}); };
  const std::string malformed = "a malformed answer: ";
  const DnsServer tiny([](const std::string&) { return std::vector<std::string>{"hello"}; });
  expect_no_answer(tiny, malformed + "it is shorter than a header");
  const std::string beyond = malformed + "a record goes beyond its end";
  expect_no_answer(DnsServer(with("")), beyond);
  expect_no_answer(DnsServer(with(pointer(30))), beyond);   // at itself
  expect_no_answer(DnsServer(with(pointer(500))), beyond);  // at nothing
  expect_no_answer(DnsServer(with("\x40" + std::string(90, 'x'))), beyond);
  expect_no_answer(DnsServer(with(std::string("\x3f") + "short")), beyond);
  std::string cut = record(pointer(kQuestion), 1, four(1));
  cut.pop_back();
  expect_no_answer(DnsServer(with(cut)), beyond);
  expect_no_answer(DnsServer(with(record(pointer(kQuestion), 1, "123"))),
                   malformed + "an address of the wrong length");
  expect_no_answer(DnsServer(with(record(pointer(kQuestion), 5,
                                         "\x05"
                                         "ab"))),
                   malformed + "an alias of no name");
  const DnsServer mute([](const std::string& question) {
    return std::vector{question.substr(0, 2) + in_16(0x8180) + std::string(8, '\0')};
  });
  expect_no_answer(mute, malformed + "it does not repeat the question");
}

TEST_F(DnsProbeTest, ANameTooLongForOneIsNot) {
  // Each pointer leads back to more labels: names that grow beyond what a name may be.
  std::string much;
  for (int i = 0; i < 5; ++i) much += std::string(1, 63) + std::string(63, 'x');
  expect_no_answer(DnsServer(records({much + '\0' + std::string(10, '\0')})),
                   "a malformed answer: a record goes beyond its end");
}

TEST_F(DnsProbeTest, NoPacketWhateverItsBytesIsReadBeyondItsEnd) {
  const DnsQuestion question{"shop.example", DnsType::a};
  const std::string good =
      answer_to(*dns_packet(question, 7),
                {record(pointer(kQuestion), 5, labels("b")), record(labels("b"), 1, four(1))});
  ASSERT_TRUE(read_dns_packet(good, question, 7));
  for (std::size_t size = 0; size < good.size(); ++size) {
    // On the heap and of just that size, for the sanitizer to see.
    const std::vector<char> bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(read_dns_packet({bytes.data(), size}, question, 7)) << size;
  }
  Random random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<char> bytes(good.begin(), good.end());
    for (std::uint64_t changes = random.below(6) + 1; changes > 0; --changes) {
      bytes[2 + random.below(bytes.size() - 2)] = static_cast<char>(random.below(256));
    }
    static_cast<void>(read_dns_packet({bytes.data(), bytes.size()}, question, 7));
  }
}

// Says over TCP what `answer` makes of the question; `length` in place of the right one.
TestServer::Serve over_tcp(const Answers& answers, int more = 0) {
  return [answers, more](int line, const std::stop_token& stop) {
    const std::string heard = TestServer::received(line, stop);
    if (heard.size() < 2) return;
    const auto packet = answers(heard.substr(2)).front();
    const auto said = static_cast<unsigned>(static_cast<int>(packet.size()) + more);
    TestServer::give(line, in_16(said) + packet, stop);
  };
}

TEST_F(DnsProbeTest, ACutAnswerIsAskedForOverTcp) {
  const Answers cut = records({}, 0x8380);
  std::vector<std::string> many;
  for (int i = 1; i <= 100; ++i) many.push_back(record(pointer(kQuestion), 1, four(i)));
  const DnsServer server(cut, over_tcp(records(many)));
  EXPECT_TRUE(ask_of(server, Json::object({{"at_least", 100}})).ok);
  expect_no_answer(DnsServer(cut, over_tcp(cut)),
                   "too long for UDP: the answer is cut over TCP too");
  expect_no_answer(DnsServer(cut, over_tcp(records(many), 5)),
                   "too long for UDP: the answer over TCP breaks off");
  const DnsServer silent(cut, TestServer::keep);
  EXPECT_LT(after_stop(arguments(silent)), 200ms);
}

TEST_F(DnsProbeTest, WhoNeverAnswersIsNot) {
  const DnsServer silent([](const std::string&) { return std::vector<std::string>{}; });
  expect_no(ask_of(silent, Json::object({{"none", true}}), "A", 50ms),
            "no answer (" + silent.address() + ": the deadline passed)");
  EXPECT_LT(after_stop(arguments(silent)), 200ms);
  const LoopbackSocket nobody(SOCK_STREAM);
  const Json refused = Json::object({{"name", "shop.example"}, {"server", nobody.address()}});
  expect_no(attempt(refused),
            "no answer (" + nobody.address() + ": no answer: Connection refused)");
}

TEST_F(DnsProbeTest, CheckRefusesWhatCannotBeMeant) {
  const auto wrong = [&](const std::string& expect, const std::string& type = "A") {
    return problem("{ dns: shop.example, type: " + type + ", expect: { " + expect + " } }");
  };
  EXPECT_EQ(wrong("addresses: [10.0.0.1], at_least: 1"), "");
  EXPECT_TRUE(wrong("none: true, at_least: 1").contains("cannot both be expected"));
  EXPECT_TRUE(wrong("none: true, addresses: [10.0.0.1]").contains("cannot both be expected"));
  EXPECT_TRUE(wrong("addresses: []").contains("must not be empty"));
  EXPECT_TRUE(wrong("addresses: [\"::1\"]").contains("'::1' is no address of that type"));
  EXPECT_TRUE(wrong("addresses: [10.0.0.1]", "AAAA").contains("'10.0.0.1' is no address"));
}

TEST_F(DnsProbeTest, WhatIsNoNameIsNotAsked) {
  const DnsServer server(two_addresses());
  const auto about = [&](const std::string& name) {
    Json asked = arguments(server);
    asked.set("name", name);
    return row_.ask(asked, world_.context());  // as long as it is
  };
  EXPECT_TRUE(about("shop.example.").ok);
  for (const std::string& wrong : {std::string("a..b"), std::string(64, 'x'), std::string("a b"),
                                   std::string("büro.example"), std::string(".")}) {
    const auto answer = about(wrong);
    EXPECT_FALSE(answer.ok);
    EXPECT_TRUE(answer.text.contains("is no name to ask for: ")) << answer.text;
  }
  std::string longest;
  for (int i = 0; i < 64; ++i) longest += "abc.";
  EXPECT_TRUE(about(longest).text.contains("longer than 253")) << about(longest).text;
}

}  // namespace
}  // namespace gameday
