// The walls, tried from inside: acts x confinements, each act in a real child that confined itself.
// A cell says what the act comes to: done, an errno, or the signal that ended the process. Without
// walls every act must come to something else, else its row would show nothing.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <thread>

#include "confine/child.h"
#include "confine/landlock.h"

namespace boxagnts::confine {
namespace {

namespace fs = std::filesystem;

// --- acts: return 0 or an errno
// --------------------------------------------------------------------------------------------

int outcome(long returned) { return returned < 0 ? errno : 0; }
int open_path(const std::string& path, int flags) {
  return outcome(::openat(AT_FDCWD, path.c_str(), flags, 0600));
}
template <class... Arguments>
int call(long number, Arguments... arguments) {
  return outcome(::syscall(number, arguments...));
}

using Act = int (*)(const std::string& folder);

int act_thread(const std::string&) {
  int seen = 1;
  std::thread([&] { seen = 0; }).join();
  return seen;
}
int act_fork(const std::string&) {
  const long pid = ::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, 0);
  if (pid == 0) ::_exit(0);
  return outcome(pid);
}
int act_exec(const std::string&) {
  const char* arguments[]{"true", nullptr};
  return call(SYS_execve, "/bin/true", arguments, nullptr) + 1;
}
int act_raise_limit(const std::string&) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return outcome(::setrlimit(RLIMIT_NOFILE, &limit));
}
int act_new_code(const std::string&) {
  return ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
                 MAP_FAILED
             ? errno
             : 0;
}
int act_make_executable(const std::string&) {
  void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return outcome(::mprotect(page, 4096, PROT_READ | PROT_EXEC));
}
int act_memory(const std::string&) {
  return ::mmap(nullptr, 3ull << 30, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED
             ? errno
             : 0;
}
int act_flood(const std::string&) {
  const std::string block(1 << 20, 'x');
  for (int i = 0; i < 100; ++i)
    if (::write(STDOUT_FILENO, block.data(), block.size()) < 0) return errno;
  return 0;
}
int act_spin(const std::string&) {
  timespec spent{};
  while (spent.tv_sec < 3) ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
  return 0;
}
int act_many_files(const std::string&) {
  for (int i = 0; i < 200; ++i)
    if (::dup(STDIN_FILENO) < 0) return errno;
  return 0;
}
int act_capabilities(const std::string&) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct sets[2]{};
  if (::syscall(SYS_capget, &header, sets) != 0) return errno;
  constexpr std::uint32_t kBeyondFiles = 1u << CAP_NET_ADMIN | 1u << CAP_SYS_PTRACE;
  return (sets[0].effective & kBeyondFiles) != 0 || sets[1].effective != 0 ? 1 : 0;
}
#if defined(__x86_64__)
int act_call_of_32_bits(const std::string&) {
  long result = 20;  // getpid
  asm volatile("int $0x80" : "+a"(result)::"memory", "r8", "r9", "r10", "r11");
  return 0;
}
#endif

