// Cuts every link of a region at its proxy. Bytes under way are held back, not lost, and arrive
// when the cut ends, as they do when packets are dropped and sent again.
#include "drills/systems/link.h"

namespace gameday {
namespace {

constexpr Duration kLongEnoughToJoin = std::chrono::milliseconds(100);

Json about(const char* op, const std::string& mark) {
  return Json::object({{"op", op}, {"mark", mark}});
}

Result<std::vector<LinkInForce>> links_in(const Undo& undo) {
  std::vector<LinkInForce> links;
  for (const Json& item : undo.arguments.items("links")) {
    TRY(link, link_from(item));
    links.push_back(std::move(link));
  }
  return links;
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(links, links_hit(context.system, deed));
  Json listed = Json::array();
  for (const LinkInForce& link : links) {
    TRY(status, find_proxy({link.name, link.listen, link.to}, context.doors.clock, context.until));
    listed.push(to_json(link));
  }
  return Undo{.kind = "block",
              .arguments = Json::object({{"mark", context.mark}, {"links", std::move(listed)}})};
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(links, links_in(undo));
  for (const LinkInForce& link : links) {
    Json request = about("add", undo.arguments.text("mark"));
    request.set("kind", "block");
    TRY(answer, ask_link(link, request, context));
  }
  return {};
}

// What passed the proxy so far; equal before and after means that nothing did.
struct Passed {
  std::int64_t joined, up, down;
  bool operator==(const Passed&) const = default;
};

Result<Passed> passed(const LinkInForce& link, const DeedContext& context) {
  TRY(status, ask_link(link, Json::object({{"op", "status"}}), context));
  return Passed{status.integer("upstream_connects", -1), status.integer("bytes_up", -1),
                status.integer("bytes_down", -1)};
}

// A connection of our own is accepted and not joined, although upstream is there to be reached
// beside the proxy. A handshake under way when the block came may still end once.
Result<bool> cut(const LinkInForce& link, const DeedContext& context) {
  constexpr int kMostLooks = 3;
  for (int look = 0; look < kMostLooks; ++look) {
    TRY(before, passed(link, context));
    TRY(own, connect_to(link.listen, context));
    TRY_OK(context.doors.clock.pause(kLongEnoughToJoin, context.until));
    TRY(after, passed(link, context));
    if (before == after) return true;
  }
  return false;
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(links, links_in(undo));
  Proof proof{.held = true, .text = "", .facts = Json::object()};
  for (const LinkInForce& link : links) {
    std::string seen = " passes nothing on";
    TRY(toxic, look_for_toxic(link, undo.arguments.text("mark"), context));
    bool held = toxic == Toxic::there;
    if (!held) {
      seen = " is not blocked";
    } else if (const auto direct = connect_to(link.to, context); !direct) {
      // Nothing shows that the block, and not upstream itself, keeps traffic away.
      held = false;
      seen = " leads to what cannot be reached anyway: " + direct.error().text;
    } else {
      TRY(is_cut, cut(link, context));
      held = is_cut;
      if (!is_cut) seen = " still passes traffic on";
    }
    proof.held = proof.held && held;
    proof.text += (proof.text.empty() ? "link " : "; link ") + link.name + seen;
    proof.facts.set(link.name, held);
  }
  return proof;
}

Status renew(const Undo& undo, const DeedContext& context) {
  TRY(links, links_in(undo));
  Status first;
  for (const LinkInForce& link : links) {
    const auto answer = ask_link(link, about("renew", undo.arguments.text("mark")), context);
    if (!answer && first) first = std::unexpected(answer.error());
  }
  return first;
}

// A proxy that is gone has taken the block with it.
Status undo_block(const Undo& undo, const DeedContext& context) {
  TRY(links, links_in(undo));
  Status first;
  for (const LinkInForce& link : links) {
    const auto answer = ask_link(link, about("remove", undo.arguments.text("mark")), context);
    if (!answer && answer.error().code != ErrorCode::not_found && first) {
      first = std::unexpected(answer.error());
    }
  }
  return first;
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(links, links_in(undo));
  Proof proof{.held = true, .text = "", .facts = Json::object()};
  for (const LinkInForce& link : links) {
    TRY(toxic, look_for_toxic(link, undo.arguments.text("mark"), context));
    proof.held = proof.held && toxic != Toxic::there;
    proof.text += (proof.text.empty() ? "link " : "; link ") + link.name;
    proof.text += toxic == Toxic::there       ? " is still blocked"
                  : toxic == Toxic::not_there ? " is not blocked"
                                              : " has no proxy any more, nor a block";
    proof.facts.set(link.name, toxic != Toxic::there);
  }
  return proof;
}

}  // namespace

extern const FaultRow block_fault;
const FaultRow block_fault{.name = "block",
                           .summary = "Cuts every link of a region; nothing passes either way.",
                           .fields = {},
                           .facet = "link",
                           .reversal = Reversal::exact,
                           .effect = Effect::cuts,
                           .holds_data = false,
                           .rights = "the links' proxies run as the same user",
                           .example = "- { fault: block, region: eu-west, for: 5s }",
                           .prepare = prepare,
                           .inject = inject,
                           .prove = prove,
                           .undo = undo_block,
                           .gone = gone,
                           .close = nullptr,
                           .renew = renew};

}  // namespace gameday
