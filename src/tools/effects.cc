#include "tools/effects.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <tuple>

#include "base/guard.h"
#include "base/path_pattern.h"
#include "base/text.h"
#include "vfs/change_set.h"
#include "vfs/host_filesystem.h"
#include "workspace/change_events.h"

namespace boxagnts::tools {
namespace {

using core::Verdict;
using Identity = ReadFiles::Identity;

constexpr std::size_t kDiffBytesMax = 1 << 20;  // of the text that is kept for people
constexpr std::size_t kPathsShown = 3;

std::string folder_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return std::string(path.substr(0, slash == 0 || slash == path.npos ? 1 : slash));
}

// Whole, and such that a name adds no line of its own to a question.
std::string on_one_line(std::string_view name) {
  std::string line;
  for (const char c : base::terminal_safe(name)) {
    if (GUARD("tools.question_lines", c == '\n' || c == '\t'))
      line += c == '\n' ? "\\n" : "\\t";
    else
      line += c;
  }
  return line;
}

std::string below(const std::string& folder, const std::string& relative) {
  return (folder == "/" ? "" : folder) + "/" + relative;
}

// Where a rule asks about the path and not about all of `folder`, the folder is not what is agreed.
bool stands_for(const std::string& folder, const std::string& path, const policy::Input& input) {
  return !input.rules || input.rules->asks_about_folder_of(path, folder);
}

// What "always" would allow of a path: its folder, which is in the mount as the path is (a mount's
// root is no change); of what a rule asks about in a folder that it does not ask about, the path
// alone.
std::string folder_for_always(const std::string& path, const policy::Input& input) {
  auto folder = folder_of(path);
  return stands_for(folder, path, input) ? folder : path;
}

// Each once; of more than can be shown some.
template <class FolderFor>
std::vector<std::string> folders_of(const std::vector<std::size_t>& paths, FolderFor folder_for) {
  std::vector<std::string> folders;
  for (const auto path : paths) {
    if (folders.size() > kPathsShown) break;
    if (auto folder = folder_for(path); std::ranges::find(folders, folder) == folders.end())
      folders.push_back(std::move(folder));
  }
  return folders;
}

std::string count_text(const core::FileChange& file) {
  if (file.opaque || (file.lines_added == 0 && file.lines_removed == 0))
    return std::string(core::name_of(file.kind));
  return "+" + std::to_string(file.lines_added) + " -" + std::to_string(file.lines_removed);
}

// The changes of one call in one mount.
class Settlement {
 public:
  Settlement(const DoneCall& done, View::Held held, base::Clock& clock)
      : done_(done), held_(std::move(held)), clock_(clock) {
    std::set<std::string> above;
    for (const auto& change : held_.changes) {
      paths_.push_back(below(held_.mount.guest_path, change.path));
      above.insert(folder_of(paths_.back()));
    }
    for (std::size_t i = 0; i < paths_.size(); ++i) {
      const auto& [before, after] = std::tie(held_.changes[i].before, held_.changes[i].after);
      const bool made = !before && after && after->kind == vfs::Kind::directory;
      // One that was made for others of them is no subject of its own: the folder around it is more
      // than was done.
      if (GUARD("tools.approved_around", made && above.contains(paths_[i]))) continue;
      subjects_.push_back(i);
    }
  }

  // What refuses it whatever a person says. Nothing is kept before.
  std::optional<ToolOutput> refusal() {
    if (const auto stale = changed_since_read(); !stale.empty())
      return refused(core::ResultStatus::failed,
                     stale +
                         " changed since this run read it, so nothing was written; read it "
                         "again and make the change anew");
    judged_ = policy::judge_changes(done_.input, done_.decision, paths_);
    if (GUARD("tools.changes_denied", judged_.verdict == Verdict::deny))
      return refused(core::ResultStatus::denied, "nothing of what " + done_.call.tool +
                                                     " changed was applied: " + judged_.reason +
                                                     " [rule " + judged_.rule + "]");
    return std::nullopt;
  }

  // Whether it was applied, as far as nobody else was faster.
  bool applied() const { return applied_; }
  const std::string& folder() const { return held_.mount.guest_path; }

  Result<ToolOutput> run(ToolOutput output) {
    if (const auto kept = keep(); !kept) {
      if (kept.error().code == Code::conflict) return std::unexpected(kept.error());
      return refused(core::ResultStatus::failed,
                     "what " + done_.call.tool + " changed could not be kept, so nothing of it " +
                         "was applied: " + kept.error().message);
    }
    TRY(done_.control.note(kept_event_));
    if (GUARD("tools.changes_asked", judged_.verdict == Verdict::ask))
      if (auto refusal = TRY(ask())) return *std::move(refusal);
    return apply(std::move(output), judged_.verdict == Verdict::ask ? "answer" : judged_.rule);
  }

 private:
  struct Offered {
    std::string always;  // the rule, or ""
    bool for_this_run = false;
  };

  static ToolOutput refused(core::ResultStatus status, std::string text) {
    return {.status = status, .text = std::move(text)};
  }

