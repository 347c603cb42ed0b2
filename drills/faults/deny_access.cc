// Denies somebody a bucket, as a policy that was written wrongly does: a statement of the drill's
// own is added to the bucket's policy, and goes again. It never denies what its undo needs, which
// is to read and to write that policy.
#include <algorithm>
#include <cctype>

#include "drills/systems/s3_rights.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

constexpr std::string_view kWhat[] = {"reads", "all"};

constexpr Field kFields[] = {
    {.name = "principal",
     .help = "Whom: as the server's policies name one, arn:aws:iam::ACCOUNT:user/NAME with Amazon, "
             "elsewhere the access key too.",
     .required = true},
    {.name = "access_key",
     .help = "The same one's access key: that it is denied is proven with it.",
     .required = true},
    {.name = "secret_key",
     .help = "That one's key, as a secret: ${env:NAME} or ${file:PATH}.",
     .required = true},
    {.name = "what",
     .type = FieldType::choice,
     .help = "To list and read objects, or to write and remove them too.",
     .otherwise = "all",
     .choices = kWhat},
};

struct Denial {
  S3Place place;   // as gameday is there
  S3Place theirs;  // as who is denied
  std::string principal;
  std::string what;
  std::string sid;     // of our statement
  std::string before;  // the policy as it was; empty: there was none
};

Json to_json(const Denial& denial) {
  return Json::object({{"bucket", to_json(denial.place)},
                       {"theirs", to_json(denial.theirs)},
                       {"principal", denial.principal},
                       {"what", denial.what},
                       {"sid", denial.sid},
                       {"before", denial.before}});
}

Result<Denial> denial_in(const Undo& undo) {
  TRY(place, s3_place_from(undo.arguments.get("bucket")));
  TRY(theirs, s3_place_from(undo.arguments.get("theirs")));
  Denial denial{place,
                theirs,
                undo.arguments.text("principal"),
                undo.arguments.text("what"),
                undo.arguments.text("sid"),
                undo.arguments.text("before")};
  if (!denial.sid.empty()) return denial;
  return fail(ErrorCode::corrupt, "an undo of deny-access that does not tell its statement");
}

// A statement's name has letters and digits alone.
std::string sid_of(const std::string& mark) {
  std::string sid = "gameday";
  for (const char c : mark) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) sid += c;
  }
  return sid;
}

Json statement_of(const Denial& denial) {
  Json actions = Json::array();
  for (const char* action : {"s3:ListBucket", "s3:GetObject", "s3:GetObjectVersion"}) {
    actions.push(action);
  }
  if (denial.what == "all") actions.push("s3:PutObject").push("s3:DeleteObject");
  const std::string bucket = "arn:aws:s3:::" + denial.place.bucket;
  Json resources = Json::array();
  resources.push(bucket).push(bucket + "/*");
  return Json::object({{"Sid", denial.sid},
                       {"Effect", "Deny"},
                       {"Principal", Json::object({{"AWS", denial.principal}})},
                       {"Action", actions},
                       {"Resource", resources}});
}

// A policy's statements; one alone may stand there without a list.
Result<Json> policy_from(const std::string& written) {
  if (written.empty()) {
    return Json::object({{"Version", "2012-10-17"}, {"Statement", Json::array()}});
  }
  TRY(policy, Json::parse(written));
  if (policy.get("Statement").is_object()) {
    Json list = Json::array();
    list.push(policy.get("Statement"));
    policy.set("Statement", list);
  }
  if (policy.get("Statement").is_array()) return policy;
  return fail(ErrorCode::corrupt, "the bucket's policy has no statements");
}

Json without(const Json& policy, const std::string& sid) {
  Json rest = Json::array();
  for (const Json& one : policy.items("Statement")) {
    if (one.text("Sid") != sid) rest.push(one);
  }
  Json made = policy;
  return made.set("Statement", rest);
}

bool has(const Json& policy, const std::string& sid) {
  return std::ranges::any_of(policy.items("Statement"),
                             [&](const Json& one) { return one.text("Sid") == sid; });
}

// Whether they may list, which both kinds of denial deny.
Status try_as_them(const Denial& denial, const DeedContext& context) {
  TRY(bucket, open_s3(denial.theirs, context));
  TRY(listed, bucket.objects(denial.place.prefix, kMostVersions));
  return {};
}

