// A load over TCP, in the words that the playbook gives it; it knows no protocol.
#include <sys/socket.h>

#include <cerrno>
#include <optional>

#include "drills/systems/link.h"
#include "drills/systems/spoken_line.h"
#include "engine/load/load_client.h"
#include "engine/load/request_pattern.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "address", .type = FieldType::address, .help = "Where it is said.", .required = true},
    {.name = "send",
     .help = "What is said, as it stands, with {key}, {digest}, {drill} and {seq} filled in. "
             "${env:NAME} and ${file:PATH} in it are secrets. It should leave nothing behind: "
             "nothing of it is removed.",
     .required = true},
    {.name = "expect",
     .help = "Text that must stand in the first 64 KiB of the answer, filled in like `send`.",
     .required = true},
    {.name = "ends",
     .help = "Text that ends each answer, like \"\\n\". With it a connection is kept for the next "
             "request; without it each has a connection of its own."},
    {.name = "connections",
     .type = FieldType::integer,
     .help = "How many connections at most are open at once; without it as many as a stall of "
             "`timeout` needs, 32 at most. What waits for one is late by our fault, and its "
             "second is marked.",
     .least = 1,
     .most = 500},
};

bool keeps_ledger(const Json&) { return false; }

std::string shown(const Json& arguments) { return arguments.text("address"); }

std::optional<WrongField> check(const LoadSpec& spec, const System&) {
  for (const std::string_view name : {"send", "expect"}) {
    if (spec.arguments.text(name).empty()) {
      return WrongField{std::string(name), "expected a text that is not empty"};
    }
  }
  if (!references_in(spec.arguments.text("expect")).empty()) {
    return WrongField{"expect", "what is expected is shown, and holds no secrets"};
  }
  if (spec.arguments.find("ends") != nullptr && spec.arguments.text("ends").empty()) {
    return WrongField{"ends", "expected a text that is not empty"};
  }
  return {};
}

Result<Undo> prepare(const LoadSpec& spec, const DeedContext&) {
  const Json& arguments = spec.arguments;
  return Undo{"load-tcp", Json::object({{"load", spec.name},
                                        {"address", arguments.text("address")},
                                        {"send", arguments.text("send")},
                                        {"expect", arguments.text("expect")},
                                        {"ends", arguments.text("ends")}})};
}

Status may(const Undo& undo, const DeedContext& context) {
  TRY_OK(context.secrets.reveal(undo.arguments.text("send")));
  TRY_OK(connect_to(undo.arguments.text("address"), context));
  return {};
}

class TcpClient : public LoadClient {
 public:
  TcpClient(Undo undo, Descriptor line, const DeedContext& context)
      : undo_(std::move(undo)),
        ends_(undo_.arguments.text("ends")),
        line_(std::move(line)),
        context_(context) {}

  Written write(const WriteNames& names) override {
    const auto text =
        context_.secrets.reveal(filled_in(undo_.arguments.text("send"), names, Encoding::plain));
    if (!text) return {SampleOutcome::not_sent, false};
    if (std::exchange(used_, true) && !is_quiet()) {
      auto anew = connect_to(undo_.arguments.text("address"), context_);
      if (!anew) return {SampleOutcome::not_sent, false};
      line_ = std::move(*anew);
    }
    if (const auto said = say(line_, *text, context_); !said)
      return {SampleOutcome::unknown, false};
    return judged(filled_in(undo_.arguments.text("expect"), names, Encoding::plain));
  }

 private:
  // A kept connection that its server has closed meanwhile, or on which it said something unasked,
  // would be no good for the next request.
  bool is_quiet() const {
    char byte = 0;
    return recv(line_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
  }

  Written judged(const std::string& wanted) {
    Heard heard = hear(line_, ends_.empty() ? wanted : ends_, context_);
    if (ends_.empty()) {
      return {heard.end.empty() ? SampleOutcome::ok : without(heard), false};
    }
    if (!heard.end.empty()) return {SampleOutcome::unknown, false};
    const std::size_t answer = heard.text.find(ends_) + ends_.size();
    // Whatever was said beyond the answer could be taken for the next one.
    const bool usable = heard.text.size() == answer;
    heard.text.resize(answer);
    return {heard.text.contains(wanted) ? SampleOutcome::ok : SampleOutcome::refused, usable};
  }

  // Said otherwise, or cut off?
  static SampleOutcome without(const Heard& heard) {
    return heard.text.empty() ? SampleOutcome::unknown : SampleOutcome::refused;
  }

  const Undo undo_;
  const std::string ends_;
  Descriptor line_;
  bool used_ = false;
  const DeedContext context_;
};

Result<std::unique_ptr<LoadClient>> connect(const Undo& undo, const DeedContext& context) {
  TRY(line, connect_to(undo.arguments.text("address"), context));
  return std::make_unique<TcpClient>(undo, std::move(line), context);
}

Result<std::unique_ptr<LedgerReader>> reader(const Undo&, const DeedContext&) {
  return fail(ErrorCode::unsupported, "a load over tcp keeps no ledger");
}

Status undo_load(const Undo&, const DeedContext&) { return {}; }

Result<Proof> gone(const Undo&, const DeedContext&) {
  return Proof{true, "this load declares nothing to clean up", {}};
}

}  // namespace

extern const LoadRow tcp_load;
const LoadRow tcp_load{
    .name = "tcp",
    .summary =
        "Says something over TCP and looks for a text in the answer, over a new connection "
        "or a kept one.",
    .fields = kFields,
    .rights = "a way there",
    .example =
        "pings: { rate: 50/s, tcp: { address: \"127.0.0.1:6379\", send: \"PING\\r\\n\", "
        "expect: \"+PONG\", ends: \"\\r\\n\" } }",
    .check = &check,
    .keeps_ledger = &keeps_ledger,
    .shown = &shown,
    .prepare = &prepare,
    .may = &may,
    .connect = &connect,
    .reader = &reader,
    .undo = &undo_load,
    .gone = &gone,
};

}  // namespace gameday
