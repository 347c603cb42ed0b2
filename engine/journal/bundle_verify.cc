#include <set>

#include "engine/base/digest.h"
#include "engine/base/text.h"
#include "engine/journal/bundle.h"
#include "engine/journal/chain.h"
#include "engine/journal/manifest.h"

namespace gameday {
namespace {

constexpr std::string_view kResult = "result.json";
constexpr std::string_view kPlaybook = "playbook.yaml";

// Goes through one bundle. Nothing is derived from a part that is already found wrong, so that a
// finding names the file that was changed, not one that no longer fits it.
class Check {
 public:
  Check(const BundleFiles& files, const std::optional<std::string>& expected_head)
      : files_(files), expected_head_(expected_head) {}

  Verification checked() {
    read_manifest();
    compare_files();
    read_journal();
    compare_ends();
    check_result();
    check_playbook();
    check_evidence();
    if (expected_head_ && chain_.head != *expected_head_) {
      found(kJournalFile, chain_.events, "its head is " + chain_.head + ", not the one expected");
    }
    done_.origin_proven = expected_head_ && done_.consistent();
    return std::move(done_);
  }

 private:
  void found(std::string_view file, std::uint64_t line, std::string text) {
    done_.findings.push_back({std::string(file), line, 0, 0, std::move(text)});
  }
  const std::string* file(std::string_view name) const {
    const auto at = files_.find(std::string(name));
    return at != files_.end() ? &at->second : nullptr;
  }

  void read_manifest() {
    const std::string* text = file(kManifestFile);
    if (text == nullptr) return found(kManifestFile, 0, "missing");
    auto read = parse_manifest(*text);
    if (!read) return broken_manifest(read.error().text);
    manifest_ = std::move(read->manifest);
    sealed_ = read->sealed;
    if (!sealed_) {
      found(kManifestFile, manifest_->files.size() + 4,
            "edited (the digest in its last line does not match the lines before)");
    }
  }

  void broken_manifest(const std::string& text) {
    std::uint64_t line = 0;
    const auto colon = text.find(": ");
    for (std::size_t i = 5; i < colon; ++i) {
      line = line * 10 + static_cast<std::uint64_t>(text[i] - '0');
    }
    found(kManifestFile, line, text.substr(colon + 2));
  }

  // What does not fit a manifest that was itself edited is laid to the manifest.
  void misfit(std::uint64_t manifest_line, const std::string& name, const std::string& text) {
    if (sealed_) return found(name, 0, text);
    found(kManifestFile, manifest_line, "does not fit " + name + ": " + text);
  }

  void compare_files() {
    if (!manifest_) return;
    std::uint64_t line = 1;
    for (const auto& listed : manifest_->files) {
      ++line;
      known_.insert(listed.name);
      const std::string* bytes = file(listed.name);
      if (bytes == nullptr) {
        misfit(line, listed.name, "missing");
      } else if (bytes->size() != listed.size) {
        misfit(line, listed.name,
               "has " + std::to_string(bytes->size()) + " bytes, the MANIFEST says " +
                   std::to_string(listed.size));
      } else if (sha256(*bytes) != listed.sha256) {
        misfit(line, listed.name, "edited (its digest is not the one in the MANIFEST)");
      }
    }
    for (const auto& [name, bytes] : files_) {
      if (name == kManifestFile || known_.contains(name)) continue;
      misfit(0, name, "not in the MANIFEST");
    }
    if (!known_.contains(std::string(kJournalFile))) {
      found(kManifestFile, 0, "lists no " + std::string(kJournalFile));
    }
  }

  void read_journal() {
    const std::string* text = file(kJournalFile);
    if (text == nullptr) return;
    lines_ = split(*text, '\n');
    const bool whole = lines_.back().empty();
    if (whole) lines_.pop_back();
    chain_ = verify_chain(lines_, [&](Event event) { events_.push_back(std::move(event)); });
    done_.drill = chain_.drill;
    done_.events = chain_.events;
    done_.head = chain_.head;
    journal_fits_ = chain_.intact && !chain_.interrupted && whole;
    if (chain_.line > 0) {
      // The chain's own text begins with the line, which the finding has as a number.
      found(kJournalFile, chain_.line, chain_.problem.substr(chain_.problem.find(": ") + 2));
    } else if (chain_.interrupted) {
      found(kJournalFile, lines_.size(), "interrupted: no closing event after it");
    } else if (!whole) {
      found(kJournalFile, lines_.size(), "cut (no line feed at its end)");
    }
  }

