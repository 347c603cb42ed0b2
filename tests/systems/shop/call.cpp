// shop-call METHOD PORT PATH [BODY]: one request, for the launcher. Prints status and body on one
// line; exits 0 on 2xx, 1 on any other answer, 2 when nobody answered.

#include <cstdlib>
#include <iostream>

#include "lib/http.h"

int main(int argc, char** argv) {
  if (argc < 4) {
    std::cerr << "usage: shop-call METHOD PORT PATH [BODY]\n";
    return 2;
  }
  shop::HttpClient client(std::atoi(argv[2]));
  const auto answer =
      client.call(argv[1], argv[3], argc > 4 ? argv[4] : "", std::chrono::milliseconds(1000));
  if (answer.status == 0) {
    std::cout << (answer.timed_out ? "no answer\n" : "not reachable\n");
    return 2;
  }
  std::cout << answer.status << ' ' << answer.body;
  return answer.ok() ? 0 : 1;
}
