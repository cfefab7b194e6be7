// Compiling in a child and keeping what it made; and main() for both sides.
#include "sandbox/module_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "sandbox/sandbox_fixture.h"

namespace boxagnts::sandbox {
namespace {

namespace fs = std::filesystem;

class ModuleCacheTest : public SandboxTest {
 protected:
  ModuleCacheTest() {
    std::string name = fs::temp_directory_path() / "boxagnts-cache-XXXXXX";
    root_ = ::mkdtemp(name.data());
    folder_ = root_ / "a/.boxagnts/modules";
  }
  ~ModuleCacheTest() override { fs::remove_all(root_); }

  ModuleCache open(std::uint64_t bytes_max = ModuleCache::kBytesMax) {
    auto cache = ModuleCache::open(folder_, *launcher_, bytes_max);
    EXPECT_TRUE(cache) << (cache ? "" : cache.error().message);
    return std::move(*cache);
  }
  std::string get(ModuleCache& cache, const std::string& wasm, Fuel fuel = Fuel::off) {
    auto cwasm = cache.compiled(wasm, fuel, {.compiling = [this] { ++compiled_; }}, {});
    EXPECT_TRUE(cwasm) << (cwasm ? "" : cwasm.error().message);
    return cwasm.value_or("");
  }
  // A module of its own for each number.
  static std::string module(int number) {
    return wasm_of(command("(call $exit (i32.const " + std::to_string(number) + "))"));
  }
  int exit_code_of(const std::string& cwasm) {
    const auto program = sandbox_->load_compiled(cwasm, process_.limits);
    EXPECT_TRUE(program) << (program ? "" : program.error().message);
    return program ? run(**program)->exit_code : -1;
  }
  std::vector<fs::path> entries() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder_)) found.push_back(entry.path());
    std::ranges::sort(found);
    return found;
  }

  fs::path root_, folder_;
  std::optional<confine::Launcher> launcher_ = std::move(confine::Launcher::make().value());
  std::atomic<int> compiled_ = 0;
};

TEST_F(ModuleCacheTest, AModuleIsCompiledOnceForAllProcesses) {
  const auto wasm = module(7);
  auto first = open();
  const auto made = get(first, wasm);
  EXPECT_EQ(exit_code_of(made), 7);
  EXPECT_EQ(get(first, wasm), made);
  auto second = open();
  EXPECT_EQ(get(second, wasm), made);
  EXPECT_EQ(compiled_, 1);
  EXPECT_EQ(exit_code_of(get(second, module(8))), 8);
  EXPECT_EQ(compiled_, 2);
}

TEST_F(ModuleCacheTest, AFolderThatLosesItsNameIsRefused) {
  fs::create_directories(root_ / "elsewhere");
  fs::create_directories(root_ / "a");
  fs::create_directory_symlink(root_ / "elsewhere", root_ / "a/.boxagnts");
  const auto cache = ModuleCache::open(folder_, *launcher_);
  ASSERT_FALSE(cache);
  EXPECT_TRUE(cache.error().message.contains("programs could see it")) << cache.error().message;
}

TEST_F(ModuleCacheTest, FuelIsAnotherEntry) {
  auto cache = open();
  const auto wasm = module(7);
  EXPECT_NE(get(cache, wasm, Fuel::off), get(cache, wasm, Fuel::on));
  EXPECT_EQ(compiled_, 2);
  process_.limits.fuel = 1'000'000;
  EXPECT_EQ(exit_code_of(get(cache, wasm, Fuel::on)), 7);
}

