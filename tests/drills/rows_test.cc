// What holds for each row of every family, whatever it does.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "all_rows.h"

namespace gameday {
namespace {

std::size_t files_in(const std::string& folder, const std::string& ending) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(GAMEDAY_SOURCE_DIR "/" + folder)) {
    count += entry.path().string().ends_with(ending) ? 1 : 0;
  }
  return count;
}

template <class Row>
void each_name_once(std::span<const Row* const> rows) {
  std::set<std::string_view> names;
  for (const Row* row : rows) {
    EXPECT_FALSE(row->name.empty());
    EXPECT_TRUE(names.insert(row->name).second) << row->name << " stands twice";
    EXPECT_TRUE(row->summary.ends_with('.')) << row->name << ": " << row->summary;
  }
}

void are_explained(std::string_view row, std::span<const Field> fields) {
  for (const Field& field : fields) {
    EXPECT_FALSE(field.name.empty()) << row;
    EXPECT_TRUE(field.help.ends_with('.')) << row << "." << field.name << ": " << field.help;
    EXPECT_EQ(field.type == FieldType::choice, !field.choices.empty()) << row << "." << field.name;
    are_explained(row, field.fields);
  }
}

TEST(Rows, EachFileHasItsRowInTheTable) {
  const Rows rows = all_rows();
  EXPECT_EQ(rows.faults.size(), files_in("drills/faults", ".cc"));
  EXPECT_EQ(rows.restores.size(), files_in("drills/restores", ".cc"));
  EXPECT_EQ(rows.facets.size(), files_in("drills/systems", "_facet.cc"));
  EXPECT_EQ(rows.queues.size(), files_in("drills/systems", "_queue.cc"));
  EXPECT_EQ(rows.probes.size(), files_in("probes", ".cc"));
  EXPECT_EQ(rows.actions.size(), files_in("drills/actions", ".cc"));
  EXPECT_EQ(rows.loads.size(), files_in("drills/loads", ".cc"));
  EXPECT_NE(rows.action("command"), nullptr);
  EXPECT_NE(rows.fault("kill"), nullptr);
  EXPECT_NE(rows.probe("http"), nullptr);
  EXPECT_NE(rows.facet("process"), nullptr);
  EXPECT_EQ(rows.fault("no-such"), nullptr);
}

TEST(Rows, ABackupsStepTakesOneWhereNoneIsNamed) {
  const auto takes = [](std::string_view row, const Json& facet) {
    const RestoreRow* restore = all_rows().restore(row);
    Target target;
    target.facets = Json::object({{std::string(row), facet}});
    return restore->takes == nullptr || restore->takes(target);
  };
  EXPECT_TRUE(takes("sqlite", Json::object({{"path", "/store.db"}})));
  EXPECT_TRUE(takes("postgres-archive", Json::object({{"of", "primary"}})));
  EXPECT_FALSE(takes("postgres-archive", Json::object({{"of", "primary"}, {"base", "/base"}})));
  EXPECT_TRUE(takes("pgbackrest", Json::object({{"stanza", "main"}, {"take", "full"}})));
  EXPECT_FALSE(takes("pgbackrest", Json::object({{"stanza", "main"}, {"take", "none"}})));
  EXPECT_TRUE(takes("redis", Json::object({{"address", "cache"}})));
  EXPECT_FALSE(takes("redis", Json::object({{"address", "cache"}, {"backup", "/dump.rdb"}})));
  Json paths = Json::array();
  EXPECT_FALSE(takes("restic", Json::object({{"repository", "/repo"}})));
  EXPECT_TRUE(takes("restic", Json::object({{"paths", paths.push("/srv")}})));
}

// Those below the head of a table of rights.
std::size_t lines_of_table(const std::string& readme, const std::string& of_what) {
  const auto head = readme.find("| system | " + of_what + " | the smallest rights |\n");
  EXPECT_NE(head, std::string::npos) << of_what;
  const auto table = readme.substr(head, readme.find("\n\n", head) + 1 - head);
  return static_cast<std::size_t>(std::ranges::count(table, '\n')) - 2;
}

