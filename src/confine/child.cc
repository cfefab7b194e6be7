#include "confine/child.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/guard.h"

namespace boxagnts::confine {
namespace {

using base::UniqueFd;

constexpr const char* kChildName = "boxagnts-child";  // argv[0] of every child
constexpr std::size_t kDiagnosticsMax = 16 << 10;

// Above the standard streams, so that putting one in place never closes another.
Result<UniqueFd> memory_file(const char* name) {
  const UniqueFd low(::memfd_create(name, MFD_CLOEXEC));
  UniqueFd file(low ? ::fcntl(low.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1) : -1);
  if (!file) return fail_errno(errno, "cannot make a memory file");
  return file;
}

Result<UniqueFd> memory_file_of(std::string_view content) {
  auto file = TRY(memory_file("input"));
  TRY(base::write_all(file.get(), content));
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

std::string content_of(const UniqueFd& file, std::size_t bytes_max) {
  const auto size = ::lseek(file.get(), 0, SEEK_END);
  std::string content(
      std::min<std::size_t>(static_cast<std::size_t>(std::max<off_t>(size, 0)), bytes_max), '\0');
  std::size_t have = 0;
  while (have < content.size()) {
    const ssize_t got =
        ::pread(file.get(), content.data() + have, content.size() - have, static_cast<off_t>(have));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    have += static_cast<std::size_t>(got);
  }
  content.resize(have);
  return content;
}

// What the child works on between clone and exec, in the parent's memory: system calls only.
struct Start {
  int program, input, output, diagnostics;
  char* const* arguments;
  char* const* environment;
  const ResourceLimits* limits;
  pid_t parent;
  int error_number = 0;
};

int become_child(void* argument) {
  auto& start = *static_cast<Start*>(argument);
  const auto failed = [&] {
    start.error_number = errno;
    return 127;
  };
  if (GUARD("confine.parent-death", true) && ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
    return failed();
  if (::getppid() != start.parent) return 127;  // it died before the line above
  ::setsid();                                   // no terminal
  if (::dup2(start.input, STDIN_FILENO) < 0 || ::dup2(start.output, STDOUT_FILENO) < 0 ||
      ::dup2(start.diagnostics, STDERR_FILENO) < 0)
    return failed();
  constexpr unsigned kCloseAtExec = 4;  // CLOSE_RANGE_CLOEXEC
  if (GUARD("confine.descriptors", true) &&
      ::syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, kCloseAtExec) != 0)
    return failed();
  if (const int error_number = set_resource_limits(*start.limits); error_number != 0) {
    errno = error_number;
    return failed();
  }
  // By the system calls: libc, or a sanitizer in it, would note it in memory that is the parent's.
  constexpr std::uint64_t kNone = 0;
  constexpr std::array<std::uint64_t, 4> kDefault{};  // the kernel's struct sigaction
  for (int number = 1; number < NSIG; ++number)
    ::syscall(SYS_rt_sigaction, number, &kDefault, nullptr, sizeof kNone);
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &kNone, nullptr, sizeof kNone);
  ::syscall(SYS_execveat, start.program, "", start.arguments, start.environment, AT_EMPTY_PATH);
  return failed();
}

struct Process {
  pid_t pid = -1;
  UniqueFd handle;  // pidfd
};

// Like vfork: the caller waits until the child is another program, on a stack of the child's own.
Result<Process> start_process(Start& start) {
  constexpr std::size_t kStackBytes = 16 << 10;
  alignas(16) std::array<char, kStackBytes> stack;
  sigset_t all, before;
  sigfillset(&all);  // no handler of ours may run in the child, which has our memory
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  int handle = -1;
  const pid_t pid = ::clone(become_child, stack.data() + stack.size(),
                            CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &start, &handle);
  const int error_number = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0)
    return fail(Code::busy, "the system has no process left", base::errno_text(error_number));
  return Process{pid, UniqueFd(handle)};
}

int reap(const Process& process, siginfo_t& info) {
  while (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(process.handle.get()), &info,
                  WEXITED) != 0)
    if (errno != EINTR) return errno;
  return 0;
}

