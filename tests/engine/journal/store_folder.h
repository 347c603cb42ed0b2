// A folder for one test's stores, gone at its end, and the little that these tests all need.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "engine/journal/store.h"

namespace gameday {

class StoreFolder : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "gameday-store-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string path() const { return folder_ + "/gameday.db"; }
  std::unique_ptr<Store> opened(WriteObserver observer = {}) {
    auto store = Store::open(path(), clock_, std::move(observer));
    EXPECT_TRUE(store) << store.error().text;
    return store ? std::move(*store) : nullptr;
  }
  static DrillRecord record(const std::string& id) {
    DrillRecord drill;
    drill.id = id;
    drill.name = "name";
    drill.playbook = "/p.yaml";
    drill.runner = {"boot", 12, 34};
    return drill;
  }
  static std::unique_ptr<Journal> begun(Store& store, const std::string& id) {
    EXPECT_TRUE(store.add(record(id)));
    auto journal = store.journal(id);
    EXPECT_TRUE(journal) << journal.error().text;
    return journal ? std::move(*journal) : nullptr;
  }
  Result<std::uint64_t> put(Journal& journal, Durability durability = Durability::durable,
                            const std::string& text = "x") {
    return journal.append(clock_.now(), "sample", Json::object({{"text", text}}), durability);
  }

  SystemClock clock_;
  std::string folder_;
};

}  // namespace gameday
