// The parser asserts that the end of the last chunk comes in one piece with what is before it,
// which no network promises; it reads it well otherwise. (basic_parser.ipp of Boost 1.81, `n >= 5`)
#define BOOST_DISABLE_ASSERTS

#include "engine/load/http_reader.h"

#include <boost/beast/http/basic_parser.hpp>
#include <optional>
#include <string>

#include "engine/base/text.h"

namespace gameday {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::size_t kMostHeader = 65536;
constexpr int kMostInterim = 16;  // a server that sends nothing else would never end

// What it is told of is thrown away, but for what checks look at: status, lengths and the like it
// keeps itself.
class Reader final : public http::basic_parser<false> {
 public:
  Reader(bool to_head, const AnswerChecks* checks, HeardAnswer& heard) : heard_(heard) {
    if (checks != nullptr && checks->look_at_headers()) headers_ = checks;
    keeps_body_ = checks != nullptr && checks->look_at_body();
    eager(true);
    skip(to_head);
    header_limit(kMostHeader);
    body_limit(boost::none);
  }
  [[nodiscard]] int status() const { return heard_.status; }

 private:
  using Text = boost::beast::string_view;
  void on_request_impl(http::verb, Text, Text, int, error_code&) override {}
  void on_response_impl(int status, Text, int, error_code&) override { heard_.status = status; }
  void on_field_impl(http::field, Text name, Text value, error_code&) override {
    if (headers_ != nullptr) keep(name, value);
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(Text body, error_code&) override { return taken(body); }
  void on_chunk_header_impl(std::uint64_t, Text, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text body, error_code&) override {
    return taken(body);
  }
  void on_finish_impl(error_code&) override {}

  // Apart, since nearly no load looks at headers, and each answer has some.
  [[gnu::noinline]] void keep(Text name, Text value) {
    if (headers_->look_at(name)) heard_.headers.emplace_back(lower(name), value);
  }

  std::size_t taken(Text body) {
    if (keeps_body_) heard_.add(body);
    return body.size();
  }

  HeardAnswer& heard_;
  const AnswerChecks* headers_ = nullptr;  // which of them are looked at; none: no header is
  bool keeps_body_ = false;
};

bool is_interim(int status) { return status >= 100 && status < 200; }

}  // namespace

struct HttpReader::Parsing {
  std::optional<Reader> reader;  // none: nothing is expected
  std::string rest;              // of a line or a header that has not come as a whole
  HeardAnswer heard;
  const AnswerChecks* checks = nullptr;
  bool to_head = false;
  int interim = 0;

  void begin() {
    heard.clear();
    reader.emplace(to_head, checks, heard);
  }
};

HttpReader::HttpReader() : parsing_(std::make_unique<Parsing>()) {}
HttpReader::~HttpReader() = default;
HttpReader::HttpReader(HttpReader&&) noexcept = default;
HttpReader& HttpReader::operator=(HttpReader&&) noexcept = default;

void HttpReader::expect(bool to_head, const AnswerChecks* checks) {
  parsing_->to_head = to_head;
  parsing_->checks = checks;
  parsing_->begin();
  parsing_->rest.clear();
  parsing_->interim = 0;
  status_ = 0;
  judged_ = {};
  keeps_ = false;
}

HttpReader::State HttpReader::take(std::string_view bytes) {
  if (!parsing_->reader) return State::broken;
  if (parsing_->rest.empty()) return parse(bytes);
  std::string whole = std::move(parsing_->rest);
  parsing_->rest.clear();
  whole += bytes;
  return parse(whole);
}

HttpReader::State HttpReader::parse(std::string_view bytes) {
  while (true) {
    Reader& reader = *parsing_->reader;
    error_code error;
    const auto taken = reader.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
    bytes.remove_prefix(taken);
    if (error == http::error::need_more) {
      parsing_->rest = bytes;
      // A header counts only once it is whole, and so does the line of a chunk.
      return bytes.size() > kMostHeader ? State::broken : State::more;
    }
    if (error) return State::broken;
    if (!reader.is_done()) {
      if (bytes.empty()) return State::more;
      continue;
    }
    if (!is_interim(reader.status())) return finish(bytes);
    // 101 would be the end of HTTP, which nobody asked for.
    constexpr int kSwitching = 101;
    if (reader.status() == kSwitching || ++parsing_->interim > kMostInterim) return State::broken;
    parsing_->begin();
    if (bytes.empty()) return State::more;
  }
}

// What comes after it answers nothing that was asked: such a connection is of no more use.
HttpReader::State HttpReader::finish(std::string_view rest) {
  status_ = parsing_->reader->status();
  judged_ = gameday::judged(parsing_->checks, parsing_->heard);
  keeps_ = parsing_->reader->keep_alive() && rest.empty();
  parsing_->reader.reset();
  return State::whole;
}

HttpReader::State HttpReader::end() {
  if (!parsing_->reader || !parsing_->reader->is_header_done()) return State::broken;
  error_code error;
  parsing_->reader->put_eof(error);
  if (error) return State::broken;
  const State state = finish("");
  keeps_ = false;
  return state;
}

}  // namespace gameday
