// What every function that takes a path owes to every path: the same cases over all of them, and
// over both paths of those that take two.
#include "guest.h"

enum { NEVER_OPENED = 9999 };

static char buffer[64];
static u32 result;

// Each step is one call with one path at the place under test and good ones elsewhere.
typedef u32 (*step)(u32 fd, const char* path, u32 size);

static u32 step_create_directory(u32 fd, const char* path, u32 size) {
  return CALL(path_create_directory, fd, path, size);
}
static u32 step_filestat_get(u32 fd, const char* path, u32 size) {
  return CALL(path_filestat_get, fd, FOLLOW, path, size, buffer);
}
static u32 step_filestat_set_times(u32 fd, const char* path, u32 size) {
  return CALL(path_filestat_set_times, fd, FOLLOW, path, size, 1, 1, MTIM);
}
static u32 step_link_from(u32 fd, const char* path, u32 size) {
  return CALL(path_link, fd, 0, path, size, SCRATCH, S("new"));
}
static u32 step_link_to(u32 fd, const char* path, u32 size) {
  return CALL(path_link, SCRATCH, 0, S("f"), fd, path, size);
}
static u32 step_open(u32 fd, const char* path, u32 size) {
  return CALL(path_open, fd, FOLLOW, path, size, 0, R_READ, 0, 0, &result);
}
static u32 step_open_new(u32 fd, const char* path, u32 size) {
  return CALL(path_open, fd, 0, path, size, CREATE | EXCLUSIVE, R_READ, 0, 0, &result);
}
static u32 step_readlink(u32 fd, const char* path, u32 size) {
  return CALL(path_readlink, fd, path, size, buffer, sizeof buffer, &result);
}
static u32 step_remove_directory(u32 fd, const char* path, u32 size) {
  return CALL(path_remove_directory, fd, path, size);
}
static u32 step_rename_from(u32 fd, const char* path, u32 size) {
  return CALL(path_rename, fd, path, size, SCRATCH, S("new"));
}
static u32 step_rename_to(u32 fd, const char* path, u32 size) {
  return CALL(path_rename, SCRATCH, S("f"), fd, path, size);
}
static u32 step_symlink(u32 fd, const char* path, u32 size) {
  return CALL(path_symlink, S("target"), fd, path, size);
}
static u32 step_unlink_file(u32 fd, const char* path, u32 size) {
  return CALL(path_unlink_file, fd, path, size);
}

// What paths below mean: f a file, d a folder, up a link to "..", out one to "../other", loop one to
// itself.
static void lay_out(void) {
  make_file(SCRATCH, "f", "content");
  make_directory(SCRATCH, "d");
  make_link(SCRATCH, "up", "..");
  make_link(SCRATCH, "out", "../other");
  make_link(SCRATCH, "loop", "loop");
}

static void expect(int line, step one, u32 fd, const char* path, u32 size, u32 error) {
  if (one(fd, path, size) != error) equal(path, line, "errno", one(fd, path, size), error);
}
#define EXPECT(one, path, error) expect(__LINE__, one, SCRATCH, S(path), E_##error)

static void bad_descriptor(step one) {
  expect(__LINE__, one, NEVER_OPENED, S("f"), E_badf);
  expect(__LINE__, one, ~0u, S("f"), E_badf);
}

static void no_directory(step one) {
  expect(__LINE__, one, make_open(SCRATCH, "g", ""), S("x"), E_notdir);
  expect(__LINE__, one, 0, S("x"), E_notdir);
  EXPECT(one, "f/x", notdir);
  EXPECT(one, "f/.", notdir);
  EXPECT(one, "f/..", notdir);
  EXPECT(one, "d/../f/x/y", notdir);
}

static void nothing_there(step one) {
  EXPECT(one, "", noent);
  EXPECT(one, "missing/x", noent);
  EXPECT(one, "d/missing/x", noent);
  EXPECT(one, "missing/../f", noent);
}

static void leads_out(step one) {
  EXPECT(one, "..", perm);
  EXPECT(one, "../x", perm);
  EXPECT(one, "../s/f", perm);
  EXPECT(one, "d/../../s/f", perm);
  EXPECT(one, "./d/.././../x", perm);
  EXPECT(one, "/", perm);
  EXPECT(one, "/x", perm);
  EXPECT(one, "/other/x", perm);
  EXPECT(one, "up/x", perm);
  EXPECT(one, "d/../up/x", perm);
  EXPECT(one, "out/x", perm);
  EXPECT(one, "up/s/f", perm);
}

static void too_long(step one) {
  expect(__LINE__, one, SCRATCH, k256, 256, E_nametoolong);
  static char path[4200];
  memset(path, 'n', sizeof path);
  for (u32 i = 1; i < sizeof path; i += 2) path[i] = '/';
  expect(__LINE__, one, SCRATCH, path, 4097, E_nametoolong);
  memcpy(path, "d/", 2);
  memset(path + 2, 'n', 256);
  memcpy(path + 258, "/x", 2);
  expect(__LINE__, one, SCRATCH, path, 260, E_nametoolong);
}

