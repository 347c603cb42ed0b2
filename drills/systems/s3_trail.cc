#include "drills/systems/s3_trail.h"

#include <algorithm>
#include <map>
#include <set>

namespace gameday {
namespace {

// Changes that share a file: each of them writes it anew.
constexpr std::size_t kPerFile = 32;

using Versions = std::map<std::string, std::vector<S3Version>>;  // by key

struct Made {
  std::string key;
  std::string version;
};
// A request that may have been sent and that we know no answer to.
struct Asked {
  std::string key;
  bool deletes = false;
  std::set<std::string> before;  // the ids that the key had
};
struct Notes {
  std::vector<Made> made;
  std::optional<Asked> asked;
};

std::string file_of(const S3Trail& trail, std::size_t number) {
  return trail.notes + "." + std::to_string(number);
}

Json to_json(const Notes& notes) {
  Json written = Json::object({{"made", Json::array()}});
  Json made = Json::array();
  for (const auto& one : notes.made) {
    made.push(Json::object({{"key", one.key}, {"version", one.version}}));
  }
  written.set("made", made);
  if (!notes.asked) return written;
  Json before = Json::array();
  for (const auto& id : notes.asked->before) before.push(id);
  return written.set("asked", Json::object({{"key", notes.asked->key},
                                            {"deletes", notes.asked->deletes},
                                            {"before", before}}));
}

Status write(const S3Trail& trail, std::size_t number, const Notes& notes,
             const DeedContext& context) {
  return context.doors.files.write(file_of(trail, number), to_json(notes).dump() + "\n", 0600);
}

// All files' notes; none: nothing was changed yet.
Result<std::vector<Notes>> notes_of(const S3Trail& trail, const DeedContext& context) {
  std::vector<Notes> all;
  while (context.doors.files.exists(file_of(trail, all.size()))) {
    TRY(bytes, context.doors.files.read(file_of(trail, all.size())));
    TRY(written, Json::parse(bytes));
    Notes notes;
    for (const Json& one : written.items("made")) {
      notes.made.push_back({one.text("key"), one.text("version")});
    }
    if (const Json* asked = written.find("asked")) {
      notes.asked = Asked{asked->text("key"), asked->boolean("deletes", false), {}};
      for (const Json& id : asked->items("before")) {
        if (id.is_text()) notes.asked->before.insert(id.text());
      }
    }
    all.push_back(std::move(notes));
  }
  return all;
}

Result<Versions> versions_by_key(S3& bucket, const std::string& prefix) {
  TRY(listed, bucket.versions(prefix, kMostVersions));
  Versions versions;
  for (auto& version : listed) versions[version.key].push_back(std::move(version));
  return versions;
}

const S3Version* found(const Made& made, const Versions& versions) {
  const auto key = versions.find(made.key);
  if (key == versions.end()) return nullptr;
  const auto version = std::ranges::find(key->second, made.version, &S3Version::version);
  return version == key->second.end() ? nullptr : &*version;
}

// Each key that was changed has what it had before, below. Where none of them has anything, it is
// another store that answers, and what the deed has left is somewhere else.
Status is_the_same(const S3Trail& trail, const std::vector<Notes>& all, const Versions& versions) {
  std::size_t made = 0;
  for (const auto& notes : all) {
    for (const auto& one : notes.made) {
      if (versions.contains(one.key)) return {};
      ++made;
    }
  }
  if (made == 0) return {};
  return fail(ErrorCode::conflict,
              shown(address_of(trail.place)) + " has no version of any of the " +
                  std::to_string(made) +
                  " keys that were changed: it is another store's, or "
                  "somebody has removed them for good",
              "undo it where they are; `gameday revert` once the endpoint is its own again");
}

// Those that may have come of the request without an answer.
std::vector<Made> came_of(const Asked& asked, const Versions& versions) {
  std::vector<Made> came;
  const auto key = versions.find(asked.key);
  if (key == versions.end()) return came;
  for (const auto& version : key->second) {
    if (version.deletes == asked.deletes && !asked.before.contains(version.version)) {
      came.push_back({asked.key, version.version});
    }
  }
  return came;
}

// The id goes into the notes first: what is looked for later is that version and no other.
Status settle(const S3Trail& trail, std::size_t number, Notes& notes, const Versions& versions,
              const DeedContext& context) {
  if (!notes.asked) return {};
  const auto came = came_of(*notes.asked, versions);
  if (came.empty()) return {};  // it was never sent, or is on its way yet
  if (came.size() > 1) {
    return fail(ErrorCode::conflict,
                "of " + std::to_string(came.size()) + " new versions of " + notes.asked->key +
                    " in " + shown(address_of(trail.place)) + " one is the drill's",
                "look which, and remove it by its version id");
  }
  notes.made.push_back(came.front());
  notes.asked.reset();
  return write(trail, number, notes, context);
}

}  // namespace

Json to_json(const S3Trail& trail) {
  return Json::object(
      {{"bucket", to_json(trail.place)}, {"mark", trail.mark}, {"notes", trail.notes}});
}

Result<S3Trail> s3_trail_from(const Undo& undo) {
  TRY(place, s3_place_from(undo.arguments.get("bucket")));
  S3Trail trail{place, undo.arguments.text("mark"), undo.arguments.text("notes")};
  if (trail.mark.empty() || trail.notes.empty()) {
    return fail(ErrorCode::corrupt, "an undo of " + undo.kind + " that lacks its notes");
  }
  return trail;
}

Status s3_keys_fit(const Step& step) {
  const std::string keys = step.arguments.text("keys", kS3Keys.otherwise);
  if (keys.find('*') >= keys.size() - 1 && !keys.empty()) return {};
  return fail(ErrorCode::invalid, "`keys`: a star stands at the end alone, for whatever follows");
}

std::string s3_begin_of(const S3Place& place, const std::string& keys) {
  return place.prefix + keys.substr(0, keys.size() - (keys.ends_with('*') ? 1 : 0));
}

Result<std::vector<S3Version>> objects_named(const S3Trail& trail, const std::string& keys,
                                             S3& bucket) {
  const bool all = keys.ends_with('*');
  const std::string begin = s3_begin_of(trail.place, keys);
  TRY(objects, bucket.objects(begin, kMostObjects));
  if (!all) std::erase_if(objects, [&](const S3Version& one) { return one.key != begin; });
  if (!objects.empty()) return objects;
  return fail(ErrorCode::not_found,
              shown(bucket.address()) + " has no object '" + trail.place.prefix + keys + "'");
}

Result<S3Trail> plan_trail(const S3Place& place, const DeedContext& context) {
  TRY(bucket, open_s3(place, context));
  TRY_OK(keeps_versions(bucket));
  return S3Trail{place, context.mark, context.private_folder + "/" + context.mark + ".s3"};
}

Status leave_trail(const S3Trail& trail, const std::vector<S3Step>& steps, const S3Change& change,
                   const DeedContext& context) {
  TRY(bucket, open_s3(trail.place, context));
  TRY_OK(keeps_versions(bucket));
  TRY(before, versions_by_key(bucket, trail.place.prefix));
  TRY_OK(context.doors.files.make_folder(context.private_folder, 0700));
  Notes notes;
  std::size_t number = 0;
  for (const auto& step : steps) {
    if (notes.made.size() == kPerFile) {
      TRY_OK(write(trail, number++, notes, context));
      notes = {};
    }
    notes.asked = Asked{step.key, step.deletes, {}};
    for (const auto& version : before[step.key]) notes.asked->before.insert(version.version);
    TRY_OK(write(trail, number, notes, context));
    TRY(id, change(bucket, step));
    if (!id.empty()) notes.made.push_back({step.key, id});
    notes.asked.reset();
  }
  return write(trail, number, notes, context);
}

Result<S3TrailLooks> look_at_trail(const S3Trail& trail, const DeedContext& context) {
  TRY(bucket, open_s3(trail.place, context));
  TRY(all, notes_of(trail, context));
  TRY(versions, versions_by_key(bucket, trail.place.prefix));
  TRY_OK(is_the_same(trail, all, versions));
  S3TrailLooks looks;
  for (auto& notes : all) {
    if (notes.asked)
      std::ranges::copy(came_of(*notes.asked, versions), std::back_inserter(notes.made));
    for (const auto& made : notes.made) {
      ++looks.noted;
      const S3Version* version = found(made, versions);
      looks.there += version != nullptr ? 1 : 0;
      looks.current += version != nullptr && version->latest ? 1 : 0;
    }
  }
  return looks;
}

Status undo_trail(const S3Trail& trail, const DeedContext& context) {
  TRY(bucket, open_s3(trail.place, context));
  TRY(all, notes_of(trail, context));
  TRY(versions, versions_by_key(bucket, trail.place.prefix));
  TRY_OK(is_the_same(trail, all, versions));
  Status unclear;
  for (std::size_t number = 0; number < all.size(); ++number) {
    if (const auto settled = settle(trail, number, all[number], versions, context); !settled) {
      if (settled.error().code != ErrorCode::conflict) return settled;
      unclear = settled;
    }
    for (const auto& made : all[number].made) {
      if (found(made, versions) == nullptr) continue;
      TRY(removed, bucket.remove(made.key, made.version));
    }
  }
  return unclear;
}

Result<Proof> trail_gone(const S3Trail& trail, const DeedContext& context) {
  TRY(looks, look_at_trail(trail, context));
  return Proof{looks.there == 0,
               looks.there > 0
                   ? std::to_string(looks.there) + " versions or markers of the drill are there yet"
               : looks.noted > 0 ? "each key has the versions that it had, and what came since"
                                 : "nothing was changed",
               Json::object({{"made", looks.noted}, {"there", looks.there}})};
}

// What a restore has superseded may still be there, below what is current.
Status close_trail(const S3Trail& trail, const DeedContext& context) {
  TRY(all, notes_of(trail, context));
  if (all.empty()) return {};
  TRY(bucket, open_s3(trail.place, context));
  TRY(versions, versions_by_key(bucket, trail.place.prefix));
  for (std::size_t number = all.size(); number-- > 0;) {
    for (const auto& made : all[number].made) {
      const S3Version* version = found(made, versions);
      if (version == nullptr || version->latest) continue;
      TRY(removed, bucket.remove(made.key, made.version));
    }
    // The last one first: as long as there is one, there is the first.
    TRY_OK(context.doors.files.remove(file_of(trail, number)));
  }
  return {};
}

Status undo_trail(const Undo& undo, const DeedContext& context) {
  TRY(trail, s3_trail_from(undo));
  return undo_trail(trail, context);
}

Result<Proof> trail_gone(const Undo& undo, const DeedContext& context) {
  TRY(trail, s3_trail_from(undo));
  return trail_gone(trail, context);
}

Status close_trail(const Undo& undo, bool keep, const DeedContext& context) {
  TRY(trail, s3_trail_from(undo));
  return keep ? Status{} : close_trail(trail, context);
}

}  // namespace gameday