// What is lacking is printed as it has to stand there.
TEST(Rows, TheReadmeTellsTheRightsOfEach) {
  std::ifstream file(GAMEDAY_SOURCE_DIR "/README.md");
  const std::string readme((std::istreambuf_iterator<char>(file)), {});
  const auto expect_told = [&](std::string_view facet, const std::string& name,
                               std::string_view rights) {
    const std::string line = "| " + std::string(facet.empty() ? "files, this machine" : facet) +
                             " | " + name + " | " + std::string(rights) + " |\n";
    EXPECT_NE(readme.find(line), std::string::npos) << line;
  };
  const Rows rows = all_rows();
  std::size_t lines = 0;
  for (const FaultRow* row : rows.faults) {
    const std::string name = "`" + std::string(row->name) + "`";
    expect_told(row->facet, name, row->rights);
    if (row->other_way != nullptr) expect_told(row->other_way->facet, name, row->other_way->rights);
    lines += row->other_way != nullptr ? 2 : 1;
  }
  for (const RestoreRow* row : rows.restores) {
    expect_told(row->facet, "restore `" + std::string(row->name) + "`", row->rights);
    ++lines;
  }
  // And nothing of what is there no more.
  EXPECT_EQ(lines_of_table(readme, "fault or restore"), lines);
  for (const ActionRow* row : rows.actions) {
    expect_told(row->facet, "`" + std::string(row->name) + "`", row->rights);
  }
  for (const LoadRow* row : rows.loads) {
    const std::string line =
        " | load `" + std::string(row->name) + "` | " + std::string(row->rights) + " |\n";
    EXPECT_NE(readme.find(line), std::string::npos) << line;
  }
  EXPECT_EQ(lines_of_table(readme, "action or load"), rows.actions.size() + rows.loads.size());
}

TEST(Rows, EachIsNamedOnceAndExplained) {
  const Rows rows = all_rows();
  each_name_once(rows.faults);
  each_name_once(rows.restores);
  each_name_once(rows.facets);
  each_name_once(rows.probes);
  each_name_once(rows.actions);
  each_name_once(rows.loads);
  for (const auto* row : rows.loads) are_explained(row->name, row->fields);
  for (const auto* row : rows.actions) are_explained(row->name, row->fields);
  for (const auto* row : rows.faults) are_explained(row->name, row->fields);
  for (const auto* row : rows.facets) are_explained(row->name, row->fields);
  for (const auto* row : rows.probes) are_explained(row->name, row->fields);
}

TEST(Rows, EachCanDoItsPart) {
  const Rows rows = all_rows();
  for (const auto* row : rows.faults) {
    EXPECT_TRUE(row->prepare && row->inject && row->prove && row->undo && row->gone) << row->name;
    EXPECT_FALSE(row->rights.empty()) << row->name;
    EXPECT_TRUE(row->example.contains("fault: " + std::string(row->name))) << row->name;
    const bool hits = row->facet.empty()
                          ? row->aim != nullptr
                          : row->facet == "link" || rows.facet(row->facet) != nullptr;
    EXPECT_TRUE(hits) << row->name;
  }
  for (const auto* row : rows.restores) {
    EXPECT_TRUE(row->backup && row->undo && row->gone) << row->name;
    const bool prepared = (row->prepare == nullptr) != (row->prepare_place == nullptr);
    EXPECT_EQ(prepared, row->restore_place != nullptr) << row->name;
    EXPECT_EQ(row->prepare_scratch == nullptr, row->fill_scratch == nullptr) << row->name;
    EXPECT_NE(row->restore_scratch == nullptr, row->fill_scratch == nullptr) << row->name;
    EXPECT_NE(rows.facet(row->facet), nullptr) << row->name;
  }
  for (const auto* row : rows.queues) EXPECT_TRUE(row->depth && row->replay) << row->facet;
  for (const auto* row : rows.facets) EXPECT_TRUE(row->resolve) << row->name;
  for (const auto* row : rows.probes) EXPECT_TRUE(row->ask) << row->name;
  for (const auto* row : rows.loads) {
    EXPECT_TRUE(row->check && row->keeps_ledger && row->shown && row->prepare) << row->name;
    EXPECT_TRUE(row->may && row->undo && row->gone) << row->name;
    // We send it, or a process of its own does.
    EXPECT_EQ(row->connect == nullptr, row->carry != nullptr) << row->name;
    EXPECT_EQ(row->reader == nullptr, row->carry != nullptr) << row->name;
    EXPECT_FALSE(row->rights.empty()) << row->name;
    EXPECT_EQ(rows.fault(undo_kind_of(*row)), nullptr) << row->name;
    EXPECT_EQ(rows.restore(undo_kind_of(*row)), nullptr) << row->name;
  }
  for (const auto* row : rows.actions) {
    EXPECT_TRUE(row->perform && row->prove) << row->name;
    EXPECT_FALSE(row->rights.empty()) << row->name;
    EXPECT_TRUE(row->example.contains("action: " + std::string(row->name))) << row->name;
    EXPECT_TRUE(row->facet.empty() || rows.facet(row->facet) != nullptr) << row->name;
  }
}

