// Guards: every place that can refuse for safety's sake carries an id, so that a test can be shown
// to fail without it.
//
//   if (GUARD("vfs.mask", masks.hides(path))) return std::unexpected(ENOENT);
//
// In a normal build GUARD is its condition and nothing else. In the mutate build (BOXAGNTS_MUTATE)
// the guard named by the environment variable BOXAGNTS_GUARD_OFF never refuses; `./dev mutate`
// switches each off in turn and wants a failing test. Ids are unique, lower case, "room.what";
// scripts/guards lists them.
#pragma once

#ifdef BOXAGNTS_MUTATE
#include <cstdlib>
#include <string_view>

namespace boxagnts::base {
inline bool guard_is_on(std::string_view id) {
  static const char* const kOff = std::getenv("BOXAGNTS_GUARD_OFF");
  return !kOff || id != kOff;
}
}  // namespace boxagnts::base
#define GUARD(id, refuses) ((refuses) && ::boxagnts::base::guard_is_on(id))
#else
#define GUARD(id, refuses) (refuses)
#endif
