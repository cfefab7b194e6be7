// The log, its fences and its refusals, on real files wherever files matter.
#include "store/store.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <thread>

#include "store/schema.h"

namespace boxagnts::store {
namespace {

namespace fs = std::filesystem;
using core::EventBody;
using core::UserMessage;

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    char folder[] = "/tmp/store_test.XXXXXX";
    folder_ = ::mkdtemp(folder);
  }
  ~StoreTest() override { fs::remove_all(folder_); }

  std::unique_ptr<Store> open() {
    auto store = Store::open(folder_, clock_);
    EXPECT_TRUE(store) << (store ? "" : store.error().message + store.error().context);
    return store ? std::move(*store) : nullptr;
  }
  std::string database() const { return folder_ + "/state.db"; }
  static Status say(Store& store, const RunLease& lease, const std::string& text) {
    const EventBody body = UserMessage{text};
    auto appended = store.append(lease, std::span(&body, 1));
    return appended ? Status() : std::unexpected(appended.error());
  }

  base::SystemClock clock_;
  std::string folder_;
};

TEST_F(StoreTest, EventsComeBackInOrderWithNumbersWithoutGaps) {
  const auto store = open();
  const auto session = store->create_session("title").value();
  const auto acquired = store->acquire(session).value();
  EXPECT_FALSE(acquired.interrupted);
  const EventBody batch[]{core::RunStarted{"m/x", core::Mode::ask, 9}, UserMessage{"zero\0byte"},
                          core::TurnEnded{}};
  const auto appended = store->append(*acquired.lease, batch).value();
  ASSERT_EQ(appended.size(), 3u);
  ASSERT_TRUE(say(*store, *acquired.lease, "four"));
  const auto events = store->read(session, 0, 100).value();
  ASSERT_EQ(events.size(), 4u);
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].number, static_cast<std::int64_t>(i + 1));
    EXPECT_EQ(events[i].run, acquired.lease->run());
    EXPECT_EQ(events[i].session, session);
  }
  EXPECT_EQ(events[0].position, appended[0].position);
  EXPECT_EQ(store->read(session, 2, 100)->size(), 2u);
  EXPECT_EQ(store->read(session, 0, 3)->size(), 3u);
  EXPECT_EQ(store->read(session, 4, 3)->size(), 0u);
  const auto info = store->session(session).value();
  EXPECT_EQ(info.events, 4);
  EXPECT_EQ(info.model, "m/x");
  EXPECT_TRUE(info.running);
}

TEST_F(StoreTest, WhatWasAcknowledgedIsThereAfterReopening) {
  core::SessionId session;
  {
    const auto store = open();
    session = store->create_session("s").value();
    const auto acquired = store->acquire(session).value();
    ASSERT_TRUE(say(*store, *acquired.lease, "kept"));
  }
  const auto store = open();
  EXPECT_EQ(store->read(session, 0, 10)->size(), 1u);
  EXPECT_FALSE(store->session(session)->running);
  EXPECT_FALSE(store->acquire(session)->interrupted) << "the run ended by itself";
}

