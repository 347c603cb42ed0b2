// What a deed is handed, on real doors, in a folder of its own that goes with it.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "engine/rows.h"
#include "tests/quick_folder.h"

namespace gameday {

class DeedWorld {
 public:
  DeedWorld() {
    folder_ = quick_folder("deed");
    until_ = {{}, clock_.in(std::chrono::seconds(30))};
  }
  ~DeedWorld() { std::filesystem::remove_all(folder_); }
  DeedWorld(const DeedWorld&) = delete;
  DeedWorld& operator=(const DeedWorld&) = delete;

  [[nodiscard]] DeedContext context(const std::string& mark = "drill-1") {
    return {.doors = doors_,
            .system = system_,
            .secrets = secrets_,
            .drill = "drill",
            .mark = mark,
            .private_folder = private_folder(),
            .until = until_};
  }
  [[nodiscard]] std::string file(const std::string& name) const { return folder_ + "/" + name; }
  [[nodiscard]] std::string private_folder() const { return folder_ + "/private"; }
  [[nodiscard]] System& system() { return system_; }
  [[nodiscard]] Secrets& secrets() { return secrets_; }
  [[nodiscard]] const Clock& clock() const { return clock_; }
  [[nodiscard]] Doors& doors() { return doors_; }
  void set_until(const Until& until) { until_ = until; }

  Target& add_target(const std::string& name, const std::string& facet, const Json& fields) {
    Target target;
    target.name = name;
    target.facets = Json::object({{facet, fields}});
    system_.targets.push_back(target);
    return system_.targets.back();
  }

  // Runs `work` in a child that dies at the given change to the world, counted from 0. True: it
  // died there; false: there are fewer changes, and the work is done.
  template <class Work>
  bool dies_at(int change, const Work& work) {
    const pid_t child = fork();
    if (child == 0) {
      int seen = 0;
      const WriteObserver observer = [&](std::string_view, Side) {
        if (seen++ == change) _exit(99);
      };
      files_ = Files(observer);
      // What starts programs has a thread, which lives on the other side alone.
      static_cast<void>(processes_.release());
      processes_ = make_processes(clock_);
      std::construct_at(&doors_, Doors{clock_, files_, *processes_, *http_, observer});
      work();
      _exit(0);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status)) << "the child ended by signal " << WTERMSIG(status);
    return WIFEXITED(status) && WEXITSTATUS(status) == 99;
  }

 private:
  std::string folder_;
  SystemClock clock_;
  Files files_;
  std::unique_ptr<Processes> processes_ = make_processes(clock_);
  std::unique_ptr<Http> http_ = make_curl_http(clock_);
  Doors doors_{clock_, files_, *processes_, *http_, {}};
  System system_;
  Secrets secrets_;
  Until until_;
};

}  // namespace gameday
