// A person's side that changes folders into links, and back, while a guest walks through them, with
// all cores busy: at no moment does the guest read, write, make or remove anything outside.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "sandbox/sandbox_fixture.h"
#include "vfs/host_filesystem.h"

namespace boxagnts::sandbox {
namespace {

namespace fs = std::filesystem;

void exchange(const std::string& a, const std::string& b) {
  ::syscall(SYS_renameat2, AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE);
}

// One guest action, tried over and over while the host side races.
struct Race {
  const char* name;
  const char* function;
  const char* type;
  const char* arguments;
};

// The workspace has door/ (a folder with `secret` = "i") and, beside it, trap -> ../outside (where
// `secret` = "S"); the host side exchanges the two, and moves door/ out of the mount and back.
class RacesTest : public SandboxTest, public testing::WithParamInterface<Race> {
 protected:
  RacesTest() {
    char name[] = "/tmp/races_test.XXXXXX";
    base_ = ::mkdtemp(name);
    for (const auto* folder : {"/inside/door/deep", "/outside/deep", "/elsewhere"})
      fs::create_directories(base_ + folder);
    std::ofstream(base_ + "/inside/door/secret") << "i";
    std::ofstream(base_ + "/inside/plain") << "i";
    std::ofstream(base_ + "/outside/secret") << "S";
    std::ofstream(base_ + "/outside/deep/kept") << "S";
    EXPECT_EQ(::symlink("../outside", (base_ + "/inside/trap").c_str()), 0);
    process_.name_space =
        vfs::NameSpace::make(
            {{"/inside",
              vfs::open_host_filesystem(base_ + "/inside", core::Access::read_write, {}).value()}})
            .value();
    process_.working_directory = "/inside";
    process_.limits.wall_time = 20s;
  }
  ~RacesTest() override { fs::remove_all(base_); }

  std::string outside() const {
    std::string text;
    for (const auto& entry : fs::recursive_directory_iterator(base_ + "/outside")) {
      struct stat status{};
      ::lstat(entry.path().c_str(), &status);
      text += entry.path().string() + " " + std::to_string(status.st_mode) + " " +
              std::to_string(status.st_size) + " " + std::to_string(status.st_nlink) + " " +
              std::to_string(status.st_mtim.tv_sec) + "." + std::to_string(status.st_mtim.tv_nsec) +
              "\n";
    }
    return text;
  }