TEST_F(StoreTest, FilesAreForTheirOwnerAlone) {
  const auto store = open();
  struct stat status;
  ASSERT_EQ(::stat(database().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  ASSERT_EQ(::stat((folder_ + "/runs").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
}

TEST_F(StoreTest, ASessionHasOneLiveRun) {
  const auto store = open();
  const auto session = store->create_session("s").value();
  auto first = store->acquire(session).value();
  const auto second = store->acquire(session);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::busy);
  EXPECT_TRUE(second.error().message.contains(std::to_string(::getpid())))
      << second.error().message;
  EXPECT_EQ(store->delete_session(session).error().code, Code::busy);
  EXPECT_TRUE(store->acquire(store->create_session("other").value()));
  first.lease.reset();
  EXPECT_TRUE(store->acquire(session));
  EXPECT_TRUE(fs::is_empty(folder_ + "/runs")) << "lock files are left";
}

TEST_F(StoreTest, AKilledOwnersRunIsHandedOverAndItsEventsAreKept) {
  core::SessionId session = open()->create_session("s").value();
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    base::SystemClock clock;
    auto store = Store::open(folder_, clock).value();
    auto acquired = store->acquire(session).value();
    (void)say(*store, *acquired.lease, "before the kill");
    (void)!::write(ends[1], "x", 1);
    ::pause();
    ::_exit(1);
  }
  char byte;
  EXPECT_EQ(::read(ends[0], &byte, 1), 1);
  const auto store = open();
  const auto busy = store->acquire(session);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ASSERT_FALSE(busy);
  EXPECT_TRUE(busy.error().message.contains(std::to_string(child))) << busy.error().message;
  const auto acquired = store->acquire(session).value();
  EXPECT_TRUE(acquired.interrupted);
  EXPECT_EQ(store->read(session, 0, 10)->size(), 1u);
  ::close(ends[0]);
  ::close(ends[1]);
}

// The lock can be lost while the owner still lives (a stopped machine, a copied folder): the epoch
// is what keeps it from writing.
TEST_F(StoreTest, AnOvertakenLeaseIsFenced) {
  const auto store = open();
  const auto session = store->create_session("s").value();
  const auto old = store->acquire(session).value();
  for (const auto& lock : fs::directory_iterator(folder_ + "/runs")) fs::remove(lock.path());
  const auto next = store->acquire(session).value();
  EXPECT_EQ(next.interrupted, old.lease->run());
  const auto late = say(*store, *old.lease, "late");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::conflict);
  EXPECT_TRUE(say(*store, *next.lease, "mine"));
  EXPECT_EQ(store->read(session, 0, 10)->size(), 1u);
}

TEST_F(StoreTest, UnknownSessionsAndBlobsAreNotFound) {
  const auto store = open();
  const core::SessionId none{"none"};
  EXPECT_EQ(store->session(none).error().code, Code::not_found);
  EXPECT_EQ(store->acquire(none).error().code, Code::not_found);
  EXPECT_EQ(store->delete_session(none).error().code, Code::not_found);
  EXPECT_EQ(store->wait(none, 0, {}, base::kNever).error().code, Code::not_found);
  EXPECT_EQ(store->blob("none").error().code, Code::not_found);
  EXPECT_EQ(store->put_blob(none, "x").error().code, Code::not_found);
  EXPECT_TRUE(store->read(none, 0, 10)->empty());
}

TEST_F(StoreTest, SessionsAreListedNewestFirst) {
  base::ManualClock clock;
  const auto store = Store::open(folder_, clock).value();
  std::vector<core::SessionId> made;
  for (int i = 0; i < 5; ++i) {
    clock.advance(base::Milliseconds(10));
    made.push_back(store->create_session("s" + std::to_string(i)).value());
  }
  clock.advance(base::Milliseconds(10));
  const auto acquired = store->acquire(made[1]).value();
  ASSERT_TRUE(say(*store, *acquired.lease, "touched"));
  const auto listed = store->sessions(3, {}).value();
  ASSERT_EQ(listed.size(), 3u);
  EXPECT_EQ(listed[0].id, made[1]);
  EXPECT_EQ(listed[1].id, made[4]);
  EXPECT_TRUE(listed[0].running);
  EXPECT_FALSE(listed[1].running);
}

TEST_F(StoreTest, DeletingASessionTakesItWholeAndNothingElse) {
  const auto store = open();
  const auto a = store->create_session("a").value(), b = store->create_session("b").value();
  for (const auto& session : {a, b}) {
    const auto acquired = store->acquire(session).value();
    ASSERT_TRUE(say(*store, *acquired.lease, "x"));
  }
  const auto shared = store->put_blob(a, "shared").value();
  EXPECT_EQ(store->put_blob(b, "shared").value(), shared);
  const auto own = store->put_blob(a, "only a's").value();
  ASSERT_TRUE(store->delete_session(a));
  EXPECT_EQ(store->session(a).error().code, Code::not_found);
  EXPECT_TRUE(store->read(a, 0, 10)->empty());
  EXPECT_EQ(store->read(b, 0, 10)->size(), 1u);
  EXPECT_EQ(store->blob(shared).value(), "shared");
  EXPECT_EQ(store->blob(own).error().code, Code::not_found);
}

TEST_F(StoreTest, ABlobOfASessionIsNotAnothers) {
  const auto store = open();
  const auto a = store->create_session("a").value(), b = store->create_session("b").value();
  const auto shared = store->put_blob(a, "shared").value();
  const auto own = store->put_blob(a, "only a's").value();
  ASSERT_TRUE(store->put_blob(b, "shared"));
  EXPECT_EQ(store->blob(b, shared).value(), "shared");
  EXPECT_EQ(store->blob(a, own).value(), "only a's");
  EXPECT_EQ(store->blob(b, own).error().code, Code::not_found);
  ASSERT_TRUE(store->delete_session(a));
  EXPECT_EQ(store->blob(a, shared).error().code, Code::not_found);
  EXPECT_EQ(store->blob(b, shared).value(), "shared");
}

TEST_F(StoreTest, PositionsAreNeverUsedTwice) {
  const auto store = open();
  std::int64_t highest = 0;
  for (int i = 0; i < 3; ++i) {
    const auto session = store->create_session("s").value();
    {
      const auto acquired = store->acquire(session).value();
      const EventBody body = UserMessage{"x"};
      const auto position = store->append(*acquired.lease, std::span(&body, 1)).value()[0].position;
      EXPECT_GT(position, highest);
      highest = position;
    }
    ASSERT_TRUE(store->delete_session(session));
  }
}

// --- waiting
// ------------------------------------------------------------------------------------------

TEST_F(StoreTest, AWaitEndsByAnAppendHereOrInAnotherProcessOrAStopOrItsDeadline) {
  const auto store = open(), other = open();  // two stores on one file are as two processes
  const auto session = store->create_session("s").value();
  const auto acquired = other->acquire(session).value();
  for (auto* waiter : {other.get(), store.get()}) {
    const auto after = waiter->session(session)->events;
    std::atomic<bool> woken = false;
    std::jthread thread([&] { woken = waiter->wait(session, after, {}, base::kNever).value(); });
    ASSERT_TRUE(say(*other, *acquired.lease, "news"));
    thread.join();
    EXPECT_TRUE(woken);
  }
  std::stop_source source;
  std::jthread stopper([&] { source.request_stop(); });
  EXPECT_FALSE(store->wait(session, 99, source.get_token(), base::kNever).value());
  EXPECT_FALSE(store->wait(session, 99, {}, std::chrono::steady_clock::now()).value());
  EXPECT_TRUE(store->wait(session, 0, {}, base::kNever).value()) << "already there";
}

TEST_F(StoreTest, ManyThreadsAppendSideBySide) {
  const auto store = open();
  constexpr int kThreads = 8, kEach = 50;
  std::vector<core::SessionId> sessions;
  for (int i = 0; i < kThreads; ++i) sessions.push_back(store->create_session("s").value());
  {
    std::vector<std::jthread> threads;
    for (const auto& session : sessions)
      threads.emplace_back([&, session] {
        const auto acquired = store->acquire(session).value();
        for (int i = 0; i < kEach; ++i) EXPECT_TRUE(say(*store, *acquired.lease, "x"));
      });
  }
  std::set<std::int64_t> positions;
  for (const auto& session : sessions) {
    std::int64_t number = 0;
    for (const auto& event : std::vector(store->read(session, 0, 1000).value())) {
      EXPECT_EQ(event.number, ++number);
      positions.insert(event.position);
    }
    EXPECT_EQ(number, kEach);
  }
  EXPECT_EQ(positions.size(), std::size_t{kThreads} * kEach);
}

// --- files that must not be touched
// -----------------------------------------------------------------------

struct BadFile {
  const char* name;
  Code code;
  std::function<void(const std::string& path)> make;
};
class StoreBadFile : public StoreTest, public testing::WithParamInterface<BadFile> {};

TEST_P(StoreBadFile, IsRefusedAndLeftAsItIs) {
  {
    open();
  }
  fs::remove(database() + "-wal");
  fs::remove(database() + "-shm");
  GetParam().make(database());
  const auto before = bytes_of(database());
  const auto store = Store::open(folder_, clock_);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, GetParam().code) << store.error().message << store.error().context;
  EXPECT_TRUE(store.error().message.contains("state.db")) << store.error().message;
  EXPECT_EQ(bytes_of(database()), before);
}

