// The fields of a request over HTTP, as a playbook writes it.
#pragma once

#include <algorithm>
#include <array>

#include "engine/playbook/expect.h"
#include "engine/playbook/field.h"

namespace gameday {

template <std::size_t N, std::size_t M>
constexpr std::array<Field, N + M> joined(const std::array<Field, N>& first,
                                          const std::array<Field, M>& rest) {
  std::array<Field, N + M> all;
  std::ranges::copy(rest, std::ranges::copy(first, all.begin()).out);
  return all;
}

inline constexpr std::array<std::string_view, 7> kHttpMethods{"GET",   "HEAD",   "POST",   "PUT",
                                                              "PATCH", "DELETE", "OPTIONS"};

inline constexpr std::array kBasicAuth{
    Field{.name = "user", .help = "Filled in as the URL is.", .required = true},
    Field{.name = "password",
          .help = "As a secret, ${env:NAME} or ${file:PATH}, or out of the load's `data`.",
          .required = true}};
inline constexpr std::array kAwsAuth{
    Field{.name = "access_key", .help = "The key's name; it may be a secret.", .required = true},
    Field{.name = "secret_key",
          .help = "The key to sign with, as a secret: ${env:NAME} or ${file:PATH}.",
          .required = true},
    Field{.name = "session_token", .help = "What temporary keys have beside, as a secret."},
    Field{.name = "region", .help = "The region that is signed for.", .required = true},
    Field{.name = "service",
          .help = "What is signed for, as Amazon calls it.",
          .otherwise = "execute-api"}};
inline constexpr std::array kAuth{
    Field{.name = "basic",
          .type = FieldType::group,
          .help = "A user and a password, in each request.",
          .fields = kBasicAuth},
    Field{
        .name = "bearer",
        .help = "A token, as a secret, ${env:NAME} or ${file:PATH}, or out of the load's `data`."},
    Field{.name = "sigv4",
          .type = FieldType::group,
          .help = "Amazon's Signature Version 4: each request is signed when it is sent.",
          .fields = kAwsAuth}};

// What is sent.
inline constexpr std::array kSent{
    Field{.name = "method",
          .type = FieldType::choice,
          .help = "The HTTP method.",
          .otherwise = "GET",
          .choices = kHttpMethods},
    Field{.name = "url",
          .type = FieldType::url,
          .help = "Where to. Filled in for each request: {key}, {digest}, {drill}, {seq}; {uuid}, "
                  "in the form of version 4; {random:1..100}, the same in each run with one seed; "
                  "{data.COLUMN} of the load's `data`.",
          .required = true},
    Field{.name = "json",
          .type = FieldType::json,
          .help = "The body as JSON, with content-type application/json; the same names."},
    Field{.name = "body", .help = "The body as it stands; the same names."},
    Field{.name = "headers", .type = FieldType::json, .help = "A mapping of header to text."},
    Field{.name = "cookies",
          .type = FieldType::json,
          .help = "A mapping of cookie to text, the same in each request but for what is filled "
                  "in: cookies that a server sets are not kept."},
    Field{.name = "auth",
          .type = FieldType::group,
          .help = "Who asks, by one of these.",
          .fields = kAuth}};

inline constexpr auto kExpected = expect_fields(
    "2xx", "The status that a good answer has: 200, a class like 2xx, or a list of them.");

// What a load sends, and what it expects.
inline constexpr auto kRequest = joined(
    kSent, std::array{Field{.name = "expect",
                            .type = FieldType::group,
                            .help = "What a good answer is; without it, any of 2xx. Any other is "
                                    "an error, and acknowledges nothing. Of a body the first "
                                    "64 KiB are kept: of a longer one, only `body_contains` can "
                                    "hold.",
                            .fields = kExpected}});

// One of several.
inline constexpr auto kWeightedRequest = joined(
    std::array{Field{.name = "name", .help = "What the result calls it; else its method and path."},
               Field{.name = "weight",
                     .type = FieldType::integer,
                     .help = "How often it is due beside the others.",
                     .otherwise = "1",
                     .least = 1,
                     .most = 1e6}},
    kRequest);

}  // namespace gameday