  std::string base_;
};

// Exits with 1 when a byte 'S' was read, with 0 after so many tries.
std::string racing(const Race& race) {
  constexpr int kTries = 10'000;
  return std::string(R"((module
    (import "wasi_snapshot_preview1" ")") +
         race.function + "\" (func $f (param " + race.type + R"() (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 1000) "door/secret")   ;; 11
    (data (i32.const 1100) "door/new")      ;; 8
    (data (i32.const 1200) "plain")         ;; 5
    (data (i32.const 1300) "door/deep/../../door/secret")  ;; 27
    (data (i32.const 1400) "door/deep/../../../outside/secret")  ;; 33
    (data (i32.const 1500) "door")          ;; 4
    (data (i32.const 1600) "door/deep/kept")  ;; 14
    (data (i32.const 1700) "W")
    (func (export "_start") (local $n i32)
      (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 1))
      (i32.store (i32.const 8) (i32.const 1700)) (i32.store (i32.const 12) (i32.const 1))
      (loop $l
        (i32.store (i32.const 32) (i32.const 99))
        (if (i32.eqz (call $f )" +
         race.arguments + R"())
          (then
            (drop (call $read (i32.load (i32.const 32)) (i32.const 0) (i32.const 1) (i32.const 16)))
            (drop (call $write (i32.load (i32.const 32)) (i32.const 8) (i32.const 1)
              (i32.const 16)))
            (drop (call $close (i32.load (i32.const 32))))))
        (if (i32.eq (i32.load8_u (i32.const 64)) (i32.const 83)) (then (call $exit (i32.const 1))))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $l (i32.lt_u (local.get $n) (i32.const )" +
         std::to_string(kTries) + R"())))
      (call $exit (i32.const 0)))))";
}

TEST_P(RacesTest, NothingOutsideIsReachedOrChanged) {
  const auto program = compile(racing(GetParam()));
  ASSERT_TRUE(program);
  const auto before = outside();
  std::atomic<bool> done = false;
  {
    std::jthread swapper([&] {
      while (!done) exchange(base_ + "/inside/door", base_ + "/inside/trap");
    });
    std::jthread mover([&] {
      while (!done) {
        ::rename((base_ + "/inside/door").c_str(), (base_ + "/elsewhere/door").c_str());
        ::rename((base_ + "/elsewhere/door").c_str(), (base_ + "/inside/door").c_str());
      }
    });
    const auto result = run(*program);
    done = true;
    ASSERT_TRUE(result);
    EXPECT_EQ(result->end, End::exited) << result->reason;
    EXPECT_EQ(result->exit_code, 0) << "what lies outside was read";
  }
  EXPECT_EQ(outside(), before);
}

#define FD "(i32.const 4)"
#define OPEN_TYPE "i32 i32 i32 i32 i32 i64 i64 i32 i32"
#define OPEN(follow, path, oflags, rights)                                    \
  FD "(i32.const " follow ")" path "(i32.const " oflags ")(i64.const " rights \
     ")(i64.const 0)"                                                         \
     "(i32.const 0)(i32.const 32)"
#define SECRET "(i32.const 1000)(i32.const 11)"
#define NEW "(i32.const 1100)(i32.const 8)"
#define PLAIN "(i32.const 1200)(i32.const 5)"
#define BACK "(i32.const 1300)(i32.const 27)"
#define OUT "(i32.const 1400)(i32.const 33)"
#define DOOR "(i32.const 1500)(i32.const 4)"
#define KEPT "(i32.const 1600)(i32.const 14)"
INSTANTIATE_TEST_SUITE_P(
    Matrix, RacesTest,
    testing::Values(Race{"read", "path_open", OPEN_TYPE, OPEN("1", SECRET, "0", "2")},
                    Race{"read_unfollowed", "path_open", OPEN_TYPE, OPEN("0", SECRET, "0", "2")},
                    Race{"read_back_and_forth", "path_open", OPEN_TYPE, OPEN("1", BACK, "0", "2")},
                    Race{"read_out", "path_open", OPEN_TYPE, OPEN("1", OUT, "0", "2")},
                    Race{"write", "path_open", OPEN_TYPE, OPEN("1", SECRET, "0", "64")},
                    Race{"truncate", "path_open", OPEN_TYPE, OPEN("1", SECRET, "8", "64")},
                    Race{"create", "path_open", OPEN_TYPE, OPEN("1", NEW, "1", "64")},
                    Race{"create_exclusive", "path_open", OPEN_TYPE, OPEN("0", NEW, "5", "64")},
                    Race{"mkdir", "path_create_directory", "i32 i32 i32", FD NEW},
                    Race{"rmdir", "path_remove_directory", "i32 i32 i32", FD NEW},
                    Race{"unlink", "path_unlink_file", "i32 i32 i32", FD SECRET},
                    Race{"unlink_deep", "path_unlink_file", "i32 i32 i32", FD KEPT},
                    Race{"rename_out", "path_rename", "i32 i32 i32 i32 i32 i32", FD PLAIN FD NEW},
                    Race{"rename_in", "path_rename", "i32 i32 i32 i32 i32 i32", FD SECRET FD PLAIN},
                    Race{"link_out", "path_link", "i32 i32 i32 i32 i32 i32 i32",
                         FD "(i32.const 0)" PLAIN FD NEW},
                    Race{"link_in", "path_link", "i32 i32 i32 i32 i32 i32 i32",
                         FD "(i32.const 0)" SECRET FD NEW},
                    Race{"symlink", "path_symlink", "i32 i32 i32 i32 i32", PLAIN FD NEW},
                    Race{"times", "path_filestat_set_times", "i32 i32 i32 i32 i64 i64 i32",
                         FD "(i32.const 1)" SECRET "(i64.const 7)(i64.const 7)(i32.const 5)"}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace boxagnts::sandbox
