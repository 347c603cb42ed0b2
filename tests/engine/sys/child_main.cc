// A child for tests of processes: does what its arguments say.
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace {

std::string link_of(const std::string& path) {
  std::error_code error;
  return std::filesystem::read_symlink(path, error).string();
}

// Numbers only: the descriptor that lists the folder is left out.
std::string descriptors() {
  std::vector<int> open;
  DIR* folder = opendir("/proc/self/fd");
  while (const dirent* entry = readdir(folder)) {
    const int number = std::atoi(entry->d_name);
    if (entry->d_name[0] != '.' && number != dirfd(folder)) open.push_back(number);
  }
  closedir(folder);
  std::ranges::sort(open);
  std::string text;
  for (const int number : open) text += std::to_string(number) + " ";
  return text;
}

void describe(std::ostream& out, int argc, char** argv) {
  out << "fds=" << descriptors() << "\n";
  for (int i = 0; i < argc; ++i) out << "arg" << i << "=" << argv[i] << "\n";
  for (char** variable = environ; *variable != nullptr; ++variable)
    out << "env:" << *variable << "\n";
  const mode_t mask = umask(0);
  umask(mask);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  std::vector<gid_t> groups(64);
  groups.resize(static_cast<std::size_t>(getgroups(64, groups.data())));
  out << "cwd=" << std::filesystem::current_path().string() << "\numask=" << mask
      << "\nfiles=" << files.rlim_cur << "/" << files.rlim_max << "\nids=" << getuid() << "/"
      << geteuid() << "/" << getgid() << "/" << getegid() << "\ngroups=";
  for (const gid_t group : groups) out << group << " ";
  out << "\nleads=" << (getsid(0) == getpid()) << (getpgrp() == getpid()) << "\n";
  for (const char* stream : {"0", "1", "2"}) {
    out << "stream" << stream << "=" << link_of(std::string("/proc/self/fd/") + stream) << "\n";
  }
  sigset_t blocked;
  sigprocmask(SIG_SETMASK, nullptr, &blocked);
  struct sigaction pipe_action{};
  sigaction(SIGPIPE, nullptr, &pipe_action);
  out << "signals=" << sigismember(&blocked, SIGTERM) << (pipe_action.sa_handler == SIG_IGN)
      << "\n";
}

// Whole at once, so that a test that waits for the file finds all of it.
void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path + ".part") << text;
  std::filesystem::rename(path + ".part", path);
}

[[noreturn]] void wait_for_ever() {
  while (true) pause();
}

[[noreturn]] void flood(long bytes) {
  const std::string block(4096, 'x');
  for (long left = bytes; bytes < 0 || left > 0; left -= 4096) {
    if (write(STDOUT_FILENO, block.data(), block.size()) < 0) break;
  }
  _exit(0);
}

// A grandchild that stays in the group, is nobody's child and holds the output open.
void fork_away(const std::string& path) {
  if (fork() != 0) return;
  if (fork() != 0) _exit(0);
  write_file(path, std::to_string(getpid()));
  wait_for_ever();
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  const std::string first = argc > 2 ? argv[2] : "";
  if (what == "describe") describe(std::cout, argc, argv);
  if (what == "exit") return std::atoi(first.c_str());
  if (what == "die") raise(std::atoi(first.c_str()));
  if (what == "flood") flood(std::atol(first.c_str()));
  if (what == "fork-away") fork_away(first);
  if (what == "stubborn") std::signal(SIGTERM, SIG_IGN);
  // serve DESCRIPTION [PIDFILE]: a target, that says what it is and what its pidfile held at its
  // start.
  if (what == "serve" || what == "stubborn") {
    std::ofstream out(first + ".part");
    describe(out, argc, argv);
    if (argc > 3) out << "pidfile=" << bytes_of(argv[3]) << "\n";
    out.close();
    std::cerr << "serving" << std::endl;
    std::filesystem::rename(first + ".part", first);
  }
  if (what == "serve" || what == "stubborn" || what == "wait" || what == "fork-away")
    wait_for_ever();
  return 0;
}