void overwrite(const std::string& path, std::streamoff at, const std::string& bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(at);
  file << bytes;
}

INSTANTIATE_TEST_SUITE_P(
    Matrix, StoreBadFile,
    testing::Values(
        BadFile{"NoDatabase", Code::corrupt,
                [](const auto& path) { std::ofstream(path) << "hello, I am a text file"; }},
        BadFile{"Truncated", Code::corrupt, [](const auto& path) { fs::resize_file(path, 50); }},
        BadFile{"HalfAPage", Code::corrupt, [](const auto& path) { fs::resize_file(path, 2000); }},
        BadFile{"DamagedSchema", Code::corrupt,
                [](const auto& path) { overwrite(path, 100, std::string(3900, '\xee')); }},
        BadFile{"AnotherPrograms", Code::corrupt,
                [](const auto& path) { overwrite(path, 68, "GPKG"); }},
        BadFile{"Newer", Code::unsupported,
                [](const auto& path) { overwrite(path, 60, std::string("\0\0\0\x63", 4)); }}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_F(StoreTest, ADamagedEventIsSaidAndTheRestStaysReadable) {
  core::SessionId session, other;
  {
    const auto store = open();
    session = store->create_session("s").value();
    other = store->create_session("o").value();
    const auto acquired = store->acquire(session).value();
    ASSERT_TRUE(say(*store, *acquired.lease, "NEEDLE"));
    const auto fine = store->acquire(other).value();
    ASSERT_TRUE(say(*store, *fine.lease, "fine"));
  }
  auto bytes = bytes_of(database());  // the last connection's end has folded the write-ahead log in
  const auto at = bytes.find("NEEDLE");
  ASSERT_NE(at, std::string::npos);
  overwrite(database(), static_cast<std::streamoff>(at), "\"\"\"\"\"\"");
  const auto store = open();
  EXPECT_EQ(store->read(session, 0, 10).error().code, Code::corrupt);
  EXPECT_EQ(store->read(other, 0, 10)->size(), 1u);
}

TEST_F(StoreTest, AFullDiskIsAnErrorAndNothingIsLost) {
  core::SessionId session = open()->create_session("s").value();
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{400'000, 400'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    base::SystemClock clock;
    auto store = Store::open(folder_, clock).value();
    auto acquired = store->acquire(session).value();
    int written = 0;
    for (; written < 1000; ++written)
      if (auto said = say(*store, *acquired.lease, std::string(2000, 'x')); !said)
        ::_exit(said.error().code == Code::io &&
                        store->read(session, 0, 2000)->size() == static_cast<std::size_t>(written)
                    ? 0
                    : 2);
    ::_exit(3);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_GT(open()->read(session, 0, 2000)->size(), 10u);
}

TEST_F(StoreTest, MemoryBehavesTheSame) {
  base::ManualClock clock;
  const auto store = Store::open_in_memory(clock).value();
  const auto session = store->create_session("s").value();
  auto acquired = store->acquire(session).value();
  ASSERT_TRUE(say(*store, *acquired.lease, "x"));
  EXPECT_EQ(store->acquire(session).error().code, Code::busy);
  EXPECT_TRUE(store->session(session)->running);
  acquired.lease.reset();
  EXPECT_TRUE(store->acquire(session));
  EXPECT_EQ(store->read(session, 0, 10)->size(), 1u);
}

TEST_F(StoreTest, TwoProcessesMayMakeTheDatabaseAtOnce) {
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      base::SystemClock clock;
      ::_exit(Store::open(folder_, clock) ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const auto child : children) {
    int status = 1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
}

}  // namespace
}  // namespace boxagnts::store
