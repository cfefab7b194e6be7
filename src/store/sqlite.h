// SQLite as values that clean up after themselves: a connection with its prepared statements, a
// query in progress, a transaction. The only header of the program behind which sqlite3.h stands.
//
// Threads: a Connection is used by one thread at a time; Health is shared by all connections of a
// file. Ownership: a Query and a Transaction do not outlive their Connection; bound text outlives
// its Query. Errors: busy (another writer for 5 s), corrupt, io (full, unreadable),
// permission_denied, limit_exceeded (a value of more than 1 GB), internal.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace boxagnts::store {

// How long one process waits for another's write.
constexpr std::chrono::seconds kBusyMax{5};

// A statement that is part of the program: nothing that comes from outside can become one.
class Sql {
 public:
  consteval Sql(const char* text) : text_(text) {}  // NOLINT: a literal is meant to convert
  constexpr const char* text() const { return text_; }

 private:
  const char* text_;
};

// What all connections to one file know together.
struct Health {
  std::string name;  // of the file, for error sentences
  std::atomic<bool> damaged = false;

  // corrupt: what is wrong with the file and what to do. Remembers it.
  std::unexpected<Error> damage(std::string_view what, std::string context = {});
};

struct Bytes {
  std::string_view bytes;
};

class Connection;

// A prepared statement with its parameters; gives it back reset.
class Query {
 public:
  Query(Connection& connection, sqlite3_stmt* statement)
      : connection_(&connection), statement_(statement) {}
  Query(Query&& other) noexcept
      : connection_(other.connection_), statement_(std::exchange(other.statement_, nullptr)) {}
  Query& operator=(Query&&) = delete;
  ~Query();

  // True when there is a row; false at the end.
  Result<bool> step();
  // Ready for other parameters.
  void reset();

  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  std::string_view text(int column) const;  // valid until the next step

  template <class... Values>
  Status bind(const Values&... values) {
    int index = 0;
    Status status;
    ((status = status ? bind_one(++index, values) : std::move(status)), ...);
    return status;
  }

 private:
  Status bind_one(int index, std::int64_t value);
  Status bind_one(int index, std::string_view value);
  Status bind_one(int index, Bytes value);

  Connection* connection_;
  sqlite3_stmt* statement_;
};

class Connection {
 public:
  enum class Use : std::uint8_t { write, read };

  // Opens an existing file (or ":memory:"). Until keep() the file is on trial: closing leaves it
  // and its journal as they were found.
  static Result<std::unique_ptr<Connection>> open(const std::string& path, Use use, Health& health);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // The file is ours: the last one to close it may tidy its journal away.
  void keep();

  template <class... Values>
  Result<Query> query(Sql sql, const Values&... values) {
    Query query(*this, TRY(prepared(sql)));
    TRY(query.bind(values...));
    return query;
  }
  // A statement without rows.
  template <class... Values>
  Status run(Sql sql, const Values&... values) {
    Query started = TRY(query(sql, values...));
    (void)TRY(started.step());
    return {};
  }
  // Several statements without parameters, not kept prepared.
  Status execute(Sql script);
  // The one number of a statement's first row.
  Result<std::int64_t> number(Sql sql);

  std::int64_t last_row() const;
  bool in_transaction() const;
  std::unexpected<Error> failure(int code);

 private:
  struct Prepared {
    const char* text;
    sqlite3_stmt* statement;
  };

  explicit Connection(Health& health) : health_(health) {}
  Result<sqlite3_stmt*> prepared(Sql sql);
  Status configure(Use use);
  // SQLite's busy handler: waits a little, at most 5 s in all.
  static int wait_for_others(void* self, int times);

  Health& health_;
  sqlite3* handle_ = nullptr;
  std::vector<Prepared> prepared_;
  std::chrono::steady_clock::time_point busy_since_;
};

// All or nothing: rolls back unless committed.
class Transaction {
 public:
  // A write waits for other writers here; a read sees one state of the file throughout.
  enum class Kind : std::uint8_t { read, write };
  static Result<Transaction> begin(Connection& connection, Kind kind = Kind::write);
  Transaction(Transaction&& other) noexcept
      : connection_(std::exchange(other.connection_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  Status commit();

 private:
  explicit Transaction(Connection& connection) : connection_(&connection) {}

  Connection* connection_;
};

}  // namespace boxagnts::store
