#include "agent/change_history.h"

#include <array>
#include <ranges>

namespace boxagnts::agent {
namespace {

ChangeHistory::State state_of(const ChangeHistory::Set& set) {
  using State = ChangeHistory::State;
  if (set.applied.empty()) return State::undone;
  return set.undone.empty() && !set.stuck_in ? State::applied : State::partly;
}

}  // namespace

std::string_view name_of(ChangeHistory::State state) {
  constexpr std::array<std::string_view, 5> kNames{"proposed", "applied", "partly", "undone",
                                                   "dropped"};
  return kNames.at(static_cast<std::size_t>(state));
}

void ChangeHistory::apply(const core::Event& event) {
  if (const auto* kept = std::get_if<core::ChangesKept>(&event.body)) {
    by_id_[kept->id] = sets_.size();
    sets_.push_back({.id = kept->id,
                     .call_id = kept->call_id,
                     .root = kept->root,
                     .files = kept->files,
                     .applied = {},
                     .undone = {},
                     .stuck_in = {}});
  } else if (const auto* settled = std::get_if<core::ChangesSettled>(&event.body)) {
    settle(*settled);
  } else if (std::holds_alternative<core::SessionForked>(event.body)) {
    *this = {};
  }
}

void ChangeHistory::settle(const core::ChangesSettled& settled) {
  using Act = core::ChangesAct;
  const auto found = by_id_.find(settled.id);
  if (found == by_id_.end()) return;
  Set& set = sets_[found->second];
  if (settled.act == Act::dropped) {
    set.state = State::dropped;
    set.applied.clear();
    set.undone.clear();
    return;
  }
  const bool back = settled.act == Act::undone;
  bool taken = false;
  set.stuck_in.reset();
  for (const auto& file : settled.files) {
    if (file.outcome == core::FileOutcome::conflict) {
      set.stuck_in = settled.act;
    } else if (set.applied.contains(file.path) == back) {
      (back ? set.applied : set.undone).erase(file.path);
      if (!back) set.applied.insert(file.path);
      if (back && file.reason.empty()) {
        set.undone.insert(file.path);
        taken = true;
      }
    }
  }
  if (!set.was_applied && !set.applied.empty()) {
    set.was_applied = true;
    order_.push_back(found->second);
  }
  if (taken) set.undone_after = order_.size();
  set.state = state_of(set);
}

std::vector<std::size_t> ChangeHistory::to_undo() const {
  std::vector<std::size_t> sets;
  for (const std::size_t index : std::views::reverse(order_))
    if (!sets_[index].applied.empty()) sets.push_back(index);
  return sets;
}

std::vector<std::size_t> ChangeHistory::to_redo() const {
  std::vector<std::size_t> sets;
  for (const std::size_t index : order_)
    if (!sets_[index].undone.empty() && sets_[index].undone_after == order_.size())
      sets.push_back(index);
  return sets;
}

}  // namespace boxagnts::agent
