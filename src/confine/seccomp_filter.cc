#include "confine/seccomp_filter.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <vector>

namespace boxagnts::confine {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "the filter's calls were chosen for x86-64 and AArch64"
#endif

constexpr std::uint32_t kAllow = SECCOMP_RET_ALLOW;
constexpr std::uint32_t kKill = SECCOMP_RET_KILL_PROCESS;
constexpr std::uint32_t kNoSuchCall = SECCOMP_RET_ERRNO | ENOSYS;
constexpr std::uint32_t kNotPermitted = SECCOMP_RET_ERRNO | EPERM;

// Computing, and descriptors that are held.
constexpr int kCompute[]{
    // memory
    SYS_brk,
    SYS_mmap,
    SYS_munmap,
    SYS_mprotect,
    SYS_mremap,
    SYS_madvise,
    SYS_memfd_create,
    SYS_ftruncate,
    // threads, their signals, ending
    SYS_futex,
    SYS_set_robust_list,
    SYS_rseq,
    SYS_membarrier,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_gettid,
    SYS_getpid,
    SYS_getppid,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_signalfd4,
    SYS_restart_syscall,
    SYS_exit,
    SYS_exit_group,
    // time, chance, who and where
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_gettimeofday,
    SYS_getrandom,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_getcpu,
    SYS_sysinfo,
    SYS_uname,
    SYS_capget,
    // descriptors; newfstatat is what the C library's fstat is, and tells of a path no more than
    // that
    // it is there, how large it is and whose
    SYS_read,
    SYS_write,
    SYS_readv,
    SYS_writev,
    SYS_pread64,
    SYS_pwrite64,
    SYS_lseek,
    SYS_fstat,
    SYS_newfstatat,
    SYS_close,
    SYS_close_range,
    SYS_dup,
    SYS_dup3,
    SYS_pipe2,
    SYS_eventfd2,
    SYS_ppoll,
    SYS_pselect6,
    // filters only add up
    SYS_seccomp,
#if defined(__x86_64__)
    SYS_poll,
    SYS_select,
    SYS_dup2,
    SYS_time,
#endif
};

constexpr int kReadFiles[]{
    SYS_openat, SYS_openat2, SYS_statx,     SYS_readlinkat, SYS_getdents64,
    SYS_fsync,  SYS_fstatfs, SYS_fadvise64, SYS_fdatasync,
#if defined(__x86_64__)
    SYS_open,   SYS_stat,    SYS_lstat,  // the C library's own
#endif
};

constexpr int kWriteFiles[]{
    SYS_mkdirat,   SYS_unlinkat, SYS_renameat2, SYS_linkat,          SYS_symlinkat, SYS_utimensat,
    SYS_fallocate, SYS_fchmod,   SYS_pwritev2,  SYS_copy_file_range, SYS_renameat,
};

constexpr int kIntruders[]{
    // programs and other processes
    SYS_execve,
    SYS_execveat,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_kcmp,
    SYS_pidfd_open,
    SYS_pidfd_getfd,
    SYS_pidfd_send_signal,
    // the network
    SYS_socket,
    SYS_socketpair,
    SYS_connect,
    SYS_bind,
    SYS_listen,
    SYS_accept,
    SYS_accept4,
    // name spaces and mounts
    SYS_unshare,
    SYS_setns,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_open_tree,
    SYS_move_mount,
    SYS_fsopen,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fspick,
    SYS_name_to_handle_at,
    SYS_open_by_handle_at,
    // large interfaces of the kernel, and its own code
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_io_uring_register,
    SYS_add_key,
    SYS_request_key,
    SYS_keyctl,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_reboot,
    SYS_swapon,
    SYS_syslog,
    SYS_personality,
    // becoming somebody else
    SYS_setuid,
    SYS_setgid,
    SYS_setreuid,
    SYS_setregid,
    SYS_setresuid,
    SYS_setresgid,
    SYS_setgroups,
    SYS_capset,
#if defined(__x86_64__)
    SYS_fork,
    SYS_vfork,
    SYS_iopl,
    SYS_ioperm,
    SYS_modify_ldt,
    SYS_kexec_file_load,
#endif
};

class Builder {
 public:
  Builder() {
    load(offsetof(seccomp_data, arch));
    skip_one_if(BPF_JEQ, kArchitecture);  // a 32-bit call means something else by its number
    answer(kKill);
    load(offsetof(seccomp_data, nr));
#if defined(__x86_64__)
    constexpr std::uint32_t kX32 = 0x40000000;
    add({BPF_JMP | BPF_JGE | BPF_K, 0, 1, kX32});
    answer(kKill);
#endif
  }

  void each(std::span<const int> calls, std::uint32_t verdict) {
    for (const int call : calls) {
      add({BPF_JMP | BPF_JEQ | BPF_K, 0, 1, static_cast<std::uint32_t>(call)});
      answer(verdict);
    }
  }