TEST_F(ModuleCacheTest, OnlyItsOwnerMayLook) {
  auto cache = open();
  get(cache, module(1));
  EXPECT_EQ(fs::status(folder_).permissions(), fs::perms::owner_all);
  ASSERT_EQ(entries().size(), 1u);
  EXPECT_EQ(fs::status(entries()[0]).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(ModuleCacheTest, NothingStartsAThreadInThisProcess) {
  // The process may still want to confine itself.
  const auto threads = [] { return fs::hard_link_count("/proc/self/task") - 2; };
  const auto before = threads();
  auto cache = open();
  get(cache, module(1));
  get(cache, module(1));
  EXPECT_EQ(threads(), before);
}

// --- entries that are not what we wrote
// --------------------------------------------------------------------------------------------

struct Spoiled {
  const char* name;
  void (*spoil)(const fs::path& entry, const fs::path& other);
  bool healed = true;  // the next process finds it cached again
};
void PrintTo(const Spoiled& spoiled, std::ostream* out) { *out << spoiled.name; }

void flip(const fs::path& path, std::int64_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const auto size = static_cast<std::int64_t>(fs::file_size(path));
  file.seekg(at < 0 ? size + at : at);
  const auto position = file.tellg();
  const int byte = file.get();
  file.seekp(position);
  file.put(static_cast<char>(byte ^ 1));
}

class SpoiledEntry : public ModuleCacheTest, public testing::WithParamInterface<Spoiled> {};

TEST_P(SpoiledEntry, IsCompiledAnew) {
  auto cache = open();
  const auto made = get(cache, module(7));
  const auto entry = entries().at(0);
  get(cache, module(8));
  auto all = entries();
  std::erase(all, entry);
  compiled_ = 0;
  GetParam().spoil(entry, all.at(0));
  EXPECT_EQ(get(cache, module(7)), made);
  EXPECT_EQ(compiled_, 1);
  EXPECT_EQ(get(cache, module(7)), made);
  EXPECT_EQ(compiled_, GetParam().healed ? 1 : 2);
  EXPECT_EQ(exit_code_of(made), 7);
}

INSTANTIATE_TEST_SUITE_P(
    Ways, SpoiledEntry,
    testing::Values(
        Spoiled{"hash", [](auto& entry, auto&) { flip(entry, 0); }},
        Spoiled{"line_end", [](auto& entry, auto&) { flip(entry, 64); }},
        Spoiled{"name", [](auto& entry, auto&) { flip(entry, 70); }},
        Spoiled{"first_byte", [](auto& entry, auto&) { flip(entry, 130); }},
        Spoiled{"middle", [](auto& entry, auto&) { flip(entry, 3000); }},
        Spoiled{"last_byte", [](auto& entry, auto&) { flip(entry, -1); }},
        Spoiled{"empty", [](auto& entry, auto&) { fs::resize_file(entry, 0); }},
        Spoiled{"one_byte", [](auto& entry, auto&) { fs::resize_file(entry, 1); }},
        Spoiled{"header_only", [](auto& entry, auto&) { fs::resize_file(entry, 130); }},
        Spoiled{"cut",
                [](auto& entry, auto&) { fs::resize_file(entry, fs::file_size(entry) - 1); }},
        Spoiled{"longer", [](auto& entry, auto&) { std::ofstream(entry, std::ios::app) << "x"; }},
        Spoiled{"another_entry", [](auto& entry, auto& other) { fs::rename(other, entry); }},
        Spoiled{"link_to_another",
                [](auto& entry, auto&) {
                  fs::rename(entry, entry.string() + "-moved");
                  fs::create_symlink(entry.string() + "-moved", entry);
                }},
        Spoiled{"fifo",
                [](auto& entry, auto&) {
                  fs::remove(entry);
                  ASSERT_EQ(::mkfifo(entry.c_str(), 0600), 0);
                }},
        Spoiled{"folder",
                [](auto& entry, auto&) {
                  fs::remove(entry);
                  fs::create_directory(entry);
                },
                false},
        Spoiled{"readable_by_others",
                [](auto& entry, auto&) { ASSERT_EQ(::chmod(entry.c_str(), 0644), 0); }},
        Spoiled{"writable_by_group",
                [](auto& entry, auto&) { ASSERT_EQ(::chmod(entry.c_str(), 0620), 0); }}));

TEST_F(ModuleCacheTest, AnEntryOfSomebodyElseIsNotTaken) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  auto cache = open();
  get(cache, module(7));
  ASSERT_EQ(::chown(entries().at(0).c_str(), 65534, 65534), 0);
  get(cache, module(7));
  EXPECT_EQ(compiled_, 2);
}

TEST_F(ModuleCacheTest, AFolderThatIsNotOnlyOursIsRefused) {
  fs::create_directories(folder_);
  for (const unsigned mode : {0755u, 0770u, 0701u}) {
    ASSERT_EQ(::chmod(folder_.c_str(), mode), 0);
    const auto cache = ModuleCache::open(folder_, *launcher_);
    ASSERT_FALSE(cache) << mode;
    EXPECT_EQ(cache.error().code, Code::permission_denied);
    EXPECT_TRUE(cache.error().message.contains(folder_.string()));
  }
  fs::remove(folder_);
  fs::create_directory(root_ / "elsewhere");
  fs::create_directory_symlink(root_ / "elsewhere", folder_);
  EXPECT_FALSE(ModuleCache::open(folder_, *launcher_)) << "a link";
  fs::remove(folder_);
  std::ofstream(folder_) << "x";
  EXPECT_FALSE(ModuleCache::open(folder_, *launcher_)) << "a file";
}

TEST_F(ModuleCacheTest, AFolderThatCannotBeWrittenStillCompiles) {
  auto cache = open();
  fs::remove_all(folder_);
  EXPECT_EQ(exit_code_of(get(cache, module(7))), 7);
}

TEST_F(ModuleCacheTest, TheLeastRecentlyUsedGoes) {
  auto cache = open();
  const auto size = get(cache, module(1)).size() + 200;
  auto small = open(3 * size);
  const auto at = [](const fs::path& path, int second) {
    const timespec times[2]{{second, 0}, {second, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  };
  for (const int number : {2, 3}) get(small, module(number));
  std::ofstream(folder_ / "new-left-by-a-crash") << std::string(size / 2, 'x');
  for (const auto& entry : entries()) at(entry, 1000);
  compiled_ = 0;
  get(small, module(1));  // used now; the others long ago
  EXPECT_EQ(compiled_, 0);
  get(small, module(4));
  get(small, module(1));
  get(small, module(4));
  EXPECT_EQ(compiled_, 1) << "what was used last is gone";
  std::uint64_t total = 0;
  for (const auto& entry : entries()) total += fs::file_size(entry);
  EXPECT_LE(total, 3 * size);
}

TEST_F(ModuleCacheTest, AModuleLargerThanTheCacheIsNotKept) {
  auto tiny = open(100);
  EXPECT_EQ(exit_code_of(get(tiny, module(7))), 7);
  EXPECT_TRUE(entries().empty());
}

TEST_F(ModuleCacheTest, ManyAtOnceEachGetTheWholeModule) {
  const auto wasm = module(7);
  const auto wanted = compile_in_child(*launcher_, wasm, Fuel::off, {}).value();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 5; ++round) {
        auto cache = open();
        EXPECT_TRUE(get(cache, wasm) == wanted);
        std::error_code gone;  // another thread may have been faster
        for (const auto& entry : entries()) fs::remove(entry, gone);
      }
    });
  for (auto& thread : threads) thread.join();
}