  void compare_ends() {
    if (!manifest_ || !journal_fits_) return;
    const std::uint64_t line = manifest_->files.size() + 2;
    const std::string journal(kJournalFile);
    if (manifest_->drill != chain_.drill) misfit(1, journal, "it is of drill " + chain_.drill);
    if (manifest_->events != chain_.events) {
      misfit(line, journal,
             "it has " + std::to_string(chain_.events) + " events, the MANIFEST says " +
                 std::to_string(manifest_->events));
    }
    if (manifest_->head != chain_.head) {
      misfit(line + 1, journal, "its head is not the one in the MANIFEST");
    }
  }

  void check_result() {
    const std::string* text = file(kResult);
    if (text == nullptr) return;
    const auto result = Json::parse(*text);
    if (!result) return found(kResult, 0, result.error().text);
    if (!journal_fits_) return;
    const Json& evidence = result->get("evidence");
    if (result->text("drill") != chain_.drill) found(kResult, 0, "is of another drill");
    if (evidence.text("head") != chain_.head) {
      found(kResult, 0, "its evidence.head is not the journal's head");
    }
    if (evidence.integer("events", -1) != static_cast<std::int64_t>(chain_.events)) {
      found(kResult, 0, "its evidence.events is not the number of the journal's events");
    }
  }

  void check_playbook() {
    for (const auto& event : events_) {
      if (event.type != "planned") continue;
      const std::string digest = event.data.get("playbook").text("sha256");
      if (digest.empty()) continue;
      const std::string by = " event " + std::to_string(event.number);
      const std::string* bytes = file(kPlaybook);
      if (bytes == nullptr) return found(kPlaybook, 0, "missing, but named by" + by);
      if (sha256(*bytes) != digest) {
        found(kPlaybook, 0, "edited (its digest is not the one that" + by + " carries)");
      }
      return;
    }
  }

  // A file that grew during the drill, as far as it was hashed into the journal.
  struct Grown {
    const std::string* bytes = nullptr;
    std::uint64_t covered = 0;
    Sha256 sum;
    bool fits = true;
  };

  void check_evidence() {
    std::map<std::string, Grown> grown;
    for (const auto& event : events_) {
      if (event.type != "evidence") continue;
      const std::string name = event.data.text("file");
      auto& one = grown[name];
      if (one.bytes == nullptr && one.fits) {
        one.bytes = file(name);
        one.fits = one.bytes != nullptr;
        if (!one.fits) {
          found(name, 0, "missing, but named by event " + std::to_string(event.number));
        }
      }
      if (one.fits) compare_evidence(event, name, one);
    }
    for (const auto& [name, one] : grown) {
      if (!one.fits || !journal_fits_ || one.covered == one.bytes->size()) continue;
      done_.findings.push_back({name, 0, one.covered, one.bytes->size(),
                                "added after the last event that carries its digest"});
    }
  }

  void compare_evidence(const Event& event, const std::string& name, Grown& one) {
    const std::string by = "event " + std::to_string(event.number);
    const auto upto = static_cast<std::uint64_t>(event.data.integer("bytes", -1));
    one.fits = upto >= one.covered && upto <= one.bytes->size();
    if (!one.fits) {
      return found(name, 0,
                   "has " + std::to_string(one.bytes->size()) + " bytes, " + by + " counted " +
                       std::to_string(upto));
    }
    one.sum.add(std::string_view(*one.bytes).substr(one.covered, upto - one.covered));
    one.fits = one.sum.digest() == event.data.text("sha256");
    if (!one.fits) {
      done_.findings.push_back({name, 0, one.covered, upto,
                                "edited (their digest is not the one that " + by + " carries)"});
    }
    one.covered = upto;
  }

  const BundleFiles& files_;
  const std::optional<std::string>& expected_head_;
  Verification done_;
  std::optional<Manifest> manifest_;
  bool sealed_ = false;
  std::set<std::string> known_;  // in the manifest
  std::vector<std::string> lines_;
  std::vector<Event> events_;  // that verify
  ChainState chain_;
  bool journal_fits_ = false;
};

}  // namespace

Verification verify_files(const BundleFiles& files,
                          const std::optional<std::string>& expected_head) {
  return Check(files, expected_head).checked();
}

}  // namespace gameday
