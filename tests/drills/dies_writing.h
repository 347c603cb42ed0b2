// A real death in the middle of a write.
#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace gameday {

// Runs `work` in a child that the kernel ends where it writes past so many bytes of a file. True:
// it died there.
template <class Work>
bool dies_writing(rlim_t bytes, const Work& work) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit none{0, 0}, most{bytes, bytes};
    setrlimit(RLIMIT_CORE, &none);
    setrlimit(RLIMIT_FSIZE, &most);
    std::signal(SIGXFSZ, SIG_DFL);
    work();
    _exit(0);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ;
}

}  // namespace gameday
