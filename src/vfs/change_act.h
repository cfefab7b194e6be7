// One act on a target: apply or undo, from the judgement to the manifest that says what came of it.
//
// prepare() judges every goal and stages new contents durably beside the change set; it touches
// nothing else. Once the journal it returns is written, run() does the steps; it may be killed
// anywhere and run again from the same journal. What happened is read off the disk, so no step
// needs a note of its own: the staged file's inode waits under its name (nothing happened), or
// something else does (that is what came out), or nothing (it was put where nothing stood).
//
// One thread at a time.
#pragma once

#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "vfs/change_files.h"
#include "vfs/change_judge.h"
#include "vfs/change_manifest.h"

namespace boxagnts::vfs {

// Called before every change of the disk: where tests kill the program, or play the person who
// writes in between.
using Hook = std::function<void(std::string_view doing)>;

class Act {
 public:
  // Descriptors of the change set's folder and of the target's root; all outlive the act.
  Act(int folder, int root, Manifest& manifest, const Hook& hook)
      : folder_(folder), root_(root), manifest_(manifest), hook_(hook) {}

  // Errors: io, corrupt (a kept content is damaged); then nothing was touched.
  Result<Journal> prepare(std::span<const Goal> goals);
  // Does what is not done yet, and brings the manifest up to date. Errors: io.
  Result<std::vector<Applied>> run(Journal& journal);

 private:
  using Reason = std::optional<std::string>;  // why a step could not be done; nothing = done

  bool is_below_a_new_folder(const Entry& entry) const;
  Result<Move> judge(const Goal& goal, Verdict& verdict);
  void refuse_full_folders(std::vector<Move>& moves);
  Result<bool> can_move_back(Step& step, const std::string& source) const;
  Status stage_steps(Move& move, const Verdict& verdict, std::vector<std::string>& fresh);

  Reason do_step(const Move& move, Step& step);
  bool went_with_its_folder(const Move& move, const Step& step) const;
  Reason take_out(const Spot& spot, const Step& step);
  Reason put_in(const Spot& spot, const Step& step);
  Reason swap(const Spot& spot, const Step& step);
  Reason set_attributes(const Spot& spot, const Step& step);
  bool let_in(const Spot& waiting, const Spot& spot, const Step& step, unsigned flags);
  std::string link_too(const Step& step) const;
  void keep_too(const Step& step) const;
  std::string give_back(const Spot& spot, const Step& step);
  void take_back(const Move& move, const Step& step);
  bool all_undone(const std::string& folder) const;
  void restore_folder_times(const Journal& journal);
  void record_folder_times(const Journal& journal);
  Status make_target_durable(const Journal& journal);
  void settle(const Move& move);

  Spot staged(const Step& step) const;
  std::string path(const Move& move) const { return manifest_.entries[move.entry].change.path; }

  const int folder_, root_;
  Manifest& manifest_;
  const Hook& hook_;
  std::set<std::string> new_folders_, going_folders_;  // that this act makes, removes
};

}  // namespace boxagnts::vfs
