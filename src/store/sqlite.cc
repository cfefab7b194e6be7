#include "store/sqlite.h"

#include <sqlite3.h>

#include <algorithm>
#include <thread>

#include "base/log.h"

namespace boxagnts::store {

using std::chrono::microseconds;
using std::chrono::steady_clock;

std::unexpected<Error> Health::damage(std::string_view what, std::string context) {
  damaged.store(true, std::memory_order_relaxed);
  return fail(Code::corrupt,
              name + " is damaged (" + std::string(what) +
                  "): restore it or move it away; it was left as it is",
              std::move(context));
}

// --- Query -------------------------------------------------------------------------------------

Query::~Query() {
  if (statement_) reset();
}

void Query::reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Result<bool> Query::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return connection_->failure(code);
}

bool Query::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::int64_t Query::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string_view Query::text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return bytes ? std::string_view(static_cast<const char*>(bytes), static_cast<std::size_t>(size))
               : std::string_view();
}

Status Query::bind_one(int index, std::int64_t value) {
  const int code = sqlite3_bind_int64(statement_, index, value);
  if (code != SQLITE_OK) return connection_->failure(code);
  return {};
}

Status Query::bind_one(int index, std::string_view value) {
  const int code = sqlite3_bind_text64(statement_, index, value.empty() ? "" : value.data(),
                                       value.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (code != SQLITE_OK) return connection_->failure(code);
  return {};
}

Status Query::bind_one(int index, Bytes value) {
  const auto bytes = value.bytes;
  const int code = sqlite3_bind_blob64(statement_, index, bytes.empty() ? "" : bytes.data(),
                                       bytes.size(), SQLITE_STATIC);
  if (code != SQLITE_OK) return connection_->failure(code);
  return {};
}

// --- Connection --------------------------------------------------------------------------------

Result<std::unique_ptr<Connection>> Connection::open(const std::string& path, Use use,
                                                     Health& health) {
  std::unique_ptr<Connection> connection(new Connection(health));
  const int code =
      sqlite3_open_v2(path.c_str(), &connection->handle_,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  if (code != SQLITE_OK) return connection->failure(code);
  TRY(connection->configure(use));
  return connection;
}

Status Connection::configure(Use use) {
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_FKEY, 1, nullptr);
  sqlite3_busy_handler(handle_, &Connection::wait_for_others, this);
  // Cell checks find a damaged page when it is read, not when something is built on it.
  TRY(
      execute("PRAGMA cell_size_check=ON; PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY;"
              "PRAGMA secure_delete=ON; PRAGMA journal_size_limit=16777216;"));
  if (use == Use::read) return execute("PRAGMA query_only=ON; PRAGMA cache_size=-1000;");
  return {};
}

Connection::~Connection() {
  for (const auto& entry : prepared_) sqlite3_finalize(entry.statement);
  if (!handle_) return;
  if (health_.damaged.load(std::memory_order_relaxed))
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_close(handle_);
}

void Connection::keep() {
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
}

Result<sqlite3_stmt*> Connection::prepared(Sql sql) {
  // A literal is known by its address: some twenty entries, no hashing of text for each use.
  const auto found = std::ranges::find(prepared_, sql.text(), &Prepared::text);
  if (found != prepared_.end()) {
    if (sqlite3_stmt_busy(found->statement))
      return fail(Code::internal, "a statement was started twice at once", sql.text());
    return found->statement;
  }
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v3(handle_, sql.text(), -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return failure(code);
  prepared_.push_back({sql.text(), statement});
  return statement;
}

Status Connection::execute(Sql script) {
  const int code = sqlite3_exec(handle_, script.text(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure(code);
  return {};
}

Result<std::int64_t> Connection::number(Sql sql) {
  Query asked = TRY(query(sql));
  if (!TRY(asked.step())) return fail(Code::internal, "a statement gave no row", sql.text());
  return asked.integer(0);
}

std::int64_t Connection::last_row() const { return sqlite3_last_insert_rowid(handle_); }

bool Connection::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

int Connection::wait_for_others(void* self, int times) {
  auto& connection = *static_cast<Connection*>(self);
  const auto now = steady_clock::now();
  if (times == 0) connection.busy_since_ = now;
  if (now - connection.busy_since_ >= kBusyMax) return 0;
  // An append holds the file for some 50 us, a large blob for milliseconds.
  std::this_thread::sleep_for(times < 8 ? microseconds(50 << times) : microseconds(10'000));
  return 1;
}

std::unexpected<Error> Connection::failure(int code) {
  const int reason = handle_ ? sqlite3_system_errno(handle_) : 0;
  std::string context = std::string(handle_ ? sqlite3_errmsg(handle_) : sqlite3_errstr(code)) +
                        " (SQLite code " + std::to_string(code) + ")";
  const std::string because = reason != 0 ? ": " + base::errno_text(reason) : std::string();
  const std::string& file = health_.name;
  if (code == SQLITE_IOERR_CORRUPTFS) return health_.damage("its file system is", context);
  switch (code & 0xff) {
    case SQLITE_CORRUPT: return health_.damage("a part of it makes no sense", context);
    case SQLITE_NOTADB: return health_.damage("it is not a database", context);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return fail(Code::busy, file + " is being written by another process; try again later",
                  context);
    case SQLITE_FULL:
      return fail(Code::io, "there is no room for " + file + ": free some space", context);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return fail(Code::permission_denied, file + " may not be written by this user", context);
    case SQLITE_CANTOPEN:
      return fail(Code::io, file + " cannot be opened" + because + "; look at its folder", context);
    case SQLITE_IOERR:
      return fail(Code::io, file + " could not be read or written" + because, context);
    case SQLITE_TOOBIG:
      return fail(Code::limit_exceeded, "one value of more than 1 GB cannot be stored in " + file,
                  context);
    case SQLITE_NOMEM: return fail(Code::limit_exceeded, "no memory to use " + file, context);
    default: return fail(Code::internal, "using " + file + " failed: " + context, context);
  }
}

// --- Transaction -------------------------------------------------------------------------------

Result<Transaction> Transaction::begin(Connection& connection, Kind kind) {
  TRY(kind == Kind::write ? connection.run("BEGIN IMMEDIATE") : connection.run("BEGIN"));
  return Transaction(connection);
}

Status Transaction::commit() {
  TRY(connection_->run("COMMIT"));
  connection_ = nullptr;
  return {};
}

Transaction::~Transaction() {
  if (!connection_ || !connection_->in_transaction()) return;
  if (const auto undone = connection_->run("ROLLBACK"); !undone)
    base::log(base::LogLevel::warning, "store", undone.error().message);
}

}  // namespace boxagnts::store
