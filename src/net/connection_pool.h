// Connections that are kept for the next request to the same place by the same way.
//
// Thread-safe. Has no thread: what was idle too long goes when the pool is used next. Limits: 64
// kept connections of HTTP/1.1, 8 to one place, 60 s idle; HTTP/2 the same, shared ones counted
// too.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "net/http1_connection.h"
#include "net/http2_connection.h"

namespace boxagnts::net {

class ConnectionPool {
 public:
  static constexpr std::size_t kKeptMax = 64, kKeptToOnePlaceMax = 8;
  static constexpr std::chrono::seconds kIdleMax{60};
  // Whether the caller's gate admits whom a connection is made to (none: behind a proxy).
  using Admits = std::function<bool(const std::optional<IpAddress>&)>;

  // Connections to `key` that are still good, or null. The pool gives them away.
  std::unique_ptr<Http1Connection> take_http1(const std::string& key, const Admits& admits);
  std::shared_ptr<Http2Connection> take_http2(const std::string& key, const Admits& admits);
  // One that others use as well; the pool keeps it.
  std::shared_ptr<Http2Connection> share_http2(const std::string& key, const Admits& admits);

  void keep(const std::string& key, std::unique_ptr<Http1Connection> connection);
  void keep(const std::string& key, std::shared_ptr<Http2Connection> connection);

 private:
  template <class Pointer>
  struct Kept {
    std::string key;
    Pointer connection;
    Clock::time_point used_at;
  };
  template <class Pointer>
  using Shelf = std::list<Kept<Pointer>>;  // the longest unused first

  using Graveyard = std::list<std::shared_ptr<void>>;  // closed after the lock is released
  void expire(Graveyard& gone);
  template <class Pointer>
  void put(Shelf<Pointer>& shelf, const std::string& key, Pointer connection, Graveyard& gone);
  std::shared_ptr<Http2Connection> find_http2(const std::string& key, const Admits& admits,
                                              Sharing sharing);

  std::mutex mutex_;
  Shelf<std::unique_ptr<Http1Connection>> http1_;
  Shelf<std::shared_ptr<Http2Connection>> http2_;
};

}  // namespace boxagnts::net
