// The event feed: one thread follows the log and the frames of the whole workspace, writes each
// as server-sent event bytes once, and pushes the same bytes into the stream of everybody who wants
// them.
//
// A subscriber whose stream is full falls behind and harms nobody: when its stream has drained it
// is replayed from the log, in pages, from the last position that went into it, so that no event is
// missing or comes twice. Once it has caught up it gets a snapshot of what is being made, then
// frames as they come. Frames that an event has overtaken are dropped.
//
// Thread-safe. Without subscribers the thread sleeps and nothing is followed. Events of other
// processes are looked for every 100 ms. Store and runs outlive the feed; streams are closed with
// it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "agent/runs.h"
#include "base/error.h"
#include "base/json.h"
#include "base/time.h"
#include "core/ids.h"
#include "net/http_server.h"
#include "store/store.h"

namespace boxagnts::gateway {

class Feed {
 public:
  static constexpr std::size_t kSubscribersMax = 10'000;
  static constexpr base::Milliseconds kBeatEvery{15'000};

  struct Wish {
    std::optional<core::SessionId> session;  // absent: all of them
    std::optional<std::int64_t> after;       // a position; absent: from now on
  };

  Feed(store::Store& store, agent::Runs& runs, base::Clock& clock);
  ~Feed();

  // The position from which a wish begins. Errors: not_found (session), conflict (a position that
  // the log has not reached: it is another log's).
  Result<std::int64_t> place_of(const Wish& wish);
  // Errors: busy (too many).
  Status subscribe(const Wish& wish, std::int64_t after, std::shared_ptr<net::ServerStream> stream);
  std::size_t subscribers() const;

  // An event of that name, without an id, to everybody who reads a stream: what lists show is
  // another one now. Who is behind gets it when they have caught up. Any thread; never waits.
  void announce(std::string_view name, const Json& data = JsonObject());

 private:
  class Follower;
  const std::unique_ptr<Follower> follower_;
};

}  // namespace boxagnts::gateway
