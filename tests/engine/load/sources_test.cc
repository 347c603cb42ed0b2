// From where else a machine of its own reaches another one.
#include "engine/load/sources.h"

#include <cstdlib>

#include "engine/base/text.h"
#include "tests/engine/load/transport_fixture.h"
#include "tests/silent_name_server.h"

namespace gameday {
namespace {

class SourcesTest : public testing::Test {
 protected:
  // On a machine that has these addresses on one interface, and 10.2.0.1 on another one.
  static bool on_a_machine(const std::string& addresses, const std::function<void()>& work) {
    return with_a_silent_name_server([&] {
      std::string made =
          "ip link add here type veth peer name there && ip link set here up && "
          "ip link set there up && ip address add 10.2.0.1/24 dev there";
      for (const auto& address : split(addresses, ' ')) {
        made += " && ip address add " + address + " dev here nodad";
      }
      EXPECT_EQ(std::system(made.c_str()), 0);
      work();
      return !HasFailure();
    });
  }
  static std::string others(const std::string& to) {
    const SystemClock clock;
    const auto at = addresses_of(to, 80, clock, {Stop(), clock.in(std::chrono::seconds(1))});
    std::string all;
    for (const auto& source : other_sources(at->front())) {
      EXPECT_EQ(source.port(), 0);
      all += source.number() + " ";
    }
    return all;
  }
};

TEST_F(SourcesTest, AreTheAddressesOfTheSameInterfaceAndFamily) {
  EXPECT_TRUE(on_a_machine("10.1.0.1/24 10.1.0.2/24 10.1.0.3/24 fd00::1/64 fd00::2/64", [] {
    EXPECT_EQ(others("10.1.0.9"), "10.1.0.2 10.1.0.3 ");
    // The kernel may take either; never the link's own, nor one of the other family.
    const std::string six = others("fd00::9");
    EXPECT_TRUE(six == "fd00::1 " || six == "fd00::2 ") << six;
  }));
}

TEST_F(SourcesTest, WithinTheMachineAreSixteenAndNotWhereItGoes) {
  const std::string all = others("127.0.0.3");
  EXPECT_TRUE(all.starts_with("127.0.0.2 127.0.0.4 ")) << all;
  EXPECT_TRUE(all.ends_with(" 127.0.0.18 ")) << all;
  EXPECT_EQ(others("::1"), "");
}

TEST_F(SourcesTest, ThereAreNoneOfWhatCannotBeReached) {
  EXPECT_TRUE(on_a_machine("10.1.0.1/24", [] {
    EXPECT_EQ(others("10.9.0.9"), "");
    EXPECT_EQ(others("10.1.0.9"), "");
  }));
}

}  // namespace
}  // namespace gameday
