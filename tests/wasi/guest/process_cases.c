// Arguments, environment, clocks, random bytes, waiting, signals, sockets.
#include "guest.h"

enum { NEVER_OPENED = 9999, REALTIME = 0, MONOTONIC, PROCESS_CPU, THREAD_CPU };

static u32 numbers[2];
static u64 word;

// --- arguments and environment (world.cc says what they are) ---

static void check_strings(const char* const* table, const char* bytes, u32 n,
                          const char* const* wanted) {
  for (u32 i = 0; i < n; ++i) {
    CHECK(table[i] == bytes);
    CHECK(!strcmp(table[i], wanted[i]));
    bytes += strlen(wanted[i]) + 1;
  }
}

CASE(args_sizes_get, success, counts_and_bytes) {
  OK(args_sizes_get, &numbers[0], &numbers[1]);
  EQUAL(numbers[0], 5);
}
CASE(args_get, success, in_order) {
  static const char* table[8];
  static char bytes[256];
  OK(args_sizes_get, &numbers[0], &numbers[1]);
  memset(bytes, '?', sizeof bytes);
  OK(args_get, table, bytes);
  EQUAL(bytes[numbers[1] - 1], 0);
  EQUAL(bytes[numbers[1]], '?');
  CHECK(!strcmp(table[0], "cases"));
  CHECK(!strcmp(table[3], "") && !strcmp(table[4], "two words, caf\xc3\xa9"));
  check_strings(table, bytes, 5, table);
}
CASE(environ_sizes_get, success, counts_and_bytes) {
  OK(environ_sizes_get, &numbers[0], &numbers[1]);
  EQUAL(numbers[0], 2);
  EQUAL(numbers[1], sizeof "NAME=value" + sizeof "EMPTY=");
}
CASE(environ_get, success, in_order) {
  static const char* table[4];
  static char bytes[64];
  static const char* const wanted[] = {"NAME=value", "EMPTY="};
  OK(environ_get, table, bytes);
  check_strings(table, bytes, 2, wanted);
}

// --- clocks ---

CASE(clock_res_get, success, every_clock) {
  for (u32 clock = REALTIME; clock <= THREAD_CPU; ++clock) {
    word = 0;
    OK(clock_res_get, clock, &word);
    CHECK(word > 0 && word <= 1000000000);
  }
}
CASE(clock_res_get, inval, unknown_clock) {
  WANT(inval, clock_res_get, 4, &word);
  WANT(inval, clock_res_get, ~0u, &word);
}
CASE(clock_time_get, success, every_clock_moves_forward) {
  for (u32 clock = MONOTONIC; clock <= THREAD_CPU; ++clock) {
    u64 before, after = 0;
    OK(clock_time_get, clock, 1, &before);
    OK(clock_time_get, clock, 0, &after);
    CHECK(after >= before);
  }
  OK(clock_time_get, REALTIME, ~0ull, &word);
  CHECK(word > 1600000000000000000ull);
}
CASE(clock_time_get, inval, unknown_clock) {
  WANT(inval, clock_time_get, 4, 1, &word);
  WANT(inval, clock_time_get, ~0u, 1, &word);
}

// --- random_get, sched_yield, proc_raise ---

CASE(random_get, success, any_size) {
  static u8 bytes[200000];
  OK(random_get, bytes, 0);
  EQUAL(bytes[0], 0);
  OK(random_get, bytes + 1, 199998);
  CHECK(bytes[0] == 0 && bytes[199999] == 0);
  u32 zeros = 0;
  for (u32 i = 1; i < 199999; ++i) zeros += bytes[i] == 0;
  CHECK(zeros > 100 && zeros < 5000);
}
CASE(sched_yield, success, returns) { OK(sched_yield); }
CASE(proc_raise, notsup, every_signal) {
  for (u32 signal = 0; signal <= 30; ++signal) WANT(notsup, proc_raise, signal);
}
CASE(proc_raise, inval, unknown_signal) {
  WANT(inval, proc_raise, 31);
  WANT(inval, proc_raise, ~0u);
}

// --- poll_oneoff ---

static subscription on_clock(u64 userdata, u32 clock, u64 timeout, u16 flags) {
  return (subscription){.userdata = userdata, .id = clock, .timeout = timeout, .flags = flags};
}
static subscription on_fd(u64 userdata, u8 tag, u32 fd) {
  return (subscription){.userdata = userdata, .tag = tag, .id = fd};
}

