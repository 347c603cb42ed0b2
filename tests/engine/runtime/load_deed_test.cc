// A load as a deed: its undo stands on its own, names secrets and holds none.
#include "engine/runtime/load_deed.h"

#include <gtest/gtest.h>

namespace gameday {
namespace {

LoadSpec checkout() {
  LoadSpec load;
  load.name = "checkout";
  load.ledger.emplace();
  load.ledger->list = "http://127.0.0.1:1/orders?drill={drill}";
  load.cleanup.emplace();
  load.cleanup->method = "DELETE";
  load.cleanup->url = "http://127.0.0.1:1/orders?drill={drill}";
  load.cleanup->headers = {{"X-Auth", "${env:TOKEN}"}};
  return load;
}

TEST(LoadDeed, NamesItsDrillAndOnlyRefersToSecrets) {
  const Undo undo = load_undo(checkout(), "01J");
  EXPECT_EQ(undo.kind, kLoadKind);
  EXPECT_EQ(undo.arguments.get("cleanup").text("url"), "http://127.0.0.1:1/orders?drill=01J");
  EXPECT_EQ(undo.arguments.get("list").text("url"), "http://127.0.0.1:1/orders?drill=01J");
  EXPECT_NE(to_json(undo).dump().find("${env:TOKEN}"), std::string::npos);
}

TEST(LoadDeed, ThatWritesNothingHasNothingToCleanUp) {
  LoadSpec reads;
  reads.name = "reads";
  const Undo undo = load_undo(reads, "01J");
  EXPECT_EQ(undo.arguments.find("cleanup"), nullptr);
  EXPECT_EQ(undo.arguments.find("list"), nullptr);
}

}  // namespace
}  // namespace gameday