static void not_utf8(step one) {
  EXPECT(one, "\xff", ilseq);
  EXPECT(one, "d/\xc3\x28", ilseq);
  EXPECT(one, "\xed\xa0\x80", ilseq);
  EXPECT(one, "caf\xc3", ilseq);
}

static void nul_inside(step one) {
  EXPECT(one, "f\0", inval);
  EXPECT(one, "\0", inval);
  EXPECT(one, "d/\0x", inval);
}

static void turns_in_circles(step one) {
  EXPECT(one, "loop/x", loop);
  EXPECT(one, "d/../loop/..", loop);
}

#define EVERY_PATH(function, a, b)                                             \
  CASE(function, badf, every_path) { lay_out(); bad_descriptor(a); bad_descriptor(b); } \
  CASE(function, notdir, every_path) { lay_out(); no_directory(a); no_directory(b); }   \
  CASE(function, noent, every_path) { lay_out(); nothing_there(a); nothing_there(b); }  \
  CASE(function, perm, every_path) { lay_out(); leads_out(a); leads_out(b); }           \
  CASE(function, nametoolong, every_path) { lay_out(); too_long(a); too_long(b); }      \
  CASE(function, ilseq, every_path) { lay_out(); not_utf8(a); not_utf8(b); }            \
  CASE(function, inval, nul_inside) { lay_out(); nul_inside(a); nul_inside(b); }        \
  CASE(function, loop, every_path) { lay_out(); turns_in_circles(a); turns_in_circles(b); }

EVERY_PATH(path_create_directory, step_create_directory, step_create_directory)
EVERY_PATH(path_filestat_get, step_filestat_get, step_filestat_get)
EVERY_PATH(path_filestat_set_times, step_filestat_set_times, step_filestat_set_times)
EVERY_PATH(path_link, step_link_from, step_link_to)
EVERY_PATH(path_open, step_open, step_open_new)
EVERY_PATH(path_readlink, step_readlink, step_readlink)
EVERY_PATH(path_remove_directory, step_remove_directory, step_remove_directory)
EVERY_PATH(path_rename, step_rename_from, step_rename_to)
EVERY_PATH(path_symlink, step_symlink, step_symlink)
EVERY_PATH(path_unlink_file, step_unlink_file, step_unlink_file)

// --- rights ---

#define NEEDS_RIGHT(function, one, right)                \
  CASE(function, notcapable, without_##right) {          \
    lay_out();                                           \
    const u32 fd = open_directory(SCRATCH, ".");         \
    drop_rights(fd, right);                              \
    expect(__LINE__, one, fd, S("f"), E_notcapable);     \
    CHECK(holds_text(SCRATCH, "f", "content"));          \
  }

NEEDS_RIGHT(path_create_directory, step_create_directory, R_CREATE_DIRECTORY)
NEEDS_RIGHT(path_filestat_get, step_filestat_get, R_PATH_STAT)
NEEDS_RIGHT(path_filestat_set_times, step_filestat_set_times, R_PATH_SET_TIMES)
NEEDS_RIGHT(path_link, step_link_from, R_LINK_SOURCE)
NEEDS_RIGHT(path_link, step_link_to, R_LINK_TARGET)
NEEDS_RIGHT(path_open, step_open, R_OPEN)
NEEDS_RIGHT(path_open, step_open_new, R_CREATE_FILE)
NEEDS_RIGHT(path_readlink, step_readlink, R_READLINK)
NEEDS_RIGHT(path_remove_directory, step_remove_directory, R_REMOVE_DIRECTORY)
NEEDS_RIGHT(path_rename, step_rename_from, R_RENAME_SOURCE)
NEEDS_RIGHT(path_rename, step_rename_to, R_RENAME_TARGET)
NEEDS_RIGHT(path_symlink, step_symlink, R_SYMLINK)
NEEDS_RIGHT(path_unlink_file, step_unlink_file, R_UNLINK_FILE)

CASE(path_open, notcapable, what_the_folder_cannot_hand_down) {
  lay_out();
  const u32 fd = open_directory(SCRATCH, ".");
  drop_rights(fd, R_WRITE | R_PATH_SET_SIZE | R_SYNC | R_DATASYNC);
  WANT(notcapable, path_open, fd, 0, S("f"), 0, R_WRITE, 0, 0, &result);
  WANT(notcapable, path_open, fd, 0, S("f"), TRUNCATE, R_READ, 0, 0, &result);
  WANT(notcapable, path_open, fd, 0, S("f"), 0, R_READ, 0, SYNC, &result);
  WANT(notcapable, path_open, fd, 0, S("f"), 0, R_READ, 0, DSYNC, &result);
  WANT(notcapable, path_open, fd, 0, S("f"), 0, R_READ, 0, RSYNC, &result);
  OK(path_open, fd, 0, S("f"), 0, R_READ, 0, APPEND | NONBLOCK, &result);
  CHECK(holds_text(SCRATCH, "f", "content"));
}

// --- a read-only mount, the root, and what a mask hides ---