  // A file that the run has read, that is somebody else's since, and that this call has not read
  // itself.
  std::string changed_since_read() const {
    for (std::size_t i = 0; i < paths_.size(); ++i) {
      const auto& before = held_.changes[i].before;
      if (!before || before->kind != vfs::Kind::file) continue;
      const auto read = done_.policy.read_files->find(paths_[i]);
      const auto& own = done_.input.facts.reads;
      if (!read || std::ranges::find(own, paths_[i]) != own.end()) continue;
      const Identity now{before->inode, before->size, before->modified_ns, before->changed_ns};
      if (GUARD("tools.changed_since_read", now != *read)) return paths_[i];
    }
    return {};
  }

  Status keep() {
    kept_event_ = {
        .id = held_.staging.id(), .call_id = done_.call.id, .root = held_.staging.root()};
    set_ = TRY(done_.context.changes->keep(std::move(held_.staging), held_.changes));
    const auto diffs = TRY(set_->diff(vfs::Part::proposed));
    kept_event_.files = workspace::file_changes(kept_event_.root, diffs);
    std::string text = base::repair_utf8(vfs::to_unified(diffs));
    if (text.size() > kDiffBytesMax) {
      // Who says yes has to know that there is more than they see.
      const auto whole = text.size();
      text.resize(base::prefix_at_character(text, kDiffBytesMax).size());
      text += "\n… this diff is cut: " + std::to_string(whole - text.size()) +
              " bytes of it are not shown; all that is listed as changed counts\n";
    }
    if (done_.context.keep && !text.empty()) kept_event_.blob = TRY(done_.context.keep(text));
    return {};
  }

  std::vector<std::string> folders_for_always() const {
    return folders_of(subjects_,
                      [&](std::size_t i) { return folder_for_always(paths_[i], done_.input); });
  }

  // A job goes through many folders: the whole mount, as in mode edits; of what a rule asks about,
  // no more than "always" would allow.
  std::vector<std::string> folders_for_run() const {
    return folders_of(subjects_, [&](std::size_t i) {
      const auto& mount = held_.mount.guest_path;
      return stands_for(mount, paths_[i], done_.input) ? mount
                                                       : folder_for_always(paths_[i], done_.input);
    });
  }

  core::Approval question() const {
    std::vector<std::string> lines;
    for (const auto i : subjects_)
      lines.push_back(kept_event_.files[i].path + " (" + count_text(kept_event_.files[i]) + ")");
    core::Approval approval{.id = core::ApprovalId::make(clock_.now()),
                            .call_id = done_.call.id,
                            .tool = done_.call.tool,
                            .level = done_.decision.level,
                            .kind = core::QuestionKind::changes,
                            .blob = kept_event_.blob,
                            .changes = kept_event_.id,
                            .connected = done_.connected};
    for (const auto& file : kept_event_.files) approval.files.push_back(file.path);
    approval.question =
        "Apply what " + done_.call.tool + " changed: " + joined(lines, kPathsShown) + "?";
    if (!judged_.rule.starts_with("table:"))
      approval.question += " The rule " + judged_.rule + " asks.";
    if (!done_.connected.empty())
      approval.question += " It has connected to " + joined(done_.connected, kPathsShown) +
                           " already, which a no does not undo.";
    // What is not shown is not covered.
    const auto run = folders_for_run();
    if (run.size() <= kPathsShown)
      approval.for_this_run = "all changes below " + joined(run, kPathsShown);
    // A rule is text: where a name is none, there is none to be written.
    const auto always = folders_for_always();
    if (always.size() == 1 && base::is_utf8(always.front()))
      approval.always = "write " + base::glob_quoted(always.front());
    return approval;
  }

  Result<std::optional<ToolOutput>> ask() {
    auto approval = question();
    const Offered offered{approval.always, !approval.for_this_run.empty()};
    // Nobody else may hold the set while it waits: it is answered by whoever comes.
    set_.reset();
    auto asked = done_.control.ask(std::move(approval));
    if (!asked && asked.error().code == Code::cancelled) {
      TRY(drop("cancelled"));
      return refused(core::ResultStatus::cancelled,
                     "the run was cancelled while a person was asked about what " +
                         done_.call.tool + " changed; nothing of it was applied");
    }
    if (!asked) return std::unexpected(std::move(asked.error()));
    if (GUARD("tools.nobody_answers", !asked->reply)) {
      if (!asked->queued) TRY(drop("unanswered"));
      return refused(core::ResultStatus::denied, asked->why);
    }
    if (GUARD("tools.answered_no", asked->reply && asked->reply->answer == core::Answer::no)) {
      TRY(drop("answer"));
      return refused(core::ResultStatus::denied,
                     with_word("a person was asked and said no, so nothing of what " +
                                   done_.call.tool + " changed was applied; do not try the same " +
                                   "again, but go on without it or ask what is wanted instead",
                               *asked->reply));
    }
    if (asked->reply) TRY(remember(*asked->reply, offered));
    return std::nullopt;
  }