// Until the child is dead, somebody wants it stopped, or its time is up.
ChildEnd wait_for(const Process& process, const UniqueFd& stopped, const ChildWork& work,
                  std::chrono::steady_clock::time_point begun) {
  using std::chrono::milliseconds;
  constexpr milliseconds kNoticed{250};
  bool told = work.on_slow == nullptr;
  while (true) {
    const auto now = std::chrono::steady_clock::now();
    if (!told && now >= begun + kNoticed) {
      told = true;
      work.on_slow();
    }
    const auto until = told ? work.wall_time : std::min(kNoticed, work.wall_time);
    const auto left = std::chrono::ceil<milliseconds>(begun + until - now);
    if (now >= begun + work.wall_time) return ChildEnd::timed_out;
    pollfd wanted[]{{process.handle.get(), POLLIN, 0}, {stopped.get(), POLLIN, 0}};
    constexpr std::int64_t kStepMax = 60'000;
    if (::poll(wanted, 2, static_cast<int>(std::min<std::int64_t>(left.count(), kStepMax))) <= 0)
      continue;
    if (wanted[0].revents != 0) return ChildEnd::exited;
    if (wanted[1].revents != 0) return ChildEnd::stopped;
  }
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

Result<Launcher> Launcher::make() {
  UniqueFd program(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  if (!program)
    return fail(Code::unavailable, "the program cannot open its own file: is /proc mounted?",
                base::errno_text(errno));
  return Launcher(std::move(program));
}

Result<ChildResult> Launcher::run(const ChildWork& work, std::stop_token stop) const {
  const auto input = TRY(memory_file_of(work.input));
  const auto output = TRY(memory_file("output"));
  const auto diagnostics = TRY(memory_file("diagnostics"));
  const UniqueFd stopped(::eventfd(0, EFD_CLOEXEC));
  if (!stopped) return fail_errno(errno, "cannot wait for a child");

  std::vector<std::string> arguments{kChildName, work.role};
  arguments.insert(arguments.end(), work.arguments.begin(), work.arguments.end());
  std::vector<std::string> environment;
#ifdef BOXAGNTS_MUTATE
  if (const char* off = std::getenv("BOXAGNTS_GUARD_OFF"))
    environment.push_back(std::string("BOXAGNTS_GUARD_OFF=") + off);
#endif
  const auto argument_pointers = pointers_to(arguments);
  const auto environment_pointers = pointers_to(environment);
  Start start{program_.get(),
              input.get(),
              output.get(),
              diagnostics.get(),
              argument_pointers.data(),
              environment_pointers.data(),
              &work.limits,
              ::getpid()};
  const auto begun = std::chrono::steady_clock::now();
  const auto process = TRY(start_process(start));

  ChildResult result;
  {
    const std::stop_callback waker(stop, [&] {
      const std::uint64_t one = 1;
      [[maybe_unused]] const auto put = ::write(stopped.get(), &one, sizeof one);
    });
    result.end = wait_for(process, stopped, work, begun);
  }
  if (result.end != ChildEnd::exited)
    ::syscall(SYS_pidfd_send_signal, process.handle.get(), SIGKILL, nullptr, 0);
  siginfo_t info{};
  if (const int error_number = reap(process, info); error_number != 0)
    return fail_errno(error_number, "cannot wait for a child");
  if (start.error_number != 0)
    return fail(Code::unsupported, "a child of this program cannot be started (Linux 5.11 can)",
                base::errno_text(start.error_number));
  result.code = info.si_status;
  if (result.end == ChildEnd::exited && info.si_code != CLD_EXITED)
    result.end = ChildEnd::signalled;
  result.output = content_of(output, SIZE_MAX);
  result.diagnostics = content_of(diagnostics, kDiagnosticsMax);
  return result;
}

std::vector<std::string> child_role(int argument_count, char** arguments) {
  if (argument_count < 2 || std::string_view(arguments[0]) != kChildName) return {};
  return {arguments + 1, arguments + argument_count};
}

void confine_child(const Confinement& confinement) {
  const auto walls = confine_this_process(confinement);
  if (walls) return;
  std::fprintf(stderr, "%s\n", walls.error().message.c_str());
  std::_Exit(1);
}

}  // namespace boxagnts::confine
