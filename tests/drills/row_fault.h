// A fault of a row, done to a target step by step. `World` is a fixture that has a `context` for
// each mark.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "engine/rows.h"

namespace gameday {

template <class World>
class RowFault : public World {
 protected:
  RowFault(const FaultRow& row, std::string target) : row_(row), target_(std::move(target)) {}

  Deed deed() const { return {"step", std::string(row_.name), target_, arguments_}; }
  Result<Undo> prepare(const std::string& mark = "drill-1") {
    return row_.prepare(deed(), this->context(mark));
  }
  Undo prepared(const std::string& mark = "drill-1") {
    auto undo = prepare(mark);
    EXPECT_TRUE(undo) << (undo ? "" : undo.error().text);
    return undo.value_or(Undo{});
  }
  Status inject(const Undo& undo) { return row_.inject(deed(), undo, this->context()); }
  Undo injected() {
    Undo undo = prepared();
    const auto done = inject(undo);
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    return undo;
  }
  Proof prove(const Undo& undo) {
    auto proof = row_.prove(deed(), undo, this->context());
    EXPECT_TRUE(proof) << (proof ? "" : proof.error().text);
    return proof.value_or(Proof{});
  }
  Proof gone(const Undo& undo) {
    auto proof = row_.gone(undo, this->context());
    EXPECT_TRUE(proof) << (proof ? "" : proof.error().text);
    return proof.value_or(Proof{});
  }
  Status undo_it(const Undo& undo) { return row_.undo(undo, this->context()); }
  void expect_undone(const Undo& undo) {
    const auto done = undo_it(undo);
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
    EXPECT_TRUE(gone(undo).held) << gone(undo).text;
  }

  const FaultRow& row_;
  const std::string target_;
  Json arguments_ = Json::object();
};

}  // namespace gameday
