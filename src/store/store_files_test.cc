// Files that are not ours, newer, damaged or led elsewhere: refused, and not a byte changed.
#include <sys/stat.h>

#include <array>

#include "store/schema.h"
#include "store/test_folder.h"

namespace boxagnts::store {
namespace {

namespace fs = std::filesystem;

class StoreFiles : public testing::Test {
 protected:
  // A session with two events and a blob, closed properly.
  void make_store() {
    const auto store = open().value();
    session_ = store->create_session("s").value();
    const auto acquired = store->acquire(session_).value();
    EXPECT_TRUE(append_text(*store, *acquired.lease, "one"));
    EXPECT_TRUE(append_text(*store, *acquired.lease, "two"));
    blob_ = store->put_blob(session_, "the blob's bytes").value();
  }
  Result<std::unique_ptr<Store>> open() { return Store::open(folder_.state(), clock_); }

  // Opening fails so and leaves the folder exactly as it was: nothing changed, nothing added.
  void expect_refused_untouched(Code code) {
    const auto before = folder_.content();
    const auto opened = open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, code) << opened.error().message;
    EXPECT_TRUE(opened.error().message.contains(folder_.database())) << opened.error().message;
    EXPECT_TRUE(opened.error().message.contains("move it away")) << opened.error().message;
    EXPECT_TRUE(folder_.content() == before) << "the folder changed";
  }

  TestFolder folder_;
  base::ManualClock clock_;
  core::SessionId session_;
  std::string blob_;
};

TEST_F(StoreFiles, TextIsNoDatabase) {
  fs::create_directory(folder_.state());
  std::ofstream(folder_.database()) << std::string(5000, 'x');
  expect_refused_untouched(Code::corrupt);
}

TEST_F(StoreFiles, AnotherProgramsDatabaseIsLeftAlone) {
  fs::create_directory(folder_.state());
  Raw(folder_.database()).execute("PRAGMA journal_mode=WAL; CREATE TABLE theirs(x)");
  expect_refused_untouched(Code::corrupt);
}

TEST_F(StoreFiles, ADatabaseWithoutApplicationIdIsNotTakenForAnOldOne) {
  fs::create_directory(folder_.state());
  Raw(folder_.database()).execute("CREATE TABLE theirs(x)");
  expect_refused_untouched(Code::corrupt);
}

TEST_F(StoreFiles, ANewerVersionIsLeftAlone) {
  make_store();
  Raw(folder_.database()).execute("PRAGMA user_version = 99");
  expect_refused_untouched(Code::unsupported);
}

TEST_F(StoreFiles, ATruncatedFileIsLeftAlone) {
  make_store();
  for (const std::uintmax_t bytes : {20'480u, 8192u, 4096u, 4000u, 99u, 50u, 1u}) {
    SCOPED_TRACE(bytes);
    fs::resize_file(folder_.database(), bytes);
    expect_refused_untouched(Code::corrupt);
  }
}

TEST_F(StoreFiles, AnEmptyFileIsANewStore) {
  fs::create_directory(folder_.state());
  std::ofstream{folder_.database()};
  make_store();
  EXPECT_EQ(open().value()->read(session_, 0, 10)->size(), 2u);
}

// What a newer program, or another one, has committed may stand in the write-ahead log alone.
TEST_F(StoreFiles, ANewerVersionStillInTheJournalIsRefused) {
  make_store();
  Raw newer(folder_.database());
  newer.execute("PRAGMA user_version = 99");
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::unsupported) << opened.error().message;
}

TEST_F(StoreFiles, AnotherApplicationStillInTheJournalIsRefused) {
  make_store();
  Raw other(folder_.database());
  other.execute("PRAGMA application_id = 7");
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::corrupt) << opened.error().message;
}

TEST_F(StoreFiles, ALinkInPlaceOfTheFileIsNotFollowed) {
  make_store();
  fs::rename(folder_.database(), folder_.root() + "/elsewhere.db");
  fs::create_symlink(folder_.root() + "/elsewhere.db", folder_.database());
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::permission_denied) << opened.error().message;
}

TEST_F(StoreFiles, ALinkInPlaceOfTheFolderIsNotFollowed) {
  fs::create_directory(folder_.root() + "/elsewhere");
  fs::create_symlink(folder_.root() + "/elsewhere", folder_.state());
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::permission_denied) << opened.error().message;
  EXPECT_TRUE(fs::is_empty(folder_.root() + "/elsewhere"));
}

TEST_F(StoreFiles, WhatStandsInTheWayIsNamed) {
  std::ofstream(folder_.state()) << "a file";
  const auto folder = open();
  ASSERT_FALSE(folder);
  EXPECT_TRUE(folder.error().message.contains(folder_.state())) << folder.error().message;
  fs::remove(folder_.state());
  fs::create_directories(folder_.database());
  const auto file = open();
  ASSERT_FALSE(file);
  EXPECT_TRUE(file.error().message.contains(folder_.database())) << file.error().message;
}

TEST_F(StoreFiles, WhatOthersCouldReadIsClosedToThem) {
  make_store();
  ASSERT_EQ(::chmod(folder_.state().c_str(), 0755), 0);
  ASSERT_EQ(::chmod(folder_.database().c_str(), 0644), 0);
  const auto store = open().value();
  EXPECT_TRUE(store->create_session("writes the journal"));
  const auto mode = [](const std::string& path) {
    struct stat status{};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 0777;
  };
  EXPECT_EQ(mode(folder_.state()), 0700u);
  for (const char* suffix : {"", "-wal", "-shm"})
    EXPECT_EQ(mode(folder_.database() + suffix), 0600u);
}

