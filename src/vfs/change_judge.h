// What shall become of one path: the decision of an act, before anything is touched.
//
// Thread-safe: functions on values; decide() reads kept contents.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "vfs/change_manifest.h"

namespace boxagnts::vfs {

// Where an act takes an entry: a state, and what the change set has for it.
struct Goal {
  std::size_t entry = 0;
  ChangeState state = ChangeState::proposed;
  Side version;
};

struct Verdict {
  Outcome outcome = Outcome::conflict;
  std::string reason;  // of a conflict
  Side target;         // what shall stand there
  std::string source;  // where the bytes of a file are kept, or
  std::optional<std::string> text;
  std::optional<Placed> placed;  // what the entry remembers afterwards
};

// `folder` is the change set's; `found` is what stands at the path, `read_found` reads it.
Verdict decide(int folder, const Entry& entry, const Goal& goal, const Side& found,
               const std::function<std::optional<std::string>()>& read_found);

// From what stands there to what shall, in the order of Step::Op; nothing when there is nothing to
// do.
std::vector<Step> steps_between(const Side& found, const Side& target);

// "a folder": for sentences.
std::string_view describe(Kind kind);

}  // namespace boxagnts::vfs
