// Which transport a load has, on a machine that lets us and on one that does not.
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>

#include "engine/load/http_request.h"
#include "engine/load/transport.h"
#include "engine/sys/files.h"

namespace gameday {
namespace {

LoadSpec to(const std::string& url) {
  LoadSpec load;
  load.request.url = url;
  return load;
}

// From here on io_uring_setup(2) is refused, as containers' profiles have it.
bool refuse_io_uring() {
  constexpr auto kNumber = static_cast<std::uint32_t>(offsetof(seccomp_data, nr));
  std::array<sock_filter, 4> filter{{{BPF_LD | BPF_W | BPF_ABS, 0, 0, kNumber},
                                     {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, __NR_io_uring_setup},
                                     {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM},
                                     {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}}};
  const sock_fprog program{filter.size(), filter.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

TEST(ChooseTransport, SaysWhichAndWhy) {
  const auto tls = transport_here(to("https://127.0.0.1/"));
  EXPECT_EQ(tls.name, transport_here(to("http://127.0.0.1/")).name);
  EXPECT_TRUE(tls.why.contains("TLS by OpenSSL")) << tls.why;
  const std::string ulp = *Files().read("/proc/sys/net/ipv4/tcp_available_ulp");
  EXPECT_EQ(tls.why.contains("kTLS is not in this kernel"), !ulp.contains("tls")) << tls.why;
  EXPECT_TRUE(transport_here(to("http://shop.example/")).why.contains("a name, without TLS"));
  LoadSpec framed = to("http://127.0.0.1/");
  framed.request.headers = {{"Connection", "close"}};
  EXPECT_EQ(transport_here(framed).name, "libcurl");
  LoadSpec sql;
  sql.kind = "sql";
  EXPECT_EQ(transport_here(sql).name, "clients");
  const LoadSpec plain = to("http://127.0.0.1:80/");
  const auto choice = transport_here(plain);
  EXPECT_TRUE(choice.why.contains("without TLS")) << choice.why;
  const SystemClock clock;
  const auto made = make_socket_transport(clock, 4, *plain_http(plain.request));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->choice.name, choice.name);
  EXPECT_EQ(made->choice.why, choice.why);
}

TEST(ChooseTransport, IsEpollWhereIoUringIsRefusedAndSaysSo) {
  const pid_t child = fork();
  if (child == 0) {
    if (!refuse_io_uring()) _exit(77);
    const LoadSpec plain = to("http://127.0.0.1:80/");
    const auto choice = transport_here(plain);
    const SystemClock clock;
    const auto made = make_socket_transport(clock, 4, *plain_http(plain.request));
    const bool told = choice.name == "epoll" && choice.why.contains("io_uring") &&
                      choice.why.contains("seccomp") && made && made->choice.name == "epoll";
    _exit(told ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0) << "77: no seccomp here";
}

}  // namespace
}  // namespace gameday
