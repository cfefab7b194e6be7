#include "net/connection_pool.h"

#include <algorithm>

namespace boxagnts::net {

void ConnectionPool::expire(Graveyard& gone) {
  const auto oldest = Clock::now() - kIdleMax;
  while (!http1_.empty() && http1_.front().used_at < oldest) {
    gone.emplace_back(std::move(http1_.front().connection));
    http1_.pop_front();
  }
  std::erase_if(http2_, [&](auto& kept) {
    const bool is_over =
        !kept.connection->is_alive() || (kept.used_at < oldest && kept.connection->streams() == 0);
    if (is_over) gone.emplace_back(std::move(kept.connection));
    return is_over;
  });
}

template <class Pointer>
void ConnectionPool::put(Shelf<Pointer>& shelf, const std::string& key, Pointer connection,
                         Graveyard& gone) {
  const auto drop = [&](auto where) {
    gone.emplace_back(std::move(where->connection));
    shelf.erase(where);
  };
  const auto is_there = [&](const auto& kept) { return kept.key == key; };
  if (std::ranges::count_if(shelf, is_there) >= static_cast<std::ptrdiff_t>(kKeptToOnePlaceMax))
    drop(std::ranges::find_if(shelf, is_there));
  if (shelf.size() >= kKeptMax) drop(shelf.begin());
  shelf.push_back({key, std::move(connection), Clock::now()});
}

std::unique_ptr<Http1Connection> ConnectionPool::take_http1(const std::string& key,
                                                            const Admits& admits) {
  Graveyard gone;
  const std::scoped_lock lock(mutex_);
  expire(gone);
  // The one used last is the likeliest to live.
  for (auto kept = http1_.end(); kept != http1_.begin();) {
    --kept;
    if (kept->key != key || !admits(kept->connection->address())) continue;
    auto connection = std::move(kept->connection);
    kept = http1_.erase(kept);
    if (connection->is_quiet()) return connection;
    gone.emplace_back(std::move(connection));
  }
  return nullptr;
}

std::shared_ptr<Http2Connection> ConnectionPool::find_http2(const std::string& key,
                                                            const Admits& admits, Sharing sharing) {
  Graveyard gone;
  const std::scoped_lock lock(mutex_);
  expire(gone);
  for (auto kept = http2_.begin(); kept != http2_.end(); ++kept) {
    auto& connection = kept->connection;
    if (kept->key != key || !admits(connection->address()) || !connection->has_room()) continue;
    if (sharing == Sharing::unshared && connection->streams() != 0) continue;
    kept->used_at = Clock::now();
    if (sharing == Sharing::shared) return connection;
    auto taken = std::move(connection);
    http2_.erase(kept);
    return taken;
  }
  return nullptr;
}

std::shared_ptr<Http2Connection> ConnectionPool::take_http2(const std::string& key,
                                                            const Admits& admits) {
  return find_http2(key, admits, Sharing::unshared);
}

std::shared_ptr<Http2Connection> ConnectionPool::share_http2(const std::string& key,
                                                             const Admits& admits) {
  return find_http2(key, admits, Sharing::shared);
}

void ConnectionPool::keep(const std::string& key, std::unique_ptr<Http1Connection> connection) {
  Graveyard gone;
  const std::scoped_lock lock(mutex_);
  expire(gone);
  put(http1_, key, std::move(connection), gone);
}

void ConnectionPool::keep(const std::string& key, std::shared_ptr<Http2Connection> connection) {
  Graveyard gone;
  const std::scoped_lock lock(mutex_);
  expire(gone);
  put(http2_, key, std::move(connection), gone);
}

}  // namespace boxagnts::net
