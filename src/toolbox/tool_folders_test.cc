// Tools of people's own, as they lie in folders: what is found, what is refused and why, what
// changes while a listing is held, and what a call of a stranger's program is given.
#include "toolbox/tool_folders.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <utime.h>

#include <atomic>
#include <boost/json.hpp>
#include <condition_variable>
#include <filesystem>
#include <fstream>

#include "sandbox/sandbox_fixture.h"
#include "toolbox/module_file.h"
#include "tools/test_execution.h"

namespace boxagnts::toolbox {
namespace {

namespace fs = std::filesystem;
using core::ResultStatus;
using testing::HasSubstr;
using tools::Origin;
using workspace::Trust;
using Strings = std::vector<std::string>;

std::string number(std::size_t value) {
  std::string bytes;
  do {
    bytes += static_cast<char>((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    value >>= 7;
  } while (value > 0);
  return bytes;
}

std::string with_section(const std::string& wasm, const std::string& manifest) {
  const std::string name = "boxagnts.tool";
  const std::string content = number(name.size()) + name + manifest;
  return wasm + std::string(1, '\0') + number(content.size()) + content;
}

std::string manifest_of(const std::string& name, const std::string& level = "write",
                        JsonObject more = {}) {
  JsonObject json{{"contract", "boxagnts:tool/1"},
                  {"name", name},
                  {"version", "1.2.3"},
                  {"description", "A test."},
                  {"permission_level", level},
                  {"output", "text"},
                  {"input_schema", JsonObject{{"type", "object"}}}};
  for (auto& [key, value] : more) json[key] = std::move(value);
  return base::to_text(json);
}

// Says so many bytes of this text.
std::string saying(const std::string& text) {
  return sandbox::wasm_of(sandbox::command(
      R"((i32.store (i32.const 0) (i32.const 16))
         (i32.store (i32.const 4) (i32.const )" +
          std::to_string(text.size()) + R"())
         (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))",
      "(data (i32.const 16) \"" + text + "\")"));
}

class ToolFoldersTest : public testing::Test {
 protected:
  ToolFoldersTest() {
    std::string pattern = fs::temp_directory_path() / "boxagnts-tools-XXXXXX";
    root_ = ::mkdtemp(pattern.data());
    fs::create_directories(user());
    fs::create_directories(own());
    EXPECT_TRUE(add_embedded(builtin_, *sandbox_, clock_));
    reopen();
  }
  ~ToolFoldersTest() override {
    folders_.reset();
    fs::remove_all(root_);
  }

  std::string user() const { return root_ + "/config/tools"; }
  std::string own() const { return root_ + "/project/.boxagnts/tools"; }

  void reopen() {
    folders_ = ToolFolders::open(
        {user(), own()},
        {.sandbox = *sandbox_,
         .clock = clock_,
         .compile = [this](auto wasm, auto fuel, auto stop) { return compile(wasm, fuel, stop); },
         .network = {}},
        builtin_);
  }
  Result<std::string> compile(std::string_view wasm, sandbox::Fuel fuel,
                              const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    ++compiled_;
    changed_.notify_all();
    if (!changed_.wait(lock, stop, [this] { return !held_; }))
      return fail(Code::cancelled, "stopped");
    if (busy_) return fail(Code::busy, "no process left");
    return sandbox::precompile(wasm, sandbox::Target::host, fuel);
  }
  void hold(bool on) {
    const std::lock_guard lock(mutex_);
    held_ = on;
    changed_.notify_all();
  }

  static void put(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }
  // As an installer does it: whole, by rename.
  void install(const std::string& path, const std::string& bytes) const {
    put(root_ + "/new", bytes);
    fs::rename(root_ + "/new", path);
  }
  void install_tool(const std::string& folder, const std::string& name,
                    const std::string& says = "hello") const {
    install(folder + "/" + name + ".wasm", with_section(saying(says), manifest_of(name)));
  }

  // Once everything is compiled.
  std::shared_ptr<const ToolFolders::Listing> look(Trust trust = Trust::trusted) {
    folders_->look(trust);
    folders_->wait_until_checked({});
    return folders_->look(trust);
  }
  static Strings names(const ToolFolders::Listing& listing) {
    Strings names;
    for (const auto& tool : listing.tools) names.push_back(tool->spec().name);
    return names;
  }
  // Why the one file that is there is broken.
  std::string reason() {
    const auto listing = look();
    EXPECT_EQ(listing->tools.size(), 0u);
    EXPECT_EQ(listing->broken.size(), 1u);
    return listing->broken.size() == 1 ? listing->broken[0].reason : "";
  }

  std::string call(const tools::Tool& tool, ResultStatus wanted = ResultStatus::ok) {
    core::Grant grant{.mounts = {{"", "/tmp", core::Access::read_write}},
                      .working_directory = "/tmp"};
    tools::ToolContext context{.workspace = root_, .scratch = nullptr};
    Result<tools::ToolOutput> output = fail(Code::internal, "it did not run");
    auto thread = base::Thread::start("call", 8 << 20, [&] {
      output = tools::TestExecution(grant, context, clock_).run(tool, JsonObject{});
    });
    thread->join();
    if (!output) return output.error().message;
    EXPECT_EQ(output->status, wanted);
    return output->text;
  }

  std::string root_;
  base::SystemClock clock_;
  std::unique_ptr<sandbox::Sandbox> sandbox_ = sandbox::Sandbox::make(clock_, {.instances_max = 4});
  tools::Registry builtin_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool held_ = false;
  std::atomic<bool> busy_ = false;
  int compiled_ = 0;
  std::unique_ptr<ToolFolders> folders_;
};

TEST_F(ToolFoldersTest, WhereNothingLiesThereIsNothing) {
  const auto listing = look();
  EXPECT_TRUE(listing->tools.empty() && listing->broken.empty());
  EXPECT_EQ(look(), listing);
  fs::remove_all(root_ + "/config");
  fs::remove_all(root_ + "/project");
  EXPECT_TRUE(look()->broken.empty());
}

TEST_F(ToolFoldersTest, OneIsFoundTellsWhatItIsAndRuns) {
  install_tool(user(), "greet");
  const auto listing = look();
  ASSERT_EQ(names(*listing), Strings{"greet"});
  const auto& tool = *listing->tools[0];
  const auto about = tool.about();
  EXPECT_EQ(about.origin, Origin::user);
  EXPECT_EQ(about.kind, tools::Kind::guest);
  EXPECT_EQ(about.version, "1.2.3");
  EXPECT_EQ(about.path, user() + "/greet.wasm");
  EXPECT_EQ(tool.spec().level, core::Level::execute);
  EXPECT_TRUE(tool.facts(JsonObject{}, {.workspace = "/w"})->opaque);
  EXPECT_EQ(call(tool), "hello");
  EXPECT_EQ(call(tool), "hello");
  EXPECT_EQ(compiled_, 1);
  EXPECT_EQ(look(), listing) << "nothing changed";
}

TEST_F(ToolFoldersTest, WhatIsNoTouchedFileIsNotReadAgain) {
  install_tool(user(), "greet");
  // Old enough that its stamp alone tells of every change.
  const utimbuf old{1'000'000'000, 1'000'000'000};
  ASSERT_EQ(::utime((user() + "/greet.wasm").c_str(), &old), 0);
  const auto listing = look();
  EXPECT_EQ(look(), listing);
  EXPECT_EQ(compiled_, 1);
}

TEST_F(ToolFoldersTest, WhatIsNotYetCompiledSaysSoAndACallWaitsForIt) {
  install_tool(user(), "greet");
  hold(true);
  const auto listing = folders_->look(Trust::trusted);
  EXPECT_EQ(names(*listing), Strings{"greet"});
  EXPECT_EQ(listing->unchecked, Strings{"greet"});
  std::string said;
  auto caller = base::Thread::start("caller", 1 << 20, [&] { said = call(*listing->tools[0]); });
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return compiled_ == 1; });
  }
  hold(false);
  caller->join();
  EXPECT_EQ(said, "hello");
  EXPECT_EQ(compiled_, 1) << "who came meanwhile waited";
  EXPECT_TRUE(look()->unchecked.empty());
}

TEST_F(ToolFoldersTest, ClosingStopsTheCompiler) {
  install_tool(user(), "greet");
  hold(true);
  folders_->look(Trust::trusted);
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return compiled_ == 1; });
  }
  folders_.reset();  // returns
}

