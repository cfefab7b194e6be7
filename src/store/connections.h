// The connections of one store: one that writes, a few that read, one that watches for commits of
// other processes. A store in memory has a single one for all of it.
//
// Thread-safe. A Writer or Reader is held for one short operation; a thread holds one at a time.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/error.h"
#include "store/sqlite.h"

namespace boxagnts::store {

class Connections {
 public:
  static Result<std::unique_ptr<Connections>> open_file(const std::string& path);
  static Result<std::unique_ptr<Connections>> open_memory();

  class Writer {
   public:
    Connection* operator->() const { return connection_; }
    Connection& operator*() const { return *connection_; }

   private:
    friend Connections;
    Writer(std::unique_lock<std::mutex> lock, Connection& connection)
        : lock_(std::move(lock)), connection_(&connection) {}
    std::unique_lock<std::mutex> lock_;
    Connection* connection_;
  };

  class Reader {
   public:
    Reader(Reader&& other) noexcept
        : lock_(std::move(other.lock_)),
          home_(std::exchange(other.home_, nullptr)),
          owned_(std::move(other.owned_)),
          connection_(other.connection_) {}
    Reader& operator=(Reader&&) = delete;
    ~Reader();
    Connection* operator->() const { return connection_; }
    Connection& operator*() const { return *connection_; }

   private:
    friend Connections;
    Reader(Connections& home, std::unique_ptr<Connection> owned)
        : home_(&home), owned_(std::move(owned)), connection_(owned_.get()) {}
    Reader(std::unique_lock<std::mutex> lock, Connection& connection)
        : lock_(std::move(lock)), connection_(&connection) {}
    std::unique_lock<std::mutex> lock_;  // of the writer, in memory
    Connections* home_ = nullptr;        // where `owned_` goes back to
    std::unique_ptr<Connection> owned_;
    Connection* connection_;
  };

  // corrupt once damage was met: what is damaged is left as it is.
  Result<Writer> writer();
  // Waits for one of a few.
  Result<Reader> reader();
  // Whether anybody committed since the last time this was asked; false in memory.
  Result<bool> changed();

  bool in_memory() const { return path_.empty(); }
  Health& health() { return health_; }

 private:
  explicit Connections(std::string path);

  const std::string path_;
  Health health_;
  std::mutex writing_;
  std::unique_ptr<Connection> writer_;

  std::mutex reading_;
  std::condition_variable given_back_;
  std::size_t lent_ = 0;
  std::vector<std::unique_ptr<Connection>> idle_;

  std::mutex watching_;
  std::unique_ptr<Connection> watcher_;
  std::int64_t seen_version_ = -1;
};

}  // namespace boxagnts::store
