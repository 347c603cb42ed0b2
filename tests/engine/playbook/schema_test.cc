// The schema, judged by somebody else: python3-jsonschema validates the playbooks, read by PyYAML.
#include "engine/playbook/schema.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/engine/playbook/edited_playbook.h"

namespace gameday {
namespace {

constexpr int kCannotTell = 77;
constexpr const char* kValidate = R"python(
import sys
try:
    import json, yaml, jsonschema
except ImportError:
    sys.exit(77)
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
document = yaml.safe_load(open(sys.argv[2]))
errors = list(validator.iter_errors(document))
for error in errors:
    print(error.message[:300], file=sys.stderr)
sys.exit(1 if errors else 0)
)python";

class Schema : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) / ("schema-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
    std::ofstream(folder_ / "schema.json") << playbook_schema(test_rows::kRows);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // The exit code of the validation: 0 valid, 1 not.
  int validated(const std::string& source) {
    std::ofstream(folder_ / "playbook.yaml") << source;
    const auto schema = (folder_ / "schema.json").string();
    const auto playbook = (folder_ / "playbook.yaml").string();
    const pid_t child = fork();
    if (child == 0) {
      execl("/usr/bin/python3", "python3", "-c", kValidate, schema.c_str(), playbook.c_str(),
            static_cast<char*>(nullptr));
      _exit(kCannotTell);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::filesystem::path folder_;
};

TEST_F(Schema, AcceptsTheDesignsPlaybook) {
  const int code = validated(std::string(kDesignPlaybook));
  if (code == kCannotTell) GTEST_SKIP() << "python3 with jsonschema and yaml is not installed";
  EXPECT_EQ(code, 0);
}

TEST_F(Schema, AcceptsShortFormsVariablesAndAnEmptyVerify) {
  auto source = edited_design("verify: [checkout]", "verify:");
  source.replace(source.find("rate: 200/s"), 11, "rate: ${rate}");
  source.replace(source.find("{ within: 60s, hold: 5s }"), 25, "60s");
  const int code = validated(source);
  if (code == kCannotTell) GTEST_SKIP() << "python3 with jsonschema and yaml is not installed";
  EXPECT_EQ(code, 0);
}

TEST_F(Schema, AcceptsStages) {
  const int code = validated(edited_design(
      "rate: 200/s",
      "stages: [{ rate: 5/s, for: 1s }, { to: 9/s, for: 1m },"
      " { sine: 5/s, swing: 2/s, period: 3s, for: 1s }, { from: 1/s, to: 2/s, for: 1s }]"));
  if (code == kCannotTell) GTEST_SKIP() << "python3 with jsonschema and yaml is not installed";
  EXPECT_EQ(code, 0);
}

TEST_F(Schema, AcceptsUsers) {
  for (const char* think :
       {"", "\n    think: 5s", "\n    think: 500ms..1.5s\n    spawn_rate: 10/s"}) {
    const int code = validated(edited_design("rate: 200/s", std::string("users: 50") + think));
    if (code == kCannotTell) GTEST_SKIP() << "python3 with jsonschema and yaml is not installed";
    EXPECT_EQ(code, 0) << think;
  }
}

TEST_F(Schema, AcceptsAFaultByTheNameThatIsShared) {
  const int code = validated(edited_design("{ fault: kill, target: west, for: 5s }",
                                           "{ fault: kill, target: orders, harder: true }"));
  if (code == kCannotTell) GTEST_SKIP() << "python3 with jsonschema and yaml is not installed";
  EXPECT_EQ(code, 0);
}

struct Edit {
  const char* name;
  const char* replaced;
  const char* by;
};
void PrintTo(const Edit& edit, std::ostream* out) { *out << edit.name; }
const Edit kBroken[] = {
    {"UnknownKey", "owner: payments-sre", "ownr: x"},
    {"NoTimeline", "timeline:", "time:"},
    {"WrongVersion", "gameday: 1", "gameday: 2"},
    {"DurationWithoutAUnit", "for: 15s", "for: 15"},
    {"DurationWithAZeroInFront", "for: 15s", "for: 015s"},
    {"RateWithAZeroInFront", "rate: 200/s", "rate: 0200/s"},
    {"PercentageWithAZeroInFront", "99.5%", "099.5%"},
    {"PortWithAZeroInFront", "127.0.0.1:8200", "127.0.0.1:08200"},
    {"RateWithoutAUnit", "rate: 200/s", "rate: 200"},
    {"LoadWithoutAShape", "    rate: 200/s\n", ""},
    {"RateBesideStages", "rate: 200/s", "rate: 200/s\n    stages: [{ rate: 5/s, for: 1s }]"},
    {"ThinkThatIsNoDuration", "rate: 200/s", "users: 5\n    think: 5..9s"},
    {"NoUsers", "rate: 200/s", "users: 0"},
    {"RateBesideUsers", "rate: 200/s", "rate: 200/s\n    users: 5"},
    {"NoStages", "rate: 200/s", "stages: []"},
    {"StageThatIsNothing", "rate: 200/s", "stages: [{ for: 1s }]"},
    {"StageThatIsTwoThings", "rate: 200/s", "stages: [{ rate: 5/s, to: 6/s, for: 1s }]"},
    {"StageWithoutAnEnd", "rate: 200/s", "stages: [{ rate: 5/s }]"},
    {"UnknownMethod", "method: PUT", "method: PTU"},
    {"UnknownFacet", "sqlite: run", "sqlit: run"},
    {"LinkWithoutTo", ", to: \"127.0.0.1:8200\"", ""},
    {"UnknownFault", "fault: kill", "fault: kil"},
    {"UnknownKeyOfAFault", "target: west,", "target: west, grac: 1s,"},
    {"UnknownChoiceOfAFault", "target: west,", "target: west, signal: HUP,"},
    {"FaultOfATargetWithALink", "target: west, for", "link: west-to-store, for"},
    {"FaultOfALinkAndARegion", "region: eu-west, for", "region: eu-west, link: l, for"},
    {"UnknownKindOfProbe", "{ http:", "{ htpt:"},
    {"StatusOutOfBounds", "status: 200", "status: 99"},
    {"UnknownStep", "- backup:", "- bakcup:"},
    {"NoTargetsAllowed", "targets: 2", "targets: 0"},
};

class SchemaOfABrokenPlaybook : public Schema, public testing::WithParamInterface<Edit> {};

TEST_P(SchemaOfABrokenPlaybook, RefusesIt) {
  const int code = validated(edited_design(GetParam().replaced, GetParam().by));
  if (code == kCannotTell) GTEST_SKIP() << "python3 with jsonschema and yaml is not installed";
  EXPECT_EQ(code, 1);
}

INSTANTIATE_TEST_SUITE_P(Playbook, SchemaOfABrokenPlaybook, testing::ValuesIn(kBroken),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(SchemaText, IsTheSameEachTimeAndCarriesHelpAndDefaults) {
  const auto schema = playbook_schema(test_rows::kRows);
  EXPECT_EQ(schema, playbook_schema(test_rows::kRows));
  const auto parsed = Json::parse(schema);
  ASSERT_TRUE(parsed);
  const Json* grace = parsed->at_pointer("/$defs/fault-kill/properties/grace");
  ASSERT_NE(grace, nullptr);
  EXPECT_EQ(grace->text("description"), "How long TERM may take. Bounds: 100ms to 1m.");
  EXPECT_EQ(grace->text("default"), "5s");
}

}  // namespace
}  // namespace gameday
