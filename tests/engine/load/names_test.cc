// A load that is sent by name, where nobody answers for names.
#include "engine/load/summary.h"
#include "tests/engine/load/load_fixture.h"
#include "tests/silent_name_server.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;

class LoadNamesTest : public LoadTest {
 protected:
  LoadTerms by_name() const {
    LoadTerms made = terms("http://shop.test", 20);
    made.spec.ledger.reset();
    made.spec.timeout = milliseconds(300);
    return made;
  }
};

TEST_F(LoadNamesTest, ANameServerThatIsSilentIsNotOurLateness) {
  EXPECT_TRUE(with_a_silent_name_server([&] {
    const auto load = ran(by_name(), milliseconds(1500));
    const auto summary = summarise("checkout", load->samples(), milliseconds(100), {},
                                   {.first_step = load->started(), .end = clock_.now().boot});
    EXPECT_GE(summary.phases[0].due, 29U);
    EXPECT_EQ(summary.phases[0].errors, summary.phases[0].due);
    EXPECT_EQ(summary.phases[0].late, 0U);
    for (const Sample& sample : load->samples()) {
      EXPECT_GE(sample.latency(), milliseconds(299));
      EXPECT_LT(sample.latency(), milliseconds(1300));
    }
    return !HasFailure();
  }));
}

TEST_F(LoadNamesTest, ANameServerThatIsSilentDoesNotHoldUpTheEnd) {
  EXPECT_TRUE(with_a_silent_name_server([&] {
    auto load = start(by_name());
    rest(milliseconds(1000));
    const Instant asked = clock_.now().boot;
    load->end();
    load.reset();
    EXPECT_LT(clock_.now().boot - asked, milliseconds(1300));
    return !HasFailure();
  }));
}

}  // namespace
}  // namespace gameday
