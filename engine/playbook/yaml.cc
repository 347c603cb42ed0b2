#include "engine/playbook/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "engine/base/text.h"

namespace gameday {
namespace {

// Leaves the parser from within its events; never leaves this file.
struct Refused {
  Place place;
  std::string text;
};

Place place_of(const YAML::Mark& mark) {
  if (mark.is_null()) return {1, 1};
  return {mark.line + 1, mark.column + 1};
}

struct Extent {
  std::size_t nodes = 1;
  std::size_t text = 0;
  int depth = 1;
};

Extent extent_of(const Node& node) {
  Extent all{1, node.text.size(), 1};
  const auto add = [&](const Node& child) {
    const Extent inner = extent_of(child);
    all.nodes += inner.nodes;
    all.text += inner.text;
    all.depth = std::max(all.depth, inner.depth + 1);
  };
  for (const auto& item : node.items) add(item);
  for (const auto& entry : node.entries) add(entry.value);
  return all;
}

// yaml-cpp 0.7 takes the end of the file for a closing quote; this finds the true one.
bool quote_is_closed(std::string_view rest) {
  const char quote = rest.empty() ? '\0' : rest.front();
  if (quote != '"' && quote != '\'') return true;  // a block scalar
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '\\' && quote == '"') {
      ++i;
    } else if (rest[i] == quote) {
      if (quote == '"' || i + 1 >= rest.size() || rest[i + 1] != quote) return true;
      ++i;
    }
  }
  return false;
}

class Builder : public YAML::EventHandler {
 public:
  Builder(std::string_view source, Problems& problems) : source_(source), problems_(problems) {
    lines_.push_back(0);
    for (std::size_t i = 0; i < source.size(); ++i) {
      if (source[i] == '\n') lines_.push_back(i + 1);
    }
  }

  [[nodiscard]] std::optional<Node> take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) {
      throw Refused{place_of(mark), "a second document; a playbook is one document"};
    }
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node;
    node.place = place_of(mark);
    add(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      throw Refused{place_of(mark), "an alias inside of what it stands for"};
    }
    const Extent extent = extent_of(found->second);
    count(extent, place_of(mark));
    Node copy = found->second;
    copy.place = place_of(mark);
    put(std::move(copy), place_of(mark));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node node;
    node.kind = Node::Kind::scalar;
    node.text = value;
    node.was_quoted = tag == "!";
    node.place = place_of(mark);
    refuse_tag(tag, node.place);
    if (node.was_quoted && !quote_is_closed(rest_from(node.place))) {
      throw Refused{node.place, "a quote that is never closed"};
    }
    if (value.find('\0') != std::string::npos) throw Refused{node.place, "a NUL character"};
    if (!is_utf8(value)) throw Refused{node.place, "a text that is not UTF-8"};
    add(std::move(node), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::sequence, place_of(mark), tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::mapping, place_of(mark), tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Node node;
    YAML::anchor_t anchor = 0;
    std::optional<Node> key;  // of a mapping, while its value is awaited
    std::set<std::string> keys;
  };

  static void refuse_tag(const std::string& tag, Place place) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    throw Refused{place, "tags are not supported"};
  }

  [[nodiscard]] std::string_view rest_from(Place place) const {
    const auto line = static_cast<std::size_t>(place.line - 1);
    if (line >= lines_.size()) return {};
    const auto offset = lines_[line] + static_cast<std::size_t>(place.column - 1);
    return offset < source_.size() ? source_.substr(offset) : std::string_view();
  }

  void count(const Extent& extent, Place place) {
    nodes_ += extent.nodes;
    text_ += extent.text;
    if (nodes_ > kMostNodes || text_ > kMostText) {
      throw Refused{place, "too much: a playbook has at most " + std::to_string(kMostNodes) +
                               " values, aliases expanded"};
    }
    if (static_cast<int>(open_.size()) + extent.depth > kDeepest) {
      throw Refused{place, "nested more than " + std::to_string(kDeepest) + " levels deep"};
    }
  }

  void open(Node::Kind kind, Place place, const std::string& tag, YAML::anchor_t anchor) {
    refuse_tag(tag, place);
    count({}, place);
    Open opened;
    opened.node.kind = kind;
    opened.node.place = place;
    opened.anchor = anchor;
    open_.push_back(std::move(opened));
  }

  void close() {
    Open closed = std::move(open_.back());
    open_.pop_back();
    if (closed.anchor != 0) anchors_[closed.anchor] = closed.node;
    const Place place = closed.node.place;
    put(std::move(closed.node), place);
  }

  void add(Node node, YAML::anchor_t anchor) {
    const Place place = node.place;
    count({1, node.text.size(), 1}, place);
    if (anchor != 0) anchors_[anchor] = node;
    put(std::move(node), place);
  }

  void put(Node node, Place place) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& into = open_.back();
    if (into.node.is_sequence()) {
      into.node.items.push_back(std::move(node));
    } else if (!into.key) {
      if (!node.is_scalar()) throw Refused{place, "a key must be a plain word"};
      into.key = std::move(node);
    } else {
      put_value(into, std::move(node));
    }
  }

  void put_value(Open& into, Node value) {
    Node key = std::move(*into.key);
    into.key.reset();
    if (!into.keys.insert(key.text).second) {
      const int first = into.node.find(key.text)->place.line;
      problems_.error(key.place, "duplicate key " + quoted(key.text) + ", first on line " +
                                     std::to_string(first));
      return;
    }
    if (into.node.entries.size() == kMostKeys) {
      throw Refused{key.place, "a mapping with more than " + std::to_string(kMostKeys) + " keys"};
    }
    into.node.entries.push_back({std::move(key.text), key.place, std::move(value)});
  }

  std::string_view source_;
  Problems& problems_;
  std::vector<std::size_t> lines_;  // where each line starts
  int documents_ = 0;
  std::size_t nodes_ = 0;
  std::size_t text_ = 0;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Node> anchors_;
  std::optional<Node> root_;
};