CASE(poll_oneoff, success, clocks_of_both_kinds) {
  event out[2];
  u64 before, after;
  OK(clock_time_get, MONOTONIC, 1, &before);
  const subscription relative = on_clock(7, MONOTONIC, 2000000, 0);
  OK(poll_oneoff, &relative, out, 1, &numbers[0]);
  OK(clock_time_get, MONOTONIC, 1, &after);
  CHECK(after - before >= 2000000);
  EQUAL(numbers[0], 1);
  EQUAL(out[0].userdata, 7);
  EQUAL(out[0].error, 0);
  EQUAL(out[0].type, 0);
  OK(clock_time_get, MONOTONIC, 1, &before);
  const subscription absolute = on_clock(8, MONOTONIC, before + 2000000, 1);
  OK(poll_oneoff, &absolute, out, 1, &numbers[0]);
  OK(clock_time_get, MONOTONIC, 1, &after);
  CHECK(after >= before + 2000000);
  OK(clock_time_get, REALTIME, 1, &before);
  const subscription wall = on_clock(9, REALTIME, before + 2000000, 1);
  OK(poll_oneoff, &wall, out, 1, &numbers[0]);
  EQUAL(numbers[0], 1);
  const subscription past = on_clock(10, REALTIME, 1, 1);
  OK(poll_oneoff, &past, out, 1, &numbers[0]);
  EQUAL(out[0].userdata, 10);
}
CASE(poll_oneoff, success, the_first_of_several_clocks) {
  event out[3];
  const subscription in[] = {on_clock(1, MONOTONIC, 3600000000000ull, 0),
                             on_clock(2, MONOTONIC, 1000000, 0),
                             on_clock(3, REALTIME, 3600000000000ull, 0)};
  OK(poll_oneoff, in, out, 3, &numbers[0]);
  EQUAL(numbers[0], 1);
  EQUAL(out[0].userdata, 2);
}
CASE(poll_oneoff, success, descriptors_and_a_clock) {
  event out[4];
  const subscription in[] = {on_clock(1, MONOTONIC, 3600000000000ull, 0), on_fd(2, 1, 0),
                             on_fd(3, 2, 1), on_fd(4, 1, make_open(SCRATCH, "f", "hello"))};
  OK(poll_oneoff, in, out, 4, &numbers[0]);
  EQUAL(numbers[0], 3);
  for (u32 i = 0; i < 3; ++i) {
    EQUAL(out[i].userdata, i + 2);
    EQUAL(out[i].error, 0);
    EQUAL(out[i].type, in[i + 1].tag);
  }
}
CASE(poll_oneoff, badf, inside_the_event) {
  event out[2];
  const subscription in[] = {on_fd(5, 1, NEVER_OPENED), on_fd(6, 2, 1)};
  OK(poll_oneoff, in, out, 2, &numbers[0]);
  EQUAL(numbers[0], 2);
  EQUAL(out[0].userdata, 5);
  EQUAL(seen(F_poll_oneoff, out[0].error), E_badf);
  EQUAL(out[0].type, 1);
  EQUAL(out[1].error, 0);
}
CASE(poll_oneoff, notcapable, inside_the_event) {
  event out[1];
  const u32 fd = make_open(SCRATCH, "f", "");
  drop_rights(fd, R_POLL);
  const subscription in = on_fd(5, 1, fd);
  OK(poll_oneoff, &in, out, 1, &numbers[0]);
  EQUAL(seen(F_poll_oneoff, out[0].error), E_notcapable);
}
CASE(poll_oneoff, inval, nothing_or_unknown) {
  event out[2];
  subscription in = on_clock(1, MONOTONIC, 0, 0);
  WANT(inval, poll_oneoff, &in, out, 0, &numbers[0]);
  in.tag = 3;
  WANT(inval, poll_oneoff, &in, out, 1, &numbers[0]);
}

// --- no descriptor is a socket ---

#define NO_SOCKET(function, ...)                                                    \
  CASE(function, badf, never_opened) {                                              \
    const u32 fd = NEVER_OPENED;                                                    \
    WANT(badf, function, __VA_ARGS__);                                              \
  }                                                                                 \
  CASE(function, notsock, file_folder_stream) {                                     \
    const u32 fds[] = {0, 1, SCRATCH, make_open(SCRATCH, "f", "")};                 \
    for (u32 i = 0; i < 4; ++i) {                                                   \
      const u32 fd = fds[i];                                                        \
      WANT(notsock, function, __VA_ARGS__);                                         \
    }                                                                               \
  }
static const iovec kPiece = {&word, 8};
NO_SOCKET(sock_accept, fd, 0, numbers)
NO_SOCKET(sock_recv, fd, &kPiece, 1, 0, numbers, numbers + 1)
NO_SOCKET(sock_send, fd, &kPiece, 1, 0, numbers)
NO_SOCKET(sock_shutdown, fd, 3)
