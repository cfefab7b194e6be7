// Runs one case: `cases list` names them all, `cases KIND NUMBER` runs one. Failures go to stderr;
// every (function, errno) met goes to stdout as "seen FUNCTION ERRNO".
#include "guest.h"

typedef struct {
  u32 function, error;
  const char* what;
  void (*body)(void);
} entry;

static entry cases[1024];
static u32 case_count;
static u8 met[F_count][E_notcapable + 1];
static int failed;
static char kind_of_scratch;
char k255[256], k256[257];

static const char* const kFunctions[] = {
#define FUNCTION(name, parameters) #name,
#define FUNCTION_EXIT FUNCTION
#include "../functions.inc"
#undef FUNCTION
#undef FUNCTION_EXIT
};
static const char* const kErrors[] = {
#define ERRNO(name) #name,
#include "../errno.inc"
#undef ERRNO
};

static void put(u32 fd, const char* text) {
  const iovec piece = {text, strlen(text)};
  u32 size;
  raw_fd_write(fd, &piece, 1, &size);
}

static void put_number(u32 fd, u64 number) {
  char digits[24];
  char* at = digits + sizeof digits;
  *--at = 0;
  do *--at = (char)('0' + number % 10);
  while (number /= 10);
  put(fd, at);
}

static void put_place(const char* file, int line) {
  failed = 1;
  put(2, file);
  put(2, ":");
  put_number(2, (u64)line);
  put(2, ": ");
}

void add_case(u32 function, u32 error, const char* what, void (*body)(void)) {
  if (case_count == sizeof cases / sizeof *cases) __builtin_trap();
  cases[case_count++] = (entry){function, error, what, body};
}

u32 seen(u32 function, u32 got) {
  if (got > E_notcapable) __builtin_trap();
  met[function][got] = 1;
  return got;
}

u32 want(const char* file, int line, u32 function, u32 error, u32 got) {
  if (seen(function, got) == error) return got;
  put_place(file, line);
  put(2, kFunctions[function]);
  put(2, ": want ");
  put(2, kErrors[error]);
  put(2, ", got ");
  put(2, kErrors[got]);
  put(2, "\n");
  return got;
}

int check(const char* file, int line, const char* text, int holds) {
  if (holds) return 1;
  put_place(file, line);
  put(2, text);
  put(2, "\n");
  return 0;
}

int equal(const char* file, int line, const char* text, u64 got, u64 wanted) {
  if (got == wanted) return 1;
  put_place(file, line);
  put(2, text);
  put(2, ": want ");
  put_number(2, wanted);
  put(2, ", got ");
  put_number(2, got);
  put(2, "\n");
  return 0;
}

u32 preopened(const char* name) {
  char found[64];
  u32 prestat[2];
  for (u32 fd = 3; raw_fd_prestat_get(fd, prestat) != E_badf; ++fd) {
    if (prestat[1] >= sizeof found) continue;
    found[prestat[1]] = 0;
    if (raw_fd_prestat_dir_name(fd, found, prestat[1]) == E_success && !strcmp(found, name))
      return fd;
  }
  put_place(__FILE__, __LINE__);
  put(2, "no such preopened directory: ");
  put(2, name);
  put(2, "\n");
  return ~0u;
}

int on_host(void) { return kind_of_scratch == 'h'; }

u32 open_at(u32 fd, const char* path, u32 open_flags, u64 rights, u32 fd_flags) {
  u32 opened = ~0u;
  OK(path_open, fd, 0, Z(path), open_flags, rights, 0, fd_flags, &opened);
  return opened;
}

u32 make_open(u32 fd, const char* path, const char* content) {
  const u32 opened = open_at(fd, path, CREATE | TRUNCATE, READ_WRITE, 0);
  EQUAL(write_text(opened, content), strlen(content));
  seek_to(opened, 0, SET);
  return opened;
}

u32 make_file(u32 fd, const char* path, const char* content) {
  return OK(fd_close, make_open(fd, path, content));
}

void make_directory(u32 fd, const char* path) { OK(path_create_directory, fd, Z(path)); }

void make_link(u32 fd, const char* path, const char* target) {
  OK(path_symlink, Z(target), fd, Z(path));
}

u32 open_directory(u32 fd, const char* path) { return open_at(fd, path, DIRECTORY, 0, 0); }

void drop_rights(u32 fd, u64 dropped) {
  const fdstat now = fdstat_of(fd);
  OK(fd_fdstat_set_rights, fd, now.rights & ~dropped, now.inheriting & ~dropped);
}

u32 write_text(u32 fd, const char* text) {
  const iovec piece = {text, strlen(text)};
  u32 size = 0;
  OK(fd_write, fd, &piece, 1, &size);
  return size;
}

u32 read_text(u32 fd, char* into, u32 size) {
  const iovec piece = {into, size - 1};
  u32 got = 0;
  OK(fd_read, fd, &piece, 1, &got);
  into[got] = 0;
  return got;
}

int holds_text(u32 fd, const char* path, const char* content) {
  char found[256];
  const u32 opened = open_at(fd, path, 0, R_READ, 0);
  read_text(opened, found, sizeof found);
  OK(fd_close, opened);
  return !strcmp(found, content);
}

int exists(u32 fd, const char* path) {
  filestat stat;
  return CALL(path_filestat_get, fd, 0, Z(path), &stat) == E_success;
}

filestat stat_at(u32 fd, u32 lookup, const char* path) {
  filestat stat = {0};
  OK(path_filestat_get, fd, lookup, Z(path), &stat);
  return stat;
}

filestat stat_of(u32 fd) {
  filestat stat = {0};
  OK(fd_filestat_get, fd, &stat);
  return stat;
}

fdstat fdstat_of(u32 fd) {
  fdstat stat = {0};
  OK(fd_fdstat_get, fd, &stat);
  return stat;
}

u64 seek_to(u32 fd, u64 delta, u32 whence) {
  u64 at = ~0ull;
  OK(fd_seek, fd, delta, whence, &at);
  return at;
}

static void list(void) {
  for (u32 i = 0; i < case_count; ++i) {
    put(1, kFunctions[cases[i].function]);
    put(1, " ");
    put(1, kErrors[cases[i].error]);
    put(1, " ");
    put(1, cases[i].what);
    put(1, "\n");
  }
}

static void report(void) {
  for (u32 function = 0; function < F_count; ++function)
    for (u32 error = 0; error <= E_notcapable; ++error)
      if (met[function][error]) {
        put(1, "seen ");
        put(1, kFunctions[function]);
        put(1, " ");
        put(1, kErrors[error]);
        put(1, "\n");
      }
}

int main(int argc, char** argv) {
  if (argc < 3) {
    list();
    return 0;
  }
  kind_of_scratch = argv[1][0];
  u32 number = 0;
  for (const char* digit = argv[2]; *digit; ++digit) number = number * 10 + (u32)(*digit - '0');
  if (number >= case_count) return 2;
  memset(k255, 'n', 255);
  memset(k256, 'n', 256);
  cases[number].body();
  if (!met[cases[number].function][cases[number].error]) {
    put(2, "the case did not meet the errno it is for\n");
    failed = 1;
  }
  report();
  return failed;
}
