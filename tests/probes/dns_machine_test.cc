// Names as the programs of this machine look them up, on machines that are made for it.
#include "tests/probes/probe_world.h"
#include "tests/silent_name_server.h"

namespace gameday {

extern const ProbeRow dns_probe;

namespace {

using namespace std::chrono_literals;

// Knows shop.example, which is 10.0.0.7, and says of other names that there is none.
class NameServer {
 public:
  NameServer() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
    address.sin_port = htons(53);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    EXPECT_EQ(bind(socket_.get(), generic, sizeof address), 0);
    thread_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) answer();
    });
  }

 private:
  static std::string answer_to(std::string packet) {
    constexpr std::size_t kQuestion = 12;
    const std::string known("\4shop\7example\0\0\1", 16);
    const bool is_known = packet.find(known) == kQuestion;
    packet.resize(std::min(packet.find('\0', kQuestion) + 5, packet.size()));
    packet[2] = '\x81';
    packet[3] = is_known ? '\x80' : '\x83';
    packet.replace(6, 6, {0, static_cast<char>(is_known ? 1 : 0), 0, 0, 0, 0});
    const std::string record("\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\0\0\7", 16);
    return is_known ? packet + record : packet;
  }
  void answer() {
    pollfd wait{socket_.get(), POLLIN, 0};
    if (poll(&wait, 1, 5) <= 0) return;
    char heard[1024];
    sockaddr_in from{};
    socklen_t length = sizeof from;
    auto* const generic = reinterpret_cast<sockaddr*>(&from);
    const ssize_t size = recvfrom(socket_.get(), heard, sizeof heard, 0, generic, &length);
    if (size < 17) return;
    const std::string said = answer_to({heard, static_cast<std::size_t>(size)});
    sendto(socket_.get(), said.data(), said.size(), 0, generic, length);
  }

  Descriptor socket_{socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  std::jthread thread_;
};

class DnsMachineTest : public ProbeTest {
 protected:
  DnsMachineTest() : ProbeTest(dns_probe) {}

  static constexpr const char* kServed = "search example\nnameserver 127.0.0.2";

  static Json about(const std::string& name, const Json& expect = {}, const char* type = "A") {
    return Json::object({{"name", name}, {"type", type}, {"expect", expect}});
  }
  static Json addresses(const Json::Array& list) {
    return Json::object({{"addresses", Json(list)}});
  }
  static Json none() { return Json::object({{"none", true}}); }

  // Of the child that a machine of its own was made for: its failures are told by its end.
  [[nodiscard]] bool holds(const Json& arguments) {
    const auto answer = attempt(arguments);
    EXPECT_TRUE(answer.ok) << arguments.dump() << ": " << answer.text;
    return answer.ok;
  }
  [[nodiscard]] bool says(const Json& arguments, const std::string& text, Duration d = 10s) {
    const auto answer = attempt(arguments, d);
    EXPECT_EQ(answer.text, text) << arguments.dump();
    return !answer.ok && answer.text == text;
  }
  void put(const std::string& text, const char* place) const {
    write("put", text);
    const std::string from = world_.file("put");
    ASSERT_EQ(mount(from.c_str(), place, nullptr, MS_BIND, nullptr), 0) << place;
  }
};

TEST_F(DnsMachineTest, TheHostsFileIsReadAsProgramsDo) {
  EXPECT_TRUE(with_a_silent_name_server([&] {
    put("127.0.0.1 localhost\n10.0.0.2 shop.example\n10.0.0.1 shop.example\n"
        "2001:db8::1 six.example\n",
        "/etc/hosts");
    return holds(about("localhost", addresses({"127.0.0.1"}))) &&
           holds(about("shop.example", addresses({"10.0.0.1", "10.0.0.2"}))) &&
           holds(about("six.example", addresses({"2001:db8:0::1"}), "AAAA")) &&
           says(about("shop.example", addresses({"10.0.0.3"})),
                "10.0.0.1, 10.0.0.2, expected 10.0.0.3") &&
           says(about("shop.example", Json::object({{"at_least", 3}})),
                "10.0.0.1, 10.0.0.2, expected at least 3") &&
           says(about("shop.example", none()), "10.0.0.1, 10.0.0.2, expected no address");
  }));
}

TEST_F(DnsMachineTest, TheSearchListIsGoneThrough) {
  EXPECT_TRUE(with_a_silent_name_server(
      [&] {
        const NameServer server;
        return holds(about("shop", addresses({"10.0.0.7"}))) &&
               says(about("shop.", addresses({"10.0.0.7"})), "no address, expected 10.0.0.7");
      },
      kServed));
}

TEST_F(DnsMachineTest, ANameThatIsNotThereIsNotGoodUnlessThatIsExpected) {
  EXPECT_TRUE(with_a_silent_name_server(
      [&] {
        const NameServer server;
        return says(about("bank.example"), "no address, expected at least 1") &&
               holds(about("bank.example", none()));
      },
      kServed));
}

TEST_F(DnsMachineTest, WhereNobodyCanTellItIsNotThatThereIsNone) {
  EXPECT_TRUE(with_a_silent_name_server(
      [&] {  // nobody listens there
        return says(about("bank.example", none()),
                    "no answer (cannot look bank.example up: Temporary failure in name "
                    "resolution)");
      },
      kServed));
}

TEST_F(DnsMachineTest, WhoNeverAnswersIsNotAndDoesNotHoldUpAStop) {
  EXPECT_TRUE(with_a_silent_name_server([&] {
    return says(about("bank.example", none()),
                "no answer (looking up bank.example: the deadline passed)", 50ms) &&
           after_stop(about("bank.example")) < 200ms;
  }));
}

// Those that were left behind must not stand before it.
TEST_F(DnsMachineTest, WhenAnAnswerCanComeAgainItIsSeenAtOnce) {
  EXPECT_TRUE(with_a_silent_name_server([&] {
    for (int i = 0; i < 40; ++i) {
      if (attempt(about("bank.example"), 2ms).ok) return false;
    }
    put("10.0.0.1 bank.example\n", "/etc/hosts");
    const auto answer = attempt(about("bank.example"), 2s);
    EXPECT_TRUE(answer.ok) << answer.text;
    return answer.ok;
  }));
}

}  // namespace
}  // namespace gameday