// --- what the compiler says, and what stops it
// --------------------------------------------------------------------------------------------

TEST_F(ModuleCacheTest, BadModulesGetTheSameSentencesAsInProcess) {
  using namespace std::string_literals;
  for (const auto& wasm : {""s, "#!/bin/sh\n"s, "\0asm"s, "\0asm\x0d\0\1\0"s,
                           module(1).substr(0, 60), "\0asm\1\0\0\0garbage"s}) {
    const auto here = sandbox_->compile(wasm);
    const auto there = compile_in_child(*launcher_, wasm, Fuel::off, {});
    ASSERT_FALSE(here);
    ASSERT_FALSE(there);
    EXPECT_EQ(there.error().code, Code::invalid_argument);
    EXPECT_EQ(there.error().message, here.error().message);
  }
}

// Each grows what the compiler holds or does far faster than itself.
struct Bomb {
  const char* name;
  int locals, blocks, functions;
  CompileLimits limits;
  const char* named;
};
void PrintTo(const Bomb& bomb, std::ostream* out) { *out << bomb.name; }

// Functions whose locals are all alive across many branches.
std::string bomb_of(const Bomb& bomb) {
  std::string wat = "(module (memory (export \"memory\") 1) (func (export \"_start\"))";
  for (int function = 0; function < bomb.functions; ++function) {
    wat += "(func (local";
    for (int i = 0; i < bomb.locals; ++i) wat += " i64";
    wat += ")";
    for (int i = 0; i < bomb.blocks; ++i) {
      const auto local = [&](int step) { return std::to_string(i * step % bomb.locals); };
      wat += "(if (i32.wrap_i64 (local.get " + local(1) + ")) (then (local.set " + local(3) +
             " (i64.add (i64.const 1) (local.get " + local(7) + ")))))";
    }
    wat += ")";
  }
  return wasm_of(wat + ")");
}

class CompilerBomb : public ModuleCacheTest, public testing::WithParamInterface<Bomb> {};

TEST_P(CompilerBomb, EndsWithTheLimitNamed) {
  if (confine::kSanitized) GTEST_SKIP() << "sanitizer builds cannot be confined";
  const auto wasm = bomb_of(GetParam());
  const auto done = compile_in_child(*launcher_, wasm, Fuel::off, {}, GetParam().limits);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::limit_exceeded);
  EXPECT_TRUE(done.error().message.contains(GetParam().named)) << done.error().message;
  EXPECT_EQ(exit_code_of(compile_in_child(*launcher_, module(7), Fuel::off, {}).value()), 7);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, CompilerBomb,
    testing::Values(Bomb{"memory", 1000, 6000, 1, {.memory_bytes = 400 << 20}, "419430400 bytes"},
                    Bomb{"time", 300, 3000, 60, {.cpu_seconds = 1}, "1 s of processor time"},
                    Bomb{"wall", 300, 3000, 10, {.wall_time = 100ms}, "100 ms of time"},
                    Bomb{"output", 1, 2000, 10, {.compiled_bytes = 10'000}, "10000 bytes"}));

TEST_F(ModuleCacheTest, StoppingEndsTheCompiler) {
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = compile_in_child(*launcher_, module(1), Fuel::off, stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Code::cancelled);
}

}  // namespace
}  // namespace boxagnts::sandbox

int main(int argument_count, char** arguments) {
  const auto role = boxagnts::confine::child_role(argument_count, arguments);
  if (!role.empty()) return boxagnts::sandbox::compile_as_child(role);
  testing::InitGoogleTest(&argument_count, arguments);
  return RUN_ALL_TESTS();
}