#define READ_ONLY_MOUNT(function, one, path)                               \
  CASE(function, rofs, read_only_mount_##one) {                            \
    lay_out();                                                             \
    expect(__LINE__, one, READ_ONLY, S(path), E_rofs);                     \
    CHECK(holds_text(READ_ONLY, "file", "read only"));                     \
  }

READ_ONLY_MOUNT(path_create_directory, step_create_directory, "new")
READ_ONLY_MOUNT(path_filestat_set_times, step_filestat_set_times, "file")
READ_ONLY_MOUNT(path_open, step_open_new, "new")
READ_ONLY_MOUNT(path_remove_directory, step_remove_directory, "empty")
READ_ONLY_MOUNT(path_symlink, step_symlink, "new")
READ_ONLY_MOUNT(path_unlink_file, step_unlink_file, "file")
CASE(path_open, rofs, every_way_to_change) {
  WANT(rofs, path_open, READ_ONLY, 0, S("file"), 0, READ_WRITE, 0, 0, &result);
  WANT(rofs, path_open, READ_ONLY, 0, S("file"), TRUNCATE, R_READ, 0, 0, &result);
  WANT(rofs, path_open, READ_ONLY, 0, S("new"), CREATE, R_READ, 0, 0, &result);
  CHECK(holds_text(READ_ONLY, "file", "read only"));
}
CASE(path_link, rofs, within_a_read_only_mount) {
  WANT(rofs, path_link, READ_ONLY, 0, S("file"), READ_ONLY, S("new"));
}
CASE(path_rename, rofs, within_a_read_only_mount) {
  WANT(rofs, path_rename, READ_ONLY, S("file"), READ_ONLY, S("new"));
}
CASE(path_create_directory, rofs, the_root) {
  WANT(rofs, path_create_directory, ROOT, S("new"));
  WANT(rofs, path_symlink, S("x"), ROOT, S("new"));
  WANT(rofs, path_open, ROOT, 0, S("new"), CREATE, R_READ, 0, 0, &result);
}

CASE(path_create_directory, acces, masked_name) {
  WANT(acces, path_create_directory, SPECIAL, S("masked_new"));
  WANT(acces, path_create_directory, SPECIAL, S(".boxagnts"));
  WANT(acces, path_create_directory, SPECIAL, S(".BoxAgnts"));
}
CASE(path_open, acces, masked_name) {
  WANT(acces, path_open, SPECIAL, 0, S("masked_new"), CREATE, READ_WRITE, 0, 0, &result);
  WANT(noent, path_open, SPECIAL, 0, S("masked"), 0, R_READ, 0, 0, &result);
}
CASE(path_symlink, acces, masked_name) {
  WANT(acces, path_symlink, S("x"), SPECIAL, S("masked_new"));
}
CASE(path_link, acces, masked_name) {
  WANT(acces, path_link, SPECIAL, 0, S("file"), SPECIAL, S("masked_new"));
  WANT(noent, path_link, SPECIAL, 0, S("masked"), SPECIAL, S("new"));
}
CASE(path_rename, acces, masked_name) {
  WANT(acces, path_rename, SPECIAL, S("file"), SPECIAL, S("masked_new"));
  WANT(noent, path_rename, SPECIAL, S("masked"), SPECIAL, S("new"));
}

// --- no room for one more entry ---

CASE(path_create_directory, nospc, full) { WANT(nospc, path_create_directory, FULL, S("new")); }
CASE(path_open, nospc, full) {
  WANT(nospc, path_open, FULL, 0, S("new"), CREATE, R_READ, 0, 0, &result);
}
CASE(path_symlink, nospc, full) { WANT(nospc, path_symlink, S("x"), FULL, S("new")); }
CASE(path_link, nospc, full) { WANT(nospc, path_link, FULL, 0, S("0"), FULL, S("new")); }

// --- the path that is the folder itself, and the root's own parent ---

CASE(path_filestat_get, success, dot_and_the_root) {
  lay_out();
  EQUAL(stat_at(SCRATCH, 0, ".").inode, stat_of(SCRATCH).inode);
  EQUAL(stat_at(SCRATCH, 0, "./././").inode, stat_of(SCRATCH).inode);
  EQUAL(stat_at(SCRATCH, 0, "d/..").inode, stat_of(SCRATCH).inode);
  EQUAL(stat_at(SCRATCH, 0, "d//").inode, stat_at(SCRATCH, 0, "d").inode);
  const u64 root = stat_of(ROOT).inode;
  EQUAL(stat_at(ROOT, 0, ".").inode, root);
  EQUAL(stat_at(ROOT, 0, "..").inode, root);
  EQUAL(stat_at(ROOT, 0, "/").inode, root);
  EQUAL(stat_at(ROOT, 0, "../../s/../..").inode, root);
  EQUAL(stat_at(ROOT, 0, "/s/f").inode, stat_at(SCRATCH, 0, "f").inode);
  EQUAL(stat_at(ROOT, 0, "../s/./f").inode, stat_at(SCRATCH, 0, "f").inode);
}
