// Makes the calls that its standard input lists, one after the other: nothing is checked here, so
// that any pointer, length and descriptor reaches the kernel as it is written.
//
// A call is its function's number (u8) and nine arguments (u64 each); a poke is 255, an address and
// a size (u32 each) and bytes. Little-endian. The exit code is the errno of the last call.
#include "guest.h"

enum { INPUT_MAX = 1 << 16, POKE = 255 };

static u8 input[INPUT_MAX];

static u32 take(u32 at, void* into, u32 size, u32 end) {
  if (end - at < size) return end;
  memcpy(into, input + at, size);
  return at + size;
}

static u32 call(u8 function, const u64* a) {
  switch (function) {
#define P(i) ((ptr)(uintptr_t)a[i])
#define N(i) ((u32)a[i])
    case F_args_get: return raw_args_get(P(0), P(1));
    case F_args_sizes_get: return raw_args_sizes_get(P(0), P(1));
    case F_environ_get: return raw_environ_get(P(0), P(1));
    case F_environ_sizes_get: return raw_environ_sizes_get(P(0), P(1));
    case F_clock_res_get: return raw_clock_res_get(N(0), P(1));
    case F_clock_time_get: return raw_clock_time_get(N(0), a[1], P(2));
    case F_fd_advise: return raw_fd_advise(N(0), a[1], a[2], N(3));
    case F_fd_allocate: return raw_fd_allocate(N(0), a[1], a[2]);
    case F_fd_close: return raw_fd_close(N(0));
    case F_fd_datasync: return raw_fd_datasync(N(0));
    case F_fd_fdstat_get: return raw_fd_fdstat_get(N(0), P(1));
    case F_fd_fdstat_set_flags: return raw_fd_fdstat_set_flags(N(0), N(1));
    case F_fd_fdstat_set_rights: return raw_fd_fdstat_set_rights(N(0), a[1], a[2]);
    case F_fd_filestat_get: return raw_fd_filestat_get(N(0), P(1));
    case F_fd_filestat_set_size: return raw_fd_filestat_set_size(N(0), a[1]);
    case F_fd_filestat_set_times: return raw_fd_filestat_set_times(N(0), a[1], a[2], N(3));
    case F_fd_pread: return raw_fd_pread(N(0), P(1), N(2), a[3], P(4));
    case F_fd_prestat_get: return raw_fd_prestat_get(N(0), P(1));
    case F_fd_prestat_dir_name: return raw_fd_prestat_dir_name(N(0), P(1), N(2));
    case F_fd_pwrite: return raw_fd_pwrite(N(0), P(1), N(2), a[3], P(4));
    case F_fd_read: return raw_fd_read(N(0), P(1), N(2), P(3));
    case F_fd_readdir: return raw_fd_readdir(N(0), P(1), N(2), a[3], P(4));
    case F_fd_renumber: return raw_fd_renumber(N(0), N(1));
    case F_fd_seek: return raw_fd_seek(N(0), a[1], N(2), P(3));
    case F_fd_sync: return raw_fd_sync(N(0));
    case F_fd_tell: return raw_fd_tell(N(0), P(1));
    case F_fd_write: return raw_fd_write(N(0), P(1), N(2), P(3));
    case F_path_create_directory: return raw_path_create_directory(N(0), P(1), N(2));
    case F_path_filestat_get: return raw_path_filestat_get(N(0), N(1), P(2), N(3), P(4));
    case F_path_filestat_set_times:
      return raw_path_filestat_set_times(N(0), N(1), P(2), N(3), a[4], a[5], N(6));
    case F_path_link: return raw_path_link(N(0), N(1), P(2), N(3), N(4), P(5), N(6));
    case F_path_open:
      return raw_path_open(N(0), N(1), P(2), N(3), N(4), a[5], a[6], N(7), P(8));
    case F_path_readlink: return raw_path_readlink(N(0), P(1), N(2), P(3), N(4), P(5));
    case F_path_remove_directory: return raw_path_remove_directory(N(0), P(1), N(2));
    case F_path_rename: return raw_path_rename(N(0), P(1), N(2), N(3), P(4), N(5));
    case F_path_symlink: return raw_path_symlink(P(0), N(1), N(2), P(3), N(4));
    case F_path_unlink_file: return raw_path_unlink_file(N(0), P(1), N(2));
    case F_poll_oneoff: return raw_poll_oneoff(P(0), P(1), N(2), P(3));
    case F_proc_exit: raw_proc_exit(N(0)); return 0;
    case F_proc_raise: return raw_proc_raise(N(0));
    case F_random_get: return raw_random_get(P(0), N(1));
    case F_sched_yield: return raw_sched_yield();
    case F_sock_accept: return raw_sock_accept(N(0), N(1), P(2));
    case F_sock_recv: return raw_sock_recv(N(0), P(1), N(2), N(3), P(4), P(5));
    case F_sock_send: return raw_sock_send(N(0), P(1), N(2), N(3), P(4));
    case F_sock_shutdown: return raw_sock_shutdown(N(0), N(1));
    default: return 0;
  }
}

void _start(void) {
  const iovec whole = {input, INPUT_MAX};
  u32 end = 0, last = 0;
  raw_fd_read(0, &whole, 1, &end);
  for (u32 at = 0; at < end;) {
    const u8 function = input[at++];
    if (function == POKE) {
      u32 place[2] = {0, 0};
      at = take(at, place, sizeof place, end);
      // What the script holds and the stack are its own: it may break both, never more.
      if (place[1] <= end - at) memmove((void*)(uintptr_t)place[0], input + at, place[1]);
      at += place[1] <= end - at ? place[1] : end - at;
    } else {
      u64 arguments[9] = {0};
      at = take(at, arguments, sizeof arguments, end);
      last = call(function, arguments);
    }
  }
  raw_proc_exit(last);
}
