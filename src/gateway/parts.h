// What handlers work with. `services` is the program's; the rest is the gateway's own.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>

#include "agent/runs.h"
#include "agent/settings.h"
#include "base/time.h"
#include "gateway/access.h"
#include "gateway/desks.h"
#include "gateway/feed.h"
#include "gateway/file_changes.h"
#include "gateway/page.h"
#include "gateway/sign_in.h"
#include "gateway/tokens.h"
#include "store/store.h"
#include "tools/toolset.h"
#include "workspace/changes.h"
#include "workspace/files.h"

namespace boxagnts::gateway {

class Router;

// Errors: unsupported.
template <class Desk>
Result<Desk*> need(Desk* desk) {
  if (!desk) return fail(Code::unsupported, "this server has nothing to arrange here");
  return desk;
}

// What a run that says nothing else begins with now.
struct RunDefaults {
  std::string model;  // "" when none is set
  core::Mode mode = core::Mode::ask;
};

// Everything outlives the gateway. Nothing here is asked before a request needs it.
struct Services {
  store::Store& store;
  agent::Runs& runs;
  tools::CurrentTools tools;
  workspace::Files& files;
  workspace::Changes& changes;
  agent::RuleBook& rules;
  std::function<std::shared_ptr<const agent::Settings>()> settings;  // as they are now
  std::function<RunDefaults()> run_defaults;
  std::span<const Asset> page = {};  // the dashboard
  std::string scratch_folder;        // on disk, the program's own: for what is too large for memory
  Desks desks = {};
};

struct Counters {
  std::atomic<std::uint64_t> requests = 0;  // answered
  std::atomic<std::uint64_t> refused = 0;   // with a status of 400 to 499
  std::atomic<std::uint64_t> failed = 0;    // with one of 500 and more
  std::atomic<unsigned> tool_calls = 0;     // under way
  std::atomic<unsigned> model_tests = 0;    // under way, and looks at models' servers
  base::Timestamp started = 0;
};

// One of what is under way, as long as it lives.
class Place {
 public:
  explicit Place(std::atomic<unsigned>& under_way)
      : under_way_(under_way), number_(under_way.fetch_add(1) + 1) {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() { under_way_.fetch_sub(1); }
  unsigned number() const { return number_; }  // from 1: how many there are with it

 private:
  std::atomic<unsigned>& under_way_;
  const unsigned number_;
};

struct Parts {
  Services services;
  base::Clock& clock;
  Tokens& tokens;
  Tickets& tickets;
  SignIn& sign_in;
  Feed& feed;
  FileChanges& changes;
  Counters& counters;
  const Router& router;
};

}  // namespace boxagnts::gateway
