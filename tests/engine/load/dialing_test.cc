// To where the transports of our own sockets connect, on a machine of its own: what its names say,
// and what of its own may run out.
#include "engine/load/dialing.h"

#include <fcntl.h>

#include <fstream>
#include <set>

#include "engine/base/text.h"
#include "tests/engine/load/transport_fixture.h"
#include "tests/silent_name_server.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kPort = 8080;
// Where nobody listens, so that a look-up fails at once.
constexpr const char* kNobody = "nameserver 127.0.0.9";

// Listens at that address.
Descriptor listener_at(const std::string& number, int backlog = 64) {
  const SystemClock clock;
  const auto at = addresses_of(number, kPort, clock, {Stop(), clock.in(seconds(1))});
  Descriptor made(
      socket(at->front().family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
  const int on = 1;
  setsockopt(made.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  EXPECT_EQ(bind(made.get(), at->front().get(), at->front().size), 0) << number;
  EXPECT_EQ(listen(made.get(), backlog), 0);
  return made;
}

// Takes so many connections and never another one, and says nothing to those beyond.
struct Silent {
  explicit Silent(const std::string& number) : listener(listener_at(number, 0)) {
    const SystemClock clock;
    const auto at = addresses_of(number, kPort, clock, {Stop(), clock.in(seconds(1))});
    for (int i = 0; i < 3; ++i) {
      held.emplace_back(socket(at->front().family(), SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_TCP));
      (void)connect(held.back().get(), at->front().get(), at->front().size);
    }
  }
  Descriptor listener;
  std::vector<Descriptor> held;
};

class DialingTest : public TransportTest {
 protected:
  void SetUp() override {}

  static void hosts(const std::string& text) {
    const std::string file = "/tmp/gameday-hosts-" + std::to_string(getppid());
    std::ofstream(file) << text;
    static const int mounted = mount(file.c_str(), "/etc/hosts", nullptr, MS_BIND, nullptr);
    EXPECT_EQ(mounted, 0);
  }
  // In the child: its failures are told by its end. What its hosts file says is so from before the
  // transport is made.
  bool on_a_machine(const std::string& names, const std::function<void()>& work,
                    const std::string& resolv = kNobody) {
    const bool good = with_a_silent_name_server(
        [&] {
          hosts(names);
          url_ = "http://shop.test:" + std::to_string(kPort);
          make(64);
          work();
          return !HasFailure();
        },
        resolv);
    std::filesystem::remove("/tmp/gameday-hosts-" + std::to_string(getpid()));
    return good;
  }
  FarEnd accepted_at(const Descriptor& listener) {
    listener_ = Descriptor(dup(listener.get()));
    FarEnd far = accepted();
    listener_.reset();
    return far;
  }
  // A request that is answered there, over a connection of its own.
  void answered_at(const Descriptor& listener) {
    const auto seq = send(asking());
    const FarEnd far = accepted_at(listener);
    EXPECT_TRUE(hears_while_we_work(far).contains("\r\nHost: shop.test:8080\r\n"));
    far.say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(end_of(seq), "ok 200");
  }
  [[nodiscard]] std::string why() const {
    std::vector<std::string> all;
    for (const auto& each : transport_->unanswered()) all.push_back(each.why);
    return join(all, "; ");
  }
};

TEST_P(DialingTest, NewConnectionsGoToWhatTheNameSaysNow) {
  EXPECT_TRUE(on_a_machine("127.0.0.1 shop.test\n", [&] {
    const Descriptor one = listener_at("127.0.0.1"), two = listener_at("127.0.0.2");
    answered_at(one);
    const auto kept = send(asking());
    const FarEnd far = accepted_at(one);
    hosts("127.0.0.2 shop.test\n");
    work(kNameHolds + milliseconds(100));
    answered_at(two);
    far.say(kYes);
    EXPECT_EQ(end_of(kept), "ok 200") << "what is connected stays so";
    hosts("# nobody\n");
    work(kNameHolds + milliseconds(100));
    const auto seq = send(asking());  // over the one that is kept
    far.say(kYes);
    EXPECT_EQ(end_of(seq), "ok 200");
  }));
}

TEST_P(DialingTest, WhoseNameNobodyKnowsIsSentNothingAndSaysSo) {
  EXPECT_TRUE(on_a_machine("", [&] {
    EXPECT_EQ(end_of(send(asking())), "not_sent 0");
    EXPECT_TRUE(why().starts_with("cannot find the address of shop.test")) << why();
  }));
}

TEST_P(DialingTest, WhoWaitsForItsNameGoesWhenItIsKnown) {
  EXPECT_TRUE(on_a_machine(
      "",
      [&] {
        const Descriptor one = listener_at("127.0.0.1");
        TransportRequest request = asking();
        request.give_up = clock_.in(milliseconds(300));
        EXPECT_EQ(end_of(send(request)), "not_sent 0");
        EXPECT_EQ(why(), "its name was not looked up in time");
        const auto seq = send(asking());
        work(milliseconds(200));
        hosts("127.0.0.1 shop.test\n");
        work(milliseconds(2500));
        const FarEnd far(accept4(one.get(), nullptr, nullptr, SOCK_CLOEXEC));
        ASSERT_TRUE(far) << "it goes by itself, and need not be woken";
        far.say(kYes);
        EXPECT_EQ(end_of(seq), "ok 200");
      },
      "nameserver 127.0.0.1"));
}

TEST_P(DialingTest, EachAddressOfANameIsTried) {
  EXPECT_TRUE(on_a_machine("::1 shop.test\n127.0.0.1 shop.test\n", [&] {
    {
      const Descriptor six = listener_at("::1");
      answered_at(six);
    }
    {
      const Descriptor four = listener_at("127.0.0.1");
      answered_at(four);
    }
    EXPECT_EQ(end_of(send(asking())), "not_sent 0");
    EXPECT_EQ(why(), "connecting: Connection refused");
  }));
}

// It costs the first one some time, and the next ones nothing.
TEST_P(DialingTest, AnAddressThatSaysNothingHasAShareOfTheTime) {
  EXPECT_TRUE(on_a_machine("::1 shop.test\n127.0.0.1 shop.test\n", [&] {
    const Silent six("::1");
    const Descriptor four = listener_at("127.0.0.1");
    const Instant begun = clock_.now().boot;
    answered_at(four);
    const Duration first = clock_.now().boot - begun;
    EXPECT_GE(first, milliseconds(1000));
    EXPECT_LT(first, milliseconds(3000));
    for (int i = 0; i < 3; ++i) {
      const Instant again = clock_.now().boot;
      answered_at(four);
      EXPECT_LT(clock_.now().boot - again, milliseconds(800));
    }
  }));
}

TEST_P(DialingTest, WhereNoPortOfOursIsLeftItWaitsAndThatIsOurLateness) {
  EXPECT_TRUE(on_a_machine("::1 shop.test\n", [&] {
    std::ofstream("/proc/sys/net/ipv4/ip_local_port_range") << "40000 40001";
    const Descriptor one = listener_at("::1");
    const auto first = send(asking()), second = send(asking());
    const FarEnd far = accepted_at(one), other = accepted_at(one);
    TransportRequest never = asking();
    never.give_up = clock_.in(milliseconds(300));
    (void)send(never);
    const auto later = send(asking());
    EXPECT_EQ(end_of(never.ticket), "not_sent 0");
    EXPECT_EQ(why(), "our ports ran out");
    EXPECT_EQ(answers_[never.ticket].sent, answers_[never.ticket].end);
    other.say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(end_of(second), "ok 200");
    std::ofstream("/proc/sys/net/ipv4/ip_local_port_range") << "40000 40009";
    const Instant freed = clock_.now().boot;
    const FarEnd third = accepted_at(one);
    third.say(kYes);
    EXPECT_EQ(end_of(later), "ok 200");
    EXPECT_GE(answers_[later].sent, freed) << "it waited for us, not for the server";
    far.say(kYes);
    EXPECT_EQ(end_of(first), "ok 200");
  }));
}

// Each address of ours has as many ports.
TEST_P(DialingTest, WhereNoPortIsLeftItGoesFromAnotherAddressOfThisMachine) {
  EXPECT_TRUE(on_a_machine("127.0.0.1 shop.test\n", [&] {
    std::ofstream("/proc/sys/net/ipv4/ip_local_port_range") << "40000 40001";
    const Descriptor one = listener_at("127.0.0.1");
    std::vector<std::uint64_t> sent;
    std::vector<FarEnd> far;
    std::multiset<std::string> from;
    for (int i = 0; i < 10; ++i) {
      sent.push_back(send(asking()));
      far.push_back(accepted_at(one));
      from.insert(far.back().peer());
    }
    const std::multiset<std::string> expected{"127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.2",
                                              "127.0.0.3", "127.0.0.3", "127.0.0.4", "127.0.0.4",
                                              "127.0.0.5", "127.0.0.5"};
    EXPECT_EQ(from, expected);
    for (const FarEnd& end : far) end.say(kYes);
    for (const auto seq : sent) EXPECT_EQ(end_of(seq), "ok 200");
    EXPECT_EQ(why(), "");
  }));
}

// 2 ports from each of 17 addresses, and no more.
TEST_P(DialingTest, WhereNoAddressOfThisMachineHasAPortLeftItWaits) {
  EXPECT_TRUE(on_a_machine("127.0.0.1 shop.test\n", [&] {
    std::ofstream("/proc/sys/net/ipv4/ip_local_port_range") << "40000 40001";
    const Descriptor one = listener_at("127.0.0.1");
    std::vector<FarEnd> far;
    std::vector<std::uint64_t> sent;
    for (int i = 0; i < 34; ++i) {
      sent.push_back(send(asking()));
      far.push_back(accepted_at(one));
    }
    TransportRequest never = asking();
    never.give_up = clock_.in(milliseconds(300));
    (void)send(never);
    EXPECT_EQ(end_of(never.ticket), "not_sent 0");
    EXPECT_EQ(why(), "our ports ran out");
    // Whichever is given back is found; whoever ends a connection keeps its port for a minute.
    const std::string given_back = far[20].peer();
    far.erase(far.begin() + 20);
    EXPECT_EQ(end_of(sent[20]), "unknown 0");
    const auto later = send(asking());
    const FarEnd last = accepted_at(one);
    EXPECT_EQ(last.peer(), given_back);
    last.say(kYes);
    EXPECT_EQ(end_of(later), "ok 200");
  }));
}

// Nothing of ours: the kernel says the same of an address that cannot be reached from here.
TEST_P(DialingTest, AnAddressThatWeHaveNoSourceForIsNotOurPorts) {
  EXPECT_TRUE(on_a_machine("::1 shop.test\n127.0.0.1 shop.test\n", [&] {
    answered_at(listener_at("::1"));  // what the name says is known now
    std::ofstream("/proc/sys/net/ipv6/conf/all/disable_ipv6") << "1";
    const Descriptor four = listener_at("127.0.0.1");
    answered_at(four);
  }));
}

INSTANTIATE_TEST_SUITE_P(Each, DialingTest, testing::ValuesIn(plain_kinds_here()), name_of_kind);

}  // namespace
}  // namespace gameday
