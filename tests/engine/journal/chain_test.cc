#include "engine/journal/chain.h"

#include <gtest/gtest.h>

#include "engine/base/digest.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

Now at(int second) {
  return {Instant(std::chrono::seconds(second)), Utc(std::chrono::seconds(1700000000 + second))};
}

std::vector<std::string> chain_of(int events, bool closed = true, const std::string& drill = "D1") {
  std::vector<std::string> lines;
  Chain chain(drill, "boot-1", std::string(kChainStart));
  for (int i = 1; i <= events; ++i) {
    const bool last = closed && i == events;
    const Json data = last ? Json::object({{"events", events}})
                           : Json::object({{"step", i}, {"text", "quote \" and \n feed"}});
    const ChainLine made = chain.line(at(i), last ? std::string(kClosing) : "sample", data);
    chain.advance(made);
    lines.push_back(made.line);
  }
  return lines;
}

TEST(Chain, ALineIsCanonicalJsonThatCarriesTheHashOfItsRest) {
  Chain chain("D1", "boot-1", std::string(kChainStart));
  const ChainLine made = chain.line(at(2), "deed", Json::object({{"a", 1.5}}));
  const std::string body =
      R"({"n":1,"drill":"D1","boot":"boot-1","t":2000000000,"utc":"2023-11-14T22:13:22.000000Z",)"
      R"("type":"deed","data":{"a":1.5},"prev":")" +
      std::string(kChainStart) + "\"}";
  EXPECT_EQ(made.hash, sha256(body));
  EXPECT_EQ(made.line, body.substr(0, body.size() - 1) + ",\"hash\":\"" + made.hash + "\"}");
  EXPECT_EQ(chain.count(), 0U);
  EXPECT_EQ(chain.head(), kChainStart);
  chain.advance(made);
  EXPECT_EQ(chain.count(), 1U);
  EXPECT_EQ(chain.head(), made.hash);
}

TEST(Chain, AnEventReadsBackAsItWasWritten) {
  const auto lines = chain_of(3);
  const auto event = parse_event(lines[1]);
  ASSERT_TRUE(event) << event.error().text;
  EXPECT_EQ(event->number, 2U);
  EXPECT_EQ(event->drill, "D1");
  EXPECT_EQ(event->boot, "boot-1");
  EXPECT_EQ(event->at, at(2).boot);
  EXPECT_EQ(event->type, "sample");
  EXPECT_EQ(event->data.integer("step", 0), 2);
  EXPECT_EQ(event->prev, parse_event(lines[0])->hash);
  EXPECT_EQ(event->hash, hash_of(lines[1]));
}

TEST(Chain, NamesThatJsonEscapesReadBackToo) {
  for (const char* drill : {"D1", "a \"quoted\" one", "back\\slash", "Zürich", "tab\t"}) {
    const Chain chain(drill, "boot \x7f", std::string(kChainStart));
    const auto event = parse_event(chain.line(at(1), drill, Json::object({{"x", drill}})).line);
    ASSERT_TRUE(event) << drill << ": " << event.error().text;
    EXPECT_EQ(event->drill, drill);
    EXPECT_EQ(event->type, drill);
    EXPECT_EQ(event->data.text("x"), drill);
  }
}

TEST(Chain, ASourceThatCannotBeReadIsNoBrokenChain) {
  const auto lines = chain_of(3);
  const LineSource source = [&](const LineVisitor& each) -> Status {
    each(lines.front());
    return fail(ErrorCode::failed, "the disk is gone");
  };
  const auto state = verify_chain(source);
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().text, "the disk is gone");
}

TEST(Chain, WhatIsNotExactlyAnEventIsRefused) {
  const std::string good = chain_of(1, false)[0];
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = good;
    const auto found = changed.find(from);
    EXPECT_NE(found, std::string::npos) << from;
    return changed.replace(found, from.size(), to);
  };
  ASSERT_TRUE(parse_event(good));
  for (const std::string& bad : {
           std::string(),
           std::string("{}"),
           std::string("[]"),
           good + " ",
           " " + good,
           good.substr(0, good.size() - 1),
           with("\"n\":1", "\"n\":0"),
           with("\"n\":1", "\"n\":\"1\""),
           with("\"n\":1", "\"n\": 1"),
           with("\"n\":1", "\"m\":1"),
           with("\"boot\"", "\"drill\""),
           with("\"t\":1000000000", "\"t\":1.5"),
           with("\"data\":{", "\"data\":[],\"x\":{"),
           with("\"prev\":\"sha256", "\"prev\":\"SHA256"),
           with("22:13", "22:73"),
           with("2023-", "9023-"),
           with("2023-", "20x3-"),
           with("00Z", "0Z"),
           with("\"step\":1", "\"step\":1e0"),
           with("\"type\":\"sample\"", "\"type\":null"),
           with("D1", "D\\u0031"),
       }) {
    const auto event = parse_event(bad);
    ASSERT_FALSE(event) << bad;
    EXPECT_EQ(event.error().code, ErrorCode::corrupt);
  }
}

