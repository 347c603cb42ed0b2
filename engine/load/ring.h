// The door to io_uring(7), for sockets that send little and receive at any time. What is asked for
// goes to the kernel in one call with the next wait, and a wait may be for many answers at once:
// it is being woken for each of them that costs a client the most.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "engine/base/result.h"
#include "engine/base/time.h"

namespace gameday {

// Of the one thread that waits first.
class Ring {
 public:
  enum class Did : std::uint8_t { send, receive, writable, wake, no_more };
  struct Event {
    Did did = Did::wake;
    std::uint64_t tag = 0;  // as it was given with what was asked for; 56 bits
    int error = 0;          // an errno value
    std::size_t sent = 0;   // of a send: how much of it went
    // Received: no bytes and no error is the end. Good until the handler returns.
    std::string_view bytes;
    std::optional<Utc> at;  // when the kernel had them, where it says so
    bool over = false;      // nothing more is received until it is asked for again
  };
  using Handler = std::function<void(const Event&)>;

  // With room for so many pieces, a power of two, of what has been received and not yet handled.
  // `unsupported`, with the reason: the kernel is too old, or does not let us.
  [[nodiscard]] static Result<std::unique_ptr<Ring>> open(unsigned pieces);
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // As much as goes at once, which has been copied when the next wait begins. There is an event
  // only where that was not all of it.
  void send(int socket, std::string_view bytes, std::uint64_t tag);
  void receive(int socket, std::uint64_t tag);  // an event for each piece, until one is `over`
  void writable(int socket, std::uint64_t tag);
  void readable(int descriptor);  // to be woken by
  // What was asked for under that tag ends with an event of its own, unless it has ended.
  void no_more(Did of, std::uint64_t tag);

  // Until that many events are there, or for that long.
  void wait(unsigned events, Duration most);
  // All that are there; they are gone then. What the handler asks for goes to the kernel at once
  // with `flush`, else with the next wait.
  void each(const Handler& handler);
  void flush();

 private:
  struct Rings;
  explicit Ring(std::unique_ptr<Rings> rings);
  std::unique_ptr<Rings> rings_;
};

}  // namespace gameday
