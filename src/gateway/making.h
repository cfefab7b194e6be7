// What is being made in each session right now: the frames since its last event, text deltas
// joined. Who attaches late is shown it as one snapshot. Belongs to the feed's thread.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "base/json.h"
#include "core/event.h"
#include "store/store.h"

namespace boxagnts::gateway {

class Making {
 public:
  // An answer longer than this is not shown to who comes late before it is finished.
  static constexpr std::size_t kBytesMax = 1 << 20;

  // The session's next event is in the log: what was being made is made.
  void finished(const core::Event& event);
  // False for a frame that an event has overtaken. The event it follows is in the log.
  bool add(const core::Frame& frame, store::Store& store);
  // {"frame":true,"kind":"snapshot",…}: takes the place of all frames of its session.
  std::vector<Json> snapshots(const std::optional<core::SessionId>& session) const;
  void clear() { sessions_.clear(); }

 private:
  struct Session {
    std::int64_t last_number = 0;
    core::RunId run;
    std::vector<core::Frame> frames;
    std::size_t bytes = 0;
    // What running calls have written, by their ids; and the numbers of those that finished.
    std::map<std::string, core::Frame> outputs;
    std::map<std::string, std::int64_t> finished;
  };
  static bool add_output(Session& session, const core::Frame& frame);
  std::map<core::SessionId, Session> sessions_;
};

}  // namespace boxagnts::gateway
