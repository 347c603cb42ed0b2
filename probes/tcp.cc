#include "drills/systems/link.h"
#include "drills/systems/spoken_line.h"
#include "engine/rows.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "address",
     .type = FieldType::address,
     .help = "Where a connection must be accepted.",
     .required = true},
    {.name = "send",
     .help = "What is said first, as it stands. ${env:NAME} and ${file:PATH} in it are secrets."},
    {.name = "expect",
     .help = "Text that must stand in the first 64 KiB of what comes back; without it nothing is "
             "waited for."},
};

Answer ask(const Json& arguments, const DeedContext& context) {
  const std::string wanted = arguments.text("expect");
  const auto text = context.secrets.reveal(arguments.text("send"));
  if (!text) return {false, text.error().text};
  const auto line = connect_to(arguments.text("address"), context);
  if (!line) return {false, "not connected (" + line.error().text + ")"};
  if (const auto said = say(*line, *text, context); !said) {
    return {false, "connected, but not everything could be sent (" + said.error().text + ")"};
  }
  if (wanted.empty()) return {true, text->empty() ? "connected" : "connected and sent"};
  const Heard heard = hear(*line, wanted, context);
  if (heard.end.empty()) return {true, "the peer said '" + wanted + "'"};
  return {false, "connected, but '" + wanted + "' is not in the " +
                     std::to_string(heard.text.size()) + " bytes that came (" + heard.end + ")"};
}

}  // namespace

extern const ProbeRow tcp_probe;
const ProbeRow tcp_probe{
    .name = "tcp",
    .summary = "Connects to an address, may say something and looks for a text in what comes back.",
    .scalar = "address",
    .fields = kFields,
    .example = R"(front-speaks: { tcp: { address: "127.0.0.1:8080", )"
               R"(send: "HEAD /healthz HTTP/1.0\r\n\r\n", expect: "200" }, every: 500ms })",
    .ask = &ask,
};

}  // namespace gameday
