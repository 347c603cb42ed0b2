// The door to S3: objects and their versions in one bucket of a server that speaks Amazon's
// protocol. Each call is one signed request, or several of a list; what an object holds is read in
// pieces, so that none must fit into memory.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/sys/aws_signature.h"
#include "engine/sys/clock.h"
#include "engine/sys/http.h"
#include "engine/sys/s3_page.h"

namespace gameday {

struct S3Address {
  std::string endpoint;  // "https://s3.eu-north-1.amazonaws.com", with nothing behind the host
  std::string region = "us-east-1";
  std::string bucket = {};
  bool path_style = true;  // the bucket is in the path; else before the host's name
  bool verify = true;      // its certificate
  std::string ca = {};     // a file of certificates in PEM; empty: those that this machine trusts
};
[[nodiscard]] std::string shown(const S3Address& address);
// invalid: the endpoint is no http:// or https:// URL of a host alone, or the bucket has no name
// that a bucket can have.
[[nodiscard]] Status check(const S3Address& address);

// What an object, or a version of it, is without what it holds.
struct S3Object {
  std::string key = {};
  std::string version = {};  // empty or "null": the bucket has none
  std::int64_t size = 0;
  std::string etag = {};
  Utc modified = {};
  std::string lock_mode = {};  // "GOVERNANCE", "COMPLIANCE"; empty: none is told
  std::optional<Utc> locked_until = {};
};

// How long what is new is locked, where nobody says.
struct S3Lock {
  bool enabled = false;
  std::string default_mode = {};  // empty: there is no default
};

struct S3Put {
  std::string key;
  std::string body;
  AwsPairs headers = {};  // "x-amz-meta-...", "x-amz-object-lock-mode" and their like
  // It goes with the sums of something else, as what was damaged on its way: not to be taken.
  bool damaged = false;
};

struct S3Removed {
  std::string version = {};  // of what went, or of the marker that came
  bool marker = false;
};

class S3 {
 public:
  S3(S3Address address, AwsCredentials credentials, const Clock& clock, const Until& until,
     WriteObserver observer = {});

  // Whatever is refused is an error with the server's word: refused (403), not_found (404),
  // conflict (409, 412), unsupported (501), invalid (another 4xx), else failed.
  [[nodiscard]] Result<S3Object> look(const std::string& key, const std::string& version = "");
  // SHA-256 of what it holds: "sha256:...". Every piece is of the same content, or it is a
  // conflict.
  [[nodiscard]] Result<std::string> digest(const S3Object& object);
  [[nodiscard]] Result<std::string> read(const S3Object& object, std::int64_t limit);
  // What stands under a prefix now, by key. refused: more than `most`.
  [[nodiscard]] Result<std::vector<S3Version>> objects(const std::string& prefix, std::size_t most);
  // With all versions, the newest of a key first.
  [[nodiscard]] Result<std::vector<S3Version>> versions(const std::string& prefix,
                                                        std::size_t most);
  // The same, page by page, each of a thousand at most: whatever there is, it need not fit into
  // memory.
  using EachPage = std::function<Status(const std::vector<S3Version>&)>;
  [[nodiscard]] Status each_object(const std::string& prefix, const EachPage& each);
  [[nodiscard]] Status each_version(const std::string& prefix, const EachPage& each);
  // The version that came.
  [[nodiscard]] Result<std::string> put(const S3Put& object);
  // `etag`: only what still has that one; else conflict.
  [[nodiscard]] Result<std::string> copy(const S3Object& from, const std::string& to,
                                         const std::string& etag = "");
  // One version for good; without one, what stands there as a client removes it.
  [[nodiscard]] Result<S3Removed> remove(const std::string& key, const std::string& version = "",
                                         bool bypass_governance = false);
  // As a client removes it, where it is there; where it is not, conflict or nothing. What a server
  // does that knows no conditions, the answer tells.
  [[nodiscard]] Result<S3Removed> remove_if_there(const std::string& key);

  // These versions and markers, kMostRemoved at most, for good and in one request. What is not
  // there any more is removed.
  [[nodiscard]] Status remove_all(const std::vector<S3Version>& versions,
                                  bool bypass_governance = false);
  // Locks that version anew, in its `lock_mode` and until its `locked_until`.
  [[nodiscard]] Status retain(const S3Object& object, bool bypass_governance = false);

  [[nodiscard]] Result<std::string> versioning();  // "Enabled", "Suspended"; empty: never had
  [[nodiscard]] Result<S3Lock> lock();
  [[nodiscard]] Result<std::string> policy();                  // as JSON; empty: there is none
  [[nodiscard]] Status set_policy(const std::string& policy);  // empty: there is to be none

  [[nodiscard]] const S3Address& address() const { return address_; }

 private:
  struct Question {
    std::string method = "GET";
    std::string key = {};  // empty: the bucket
    AwsPairs query = {};
    AwsPairs headers = {};
    std::string body = {};
    std::int64_t largest_answer = 16 << 20;
  };
  [[nodiscard]] Result<HttpAnswer> ask(const Question& question);
  static void add_sums(Question& question) { add_sums(question, question.body); }
  static void add_sums(Question& question, std::string_view of);
  [[nodiscard]] Result<S3Removed> removed_by(const Question& question);
  [[nodiscard]] Result<std::string> piece(const S3Object& object, std::int64_t from,
                                          std::int64_t size);
  [[nodiscard]] Status each_page(AwsPairs query, const EachPage& each);
  [[nodiscard]] Result<std::vector<S3Version>> listed(const AwsPairs& query, std::size_t most);

  S3Address address_;
  AwsCredentials credentials_;
  const Clock& clock_;
  Until until_;
  std::shared_ptr<Http> http_;
};

}  // namespace gameday