  // A "for this run" that was not offered is a yes, and no more.
  Status remember(const core::Reply& reply, const Offered& offered) {
    if (reply.answer == core::Answer::always && !offered.always.empty()) {
      if (const auto added = done_.control.add_rule(offered.always); added)
        TRY(done_.control.note(*added));
      approve(folders_for_always());
    } else if (reply.answer != core::Answer::yes && offered.for_this_run) {
      approve(folders_for_run());
    }
    return {};
  }

  void approve(std::vector<std::string> folders) {
    auto& approved = done_.policy.approved_folders;
    for (auto& folder : folders)
      if (std::ranges::find(approved, folder) == approved.end())
        approved.push_back(std::move(folder));
  }

  Status drop(const std::string& by) {
    set_.reset();
    (void)done_.context.changes->drop(kept_event_.id);  // what is left over goes with the quota
    return done_.control.note(
        core::ChangesSettled{.id = kept_event_.id, .act = core::ChangesAct::dropped, .by = by});
  }

  Result<ToolOutput> apply(ToolOutput output, const std::string& by) {
    const auto applied = apply_set();
    if (!applied)
      return refused(core::ResultStatus::failed,
                     "what " + done_.call.tool + " changed could not be applied: " +
                         applied.error().message + "; look what stands there before you go on");
    auto settled = workspace::settled_event(kept_event_.id, kept_event_.root,
                                            core::ChangesAct::applied, *applied, by);
    std::string conflicts;
    for (const auto& file : settled.files)
      if (file.outcome == core::FileOutcome::conflict)
        conflicts += "\nnot written: " + file.path + ": " + file.reason;
    applied_ = true;
    note_as_read();
    TRY(done_.control.note(std::move(settled)));
    if (!conflicts.empty()) {
      output.status = core::ResultStatus::failed;
      output.text += "\nSomebody else changed these files meanwhile:" + conflicts;
    }
    return output;
  }

  Result<std::vector<vfs::Applied>> apply_set() {
    if (!set_) set_ = TRY(done_.context.changes->open_set(kept_event_.id, kept_event_.root));
    auto applied = set_->apply({});
    set_.reset();
    return applied;
  }

  // What the call wrote is what the run knows.
  void note_as_read() {
    const auto files =
        vfs::open_host_filesystem(held_.mount.host_path, core::Access::read_only, vfs::Masks());
    for (std::size_t i = 0; i < paths_.size(); ++i) {
      const auto stat = files ? (*files)->root()->stat_plain(held_.changes[i].path)
                              : vfs::Sys<vfs::Stat>(std::unexpected(ENOENT));
      if (stat && stat->kind == vfs::Kind::file)
        done_.policy.read_files->note(
            paths_[i], {stat->inode, stat->size, stat->modified_ns, stat->changed_ns});
      else
        done_.policy.read_files->forget(paths_[i]);
    }
  }

  const DoneCall& done_;
  View::Held held_;
  base::Clock& clock_;
  std::vector<std::string> paths_;  // as the guest sees them, in the order of the changes, sorted
  // Of them what a question is about: not the folders that were made for what is in them.
  std::vector<std::size_t> subjects_;
  std::unique_ptr<vfs::ChangeSet> set_;
  core::ChangesKept kept_event_;
  policy::ChangesDecision judged_;
  bool applied_ = false;
};

}  // namespace

std::string joined(const std::vector<std::string>& parts, std::size_t shown_max) {
  std::string text;
  for (std::size_t i = 0; i < parts.size() && i < shown_max; ++i)
    text += (i == 0 ? "" : ", ") + on_one_line(parts[i]);
  if (parts.size() > shown_max)
    text += " and " + std::to_string(parts.size() - shown_max) + " more";
  return text;
}

std::string with_word(std::string sentence, const core::Reply& reply) {
  if (!base::is_blank(reply.text)) sentence += ". They say: " + reply.text;
  return sentence;
}

Result<ToolOutput> settle_changes(const DoneCall& done, View& view, ToolOutput output,
                                  base::Clock& clock) {
  if (GUARD("tools.cut_short", output.cut_short)) {
    output.text += "; nothing of what it had changed was applied";
    return output;
  }
  auto held = view.take();
  if (!held)
    return ToolOutput{core::ResultStatus::failed,
                      "what " + done.call.tool +
                          " changed could not be read, so nothing of it was "
                          "applied: " +
                          held.error().message};
  // What one call did is one thing, in however many folders: where some of it is refused, the rest
  // is not applied any more.
  std::vector<Settlement> settlements;
  for (auto& of_mount : *held) settlements.emplace_back(done, std::move(of_mount), clock);
  for (auto& settlement : settlements)
    if (auto refusal = settlement.refusal()) return *std::move(refusal);
  std::string applied;
  for (auto& settlement : settlements) {
    output = TRY(settlement.run(std::move(output)));
    if (settlement.applied()) {
      applied += (applied.empty() ? "" : ", ") + settlement.folder();
      continue;
    }
    if (!applied.empty()) output.text += "; but what it changed in " + applied + " was applied";
    break;
  }
  return output;
}

}  // namespace boxagnts::tools
