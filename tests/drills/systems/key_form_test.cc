#include "drills/systems/key_form.h"

#include <gtest/gtest.h>

namespace gameday {
namespace {

Undo undo_of(const std::string& pattern) {
  return {"load-s3", Json::object({{"drill", "D"}, {"load", "a"}, {"key", pattern}})};
}

TEST(KeyForm, AKeyIsMadeAndFoundAgain) {
  const Undo undo = undo_of("drills/{key}.json");
  const KeyForm form = key_form(undo);
  EXPECT_EQ(form.made("D-a-000001"), "drills/D-a-000001.json");
  EXPECT_EQ(form.begin(undo), "drills/D-a-");
  EXPECT_EQ(form.key_in("drills/D-a-000001.json", undo), "D-a-000001");
  EXPECT_EQ(form.key_in("drills/D-a-1000000.json", undo), "D-a-1000000");
}

TEST(KeyForm, WhatIsOthersIsNotTakenForItsOwn) {
  const Undo undo = undo_of("drills/{key}.json");
  for (const char* other : {"drills/D-a-b-000001.json", "drills/D-a-000001",
                            "drills/E-a-000001.json", "D-a-000001.json", "drills/D-a-.json",
                            "drills/D-a-00x1.json", "drills/D-a-.jso", "drills/D-a-", ""}) {
    EXPECT_EQ(key_form(undo).key_in(other, undo), std::nullopt) << other;
  }
}

TEST(KeyForm, APatternHasTheKeyOnce) {
  EXPECT_EQ(wrong_key_form("{key}"), "");
  EXPECT_EQ(wrong_key_form("a/{key}/b"), "");
  for (const char* wrong : {"", "fixed", "{key}{key}", "{drill}:{key}", "{seq}"}) {
    EXPECT_NE(wrong_key_form(wrong), "") << wrong;
  }
}

}  // namespace
}  // namespace gameday
