#include "store/connections.h"

#include "base/guard.h"
#include "store/database_file.h"
#include "store/schema.h"

namespace boxagnts::store {
namespace {

// Reads take tens of microseconds: more connections would only hold more memory.
constexpr std::size_t kReadersMax = 4;

}  // namespace

Connections::Connections(std::string path) : path_(std::move(path)) {
  health_.name = path_.empty() ? "the store in memory" : path_;
}

Result<std::unique_ptr<Connections>> Connections::open_file(const std::string& path) {
  std::unique_ptr<Connections> connections(new Connections(path));
  connections->writer_ = TRY(open_database(path, connections->health_));
  return connections;
}

Result<std::unique_ptr<Connections>> Connections::open_memory() {
  std::unique_ptr<Connections> connections(new Connections(""));
  connections->writer_ =
      TRY(Connection::open(":memory:", Connection::Use::write, connections->health_));
  TRY(migrate(*connections->writer_, connections->health_, migrations()));
  return connections;
}

Result<Connections::Writer> Connections::writer() {
  std::unique_lock lock(writing_);
  if (GUARD("store.damaged", health_.damaged.load(std::memory_order_relaxed)))
    return health_.damage("met earlier");
  return Writer(std::move(lock), *writer_);
}

Result<Connections::Reader> Connections::reader() {
  if (in_memory()) return Reader(std::unique_lock(writing_), *writer_);
  std::unique_ptr<Connection> connection;
  {
    std::unique_lock lock(reading_);
    given_back_.wait(lock, [this] { return lent_ < kReadersMax; });
    ++lent_;
    if (!idle_.empty()) {
      connection = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  Reader reader(*this, std::move(connection));  // gives its place back if opening fails
  if (!reader.connection_) {
    reader.owned_ = TRY(Connection::open(path_, Connection::Use::read, health_));
    reader.owned_->keep();
    reader.connection_ = reader.owned_.get();
  }
  return reader;
}

Connections::Reader::~Reader() {
  if (!home_) return;
  std::lock_guard lock(home_->reading_);
  if (owned_) home_->idle_.push_back(std::move(owned_));
  --home_->lent_;
  home_->given_back_.notify_one();
}

Result<bool> Connections::changed() {
  if (in_memory()) return false;
  std::lock_guard lock(watching_);
  if (!watcher_) {
    watcher_ = TRY(Connection::open(path_, Connection::Use::read, health_));
    watcher_->keep();
  }
  const auto version = TRY(watcher_->number("PRAGMA data_version"));
  return std::exchange(seen_version_, version) != version;
}

}  // namespace boxagnts::store