TEST(Rows, OneNameMeansWhatTheTargetIs) {
  const Rows rows = all_rows();
  const auto meant = [&](const std::string& facet, const std::string& name) {
    Target target;
    target.facets = Json::object({{facet, Json::object()}});
    return std::string(rows.fault_on(target, name)->name);
  };
  EXPECT_EQ(meant("process", "kill"), "kill");
  EXPECT_EQ(meant("container", "kill"), "kill-container");
  EXPECT_EQ(meant("container", "pause"), "pause-container");
  EXPECT_EQ(meant("postgres", "lose-data"), "lose-data-postgres");
  EXPECT_EQ(meant("rabbitmq", "drop-queue"), "drop-rabbitmq-queue");
  EXPECT_EQ(meant("rabbitmq", "purge-queue"), "purge-rabbitmq-queue");
  EXPECT_EQ(meant("rabbitmq", "poison"), "poison-rabbitmq-queue");
  EXPECT_EQ(meant("rabbitmq", "duplicate-messages"), "duplicate-rabbitmq-messages");
  EXPECT_EQ(meant("rabbitmq", "delay-messages"), "delay-rabbitmq-messages");
  EXPECT_EQ(meant("rabbitmq", "reorder-messages"), "reorder-rabbitmq-messages");
  EXPECT_EQ(meant("queue", "drop-queue"), "drop-queue");
  EXPECT_EQ(meant("container", "block"), "block-container");
  EXPECT_EQ(meant("host", "block"), "block");
  EXPECT_EQ(meant("host", "loss"), "loss");
  EXPECT_EQ(meant("container", "loss"), "loss-container");
  EXPECT_EQ(meant("host", "limit"), "limit-host");
  EXPECT_EQ(meant("host", "reset"), "reset-host");
  EXPECT_EQ(meant("container", "reset"), "reset-container");
  EXPECT_EQ(meant("redis", "pause"), "pause-redis");
  EXPECT_EQ(meant("redis", "lose-data"), "lose-data-redis");
  EXPECT_EQ(meant("s3", "lose-data"), "lose-data-s3");
  EXPECT_EQ(meant("s3", "corrupt-data"), "corrupt-data-s3");
}

// Else which of them a playbook means would depend on the order of the rows.
TEST(Rows, ThatShareANameAreForTargetsOfDifferentKinds) {
  const Rows rows = all_rows();
  std::set<std::pair<std::string_view, std::string_view>> meant;
  for (const auto* row : rows.faults) {
    if (row->as.empty()) continue;
    const FaultRow* own = rows.fault(row->as);
    ASSERT_NE(own, nullptr) << row->name;
    EXPECT_NE(own->facet, row->facet) << row->name;
    EXPECT_TRUE(meant.emplace(row->as, row->facet).second) << row->name;
  }
}

}  // namespace
}  // namespace gameday