  // The call is allowed when its argument, cut to 32 bits, is one of these, else EPERM.
  void allow_values(int call, int argument, std::initializer_list<std::uint32_t> values) {
    const auto size = static_cast<std::uint8_t>(2 + 2 * values.size());
    add({BPF_JMP | BPF_JEQ | BPF_K, 0, size, static_cast<std::uint32_t>(call)});
    load(low_half(argument));
    for (const auto value : values) {
      add({BPF_JMP | BPF_JEQ | BPF_K, 0, 1, value});
      answer(kAllow);
    }
    answer(kNotPermitted);
  }

  // EPERM when one of the bits `refused` is set in the argument, or none of `wanted`.
  void allow_bits(int call, int argument, std::uint32_t refused, std::uint32_t wanted) {
    add({BPF_JMP | BPF_JEQ | BPF_K, 0, 5, static_cast<std::uint32_t>(call)});
    load(low_half(argument));
    add({BPF_JMP | BPF_JSET | BPF_K, 2, 0, refused});
    add({BPF_JMP | BPF_JSET | BPF_K, 0, 1, wanted});
    answer(kAllow);
    answer(kNotPermitted);
  }

  void refuse_bits(int call, int argument, std::uint32_t refused) {
    add({BPF_JMP | BPF_JEQ | BPF_K, 0, 4, static_cast<std::uint32_t>(call)});
    load(low_half(argument));
    add({BPF_JMP | BPF_JSET | BPF_K, 0, 1, refused});
    answer(kNotPermitted);
    answer(kAllow);
  }

  // prlimit64 is how the C library reads limits; a new one is refused.
  void allow_reading_limits() {
    add({BPF_JMP | BPF_JEQ | BPF_K, 0, 6, SYS_prlimit64});
    load(low_half(2));
    add({BPF_JMP | BPF_JEQ | BPF_K, 0, 3, 0});
    load(low_half(2) + 4);
    add({BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0});
    answer(kAllow);
    answer(kNotPermitted);
  }

  void answer(std::uint32_t verdict) { add({BPF_RET | BPF_K, 0, 0, verdict}); }

  Status install() const {
    sock_fprog program{.len = static_cast<unsigned short>(instructions_.size()),
                       .filter = const_cast<sock_filter*>(instructions_.data())};
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
      return fail_errno(errno, "the kernel refused the filter of system calls");
    return {};
  }

 private:
  static std::uint32_t low_half(int argument) {  // both machines are little-endian
    return static_cast<std::uint32_t>(offsetof(seccomp_data, args) + 8 * argument);
  }
  void load(std::uint32_t offset) { add({BPF_LD | BPF_W | BPF_ABS, 0, 0, offset}); }
  void skip_one_if(std::uint16_t test, std::uint32_t value) {
    add({static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), 1, 0, value});
  }
  void add(sock_filter instruction) { instructions_.push_back(instruction); }

  std::vector<sock_filter> instructions_;
};

}  // namespace

Status filter_system_calls(Files files) {
  Builder filter;
  filter.each(kCompute, kAllow);
  if (files != Files::none) filter.each(kReadFiles, kAllow);
  if (files == Files::write) filter.each(kWriteFiles, kAllow);
  // A new thread and never a new process or name space; clone3 hides its flags in memory, so it
  // does not exist, and the C library falls back to clone.
  filter.allow_bits(SYS_clone, 0,
                    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                        CLONE_NEWPID | CLONE_NEWNET,
                    CLONE_THREAD);
  const auto own = static_cast<std::uint32_t>(::getpid());
  filter.allow_values(SYS_tgkill, 0, {own});  // abort()
  filter.allow_values(SYS_prctl, 0,
                      {PR_SET_NAME, PR_SET_VMA, PR_GET_DUMPABLE, PR_GET_NO_NEW_PRIVS});
  // What the sandbox asks of a terminal or pipe; not to type into one (TIOCSTI).
  filter.allow_values(SYS_ioctl, 1, {TCGETS, TIOCGWINSZ, FIONREAD});
  filter.allow_values(SYS_fcntl, 1,
                      {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL,
                       1033 /* F_ADD_SEALS */, 1034 /* F_GET_SEALS */});
  filter.allow_reading_limits();
  filter.each(kIntruders, kKill);
  filter.answer(kNoSuchCall);
  return filter.install();
}

Status filter_new_code() {
  Builder filter;
  for (const int call : {SYS_mmap, SYS_mprotect}) filter.refuse_bits(call, 2, PROT_EXEC);
  const int kOther[]{SYS_pkey_mprotect, SYS_shmat};  // no other way to the same end
  filter.each(kOther, kNotPermitted);
  filter.answer(kAllow);
  return filter.install();
}

}  // namespace boxagnts::confine