// --- what is refused -----------------------------------------------------------------------------

TEST_F(ToolFoldersTest, AFileThatIsNoToolIsBrokenAndSaysWhy) {
  const auto path = user() + "/x.wasm";
  install(path, "");
  EXPECT_THAT(reason(), HasSubstr("no WebAssembly module"));
  install(path, "#!/bin/sh\nrm -rf /\n");
  EXPECT_THAT(reason(), HasSubstr("no WebAssembly module"));
  install(path, std::string("\0asm\x0d\0\1\0", 8));
  EXPECT_THAT(reason(), HasSubstr("components are not supported yet"));
  install(path, saying(" "));
  EXPECT_THAT(reason(), HasSubstr("no section boxagnts.tool"));
  EXPECT_THAT(reason(), HasSubstr("says nothing"));
  install(path, with_section(saying("x"), "{}"));
  EXPECT_THAT(reason(), HasSubstr("name"));
  const auto whole = with_section(saying("x"), manifest_of("x"));
  install(path, whole.substr(0, whole.size() - 1));
  EXPECT_THAT(reason(), HasSubstr("ends in the middle"));
  EXPECT_EQ(look()->broken[0].spec.name, "x");
  EXPECT_EQ(look()->broken[0].about.path, path);
}

TEST_F(ToolFoldersTest, AModuleThatDoesNotCompileOrLoadIsBrokenOnceThatIsKnown) {
  std::string garbage("\0asm\1\0\0\0", 8);
  garbage += std::string("\1\3\xff\xff\xff", 5);  // types that are none
  install(user() + "/garbage.wasm", with_section(garbage, manifest_of("garbage")));
  EXPECT_THAT(reason(), HasSubstr("its program cannot be used"));
  install(user() + "/garbage.wasm",
          with_section(sandbox::wasm_of(R"((module (import "env" "magic" (func))
                                             (memory (export "memory") 1)
                                             (func (export "_start"))))"),
                       manifest_of("garbage")));
  EXPECT_THAT(reason(), HasSubstr("magic"));
  EXPECT_EQ(look()->broken[0].spec.description, "A test.");
}