const std::map<std::string, Act> kActs{
    {"read_in", [](auto& f) { return open_path(f + "/in/file", O_RDONLY); }},
    {"list_in", [](auto& f) { return open_path(f + "/in", O_RDONLY | O_DIRECTORY); }},
    {"write_in", [](auto& f) { return open_path(f + "/in/file", O_WRONLY); }},
    {"truncate_in", [](auto& f) { return open_path(f + "/in/file", O_RDONLY | O_TRUNC); }},
    {"create_in", [](auto& f) { return open_path(f + "/in/new", O_WRONLY | O_CREAT); }},
    {"folder_in", [](auto& f) { return call(SYS_mkdirat, -1, (f + "/in/newd").c_str(), 0700); }},
    {"remove_in", [](auto& f) { return call(SYS_unlinkat, -1, (f + "/in/file").c_str(), 0); }},
    {"move_in",
     [](auto& f) {
       return call(SYS_renameat2, -1, (f + "/in/file").c_str(), -1, (f + "/in/sub/file").c_str(),
                   0);
     }},
    {"link_in",
     [](auto& f) {
       return call(SYS_linkat, -1, (f + "/in/file").c_str(), -1, (f + "/in/sub/link").c_str(), 0);
     }},
    {"symlink_in",
     [](auto& f) { return call(SYS_symlinkat, "x", -1, (f + "/in/symlink").c_str()); }},
    {"fifo_in", [](auto& f) { return call(SYS_mknodat, -1, (f + "/in/p").c_str(), S_IFIFO, 0); }},
    {"run_in",
     [](auto& f) {
       const char* arguments[]{"file", nullptr};
       return call(SYS_execve, (f + "/in/program").c_str(), arguments, nullptr) + 1;
     }},
    {"read_ro", [](auto& f) { return open_path(f + "/ro/file", O_RDONLY); }},
    {"write_ro", [](auto& f) { return open_path(f + "/ro/file", O_WRONLY); }},
    {"truncate_ro", [](auto& f) { return open_path(f + "/ro/file", O_RDONLY | O_TRUNC); }},
    {"create_ro", [](auto& f) { return open_path(f + "/ro/new", O_WRONLY | O_CREAT); }},
    {"move_ro_to_in",
     [](auto& f) {
       return call(SYS_renameat2, -1, (f + "/ro/file").c_str(), -1, (f + "/in/got").c_str(), 0);
     }},
    {"read_out", [](auto& f) { return open_path(f + "/out/file", O_RDONLY); }},
    {"list_out", [](auto& f) { return open_path(f + "/out", O_RDONLY | O_DIRECTORY); }},
    {"write_out", [](auto& f) { return open_path(f + "/out/file", O_WRONLY); }},
    {"create_out", [](auto& f) { return open_path(f + "/out/new", O_WRONLY | O_CREAT); }},
    {"remove_out", [](auto& f) { return call(SYS_unlinkat, -1, (f + "/out/file").c_str(), 0); }},
    {"folder_out", [](auto& f) { return call(SYS_mkdirat, -1, (f + "/out/newd").c_str(), 0700); }},
    {"symlink_out",
     [](auto& f) { return call(SYS_symlinkat, "x", -1, (f + "/out/symlink").c_str()); }},
    {"read_through_link", [](auto& f) { return open_path(f + "/in/to_out", O_RDONLY); }},
    {"read_by_dots", [](auto& f) { return open_path(f + "/in/../out/file", O_RDONLY); }},
    {"move_out_to_in",
     [](auto& f) {
       return call(SYS_renameat2, -1, (f + "/out/file").c_str(), -1, (f + "/in/got").c_str(), 0);
     }},
    {"move_in_to_out",
     [](auto& f) {
       return call(SYS_renameat2, -1, (f + "/in/file").c_str(), -1, (f + "/out/got").c_str(), 0);
     }},
    {"link_out_to_in",
     [](auto& f) {
       return call(SYS_linkat, -1, (f + "/out/file").c_str(), -1, (f + "/in/got").c_str(), 0);
     }},
    {"mode_out", [](auto& f) { return outcome(::chmod((f + "/out/file").c_str(), 0777)); }},
    {"owner_out", [](auto& f) { return outcome(::chown((f + "/out/file").c_str(), -1, -1)); }},
    {"truncate_out", [](auto& f) { return outcome(::truncate((f + "/out/file").c_str(), 0)); }},
    {"chdir_out", [](auto& f) { return outcome(::chdir((f + "/out").c_str())); }},
    {"times_out",
     [](auto& f) { return outcome(::utimensat(-1, (f + "/out/file").c_str(), nullptr, 0)); }},
    {"stat_out",
     [](auto& f) {
       struct stat status;
       return outcome(::stat((f + "/out/file").c_str(), &status));
     }},
    {"device", [](auto&) { return open_path("/dev/zero", O_RDONLY); }},
    {"own_environment", [](auto&) { return open_path("/proc/self/environ", O_RDONLY); }},
    {"memory_of_parent",
     [](auto&) { return open_path("/proc/" + std::to_string(::getppid()) + "/mem", O_RDWR); }},
    {"terminal",
     [](auto&) {
       char letter = 'x';
       return outcome(::ioctl(STDIN_FILENO, TIOCSTI, &letter)) == ENOTTY ? 0 : errno;
     }},
    {"inet", [](auto&) { return outcome(::socket(AF_INET, SOCK_STREAM, 0)); }},
    {"unix", [](auto&) { return outcome(::socket(AF_UNIX, SOCK_STREAM, 0)); }},
    {"netlink", [](auto&) { return outcome(::socket(AF_NETLINK, SOCK_RAW, 0)); }},
    {"socketpair",
     [](auto&) {
       int pair[2];
       return outcome(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
     }},
    {"thread", act_thread},
    {"fork", act_fork},
    {"clone3", [](auto&) { return call(SYS_clone3, nullptr, 0) == EINVAL ? 0 : errno; }},
    {"new_network",
     [](auto&) {
       return call(SYS_clone, CLONE_NEWNET | CLONE_THREAD, nullptr, nullptr, nullptr, 0) == EINVAL
                  ? 0
                  : errno;
     }},
    {"exec", act_exec},
    {"trace_parent", [](auto&) { return outcome(::ptrace(PTRACE_PEEKDATA, ::getppid(), 0, 0)); }},
    {"read_parent",
     [](auto&) {
       char into = 0;
       iovec here{&into, 1}, there{&into, 1};
       return outcome(::process_vm_readv(::getppid(), &here, 1, &there, 1, 0));
     }},
    {"signal_parent", [](auto&) { return outcome(::kill(::getppid(), 0)); }},
    {"signal_parents_thread", [](auto&) { return call(SYS_tgkill, ::getppid(), ::getppid(), 0); }},
    {"unshare", [](auto&) { return call(SYS_unshare, CLONE_NEWUSER); }},
    {"setns", [](auto&) { return call(SYS_setns, STDIN_FILENO, 0); }},
    {"mount", [](auto&) { return outcome(::mount("x", "/nowhere", "tmpfs", 0, nullptr)); }},
    {"chroot", [](auto&) { return outcome(::chroot("/nowhere")); }},
    {"bpf", [](auto&) { return call(SYS_bpf, 0, nullptr, 0); }},
    {"io_uring", [](auto&) { return call(SYS_io_uring_setup, 1, nullptr); }},
    {"userfaultfd", [](auto&) { return call(SYS_userfaultfd, 0); }},
    {"perf", [](auto&) { return call(SYS_perf_event_open, nullptr, 0, -1, -1, 0); }},
    {"keyring", [](auto&) { return call(SYS_keyctl, 0, 0, 0); }},
    {"handle", [](auto&) { return call(SYS_open_by_handle_at, -1, nullptr, 0); }},
    {"other_person", [](auto&) { return call(SYS_setresuid, -1, -1, -1); }},
    {"raise_limit", act_raise_limit},
    {"dumpable_again", [](auto&) { return outcome(::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)); }},
    {"signals_for_others", [](auto&) { return outcome(::fcntl(STDIN_FILENO, F_SETOWN, 1)); }},
    {"a_call_of_tomorrow", [](auto&) { return call(SYS_sched_setaffinity, 0, 0, nullptr); }},
    {"new_code", act_new_code},
    {"make_executable", act_make_executable},
#if defined(__x86_64__)
    {"call_of_32_bits", act_call_of_32_bits},
    {"call_of_x32", [](auto&) { return call(0x40000000 + SYS_getpid) == ENOSYS ? 0 : errno; }},
#endif
    // Limits and properties: see Walls below.
    {"memory", act_memory},
    {"flood", act_flood},
    {"spin", act_spin},
    {"many_files", act_many_files},
    {"capabilities", act_capabilities},
    {"core_dump",
     [](auto&) {
       rlimit limit{};
       ::getrlimit(RLIMIT_CORE, &limit);
       return limit.rlim_max == 0 ? 0 : 1;
     }},
    {"dumpable", [](auto&) { return ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0); }},
    {"privileges", [](auto&) { return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 1; }},
    {"late",
     [](auto&) {
       std::atomic<bool> over = false;
       std::thread other([&] { over.wait(false); });
       const auto walls = confine_this_process({});
       over = true;
       over.notify_all();
       if (walls) ::_exit(0);
       other.join();
       return 1;
     }},
};

