// What every probe must do, whatever it asks: a new one enters by itself.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <regex>

#include "all_rows.h"
#include "engine/playbook/load_playbook.h"
#include "tests/drills/conformance_places.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

// A folder where whatever a probe's example asks is there and never answers.
class SilentPlace {
 public:
  explicit SilentPlace(const DeedWorld& world) {
    std::filesystem::create_directory(world.file("run"));
    make_database(world.file("run/store.db"), kEverything, "delete");
    holder_.emplace(Database::open(world.file("run/store.db")).value());
    EXPECT_TRUE(holder_->execute("BEGIN EXCLUSIVE"));
    EXPECT_EQ(mkfifo(world.file("run/backup.db").c_str(), 0600), 0);
    EXPECT_EQ(mkfifo(world.file("run/west.pid").c_str(), 0600), 0);
    std::ofstream(world.file("shop")) << "#!/bin/sh\nexec sleep 60\n";
    std::filesystem::permissions(world.file("shop"), std::filesystem::perms::owner_all);
  }
  // The example of a row, with every address that it names being the silent one.
  [[nodiscard]] std::string example(const ProbeRow& row) const {
    return std::regex_replace(std::string(row.example), std::regex("127\\.0\\.0\\.1:[0-9]+"),
                              peer_.address());
  }
  [[nodiscard]] std::string system() const {
    return "  front: { http: \"http://" + peer_.address() +
           "\" }\n  west: { process: { pidfile: run/west.pid } }\n  orders: { queue: \"http://" +
           peer_.address() + "/orders\" }\n  sessions: { redis: \"" + peer_.address() +
           "\" }\n  database: { postgres: \"postgresql://shop@" + peer_.address() +
           "/orders\" }\n  standby: { postgres: \"postgresql://shop@" + peer_.address() +
           "/orders\" }\n  archive: { s3: { endpoint: \"http://" + peer_.address() +
           "\", bucket: backups, access_key: \"${env:HOME}\", secret_key: \"${env:HOME}\" } }\n";
  }

 private:
  SilentPeer peer_;
  const OtherHost engine_{"tcp://" + peer_.address()};
  std::optional<Database> holder_;
};

class EachProbe : public testing::TestWithParam<const ProbeRow*> {};

TEST_P(EachProbe, StopsWithin200MillisecondsBesideAPeerThatNeverAnswers) {
  DeedWorld world;
  const SilentPlace place(world);
  const auto loaded = decode_playbook(
      world.file("p.yaml"),
      "gameday: 1\nname: conformance\nsummary: One row.\nowner: tests\nsystem:\n" + place.system() +
          "probes:\n  " + place.example(*GetParam()) + "\ntimeline: [ { wait: 1s } ]\n",
      {}, all_rows());
  ASSERT_TRUE(loaded.playbook) << rendered("p.yaml", loaded.source, loaded.problems);
  world.system() = loaded.playbook->system;
  StopSource stop;
  world.set_until({stop.stop(), world.clock().in(30s)});
  std::jthread stopper([&] {
    (void)world.clock().sleep({{}, world.clock().in(50ms)});
    stop.request();
  });
  const Instant begun = world.clock().now().boot;
  const Answer answer = GetParam()->ask(loaded.playbook->probes.front().arguments, world.context());
  const Duration took = world.clock().now().boot - begun;
  // What looks at this machine's own disk and memory finds them as they are.
  const bool finds = GetParam()->name == "disk" || GetParam()->name == "memory";
  EXPECT_EQ(answer.ok, finds) << answer.text;
  EXPECT_FALSE(answer.text.empty());
  EXPECT_LT(took, 250ms);
  // Whoever looks at this machine alone waits for nobody.
  const bool waits = !finds && GetParam()->name != "file" && GetParam()->name != "process";
  if (waits) {
    EXPECT_GE(took, 40ms) << "it has not waited for the peer: " << answer.text;
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, EachProbe,
                         testing::ValuesIn(all_rows().probes.begin(), all_rows().probes.end()),
                         [](const auto& row) {
                           std::string name(row.param->name);
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace gameday
