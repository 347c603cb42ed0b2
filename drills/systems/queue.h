// A message queue with an HTTP interface, as the sample system has one:
//   GET URL                   {"messages": N, "incarnation": I}; 404 while there is no queue
//   PUT URL                   makes it if there is none
//   GET URL/messages          {"messages": [{"id", ...}]}; an id is never given out again
//   POST URL/messages         {"messages": [...], "retained": [...]} puts back, once by key:
//                             {"accepted", "skipped", "gone": [keys of what was deleted for good]}
//   DELETE URL?save=1         {"messages": [...], "retained": [...], "incarnation": I}
//   GET URL/dropped           the last DELETE's answer; 404 where a queue keeps none
//   POST URL/purge?mark=M     {"messages": [...]} removes what is not out for delivery, keeps it
//   GET URL/purged?mark=M     {"messages": [...]} of the purges under M; 404: none; DELETE forgets
//   POST URL/raw              {"bodies": [...], "mark": M} puts in messages that are nothing else
//   GET URL/dead              {"messages": [...]} that consumers have given up
//   DELETE URL/messages?mark=M  {"deleted": N} of both; raw ones under M are refused from then on
//   POST URL/disturb          {"mark", "how", "count", ...}: duplicates, delays, reorders messages
//   GET URL/disturb?mark=M    {"active", "seen", "hit", "delivered", "held"}; 404: none
//   DELETE URL/disturb?mark=M ends it, with what it holds and its copies; a late POST is refused
//   POST URL/replay           {"since": TIME} -> {"replayed": N}
// An incarnation names one life of the queue: it differs after the queue was made anew.
#pragma once

#include <optional>
#include <string>

#include "engine/rows.h"

namespace gameday {

// The `url` of a target's queue facet, as the playbook gives it: secrets still as references.
[[nodiscard]] Result<std::string> queue_url(const Target& target);

struct QueueLooks {
  bool exists = false;
  std::int64_t messages = 0;
  std::string incarnation;
};
// failed, timed_out...: the queue's server did not answer, or with nothing to be understood.
[[nodiscard]] Result<QueueLooks> look_at_queue(const std::string& url, const DeedContext& context);

// One request on URL + `path`. not_found: the answer is 404; refused: 401 or 403; failed:
// any other but 2xx.
struct QueueRequest {
  std::string method;
  std::string path;
  std::optional<Json> body;
  std::int64_t largest_answer = 64 << 20;  // bytes; messages are in it, or it is short
};
[[nodiscard]] Result<Json> ask_queue(const std::string& url, const QueueRequest& request,
                                     const DeedContext& context);

}  // namespace gameday
