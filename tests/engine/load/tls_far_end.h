// The other side of TLS, in the test's own hand: OpenSSL's, over a socket.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace gameday {

// Certificates of an authority of the test's own, made once; NAME.pem and NAME.key of each:
//   good      for 127.0.0.1, ::1, localhost and shop.test
//   expired   the same, and over
//   other     for other.test alone
//   stranger  good, by the authority `unknown`, which nobody trusts
//   ca        the authority
[[nodiscard]] std::string tls_file(const std::string& name);
// For this process and its clients: `ca` is trusted.
void trust_test_authority();

struct TlsFarTerms {
  std::string certificate = "good";
  int most = 0;  // 12: TLS 1.2 at most, and 11
};

// Whom the connections of a server share.
class TlsFarServer {
 public:
  explicit TlsFarServer(const TlsFarTerms& terms);
  ~TlsFarServer();
  TlsFarServer(const TlsFarServer&) = delete;
  TlsFarServer& operator=(const TlsFarServer&) = delete;

 private:
  friend class TlsFarEnd;
  struct Shared;
  std::unique_ptr<Shared> shared_;
};

class TlsFarEnd {
 public:
  TlsFarEnd(TlsFarServer& server, int socket);  // which is the caller's
  ~TlsFarEnd();
  TlsFarEnd(const TlsFarEnd&) = delete;
  TlsFarEnd& operator=(const TlsFarEnd&) = delete;

  enum class Shaken { no, yes, failed };
  [[nodiscard]] Shaken shake();  // as far as what has come goes
  bool say(std::string_view text);
  // As recv(2): 0 the end, by its word or not; below it nothing for now, or that it has failed.
  [[nodiscard]] long hear(char* to, std::size_t size, bool& ended);
  [[nodiscard]] bool has_some() const;  // that has been received and not been heard
  void say_bye();
  [[nodiscard]] bool heard_bye() const;
  [[nodiscard]] bool heard_alert() const;  // that ended it
  void ask_for_new_keys();                 // TLS 1.2: renegotiates
  [[nodiscard]] bool resumed() const;
  [[nodiscard]] std::string server_name() const;  // that the client asked for; "": none
  [[nodiscard]] std::string protocol() const;     // by ALPN
  [[nodiscard]] std::string version() const;      // "TLSv1.3"
  [[nodiscard]] const std::string& problem() const;

 private:
  struct Talk;
  std::unique_ptr<Talk> talk_;
};

}  // namespace gameday
