#include "store/database_file.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <memory>
#include <thread>

#include "base/file.h"
#include "base/guard.h"
#include "store/schema.h"

namespace boxagnts::store {
namespace {

// The database header, "Database File Format" of SQLite, section 1.3.
constexpr std::size_t kHeaderBytes = 100;
constexpr std::string_view kMagic{"SQLite format 3\0", 16};
constexpr std::size_t kPageSizeAt = 16;
constexpr std::size_t kChangesAt = 24;
constexpr std::size_t kPagesAt = 28;
constexpr std::size_t kUserVersionAt = 60;
constexpr std::size_t kApplicationIdAt = 68;
constexpr std::size_t kPagesValidForAt = 92;

struct Header {
  std::array<unsigned char, kHeaderBytes> bytes{};

  std::uint32_t number(std::size_t at) const {
    return std::uint32_t{bytes[at]} << 24 | std::uint32_t{bytes[at + 1]} << 16 |
           std::uint32_t{bytes[at + 2]} << 8 | std::uint32_t{bytes[at + 3]};
  }
  bool is_database() const {
    return std::string_view(reinterpret_cast<const char*>(bytes.data()), kMagic.size()) == kMagic;
  }
  // As far as the header knows: an old writer may not have kept the count.
  std::int64_t bytes_claimed() const {
    if (number(kPagesValidForAt) != number(kChangesAt)) return 0;
    const std::int64_t page = bytes[kPageSizeAt] << 8 | bytes[kPageSizeAt + 1];
    return (page == 1 ? 65'536 : page) * std::int64_t{number(kPagesAt)};
  }
};

// Reads by SQLite's own file layer. To open and close the file behind its back would drop the locks
// that other connections of this process hold on it: POSIX locks end with the first close.
Result<Header> read_header(const std::string& path) {
  sqlite3_vfs* const vfs = sqlite3_vfs_find(nullptr);
  if (!vfs) return fail(Code::internal, "SQLite has no file layer");
  const auto storage = std::make_unique<std::max_align_t[]>(
      static_cast<std::size_t>(vfs->szOsFile) / sizeof(std::max_align_t) + 1);
  auto* const file = reinterpret_cast<sqlite3_file*>(storage.get());
  // The layer wants a name with two zero bytes behind it (an empty list of parameters).
  const std::string name = path + std::string(2, '\0');
  if (vfs->xOpen(vfs, name.c_str(), file, SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB, nullptr) !=
      SQLITE_OK)
    return fail(Code::io, path + " cannot be opened: " + base::errno_text(errno));
  Header header;
  int code = file->pMethods->xRead(file, header.bytes.data(), kHeaderBytes, 0);
  if (code == SQLITE_IOERR_SHORT_READ) code = SQLITE_OK;  // the rest is zero: no database
  file->pMethods->xClose(file);
  if (code != SQLITE_OK) return fail(Code::io, path + " cannot be read", sqlite3_errstr(code));
  return header;
}

std::int64_t size_of(const std::string& path) {
  struct stat status;
  return ::lstat(path.c_str(), &status) == 0 ? status.st_size : 0;
}

Status check_header(const std::string& path) {
  // The size as the system says it: SQLite's own answer for a file of one byte is zero.
  if (size_of(path) == 0) return {};  // new, or left by a process that died before its first commit
  const Header header = TRY(read_header(path));
  if (GUARD("store.foreign_header",
            !header.is_database() || header.number(kApplicationIdAt) != kApplicationId))
    return refuse_foreign(path);
  const std::int64_t version = header.number(kUserVersionAt);
  if (GUARD("store.newer_header", version > schema_version())) return refuse_newer(path, version);
  // A checkpoint or a commit that was cut short is made whole from the journal beside the file. The
  // size is asked last: another process may be making the file longer all the while.
  const bool can_be_made_whole = size_of(path + "-wal") > 0 || size_of(path + "-journal") > 0;
  if (GUARD("store.truncated", !can_be_made_whole && size_of(path) < header.bytes_claimed())) {
    Health health{.name = path};
    return health.damage("its end is missing");
  }
  return {};
}

// SQLite refuses the change at once, without waiting, while another process has just opened the
// file.
Status enter_wal(Connection& connection, const std::string& path) {
  const auto deadline = std::chrono::steady_clock::now() + kBusyMax;
  while (true) {
    Query mode = TRY(connection.query("PRAGMA journal_mode=WAL"));
    const auto entered = mode.step();
    if (entered && mode.text(0) == "wal") return {};
    if (entered)
      return fail(Code::unsupported,
                  path + " is on a file system without shared memory: use another folder");
    if (entered.error().code != Code::busy || std::chrono::steady_clock::now() >= deadline)
      return std::unexpected(entered.error());
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace

Status prepare_folder(const std::string& folder) {
  struct stat status;
  if (::lstat(folder.c_str(), &status) != 0) {
    if (errno != ENOENT) return fail_errno(errno, "cannot use the state folder " + folder);
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(folder).parent_path(), error);
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
      return fail_errno(errno, "cannot make the state folder " + folder);
    if (::lstat(folder.c_str(), &status) != 0)
      return fail_errno(errno, "cannot use the state folder " + folder);
  }
  // A workspace may come from anywhere, and with it a link that leads the log out of it.
  if (GUARD("store.folder_link", S_ISLNK(status.st_mode)))
    return fail(Code::permission_denied,
                "the state folder " + folder + " is a link: replace it by a folder");
  if (!S_ISDIR(status.st_mode) && !S_ISLNK(status.st_mode))
    return fail(Code::io, "the state folder " + folder + " is not a folder: move it away");
  if ((status.st_mode & 077) != 0 && status.st_uid == ::geteuid() &&
      ::chmod(folder.c_str(), 0700) != 0)
    return fail_errno(errno, "cannot close the state folder " + folder + " to other users");
  return {};
}

Status prepare_file(const std::string& path) {
  struct stat status;
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno != ENOENT) return fail_errno(errno, "cannot use " + path);
    const base::UniqueFd made(
        ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!made && errno != EEXIST) return fail_errno(errno, "cannot make " + path);
    if (::lstat(path.c_str(), &status) != 0) return fail_errno(errno, "cannot use " + path);
  }
  if (GUARD("store.file_link", !S_ISREG(status.st_mode)))
    return fail(Code::permission_denied,
                path + " is not a regular file: move it away; it was left as it is");
  TRY(check_header(path));
  if ((status.st_mode & 077) != 0 && ::chmod(path.c_str(), 0600) != 0)
    return fail_errno(errno, "cannot close " + path + " to other users");
  return {};
}

Result<std::unique_ptr<Connection>> open_database(const std::string& path, Health& health) {
  TRY(prepare_file(path));
  auto connection = TRY(Connection::open(path, Connection::Use::write, health));
  // The first tables are made with a rollback journal, so that the file's own header is ours from
  // the moment it has one; only then does it change to WAL, for good.
  TRY(migrate(*connection, health, migrations()));
  TRY(enter_wal(*connection, path));
  // Reads the schema's pages: damage there is found now, not in the middle of a run.
  (void)TRY(connection->number("SELECT count(*) FROM log"));
  connection->keep();
  return connection;
}

}  // namespace boxagnts::store
