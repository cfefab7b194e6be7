#include "vfs/change_judge.h"

#include "base/guard.h"
#include "base/hash.h"
#include "vfs/change_files.h"
#include "vfs/text_diff.h"

namespace boxagnts::vfs {
namespace {

bool both_files(const Side& a, const Side& b) {
  return a && b && a->kind == Kind::file && b->kind == Kind::file;
}

// Each bit that the change changes becomes what it wants, every other stays what it is.
std::uint32_t merged_mode(const Side& from, const Side& to, const Side& found) {
  if (!from || !found || from->kind != to->kind || found->kind != to->kind) return to->mode;
  const std::uint32_t changed = from->mode ^ to->mode;
  return (to->mode & changed) | (found->mode & ~changed);
}

// The base is untouched: what the change set has, with what others changed about mode and time.
Side wanted(const Side& from, const Side& to, const Side& found) {
  Side target = to;
  if (!target) return target;
  target->mode = merged_mode(from, to, found);
  const bool same_bytes = from && found && same_content(from, to);
  if (same_bytes && (from->modified_ns == to->modified_ns ||
                     (from->kind == Kind::file && found->modified_ns != from->modified_ns)))
    target->modified_ns = found->modified_ns;
  return target;
}

Side with_mode(const Side& found, const Side& from, const Side& to) {
  Side target = found;
  if (target && to) target->mode = merged_mode(from, to, found);
  return target;
}

std::string lines(const Overlap& overlap) {
  const std::string first = std::to_string(overlap.line + 1);
  if (overlap.count <= 1) return "line " + first;
  return "lines " + first + " to " + std::to_string(overlap.line + overlap.count);
}

std::string why_not(const Side& from, const Side& to, const Side& found) {
  if (!found) return "it is gone";
  if (!from) return std::string(describe(found->kind)) + " stands there already";
  if (found->kind != from->kind) return "it is " + std::string(describe(found->kind)) + " now";
  if (!to) return "it was changed since, so it was left";
  if (from->kind == Kind::link) return "the link leads elsewhere since";
  return "it was changed since";
}

class Decision {
 public:
  Decision(int folder, const Entry& entry, const Goal& goal, const Side& found)
      : folder_(folder), entry_(entry), from_(entry.now()), to_(goal.version), found_(found) {
    ours_ = entry.placed && same(found, entry.placed->put);
    if (entry.state == ChangeState::proposed)
      original_ = found;
    else if (ours_)
      original_ = entry.placed->original;
    else
      knows_original_ = false;
  }

  Verdict restore() const {
    const Side& original = entry_.placed->original;
    const bool as_it_was =
        same(found_, original) && (!original || original->kind == Kind::directory ||
                                   found_->modified_ns == original->modified_ns);
    Verdict verdict = reached(as_it_was ? Outcome::already : Outcome::applied, original,
                              same_content(original, entry_.change.before));
    if (original) verdict.source = original->content;
    // A folder's time is everybody's: it goes back only where nobody changed anything in it.
    if (original && original->kind == Kind::directory && found_ &&
        found_->modified_ns != entry_.placed->put->modified_ns)
      verdict.target->modified_ns = found_->modified_ns;
    return verdict;
  }
  bool can_restore(ChangeState goal) const {
    return ours_ && goal == ChangeState::proposed && entry_.state != ChangeState::proposed;
  }

  bool untouched() const {
    return (ours_ && entry_.placed->pristine) || same_content(found_, from_);
  }
  Verdict replace() const {
    Verdict verdict = reached(Outcome::applied, wanted(from_, to_, found_), true);
    if (to_) verdict.source = to_->content;
    return verdict;
  }
  // What the change wants stands there already, or its bytes stay: only the mode can differ.
  Verdict keep_bytes(bool pristine) const {
    const Side target = with_mode(found_, from_, to_);
    return reached(same(found_, target) ? Outcome::already : Outcome::merged, target, pristine);
  }
  Verdict merge(const std::function<std::optional<std::string>()>& read_found) const {
    const auto base = text_of(folder_, from_), theirs = text_of(folder_, to_);
    if (!base || !theirs || found_->size > kTextBytesMax)
      return conflict("it was changed since, and it is no text that could be merged");
    const auto ours = read_found();
    if (!ours || base::blake2b_hex(*ours) != found_->content_hash)
      return conflict("it is being changed");
    if (!is_text(*ours)) return conflict("it was changed since, and it is no text any more");
    auto merged = merge_texts(*base, *ours, *theirs);
    if (!merged)
      return conflict("it was changed since at " + lines(merged.error()) +
                      " of what this change is based on, where this change is too");
    if (*merged == *ours) return keep_bytes(false);
    Side target = Version{.mode = merged_mode(from_, to_, found_), .size = merged->size()};
    Verdict verdict = reached(Outcome::merged, std::move(target), false);
    verdict.text = std::move(*merged);
    return verdict;
  }
  static Verdict conflict(std::string reason) { return {.reason = std::move(reason)}; }

 private:
  Verdict reached(Outcome outcome, Side target, bool pristine) const {
    Verdict verdict{.outcome = outcome, .target = std::move(target)};
    if (knows_original_) verdict.placed = Placed{verdict.target, original_, pristine};
    return verdict;
  }

  const int folder_;
  const Entry& entry_;
  const Side& from_;
  const Side& to_;
  const Side& found_;
  bool ours_ = false;  // exactly what the last act left
  bool knows_original_ = true;
  Side original_;
};

}  // namespace

std::string_view describe(Kind kind) {
  switch (kind) {
    case Kind::file: return "a file";
    case Kind::directory: return "a folder";
    case Kind::link: return "a link";
    default: return "a special file";
  }
}

Verdict decide(int folder, const Entry& entry, const Goal& goal, const Side& found,
               const std::function<std::optional<std::string>()>& read_found) {
  const Side &from = entry.now(), &to = goal.version;
  const Decision decision(folder, entry, goal, found);
  if (decision.can_restore(goal.state)) return decision.restore();
  if (!GUARD("vfs.change-base", !decision.untouched())) return decision.replace();
  if (same_content(found, to)) return decision.keep_bytes(true);
  if (both_files(found, from) && both_files(from, to)) {
    if (same_content(from, to)) return decision.keep_bytes(false);
    return decision.merge(read_found);
  }
  return Decision::conflict(why_not(from, to, found));
}

std::vector<Step> steps_between(const Side& found, const Side& target) {
  using enum Step::Op;
  std::vector<Step> steps;
  const auto add = [&](Step::Op op) {
    steps.push_back({.op = op, .expected = found, .put = target});
  };
  const bool folder_before = found && found->kind == Kind::directory;
  const bool folder_after = target && target->kind == Kind::directory;
  if (folder_before && folder_after) {
    if (found->mode != target->mode || found->modified_ns != target->modified_ns) add(attributes);
  } else if (folder_before || folder_after || !found || !target) {
    if (found) add(folder_before ? remove_folder : remove);
    if (target) add(folder_after ? make_folder : create);
    if (folder_after) add(attributes);
  } else if (!same_content(found, target)) {
    add(exchange);
  } else if (found->mode != target->mode ||
             (target->modified_ns != 0 && found->modified_ns != target->modified_ns)) {
    add(attributes);
  }
  return steps;
}

}  // namespace boxagnts::vfs