// Nothing is known of the policy yet.
Result<Denial> denial_of(const Deed& deed, const DeedContext& context) {
  TRY(place, s3_place_of(deed, context));
  Denial denial{.place = place,
                .theirs = place,
                .principal = deed.arguments.text("principal"),
                .what = deed.arguments.text("what"),
                .sid = sid_of(context.mark),
                .before = ""};
  denial.theirs.access_key = deed.arguments.text("access_key");
  denial.theirs.secret_key = deed.arguments.text("secret_key");
  denial.theirs.session_token = denial.theirs.profile = "";
  TRY(checked, s3_place_from(to_json(denial.theirs)));
  TRY(own, s3_credentials(place, context));
  TRY(their, s3_credentials(checked, context));
  if (own.access_key == their.access_key) {
    return fail(ErrorCode::refused,
                "who is to be denied is who gameday is there: its undo would be cut off",
                "give gameday an access key of its own");
  }
  if (const auto before = try_as_them(denial, context); !before) {
    return std::unexpected(before.error().in(denial.principal + " is not let in as it is"));
  }
  return denial;
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(denial, denial_of(deed, context));
  TRY(bucket, open_s3(denial.place, context));
  TRY(policy, bucket.policy());
  TRY(parsed, policy_from(policy));
  denial.before = policy;
  return Undo{"deny-access", to_json(denial)};
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(denial, denial_in(undo));
  TRY(bucket, open_s3(denial.place, context));
  TRY(policy, bucket.policy());
  TRY(parsed, policy_from(policy));
  Json statements = parsed.get("Statement");
  statements.push(statement_of(denial));
  return bucket.set_policy(parsed.set("Statement", statements).dump());
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(denial, denial_in(undo));
  const auto tried = try_as_them(denial, context);
  if (!tried && tried.error().code != ErrorCode::refused) return std::unexpected(tried.error());
  return Proof{!tried, denial.principal + (tried ? " lists the bucket as before"
                                                 : " is refused: " + tried.error().text)};
}

// As it was, to the letter, unless somebody has changed it since: then ours goes alone.
Status undo(const Undo& undo, const DeedContext& context) {
  TRY(denial, denial_in(undo));
  TRY(bucket, open_s3(denial.place, context));
  TRY(policy, bucket.policy());
  TRY(parsed, policy_from(policy));
  if (!has(parsed, denial.sid)) return {};
  const Json rest = without(parsed, denial.sid);
  TRY(before, policy_from(denial.before));
  if (rest == before) return bucket.set_policy(denial.before);
  return bucket.set_policy(rest.items("Statement").empty() ? "" : rest.dump());
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(denial, denial_in(undo));
  TRY(bucket, open_s3(denial.place, context));
  TRY(policy, bucket.policy());
  TRY(parsed, policy_from(policy));
  const bool there = has(parsed, denial.sid);
  return Proof{!there, there ? "the bucket's policy has the drill's statement yet"
                             : "the bucket's policy has no statement of the drill's"};
}

Status may(const Deed& deed, const DeedContext& context) {
  constexpr std::string_view kNeeded[] = {"s3:GetBucketPolicy", "s3:PutBucketPolicy",
                                          "s3:DeleteBucketPolicy"};
  TRY(place, s3_place_of(deed, context));
  TRY_OK(may_on_s3({place, place.prefix}, kNeeded, context));
  TRY(denial, denial_of(deed, context));
  return {};
}

}  // namespace

extern const FaultRow deny_access_fault;
const FaultRow deny_access_fault{
    .name = "deny-access",
    .summary = "Denies somebody a bucket of an S3 server, by a statement in the bucket's policy.",
    .fields = kFields,
    .facet = "s3",
    .reversal = Reversal::exact,
    .effect = Effect::cuts,
    .holds_data = false,
    .rights =
        "s3:GetBucketVersioning, s3:GetBucketObjectLockConfiguration, s3:GetBucketPolicy and "
        "s3:PutBucketPolicy; s3:DeleteBucketPolicy where there is no policy yet; the keys of who "
        "is "
        "denied, with s3:ListBucket",
    .example =
        "- { fault: deny-access, target: archive, principal: writer, access_key: writer, "
        "secret_key: \"${env:WRITER_SECRET}\", for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = nullptr,
    .may = may,
};

}  // namespace gameday
