#include "agent/session_diff.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <tuple>
#include <vector>

#include "agent/undo.h"
#include "base/text.h"
#include "vfs/unified_diff.h"

namespace boxagnts::agent {
namespace {

using Set = ChangeHistory::Set;
using Side = std::optional<vfs::Version>;

// What is held of files between two sets that changed them; beyond it a file is shown as opaque.
constexpr std::size_t kHeldBytesMax = 64u << 20;

// Where in which set a side of a difference is kept.
struct Where {
  std::size_t set = 0;
  Side side;
};
struct Difference {
  std::string root, path;
  Where before, after;
};

// Known to be the same bytes: one set went on where the other had stopped.
bool goes_on(const Side& one, const Side& other) {
  if (!one || !other) return !one && !other;
  if (one->kind != other->kind) return false;
  if (one->kind == vfs::Kind::link) return one->link_target == other->link_target;
  return one->kind == vfs::Kind::directory ||
         (!one->content_hash.empty() && one->content_hash == other->content_hash);
}

bool is_none(const Difference& difference) {
  const Side &before = difference.before.side, &after = difference.after.side;
  return goes_on(before, after) && (!before || before->mode == after->mode);
}

// In two passes over the sets, so that one of them is open at a time: which differences there are,
// then their texts.
class SessionDiff {
 public:
  explicit SessionDiff(workspace::Changes& changes) : changes_(changes) {}

  Result<std::string> make(const ChangeHistory& history) {
    auto order = history.to_undo();
    std::ranges::reverse(order);
    for (const std::size_t index : order) TRY(find(history.sets()[index]));
    std::erase_if(differences_, is_none);
    std::ranges::sort(differences_, {}, [](const Difference& one) {
      return std::tuple<std::string_view, std::string_view, std::size_t>(one.root, one.path,
                                                                         one.before.set);
    });
    diffs_.resize(differences_.size());
    before_.resize(differences_.size());
    for (std::size_t i = 0; i < sets_.size(); ++i) TRY(read(i));
    return text();
  }

 private:
  Status find(const Set& set) {
    const auto kept = changes_.open_set(set.id, set.root);
    if (!kept && kept.error().code == Code::not_found) {
      missing_ += "The changes " + set.id.text + " are no longer kept.\n";
      return {};
    }
    if (!kept) return std::unexpected(kept.error());
    sets_.push_back(&set);
    const auto states = (*kept)->states();
    for (std::size_t i = 0; i < states.size(); ++i)
      if (states[i] != vfs::ChangeState::proposed) add(set, (*kept)->changes()[i], (*kept)->now(i));
    return {};
  }

  void add(const Set& set, const vfs::Change& change, Side now) {
    auto& last = last_[{set.root, change.path}];
    const std::size_t here = sets_.size() - 1;
    if (last && goes_on(differences_[*last].after.side, change.before)) {
      differences_[*last].after = {here, std::move(now)};
      return;
    }
    last = differences_.size();
    differences_.push_back({set.root, change.path, {here, change.before}, {here, std::move(now)}});
  }

  Status read(std::size_t index) {
    const auto concerns = [&](const Difference& one) {
      return one.before.set == index || one.after.set == index;
    };
    if (std::ranges::none_of(differences_, concerns)) return {};
    const auto kept = TRY(changes_.open_set(sets_[index]->id, sets_[index]->root));
    for (std::size_t i = 0; i < differences_.size(); ++i) {
      const Difference& one = differences_[i];
      if (one.before.set == index) hold(i, kept->text(one.before.side));
      if (one.after.set != index) continue;
      const bool same = goes_on(one.before.side, one.after.side);
      const std::optional<std::string> none("");
      diffs_[i] =
          vfs::make_diff(one.path, one.before.side, one.after.side, same ? none : before_[i],
                         same ? none : kept->text(one.after.side));
      if (before_[i]) held_bytes_ -= before_[i]->size();
      before_[i].reset();
      for (const auto& hunk : diffs_[i].hunks) diff_bytes_ += hunk.text.size();
      if (diff_bytes_ > kDiffBytesMax)
        return fail(Code::limit_exceeded, "the session changed more than can be shown at once: " +
                                              std::to_string(kDiffBytesMax >> 20) +
                                              " MiB; look at its single changes");
    }
    return {};
  }

  void hold(std::size_t index, std::optional<std::string> text) {
    if (!text || held_bytes_ + text->size() > kHeldBytesMax) return;
    held_bytes_ += text->size();
    before_[index] = std::move(text);
  }

  std::string text() {
    std::string out = missing_;
    const bool one_root =
        differences_.empty() || differences_.front().root == differences_.back().root;
    for (std::size_t first = 0, next = 0; first < differences_.size(); first = next) {
      const std::string& root = differences_[first].root;
      while (next < differences_.size() && differences_[next].root == root) ++next;
      const std::span diffs(diffs_.begin() + static_cast<std::ptrdiff_t>(first), next - first);
      vfs::find_renames(diffs);
      if (!one_root) out += "Changes below " + base::repair_utf8(root) + ":\n";
      out += vfs::to_unified(diffs);
    }
    return out;
  }

  workspace::Changes& changes_;
  std::vector<const Set*> sets_;
  std::vector<Difference> differences_;
  std::map<std::pair<std::string, std::string>, std::optional<std::size_t>> last_;  // of a path
  std::vector<std::optional<std::string>> before_;
  std::vector<vfs::FileDiff> diffs_;
  std::size_t held_bytes_ = 0, diff_bytes_ = 0;
  std::string missing_;
};

}  // namespace

Result<std::string> session_diff(store::Store& store, workspace::Changes& changes,
                                 const core::SessionId& session) {
  const auto history = TRY(read_history(store, session));
  return SessionDiff(changes).make(history);
}

}  // namespace boxagnts::agent
