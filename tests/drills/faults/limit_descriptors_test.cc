#include <sys/resource.h>

#include "tests/drills/process_fixture.h"

namespace gameday {

extern const FaultRow limit_descriptors_fault;

namespace {

using namespace std::chrono_literals;

// Opens a file whenever the file `more` is there, and says how many it could.
constexpr const char* kOpener = R"(
import os, time
held = []
while True:
    time.sleep(0.01)
    if not os.path.exists("more"): continue
    os.unlink("more")
    try:
        for _ in range(50): held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError as error:
        told = error.errno
    else:
        told = 0
    count = len(held)
    for one in held: os.close(one)
    held.clear()
    with open("told.new", "w") as file: file.write(f"{count} {told}")
    os.rename("told.new", "told")
)";

class LimitDescriptorsTest : public ProcessFixture {
 protected:
  static Deed limiting(std::int64_t leave) {
    return {"fault-1", "limit-descriptors", "west", Json::object({{"leave", leave}})};
  }
  Undo prepared(std::int64_t leave) {
    const auto undo = limit_descriptors_fault.prepare(limiting(leave), context());
    EXPECT_TRUE(undo) << undo.error().text;
    return undo.value_or(Undo{});
  }
  Status injected(const Undo& undo) {
    return limit_descriptors_fault.inject(limiting(5), undo, context());
  }
  Proof proof(const Undo& undo) {
    return limit_descriptors_fault.prove(limiting(5), undo, context()).value_or(Proof{});
  }
  bool gone(const Undo& undo) {
    return limit_descriptors_fault.gone(undo, context()).value_or(Proof{}).held;
  }
  // As the guardian calls it: with the undo's arguments alone.
  Status undone(const Undo& undo) {
    const System nothing;
    return limit_descriptors_fault.undo(undo,
                                        {doors_, nothing, secrets_, "01J", mark_, "", within(10s)});
  }
  ProcessId start_opener() {
    const auto id = start({"python3", "-c", kOpener});
    write_pid(id.pid);
    EXPECT_EQ(told_by_opener(), "50 0");
    return id;
  }
  // How many files it could open just now, and the error that ended it.
  std::string told_by_opener() {
    static_cast<void>(files_.remove(file("told")));
    EXPECT_TRUE(files_.write(file("more"), ""));
    EXPECT_TRUE(comes_true([&] { return files_.exists(file("told")); }));
    return files_.read(file("told")).value_or("");
  }
  static rlimit limits_of(const ProcessId& id) {
    rlimit limits{};
    EXPECT_EQ(prlimit(id.pid, RLIMIT_NOFILE, nullptr, &limits), 0);
    return limits;
  }
  static void set_soft_limit(const ProcessId& id, rlim_t soft) {
    rlimit limits = limits_of(id);
    limits.rlim_cur = soft;
    ASSERT_EQ(prlimit(id.pid, RLIMIT_NOFILE, &limits, nullptr), 0);
  }
};

TEST_F(LimitDescriptorsTest, TheProcessRunsOutAndRecovers) {
  const auto id = start_opener();
  const rlimit before = limits_of(id);
  const Undo undo = prepared(5);
  ASSERT_TRUE(injected(undo));
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  EXPECT_FALSE(gone(undo));
  EXPECT_EQ(told_by_opener(), "5 " + std::to_string(EMFILE));
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo));
  EXPECT_EQ(told_by_opener(), "50 0");
  EXPECT_EQ(limits_of(id).rlim_cur, before.rlim_cur);
  EXPECT_EQ(limits_of(id).rlim_max, before.rlim_max);
}

TEST_F(LimitDescriptorsTest, TheProofSaysNoWhereItDidNotBite) {
  start_opener();
  EXPECT_FALSE(proof(prepared(5)).held);
}

TEST_F(LimitDescriptorsTest, RefusesWhatWouldChangeNothing) {
  const auto id = start_opener();
  set_soft_limit(id, 20);
  const auto undo = limit_descriptors_fault.prepare(limiting(50), context());
  ASSERT_FALSE(undo);
  EXPECT_EQ(undo.error().code, ErrorCode::refused);
}

TEST_F(LimitDescriptorsTest, ALimitOfSomebodyElsesIsLeftAlone) {
  const auto id = start_opener();
  const Undo undo = prepared(5);
  ASSERT_TRUE(injected(undo));
  set_soft_limit(id, 777);
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo));
  EXPECT_EQ(limits_of(id).rlim_cur, 777u);
  EXPECT_FALSE(injected(undo)) << "it is not what it was";
}

TEST_F(LimitDescriptorsTest, AProcessThatHasEndedNeedsNoUndo) {
  const auto id = start_opener();
  const Undo undo = prepared(5);
  ASSERT_TRUE(injected(undo));
  end(id);
  EXPECT_FALSE(proof(undo).held);
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo));
  EXPECT_EQ(injected(undo).error().code, ErrorCode::conflict);
}

}  // namespace
}  // namespace gameday