// --- the child's side
// --------------------------------------------------------------------------------------------

Confinement confinement_named(const std::string& name, const std::string& folder) {
  if (name == "read") return {.paths = {{folder + "/in", Reach::read}}};
  if (name == "write")
    return {.paths = {{folder + "/in", Reach::write}, {folder + "/ro", Reach::read}}};
  return {};
}

int play(const std::vector<std::string>& role) {
  const auto& confinement = role.at(1);
  const auto& folder = role.at(3);
  if (confinement != "open") confine_child(confinement_named(confinement, folder));
  if (confinement == "loaded" && !forbid_new_code()) return 99;
  return kActs.at(role.at(2))(folder);
}

// --- the test's side
// --------------------------------------------------------------------------------------------

class Folder {
 public:
  Folder() {
    std::string name = fs::temp_directory_path() / "boxagnts-confine-XXXXXX";
    path_ = ::mkdtemp(name.data());
    for (const auto* part : {"in/sub", "ro", "out"}) fs::create_directories(path_ / part);
    for (const auto* file : {"in/file", "ro/file", "out/file"})
      std::ofstream(path_ / file) << "content\n";
    fs::copy_file("/bin/true", path_ / "in/program");
    fs::create_symlink("../out/file", path_ / "in/to_out");
  }
  ~Folder() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

constexpr int kSignal = 1000;  // added to a signal's number
constexpr int kKilled = kSignal + SIGSYS;

int come_to(const std::string& confinement, const std::string& act,
            const ResourceLimits& limits = {}) {
  const Folder folder;
  const auto launcher = Launcher::make();
  EXPECT_TRUE(launcher);
  const auto done = launcher->run(
      {.role = "act", .arguments = {confinement, act, folder.path()}, .limits = limits}, {});
  EXPECT_TRUE(done) << (done ? "" : done.error().message);
  if (!done) return -1;
  EXPECT_EQ(done->diagnostics, "") << act;
  return done->code + (done->end == ChildEnd::signalled ? kSignal : 0);
}

struct Row {
  const char* act;
  int none, read, write;  // what comes of it with no paths, in/ read-only, in/ writable and ro/
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.act; }

class Matrix : public testing::TestWithParam<Row> {};

TEST_P(Matrix, ActInEveryConfinement) {
  if (kSanitized) GTEST_SKIP() << "sanitizer builds cannot be confined";
  if (landlock_abi() < 3) GTEST_SKIP() << "this kernel's Landlock has version " << landlock_abi();
  const auto& row = GetParam();
  const int open = come_to("open", row.act);
  const std::pair<const char*, int> cells[]{
      {"none", row.none}, {"read", row.read}, {"write", row.write}};
  for (const auto& [confinement, wanted] : cells) {
    EXPECT_EQ(come_to(confinement, row.act), wanted) << row.act << ", " << confinement;
    if (wanted != 0) EXPECT_NE(open, wanted) << row.act << " comes to the same without walls";
  }
}

INSTANTIATE_TEST_SUITE_P(
    Acts, Matrix,
    testing::Values(
        // inside a mount
        Row{"read_in", ENOSYS, 0, 0}, Row{"list_in", ENOSYS, 0, 0},
        Row{"write_in", ENOSYS, EACCES, 0}, Row{"truncate_in", ENOSYS, EACCES, 0},
        Row{"create_in", ENOSYS, EACCES, 0}, Row{"folder_in", ENOSYS, ENOSYS, 0},
        Row{"remove_in", ENOSYS, ENOSYS, 0}, Row{"move_in", ENOSYS, ENOSYS, 0},
        Row{"link_in", ENOSYS, ENOSYS, 0}, Row{"symlink_in", ENOSYS, ENOSYS, 0},
        Row{"fifo_in", ENOSYS, ENOSYS, ENOSYS}, Row{"run_in", kKilled, kKilled, kKilled},
        // a read-only mount beside a writable one
        Row{"read_ro", ENOSYS, EACCES, 0}, Row{"write_ro", ENOSYS, EACCES, EACCES},
        Row{"truncate_ro", ENOSYS, EACCES, EACCES}, Row{"create_ro", ENOSYS, EACCES, EACCES},
        Row{"move_ro_to_in", ENOSYS, ENOSYS, EACCES},
        // outside every mount
        Row{"read_out", ENOSYS, EACCES, EACCES}, Row{"list_out", ENOSYS, EACCES, EACCES},
        Row{"write_out", ENOSYS, EACCES, EACCES}, Row{"create_out", ENOSYS, EACCES, EACCES},
        Row{"remove_out", ENOSYS, ENOSYS, EACCES}, Row{"folder_out", ENOSYS, ENOSYS, EACCES},
        Row{"symlink_out", ENOSYS, ENOSYS, EACCES},
        Row{"read_through_link", ENOSYS, EACCES, EACCES},
        Row{"read_by_dots", ENOSYS, EACCES, EACCES}, Row{"move_out_to_in", ENOSYS, ENOSYS, EACCES},
        Row{"move_in_to_out", ENOSYS, ENOSYS, EACCES}, Row{"link_out_to_in", ENOSYS, ENOSYS, EXDEV},
        Row{"mode_out", ENOSYS, ENOSYS, ENOSYS}, Row{"owner_out", ENOSYS, ENOSYS, ENOSYS},
        Row{"truncate_out", ENOSYS, ENOSYS, ENOSYS}, Row{"chdir_out", ENOSYS, ENOSYS, ENOSYS},
        Row{"device", ENOSYS, EACCES, EACCES}, Row{"own_environment", ENOSYS, EACCES, EACCES},
        Row{"memory_of_parent", ENOSYS, EACCES, EACCES},
        // what Landlock does not guard: docs/security.md names these
        Row{"times_out", ENOSYS, ENOSYS, 0}, Row{"stat_out", 0, 0, 0}));

INSTANTIATE_TEST_SUITE_P(
    System, Matrix,
    testing::Values(
        Row{"terminal", EPERM, EPERM, EPERM}, Row{"inet", kKilled, kKilled, kKilled},
        Row{"unix", kKilled, kKilled, kKilled}, Row{"netlink", kKilled, kKilled, kKilled},
        Row{"socketpair", kKilled, kKilled, kKilled}, Row{"thread", 0, 0, 0},
        Row{"fork", EPERM, EPERM, EPERM}, Row{"clone3", ENOSYS, ENOSYS, ENOSYS},
        Row{"new_network", EPERM, EPERM, EPERM}, Row{"exec", kKilled, kKilled, kKilled},
        Row{"trace_parent", kKilled, kKilled, kKilled},
        Row{"read_parent", kKilled, kKilled, kKilled}, Row{"signal_parent", ENOSYS, ENOSYS, ENOSYS},
        Row{"signal_parents_thread", EPERM, EPERM, EPERM},
        Row{"unshare", kKilled, kKilled, kKilled}, Row{"setns", kKilled, kKilled, kKilled},
        Row{"mount", kKilled, kKilled, kKilled}, Row{"chroot", kKilled, kKilled, kKilled},
        Row{"bpf", kKilled, kKilled, kKilled}, Row{"io_uring", kKilled, kKilled, kKilled},
        Row{"userfaultfd", kKilled, kKilled, kKilled}, Row{"perf", kKilled, kKilled, kKilled},
        Row{"keyring", kKilled, kKilled, kKilled}, Row{"handle", kKilled, kKilled, kKilled},
        Row{"other_person", kKilled, kKilled, kKilled}, Row{"raise_limit", EPERM, EPERM, EPERM},
        Row{"dumpable_again", EPERM, EPERM, EPERM}, Row{"signals_for_others", EPERM, EPERM, EPERM},
        Row{"a_call_of_tomorrow", ENOSYS, ENOSYS, ENOSYS}, Row{"new_code", 0, 0, 0}));

#if defined(__x86_64__)
INSTANTIATE_TEST_SUITE_P(OtherNumbers, Matrix,
                         testing::Values(Row{"call_of_32_bits", kKilled, kKilled, kKilled},
                                         Row{"call_of_x32", kKilled, kKilled, kKilled}));
#endif

// --- limits and properties: the act shows them, and shows nothing without walls
// --------------------------------------------------------------------------------------------

struct Bound {
  const char* act;
  const char* confinement;
  ResourceLimits limits;
  int open, walled;
};
void PrintTo(const Bound& bound, std::ostream* out) { *out << bound.act; }

class Bounds : public testing::TestWithParam<Bound> {};

TEST_P(Bounds, HoldAndAreTheWallsOwn) {
  if (kSanitized) GTEST_SKIP() << "sanitizer builds cannot be confined";
  rlimit core{};
  ::getrlimit(RLIMIT_CORE, &core);
  const auto& bound = GetParam();
  if (std::string_view(bound.act) == "core_dump" && core.rlim_max == 0)
    GTEST_SKIP() << "core dumps are off on this machine";
  if (std::string_view(bound.act) == "capabilities" && ::geteuid() != 0)
    GTEST_SKIP() << "only root has capabilities to give up";
  EXPECT_EQ(come_to("open", bound.act), bound.open);
  EXPECT_EQ(come_to(bound.confinement, bound.act, bound.limits), bound.walled);
}

INSTANTIATE_TEST_SUITE_P(
    All, Bounds,
    testing::Values(Bound{"memory", "none", {.address_space_bytes = 2ull << 30}, 0, ENOMEM},
                    Bound{"flood", "none", {.file_bytes = 50 << 20}, 0, kSignal + SIGXFSZ},
                    Bound{"spin", "none", {.cpu_seconds = 1}, 0, kSignal + SIGXCPU},
                    Bound{"many_files", "none", {.open_files = 16}, 0, EMFILE},
                    Bound{"capabilities", "none", {}, 1, 0},
                    Bound{"capabilities", "write", {}, 1, 0}, Bound{"core_dump", "none", {}, 1, 0},
                    Bound{"dumpable", "none", {}, 1, 0}, Bound{"privileges", "none", {}, 1, 0},
                    Bound{"new_code", "loaded", {}, 0, EPERM},
                    Bound{"make_executable", "loaded", {}, 0, EPERM}));

TEST(Confine, IsRefusedWhenThereAreOtherThreads) {
  if (kSanitized) GTEST_SKIP() << "sanitizer builds cannot be confined";
  EXPECT_EQ(come_to("open", "late"), 1);
}

TEST(Confine, AMountThatIsNotThereIsAnError) {
  if (kSanitized) GTEST_SKIP() << "sanitizer builds cannot be confined";
  const auto launcher = Launcher::make();
  const auto done = launcher->run({.role = "act", .arguments = {"read", "thread", "/nowhere"}}, {});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->code, 1);
  EXPECT_TRUE(done->diagnostics.contains("/nowhere/in")) << done->diagnostics;
}

}  // namespace

int play_act(const std::vector<std::string>& role) { return play(role); }

}  // namespace boxagnts::confine