TEST(Chain, AWholeChainIsIntact) {
  const auto state = verify_chain(chain_of(5));
  EXPECT_TRUE(state.intact) << state.problem;
  EXPECT_FALSE(state.interrupted);
  EXPECT_EQ(state.events, 5U);
  EXPECT_EQ(state.drill, "D1");
  EXPECT_EQ(state.head, parse_event(chain_of(5)[4])->hash);
}

TEST(Chain, ACutTailIsInterruptedNeverWhole) {
  const auto lines = chain_of(5);
  for (std::ptrdiff_t keep = 1; keep < 5; ++keep) {
    const auto state = verify_chain({lines.begin(), lines.begin() + keep});
    EXPECT_TRUE(state.intact);
    EXPECT_TRUE(state.interrupted) << keep;
    EXPECT_EQ(state.events, static_cast<std::uint64_t>(keep));
  }
  const auto none = verify_chain(std::vector<std::string>());
  EXPECT_FALSE(none.intact);
  EXPECT_TRUE(none.interrupted);
  EXPECT_EQ(none.problem, "no events");
}

struct Tampered {
  const char* what;
  std::vector<std::string> lines;
  std::string problem;
};

std::vector<std::string> changed(void (*change)(std::vector<std::string>&)) {
  auto lines = chain_of(6);
  change(lines);
  return lines;
}

// Line `n` with other data and a hash that fits, as somebody who knows the format would write it.
std::string forged(const std::string& line) {
  const auto event = parse_event(line);
  Chain chain(event->drill, event->boot, event->prev, event->number - 1);
  return chain
      .line({event->at, *parse_rfc3339(event->utc)}, event->type, Json::object({{"forged", true}}))
      .line;
}

TEST(Chain, TamperingIsNamedAndLocated) {
  using Lines = std::vector<std::string>;
  const std::vector<Tampered> cases{
      {"edited", changed([](Lines& l) { l[2].replace(l[2].find("\"step\":3"), 8, "\"step\":4"); }),
       "line 3: edited (its hash does not match)"},
      {"not an event", changed([](Lines& l) { l[2] = "{}"; }),
       "line 3: edited (not an event: it has other members than an event)"},
      {"dropped", changed([](Lines& l) { l.erase(l.begin() + 2); }),
       "line 3: dropped before it: event 3"},
      {"two dropped", changed([](Lines& l) { l.erase(l.begin(), l.begin() + 2); }),
       "line 1: dropped before it: event 1 to 2"},
      {"swapped", changed([](Lines& l) { std::swap(l[1], l[2]); }),
       "line 2: swapped (event 2 stands at line 3)"},
      {"doubled", changed([](Lines& l) { l.insert(l.begin() + 2, l[1]); }),
       "line 3: doubled (the same as line 2)"},
      {"repeated later", changed([](Lines& l) { l.insert(l.begin() + 4, l[1]); }),
       "line 5: out of order (event 2 stands after event 4)"},
      {"closing doubled", changed([](Lines& l) { l.push_back(l.back()); }),
       "line 7: doubled (the same as line 6)"},
      {"appended", changed([](Lines& l) { l.push_back(chain_of(7, false)[6]); }),
       "line 7: appended after the closing event"},
      {"another drill", changed([](Lines& l) { l[3] = chain_of(6, true, "D2")[3]; }),
       "line 4: of another drill (D2)"},
      {"rewritten", changed([](Lines& l) { l[2] = forged(l[2]); }),
       "line 4: does not follow line 3 (its prev is another hash)"},
  };
  for (const auto& [what, lines, problem] : cases) {
    const auto state = verify_chain(lines);
    EXPECT_FALSE(state.intact) << what;
    EXPECT_EQ(state.problem, problem) << what;
    EXPECT_TRUE(state.problem.starts_with("line " + std::to_string(state.line) + ":")) << what;
  }
}

TEST(Chain, AClosingEventThatMiscountsIsRefused) {
  Chain chain("D1", "b", std::string(kChainStart));
  const auto state =
      verify_chain({chain.line(at(1), kClosing, Json::object({{"events", 2}})).line});
  EXPECT_FALSE(state.intact);
  EXPECT_EQ(state.problem,
            "line 1: the closing event counts other events than the 1 that are there");
}

TEST(Chain, EveryFlippedBitOfALineIsFound) {
  const auto lines = chain_of(3);
  for (std::size_t byte = 0; byte < lines[1].size(); ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      auto flipped = lines;
      flipped[1][byte] = static_cast<char>(flipped[1][byte] ^ (1 << bit));
      EXPECT_EQ(verify_chain(flipped).line, 2U) << byte << "." << bit;
    }
  }
}

TEST(Chain, GoesOnAfterAnEventThatIsThere) {
  auto lines = chain_of(3, false);
  Chain chain("D1", "boot-2", parse_event(lines.back())->hash, 3);
  lines.push_back(chain.line(at(9), kClosing, Json::object({{"events", 4}})).line);
  EXPECT_TRUE(verify_chain(lines).intact);
}

}  // namespace
}  // namespace gameday
