// The runtime's other hand: while a test looks at a fault that has a lease, this renews it.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "engine/rows.h"

namespace gameday {

// From its making to its end; each of its renewals must be taken.
class Renewing {
 public:
  Renewing(const FaultRow& row, Undo undo, DeedContext context)
      : thread_([&row, undo = std::move(undo),
                 context = std::move(context)](const std::stop_token& stopped) {
          std::mutex mutex;
          std::condition_variable_any told;
          std::unique_lock lock(mutex);
          while (!told.wait_for(lock, stopped, std::chrono::milliseconds(300),
                                [&] { return stopped.stop_requested(); })) {
            const Status renewed = row.renew(undo, context);
            EXPECT_TRUE(renewed) << renewed.error().text;
          }
        }) {}

 private:
  std::jthread thread_;
};

}  // namespace gameday
