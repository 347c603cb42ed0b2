#include "drills/systems/link_toxic.h"

#include <algorithm>
#include <future>

#include "engine/base/units.h"

namespace gameday {
namespace {

constexpr Duration kLongestMeasure = std::chrono::seconds(1);
// Less than a proof has (Deadlines::prove), so that what is slower than that is still told.
constexpr Duration kLongestLook = std::chrono::seconds(8);

Result<std::vector<LinkInForce>> links_in(const Undo& undo) {
  std::vector<LinkInForce> links;
  for (const Json& item : undo.arguments.items("links")) {
    TRY(link, link_from(item));
    links.push_back(std::move(link));
  }
  return links;
}

Json about(const char* op, const Undo& undo) {
  return Json::object({{"op", op}, {"mark", undo.arguments.text("mark")}});
}

// The whole of `context`, with less time.
DeedContext sooner(const DeedContext& context, Duration within) {
  DeedContext less = context;
  less.until.deadline = std::min(context.until.deadline, context.doors.clock.in(within));
  return less;
}

// One error stops none of the others; the first is told.
Status ask_each(const char* op, const Undo& undo, bool gone_is_well, const DeedContext& context) {
  TRY(links, links_in(undo));
  Status first;
  for (const LinkInForce& link : links) {
    const auto answer = ask_link(link, about(op, undo), context);
    const bool well = answer || (gone_is_well && answer.error().code == ErrorCode::not_found);
    if (!well && first) first = std::unexpected(answer.error());
  }
  return first;
}

Result<Shown> look_at(const LinkInForce& link, const Undo& undo, Look look,
                      const DeedContext& context) {
  TRY(toxic, look_for_toxic(link, undo.arguments.text("mark"), context));
  if (toxic != Toxic::there) return Shown{false, "has no " + undo.kind + " in its way", {}};
  // Otherwise nothing shows that the toxic, and not upstream itself, is what traffic suffers from.
  if (const auto direct = connect_to(link.to, context); !direct) {
    return Shown{false, "leads to what cannot be reached anyway: " + direct.error().text, {}};
  }
  return look(link, undo.arguments.get("toxic"), sooner(context, kLongestLook));
}

}  // namespace

double seconds_of(const Deed& deed, std::string_view field) {
  return seconds(parse_duration(deed.arguments.text(field)).value_or(Duration{}));
}

std::int64_t bytes_of(const Deed& deed, std::string_view field) {
  return parse_size(deed.arguments.text(field)).value_or(0);
}

Result<Undo> prepare_toxic(const Deed& deed, const Json& toxic, Measure measure,
                           const DeedContext& context) {
  TRY(links, links_hit(context.system, deed));
  Json listed = Json::array();
  for (LinkInForce& link : links) {
    TRY(status, find_proxy({link.name, link.listen, link.to}, context.doors.clock, context.until));
    if (measure != nullptr) {
      auto before = measure(link, toxic, sooner(context, kLongestMeasure));
      if (!before && before.error().code != ErrorCode::timed_out) {
        return std::unexpected(before.error());
      }
      if (before) link.before = *before;
    }
    listed.push(to_json(link));
  }
  return Undo{.kind = deed.kind,
              .arguments = Json::object(
                  {{"mark", context.mark}, {"links", std::move(listed)}, {"toxic", toxic}})};
}

Status add_toxic(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(links, links_in(undo));
  Json request = about("add", undo);
  request.set("kind", undo.kind);
  for (const auto& [name, value] : undo.arguments.get("toxic").members()) request.set(name, value);
  for (const LinkInForce& link : links) {
    TRY(answer, ask_link(link, request, context));
  }
  return {};
}

Status renew_toxic(const Undo& undo, const DeedContext& context) {
  return ask_each("renew", undo, false, context);
}

// A proxy that is gone has taken its toxics with it.
Status remove_toxic(const Undo& undo, const DeedContext& context) {
  return ask_each("remove", undo, true, context);
}

Result<Proof> toxic_gone(const Undo& undo, const DeedContext& context) {
  TRY(links, links_in(undo));
  Proof proof{.held = true, .text = "", .facts = Json::object()};
  for (const LinkInForce& link : links) {
    TRY(toxic, look_for_toxic(link, undo.arguments.text("mark"), context));
    proof.held = proof.held && toxic != Toxic::there;
    proof.text += (proof.text.empty() ? "link " : "; link ") + link.name;
    proof.text += toxic == Toxic::there       ? " still has its " + undo.kind
                  : toxic == Toxic::not_there ? " has no " + undo.kind + " in its way"
                                              : " has no proxy any more, nor a " + undo.kind;
    proof.facts.set(link.name, toxic != Toxic::there);
  }
  return proof;
}

Result<Proof> prove_toxic(const Undo& undo, Look look, const DeedContext& context) {
  TRY(links, links_in(undo));
  std::vector<std::future<Result<Shown>>> looks;
  for (const LinkInForce& link : links) {
    looks.push_back(
        std::async(std::launch::async, [&, link] { return look_at(link, undo, look, context); }));
  }
  Proof proof{.held = true, .text = "", .facts = Json::object()};
  for (std::size_t i = 0; i < links.size(); ++i) {
    TRY(shown, looks[i].get());
    proof.held = proof.held && shown.held;
    proof.text += (i == 0 ? "link " : "; link ") + links[i].name + " " + shown.text;
    proof.facts.set(links[i].name, shown.facts.is_null() ? Json(shown.held) : shown.facts);
  }
  return proof;
}

Result<Shown> look_by_crossing(const LinkInForce& link, std::size_t bytes, const Judge& judge,
                               const Json& toxic, const DeedContext& context) {
  const auto crossed = cross(link, bytes, context);
  if (!crossed && crossed.error().code == ErrorCode::timed_out) {
    return Shown{false, "joins no connection, so that nothing can be measured", {}};
  }
  TRY(now, crossed);
  const Crossing before = crossing_from(link.before);
  const std::string direction = toxic.text("direction");
  Shown shown{true, "", Json::object({{"held", true}, {"before", link.before}})};
  const auto judge_one = [&](std::string_view name, const Passing& was, const Passing& is) {
    if (direction != "both" && direction != name) return;
    shown.held = shown.held && judge.held(was, is, toxic);
    shown.text += (shown.text.empty() ? "passes " : "; ") + std::string(name) + " " +
                  judge.text(is) + ", before " +
                  (link.before.is_null() ? "unknown" : judge.text(was));
  };
  judge_one("up", before.up, now.up);
  judge_one("down", before.down, now.down);
  shown.facts.set("held", shown.held).set("now", to_json(now));
  return shown;
}

}  // namespace gameday