TEST_F(ToolFoldersTest, AProgramWithoutAManifestIsAskedForHelpWithNothingInItsHands) {
  // Ends with 0 where it has no descriptor 3 and two arguments, else with a trap.
  const auto asked = sandbox::wasm_of(R"((module
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "environ_sizes_get" (func $env (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "args_sizes_get" (func $args (param i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 64) "Usage:\1b[1m \e2\80\8bme [WORDS]")
    (func (export "_start")
      (drop (call $args (i32.const 0) (i32.const 4)))
      (drop (call $env (i32.const 8) (i32.const 12)))
      ;; Asked for help: nothing else is there. Called: it says what it was given.
      (if (i32.and (i32.eq (call $prestat (i32.const 3) (i32.const 16)) (i32.const 8))
                   (i32.ne (i32.load (i32.const 8)) (i32.const 0)))
        (then unreachable))
      (i32.store (i32.const 32) (i32.const 64))
      (i32.store (i32.const 36) (i32.const 24))
      (drop (call $write (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 40))))))");
  install(user() + "/My-Words.wasm", asked);
  const auto first = folders_->look(Trust::trusted);
  EXPECT_TRUE(first->tools.empty()) << "it has not said anything yet";
  const auto listing = look();
  ASSERT_EQ(names(*listing), Strings{"my_words"}) << listing->broken[0].reason;
  const auto& spec = listing->tools[0]->spec();
  EXPECT_EQ(spec.level, core::Level::execute);
  EXPECT_THAT(spec.description, HasSubstr("Usage:[1m me [WORDS]"));
  EXPECT_THAT(call(*listing->tools[0]), HasSubstr("Usage:"));
  EXPECT_EQ(look(), listing);
  const auto grant = [&] {
    core::Grant given{.environment = {"PWD=/w", "KEY=k"}, .network = {.allowed = {{"*", ""}}}};
    listing->tools[0]->narrow(given);
    return given;
  }();
  EXPECT_EQ(grant.environment, Strings{"PWD=/w"});
  EXPECT_TRUE(grant.network.offline);
}

TEST_F(ToolFoldersTest, AProgramThatFailsOrNeverEndsSaysNothing) {
  install(user() + "/fails.wasm",
          sandbox::wasm_of(sandbox::command(
              R"((i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 5))
                 (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
                 (call $exit (i32.const 2)))",
              "(data (i32.const 16) \"Usage\")")));
  EXPECT_THAT(reason(), HasSubstr("says nothing"));
  fs::remove(user() + "/fails.wasm");
  install(user() + "/endless.wasm",
          sandbox::wasm_of(sandbox::command("(loop $again (br $again))")));
  EXPECT_THAT(reason(), HasSubstr("says nothing"));
}

TEST_F(ToolFoldersTest, OneThatCouldNotBeCompiledNowIsTriedAgainAtTheNextLook) {
  install(user() + "/words.wasm", saying("Usage: words"));
  busy_ = true;
  EXPECT_THAT(reason(), HasSubstr("being asked"));
  busy_ = false;
  look();
  EXPECT_EQ(names(*look()), Strings{"words"});
}

TEST_F(ToolFoldersTest, FilesThatAreNoneHarmNobody) {
  ASSERT_EQ(::mkfifo((user() + "/fifo.wasm").c_str(), 0600), 0);
  fs::create_symlink("/dev/zero", user() + "/zero.wasm");
  fs::create_symlink("/dev/tty", user() + "/tty.wasm");
  fs::create_symlink("nowhere", user() + "/gone.wasm");
  fs::create_symlink("loop.wasm", user() + "/loop.wasm");
  fs::create_directory(user() + "/folder.wasm");
  put(user() + "/huge.wasm", "");
  fs::resize_file(user() + "/huge.wasm", ModuleFile::kBytesMax + 1);
  put(user() + "/.hidden.wasm", "x");
  put(user() + "/notes.txt", "x");
  install_tool(user(), "greet");
  const auto listing = look();
  EXPECT_EQ(names(*listing), Strings{"greet"});
  std::map<std::string, std::string> reasons;
  for (const auto& one : listing->broken) reasons[one.spec.name] = one.reason;
  EXPECT_EQ(reasons.size(), 7u);
  for (const auto* name : {"fifo", "zero", "tty", "folder"})
    EXPECT_THAT(reasons[name], HasSubstr("no plain file")) << name;
  EXPECT_THAT(reasons["gone"], HasSubstr("leads nowhere"));
  EXPECT_THAT(reasons["loop"], HasSubstr("leads nowhere"));
  EXPECT_THAT(reasons["huge"], HasSubstr("larger than"));
  EXPECT_EQ(look(), listing);
}

TEST_F(ToolFoldersTest, ALinkOfTheUsersOwnLeadsToATool) {
  install(root_ + "/elsewhere.wasm", with_section(saying("far"), manifest_of("far")));
  fs::create_symlink(root_ + "/elsewhere.wasm", user() + "/far.wasm");
  EXPECT_EQ(names(*look()), Strings{"far"});
}

TEST_F(ToolFoldersTest, NoLinkOfAWorkspaceLeadsAnywhere) {
  install(root_ + "/elsewhere.wasm", with_section(saying("far"), manifest_of("far")));
  fs::create_symlink(root_ + "/elsewhere.wasm", own() + "/far.wasm");
  EXPECT_THAT(reason(), HasSubstr("is a link"));
  fs::remove_all(own());
  install_tool(user(), "mine");
  fs::create_directory_symlink(user(), own());
  EXPECT_EQ(names(*look()), Strings{"mine"});
  EXPECT_TRUE(look()->broken.empty()) << "the folder itself is a link";
  fs::remove_all(root_ + "/project/.boxagnts");
  fs::create_directories(root_ + "/other/tools");
  install_tool(root_ + "/other/tools", "theirs");
  fs::create_directory_symlink(root_ + "/other", root_ + "/project/.boxagnts");
  EXPECT_EQ(names(*look()), Strings{"mine"});
}

TEST_F(ToolFoldersTest, OnlySoManyFilesAreLookedAt) {
  for (std::size_t i = 0; i <= ToolFolders::kFilesMax; ++i)
    put(user() + "/f" + std::to_string(1000 + i) + ".wasm", "x");
  const auto listing = look();
  ASSERT_EQ(listing->broken.size(), ToolFolders::kFilesMax + 1);
  EXPECT_THAT(listing->broken.back().reason, HasSubstr("only the first 100"));
  EXPECT_THAT(listing->broken.front().reason, HasSubstr("no WebAssembly"));
}

TEST_F(ToolFoldersTest, AFileNameSteersNoTerminal) {
  put(user() + "/a\x1b[2J\xff.wasm", "x");
  const auto listing = look();
  ASSERT_EQ(listing->broken.size(), 1u);
  for (const char c : listing->broken[0].spec.name)
    EXPECT_GE(static_cast<unsigned char>(c), 0x20) << listing->broken[0].spec.name;
}

// --- whose name it is ----------------------------------------------------------------------------

TEST_F(ToolFoldersTest, NoneTakesTheNameOfAnother) {
  install(user() + "/a.wasm", with_section(saying("bad"), manifest_of("read")));
  install(user() + "/b.wasm", with_section(saying("bad"), manifest_of("file_read")));
  install(user() + "/c.wasm", with_section(saying("bad"), manifest_of("read_tool")));
  install_tool(user(), "greet");
  install(user() + "/greet_too.wasm", with_section(saying("bad"), manifest_of("greet")));
  install(own() + "/x.wasm", with_section(saying("bad"), manifest_of("greet")));
  install_tool(own(), "ours");
  const auto listing = look();
  EXPECT_EQ(names(*listing), (Strings{"greet", "ours"}));
  ASSERT_EQ(listing->broken.size(), 5u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(listing->broken[i].reason, HasSubstr("the built-in tool read"));
    EXPECT_THAT(listing->broken[i].reason, HasSubstr(user() + "/"));
  }
  for (int i = 3; i < 5; ++i) {
    EXPECT_THAT(listing->broken[i].reason, HasSubstr(user() + "/greet.wasm"));
    EXPECT_THAT(listing->broken[i].reason, HasSubstr(listing->broken[i].about.path));
  }
  EXPECT_EQ(call(*listing->tools[0]), "hello");
}

TEST_F(ToolFoldersTest, ANameStaysTakenWhileItsProgramIsNoGood) {
  install(user() + "/greet.wasm",
          with_section(std::string("\0asm\1\0\0\0\1\1\xff", 11), manifest_of("greet")));
  install_tool(own(), "greet", "somebody else");
  const auto listing = look();
  EXPECT_TRUE(listing->tools.empty());
  EXPECT_EQ(listing->broken.size(), 2u);
}

TEST_F(ToolFoldersTest, AWorkspaceThatIsNotTrustedBringsNoTool) {
  install_tool(own(), "ours");
  install(own() + "/x.wasm", "nobody reads this");
  install_tool(user(), "mine");
  const auto listing = look(Trust::untrusted);
  EXPECT_EQ(names(*listing), Strings{"mine"});
  ASSERT_EQ(listing->broken.size(), 2u);
  for (const auto& broken : listing->broken) {
    EXPECT_EQ(broken.about.origin, Origin::workspace);
    EXPECT_THAT(broken.reason, HasSubstr("trust"));
  }
  EXPECT_EQ(names(*look(Trust::trusted)), (Strings{"mine", "ours"}));
  EXPECT_EQ(names(*look(Trust::untrusted)), Strings{"mine"});
  EXPECT_EQ(tool_files_of(own()), (Strings{"ours.wasm", "x.wasm"}));
}

// --- while it is used ----------------------------------------------------------------------------

TEST_F(ToolFoldersTest, WhoHoldsAListingKeepsItsProgramsWhateverBecomesOfTheFiles) {
  install_tool(user(), "greet", "one");
  install_tool(user(), "stay", "stay");
  const auto first = look();
  install_tool(user(), "greet", "two");
  const auto second = look();
  EXPECT_NE(first, second);
  EXPECT_EQ(call(*second->tools[0]), "two");
  EXPECT_EQ(call(*first->tools[0]), "one");
  EXPECT_EQ(first->tools[1], second->tools[1]) << "what did not change is the same";
  fs::remove(user() + "/greet.wasm");
  EXPECT_EQ(names(*look()), Strings{"stay"});
  EXPECT_EQ(call(*first->tools[0]), "one");
  EXPECT_EQ(call(*second->tools[0]), "two");
}

TEST_F(ToolFoldersTest, AFileThatWasReplacedBeforeItsFirstCallStillRunsAsItWas) {
  install_tool(user(), "greet", "one");
  hold(true);
  const auto first = folders_->look(Trust::trusted);
  install_tool(user(), "greet", "two");
  hold(false);
  EXPECT_EQ(call(*first->tools[0]), "one");
  EXPECT_EQ(call(*look()->tools[0]), "two");
}

// Without the thread that would read it at once.
TEST_F(ToolFoldersTest, AFileThatIsWrittenOverIsNotRunAsWhatItWas) {
  const auto path = user() + "/greet.wasm";
  install_tool(user(), "aaa");
  hold(true);
  folders_->look(Trust::trusted);  // the compiler is busy with this one
  const auto one = with_section(saying("one"), manifest_of("greet"));
  install(path, one);
  const auto listing = folders_->look(Trust::trusted);
  ASSERT_EQ(names(*listing), (Strings{"aaa", "greet"}));
  put(path, with_section(saying("three"), manifest_of("greet")));
  hold(false);
  EXPECT_THAT(call(*listing->tools[1]), HasSubstr("written over"));
  EXPECT_EQ(call(*look()->tools[1]), "three");
}

TEST_F(ToolFoldersTest, AManifestThatWasExchangedBehindTheStampIsNoticed) {
  const auto path = user() + "/greet.wasm";
  install_tool(user(), "aaa");
  hold(true);
  folders_->look(Trust::trusted);
  install(path, with_section(saying("one"), manifest_of("greet", "execute")));
  struct stat before;
  ASSERT_EQ(::stat(path.c_str(), &before), 0);
  const auto listing = folders_->look(Trust::trusted);
  put(path, with_section(saying("one"), manifest_of("great", "execute")));
  const timespec times[2]{before.st_atim, before.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  hold(false);
  EXPECT_THAT(call(*listing->tools[1]), HasSubstr("not what it was"));
}

TEST_F(ToolFoldersTest, WhatIsWrittenTwiceInOneMomentIsReadTwice) {
  const auto path = user() + "/greet.wasm";
  put(path, with_section(saying("one"), manifest_of("greet")));
  struct stat before;
  ASSERT_EQ(::stat(path.c_str(), &before), 0);
  EXPECT_EQ(call(*look()->tools[0]), "one");
  put(path, with_section(saying("two"), manifest_of("greet")));
  const timespec times[2]{before.st_atim, before.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  EXPECT_EQ(call(*look()->tools[0]), "two");
}

TEST_F(ToolFoldersTest, AWatchTellsOfFoldersThatComeAndGo) {
  fs::remove_all(root_ + "/config");
  std::mutex mutex;
  std::condition_variable told;
  int count = 0;
  ASSERT_TRUE(folders_->watch([&] {
    const std::lock_guard lock(mutex);
    ++count;
    told.notify_all();
  }));
  const auto shows = [&](const Strings& wanted) {
    std::unique_lock lock(mutex);
    // Each look may be too early; then something more is told.
    while (names(*folders_->look(Trust::trusted)) != wanted) {
      const int seen = count;
      if (!told.wait_for(lock, std::chrono::seconds(60), [&] { return count != seen; }))
        return false;
    }
    return true;
  };
  fs::create_directories(user());
  install_tool(user(), "greet");
  EXPECT_TRUE(shows({"greet"}));
  install_tool(own(), "ours");
  EXPECT_TRUE(shows({"greet", "ours"}));
  fs::remove_all(root_ + "/config");
  EXPECT_TRUE(shows({"ours"}));
  fs::create_directories(user());
  install_tool(user(), "again");
  EXPECT_TRUE(shows({"again", "ours"}));
  folders_.reset();  // before what it tells goes
}

// --- what it is given ----------------------------------------------------------------------------

core::Grant narrowed(const tools::Tool& tool) {
  core::Grant grant{.mounts = {{"/h/w", "/h/w", core::Access::read_write},
                               {"", "/tmp", core::Access::read_write},
                               {"/h/x", "/h/x", core::Access::read_only}},
                    .working_directory = "/h/w",
                    .environment = {"PWD=/h/w", "API_KEY=k", "OTHER=o"},
                    .network = {.allowed = {{"*", "a rule"}}}};
  tool.narrow(grant);
  return grant;
}

TEST_F(ToolFoldersTest, AToolIsGivenNoMoreThanItSaysItWants) {
  install(user() + "/a.wasm", with_section(saying("x"), manifest_of("a", "none")));
  install(user() + "/b.wasm", with_section(saying("x"), manifest_of("b", "read-only")));
  install(user() + "/c.wasm",
          with_section(saying("x"),
                       manifest_of("c", "write", {{"environment", JsonArray{"API_KEY"}}})));
  const auto listing = look();
  ASSERT_EQ(names(*listing), (Strings{"a", "b", "c"}));
  const auto none = narrowed(*listing->tools[0]);
  ASSERT_EQ(none.mounts.size(), 1u);
  EXPECT_EQ(none.mounts[0].guest_path, "/tmp");
  EXPECT_EQ(none.working_directory, "/tmp");
  EXPECT_EQ(none.environment, Strings{"PWD=/tmp"});
  EXPECT_TRUE(none.network.offline && none.network.allowed.empty());
  const auto reads = narrowed(*listing->tools[1]);
  EXPECT_EQ(reads.mounts.size(), 3u);
  EXPECT_EQ(reads.mounts[0].access, core::Access::read_only);
  EXPECT_EQ(reads.mounts[1].access, core::Access::read_write) << "/tmp is memory";
  EXPECT_EQ(reads.environment, Strings{"PWD=/h/w"});
  const auto writes = narrowed(*listing->tools[2]);
  EXPECT_EQ(writes.mounts[0].access, core::Access::read_write);
  EXPECT_EQ(writes.mounts[2].access, core::Access::read_only);
  EXPECT_EQ(writes.environment, (Strings{"PWD=/h/w", "API_KEY=k"}));
  EXPECT_TRUE(writes.network.offline);
}

TEST_F(ToolFoldersTest, ABuiltInOneKeepsItsFilesAndVariables) {
  const auto grant = narrowed(*builtin_.find("read"));
  EXPECT_EQ(grant.mounts.size(), 3u);
  EXPECT_EQ(grant.environment.size(), 3u);
  EXPECT_TRUE(grant.network.offline);
}

TEST_F(ToolFoldersTest, OneThatWantsANetworkIsBrokenWhereThereIsNone) {
  install(user() + "/net.wasm",
          with_section(saying("x"),
                       manifest_of("net", "none", {{"capabilities", JsonArray{"network"}}})));
  EXPECT_THAT(reason(), HasSubstr("network"));
}

}  // namespace
}  // namespace boxagnts::toolbox