// --- damage met later --------------------------------------------------------------------------

TEST_F(StoreFiles, ADamagedPageIsSaidWhenItIsMetAndNothingIsWrittenAfterwards) {
  make_store();
  {
    // Page 1 holds the schema: every other page may be the damaged one.
    std::fstream file(folder_.database(), std::ios::in | std::ios::out | std::ios::binary);
    const auto bytes = fs::file_size(folder_.database());
    for (std::uintmax_t page = 1; page < bytes / 4096; ++page) {
      file.seekp(static_cast<std::streamoff>(page * 4096));
      file << std::string(64, '\xee');
    }
  }
  const auto database = [&] { return folder_.content()[folder_.database()]; };
  const auto before = database();
  auto opened = open();
  if (opened) {
    EXPECT_EQ(code_of((*opened)->read(session_, 0, 10)), Code::corrupt);
    EXPECT_EQ(code_of((*opened)->create_session("s")), Code::corrupt);
    opened->reset();
  } else {
    EXPECT_EQ(opened.error().code, Code::corrupt);
  }
  EXPECT_TRUE(database() == before) << "the damaged file changed";
}

TEST_F(StoreFiles, AMissingEventIsNotReadOver) {
  make_store();
  Raw(folder_.database()).execute("DELETE FROM events WHERE number = 1");
  const auto store = open().value();
  const auto read = store->read(session_, 0, 10);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::corrupt);
  EXPECT_TRUE(read.error().message.contains("event 1")) << read.error().message;
}

TEST_F(StoreFiles, AStoreThatMetDamageWritesNoMore) {
  make_store();
  Raw(folder_.database()).execute("DELETE FROM events WHERE number = 1");
  const auto store = open().value();
  const auto acquired = store->acquire(session_).value();
  ASSERT_TRUE(append_text(*store, *acquired.lease, "before it is met"));
  ASSERT_FALSE(store->read(session_, 0, 10));
  const auto late = append_text(*store, *acquired.lease, "after");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::corrupt);
}

TEST_F(StoreFiles, AChangedBlobIsNotHandedOut) {
  make_store();
  Raw(folder_.database()).execute("UPDATE blobs SET bytes = x'00'");
  const auto blob = open().value()->blob(blob_);
  ASSERT_FALSE(blob);
  EXPECT_EQ(blob.error().code, Code::corrupt);
}

TEST_F(StoreFiles, EventsOfANewerVersionAreNotGuessedAt) {
  make_store();
  Raw(folder_.database()).execute("UPDATE events SET body = '{\"v\":99,\"kind\":\"x\"}'");
  EXPECT_EQ(code_of(open().value()->read(session_, 0, 10)), Code::unsupported);
}

// A run's id becomes a file name, and the store may have come with the workspace.
TEST_F(StoreFiles, ARunIdThatIsAPathIsRefused) {
  make_store();
  Raw(folder_.database()).execute("UPDATE runs SET id = '../../x', state = 'running'");
  const auto store = open().value();
  const auto acquired = store->acquire(session_);
  ASSERT_FALSE(acquired);
  EXPECT_EQ(acquired.error().code, Code::corrupt);
}

// --- migrations --------------------------------------------------------------------------------

constexpr Sql kFirst =
    "CREATE TABLE kept(x INTEGER); INSERT INTO kept VALUES (41);"
    "PRAGMA application_id = 0x42784167; PRAGMA user_version = 1;";
constexpr Sql kSecond =
    "ALTER TABLE kept ADD COLUMN y INTEGER; UPDATE kept SET y = x + 1; PRAGMA user_version = 2;";
constexpr Sql kBroken =
    "CREATE TABLE half(x); INSERT INTO nowhere VALUES (1); PRAGMA user_version = 2;";

TEST_F(StoreFiles, AnOlderVersionIsBroughtUpStepByStep) {
  Raw raw(folder_.root() + "/m.db");
  const std::array first{kFirst};
  const std::array both{kFirst, kSecond};
  ASSERT_TRUE(migrate(*raw.connection, raw.health, first));
  ASSERT_TRUE(migrate(*raw.connection, raw.health, both));
  ASSERT_TRUE(migrate(*raw.connection, raw.health, both)) << "a second time changes nothing";
  EXPECT_EQ(raw.connection->number("SELECT y FROM kept").value(), 42);
  EXPECT_EQ(raw.connection->number("PRAGMA user_version").value(), 2);
  EXPECT_EQ(code_of(migrate(*raw.connection, raw.health, first)), Code::unsupported);
}

TEST_F(StoreFiles, AMigrationThatFailsLeavesTheVersionBefore) {
  Raw raw(folder_.root() + "/m.db");
  const std::array broken{kFirst, kBroken};
  ASSERT_FALSE(migrate(*raw.connection, raw.health, broken));
  EXPECT_EQ(raw.connection->number("PRAGMA user_version").value(), 1);
  EXPECT_EQ(raw.connection->number("SELECT count(*) FROM sqlite_schema").value(), 1);
}

TEST_F(StoreFiles, TheNewestMigrationSetsTheVersionAndTheApplication) {
  make_store();
  Raw raw(folder_.database());
  EXPECT_EQ(raw.connection->number("PRAGMA user_version").value(), schema_version());
  EXPECT_EQ(raw.connection->number("PRAGMA application_id").value(), kApplicationId);
}

}  // namespace
}  // namespace boxagnts::store