Place place_at(std::string_view source, std::size_t offset) {
  const auto before = source.substr(0, offset);
  const auto line = std::ranges::count(before, '\n') + 1;
  const auto start = before.rfind('\n');
  const auto column = start == std::string_view::npos ? offset : offset - start - 1;
  return {static_cast<int>(line), static_cast<int>(column) + 1};
}

// Looked at before the parser sees a byte: it would take UTF-16 for what it is.
bool readable(std::string_view source, Problems& problems) {
  if (source.size() > kLargestPlaybook) {
    problems.error({1, 1}, "larger than " + std::to_string(kLargestPlaybook) + " bytes");
    return false;
  }
  if (const auto nul = source.find('\0'); nul != std::string_view::npos) {
    problems.error(place_at(source, nul), "a NUL byte");
    return false;
  }
  if (is_utf8(source)) return true;
  // The first line that is not UTF-8 says where; lines end between characters.
  std::size_t start = 0;
  while (is_utf8(source.substr(start, source.find('\n', start) - start))) {
    start = source.find('\n', start) + 1;
  }
  const auto line = source.substr(start, source.find('\n', start) - start);
  const auto repaired = valid_utf8(line);
  const auto good =
      static_cast<std::size_t>(std::ranges::mismatch(line, repaired).in1 - line.begin());
  problems.error(place_at(source, start + good), "a byte that is not UTF-8");
  return false;
}

// What yaml-cpp says of a line that is indented by a tab depends on what stands above it.
std::optional<Place> tab_in_indentation(std::string_view source, Place place) {
  std::size_t start = 0;
  for (int line = 1; line < place.line; ++line) {
    const auto end = source.find('\n', start);
    if (end == std::string_view::npos) return std::nullopt;
    start = end + 1;
  }
  const auto first = source.find_first_not_of(" \t-", start);
  const auto tab = source.find('\t', start);
  if (tab == std::string_view::npos || (first != std::string_view::npos && tab > first)) {
    return std::nullopt;
  }
  return place_at(source, tab);
}

}  // namespace

const Entry* Node::find(std::string_view key) const {
  const auto found = std::ranges::find(entries, key, &Entry::key);
  return found == entries.end() ? nullptr : &*found;
}

std::optional<Node> parse_yaml(std::string_view source, Problems& problems) {
  if (!readable(source, problems)) return std::nullopt;
  Builder builder(source, problems);
  try {
    std::istringstream stream{std::string(source)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Refused& refused) {
    problems.error(refused.place, refused.text);
    return std::nullopt;
  } catch (const YAML::Exception& exception) {
    const Place place = place_of(exception.mark);
    if (const auto tab = tab_in_indentation(source, place)) {
      problems.error(*tab, "a tab in the indentation; use spaces");
    } else {
      problems.error(place, "not YAML: " + exception.msg);
    }
    return std::nullopt;
  }
  auto root = builder.take();
  if (!root) problems.error({1, 1}, "nothing is written here");
  return root;
}

std::string what_is(const Node& node) {
  switch (node.kind) {
    case Node::Kind::empty: return "nothing";
    case Node::Kind::scalar: return quoted(node.text);
    case Node::Kind::sequence: return "a list";
    case Node::Kind::mapping: return "a mapping";
  }
  return "nothing";
}

}  // namespace gameday
