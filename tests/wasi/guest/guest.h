// What the conformance guests share: preview1 as raw imports, cases, and checks that go on.
//
//   CASE(fd_read, badf, never_opened) { WANT(badf, fd_read, 99, 0, 0, 0); }
//
// A case belongs to one cell of the matrix (function, errno). Nothing goes through a libc.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef const void* ptr;

enum errno_value {
#define ERRNO(name) E_##name,
#include "../errno.inc"
#undef ERRNO
};

enum function {
#define FUNCTION(name, parameters) F_##name,
#define FUNCTION_EXIT FUNCTION
#include "../functions.inc"
#undef FUNCTION
#undef FUNCTION_EXIT
  F_count
};

#define IMPORT(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))
#define FUNCTION(name, parameters) IMPORT(name) u32 raw_##name parameters;
#define FUNCTION_EXIT(name, parameters) IMPORT(name) void raw_##name parameters;
#include "../functions.inc"
#undef FUNCTION
#undef FUNCTION_EXIT

// --- structures, as the specification lays them out ---

typedef struct {
  ptr buffer;
  u32 size;
} iovec;
typedef struct {
  u8 type;
  u16 flags;
  u64 rights;
  u64 inheriting;
} fdstat;
typedef struct {
  u64 device, inode;
  u8 type;
  u64 links, size, accessed, modified, changed;
} filestat;
typedef struct {
  u64 next, inode;
  u32 name_size;
  u8 type;
} dirent;
typedef struct {
  u64 userdata;
  u8 tag;
  _Alignas(8) u32 id;
  u64 timeout, precision;
  u16 flags;
} subscription;
typedef struct {
  u64 userdata;
  u16 error;
  u8 type;
  u64 bytes;
  u16 flags;
} event;
_Static_assert(sizeof(fdstat) == 24 && sizeof(filestat) == 64 && sizeof(dirent) == 24, "layout");
_Static_assert(sizeof(subscription) == 48 && sizeof(event) == 32, "layout");

enum { FOLLOW = 1 };
enum { CREATE = 1, DIRECTORY = 2, EXCLUSIVE = 4, TRUNCATE = 8 };
enum { APPEND = 1, DSYNC = 2, NONBLOCK = 4, RSYNC = 8, SYNC = 16 };
enum { SET = 0, CURRENT = 1, END = 2 };
enum { ATIM = 1, ATIM_NOW = 2, MTIM = 4, MTIM_NOW = 8 };
enum { TYPE_UNKNOWN, TYPE_BLOCK, TYPE_CHARACTER, TYPE_DIRECTORY, TYPE_REGULAR, TYPE_LINK = 7 };

#define RIGHT(bit) ((u64)1 << (bit))
#define R_DATASYNC RIGHT(0)
#define R_READ RIGHT(1)
#define R_SEEK RIGHT(2)
#define R_SET_FLAGS RIGHT(3)
#define R_SYNC RIGHT(4)
#define R_TELL RIGHT(5)
#define R_WRITE RIGHT(6)
#define R_ADVISE RIGHT(7)
#define R_ALLOCATE RIGHT(8)
#define R_CREATE_DIRECTORY RIGHT(9)
#define R_CREATE_FILE RIGHT(10)
#define R_LINK_SOURCE RIGHT(11)
#define R_LINK_TARGET RIGHT(12)
#define R_OPEN RIGHT(13)
#define R_READDIR RIGHT(14)
#define R_READLINK RIGHT(15)
#define R_RENAME_SOURCE RIGHT(16)
#define R_RENAME_TARGET RIGHT(17)
#define R_PATH_STAT RIGHT(18)
#define R_PATH_SET_SIZE RIGHT(19)
#define R_PATH_SET_TIMES RIGHT(20)
#define R_STAT RIGHT(21)
#define R_SET_SIZE RIGHT(22)
#define R_SET_TIMES RIGHT(23)
#define R_SYMLINK RIGHT(24)
#define R_REMOVE_DIRECTORY RIGHT(25)
#define R_UNLINK_FILE RIGHT(26)
#define R_POLL RIGHT(27)
#define READ_WRITE (R_READ | R_WRITE)

// --- cases and checks ---

#define CASE(function, error, what)                                                  \
  static void case_##function##_##error##_##what(void);                              \
  __attribute__((constructor)) static void add_##function##_##error##_##what(void) { \
    add_case(F_##function, E_##error, #what, case_##function##_##error##_##what);    \
  }                                                                                  \
  static void case_##function##_##error##_##what(void)
void add_case(u32 function, u32 error, const char* what, void (*body)(void));

// Calls, and says so when the errno is another than wanted. The value is the errno.
#define WANT(error, function, ...) \
  want(__FILE__, __LINE__, F_##function, E_##error, raw_##function(__VA_ARGS__))
#define OK(function, ...) WANT(success, function, __VA_ARGS__)
// Calls; any errno will do.
#define CALL(function, ...) seen(F_##function, raw_##function(__VA_ARGS__))
#define CHECK(condition) check(__FILE__, __LINE__, #condition, (condition))
#define EQUAL(got, wanted) equal(__FILE__, __LINE__, #got, (u64)(got), (u64)(wanted))
u32 want(const char* file, int line, u32 function, u32 error, u32 got);
u32 seen(u32 function, u32 got);
int check(const char* file, int line, const char* text, int holds);
int equal(const char* file, int line, const char* text, u64 got, u64 wanted);

// A string literal or array as (pointer, size).
#define S(text) (text), (u32)(sizeof(text) - 1)
#define Z(text) (text), (u32)strlen(text)

// --- the world that tests/wasi/world.h lays out ---

u32 preopened(const char* name);
#define SCRATCH preopened("/s")     // empty, writable, of the kind under test
#define READ_ONLY preopened("/ro")  // a host folder, read-only: see world.cc
#define OTHER preopened("/other")   // another file system, writable, 64 KiB
#define FULL preopened("/full")     // a file system with no room for one more entry
#define SPECIAL preopened("/special")
#define DEVICES preopened("/dev")
#define ROOT preopened("/")
int on_host(void);  // the scratch folder is one of the host

// --- steps that cases begin with; each fails the case when it does not work ---

u32 open_at(u32 fd, const char* path, u32 open_flags, u64 rights, u32 fd_flags);
u32 make_file(u32 fd, const char* path, const char* content);  // closed again
u32 make_open(u32 fd, const char* path, const char* content);  // readable, writable, at 0
void make_directory(u32 fd, const char* path);
void make_link(u32 fd, const char* path, const char* target);
u32 open_directory(u32 fd, const char* path);
void drop_rights(u32 fd, u64 dropped);  // base and inheriting
u32 write_text(u32 fd, const char* text);
u32 read_text(u32 fd, char* into, u32 size);  // NUL-terminated
int holds_text(u32 fd, const char* path, const char* content);
int exists(u32 fd, const char* path);
filestat stat_at(u32 fd, u32 lookup, const char* path);
filestat stat_of(u32 fd);
fdstat fdstat_of(u32 fd);
u64 seek_to(u32 fd, u64 delta, u32 whence);
extern char k255[256], k256[257];  // names of so many bytes
