// Open descriptors: reading, writing, offsets, flags, rights, sizes and times.
#include "guest.h"

enum { STDIN, STDOUT, STDERR, NEVER_OPENED = 9999 };
#define FAR ((u64)1 << 63)  // not representable as a signed offset

static u64 word;
static u32 count;

// --- fd_advise ---

CASE(fd_advise, success, every_advice) {
  const u32 fd = make_open(SCRATCH, "f", "hello");
  for (u32 advice = 0; advice <= 5; ++advice) OK(fd_advise, fd, 0, 100, advice);
  OK(fd_advise, fd, 50, 0, 0);
  OK(fd_advise, fd, ~0ull >> 1, ~0ull >> 1, 0);
  EQUAL(stat_of(fd).size, 5);
}
CASE(fd_advise, badf, no_file) {
  WANT(badf, fd_advise, NEVER_OPENED, 0, 0, 0);
  WANT(badf, fd_advise, SCRATCH, 0, 0, 0);
}
CASE(fd_advise, inval, advice_or_range) {
  const u32 fd = make_open(SCRATCH, "f", "");
  WANT(inval, fd_advise, fd, 0, 0, 6);
  WANT(inval, fd_advise, fd, 0, 0, ~0u);
  WANT(inval, fd_advise, fd, 0, FAR, 0);
  WANT(inval, fd_advise, fd, FAR, 0, 0);
}
CASE(fd_advise, spipe, stream) { WANT(spipe, fd_advise, STDIN, 0, 0, 0); }
CASE(fd_advise, notcapable, dropped) {
  const u32 fd = make_open(SCRATCH, "f", "");
  drop_rights(fd, R_ADVISE);
  WANT(notcapable, fd_advise, fd, 0, 0, 0);
}

// --- fd_allocate ---

CASE(fd_allocate, success, grows_and_never_shrinks) {
  const u32 fd = make_open(SCRATCH, "f", "hello");
  OK(fd_allocate, fd, 0, 100);
  EQUAL(stat_of(fd).size, 100);
  OK(fd_allocate, fd, 10, 10);
  EQUAL(stat_of(fd).size, 100);
  OK(fd_allocate, fd, 90, 20);
  EQUAL(stat_of(fd).size, 110);
  char text[8];
  read_text(fd, text, 6);
  CHECK(!strcmp(text, "hello"));
  EQUAL(seek_to(fd, 0, CURRENT), 5);
}
CASE(fd_allocate, badf, not_writable) {
  WANT(badf, fd_allocate, NEVER_OPENED, 0, 1);
  WANT(badf, fd_allocate, SCRATCH, 0, 1);
  make_file(SCRATCH, "f", "");
  WANT(badf, fd_allocate, open_at(SCRATCH, "f", 0, R_READ, 0), 0, 1);
}
CASE(fd_allocate, inval, no_size) {
  const u32 fd = make_open(SCRATCH, "f", "");
  WANT(inval, fd_allocate, fd, 0, 0);
  WANT(inval, fd_allocate, fd, FAR, 1);
  WANT(inval, fd_allocate, fd, 0, FAR);
}
CASE(fd_allocate, fbig, beyond_the_largest_file) {
  const u32 fd = make_open(SCRATCH, "f", "");
  WANT(fbig, fd_allocate, fd, ~0ull >> 1, 1);
  WANT(fbig, fd_allocate, fd, ~0ull >> 1, ~0ull >> 1);
  EQUAL(stat_of(fd).size, 0);
}
CASE(fd_allocate, nospc, over_the_mounts_size) {
  const u32 fd = make_open(OTHER, "f", "");
  WANT(nospc, fd_allocate, fd, 0, 1 << 20);
  EQUAL(stat_of(fd).size, 0);
}
CASE(fd_allocate, spipe, stream) { WANT(spipe, fd_allocate, STDOUT, 0, 1); }
CASE(fd_allocate, notcapable, dropped) {
  const u32 fd = make_open(SCRATCH, "f", "");
  drop_rights(fd, R_ALLOCATE);
  WANT(notcapable, fd_allocate, fd, 0, 1);
}

// --- fd_close ---

CASE(fd_close, success, number_is_reused) {
  const u32 fd = make_open(SCRATCH, "f", "");
  OK(fd_close, fd);
  WANT(badf, fd_close, fd);
  EQUAL(make_open(SCRATCH, "g", ""), fd);
}
CASE(fd_close, success, streams_and_preopened) {
  const u32 fd = SCRATCH, opened = make_open(fd, "f", "hi");
  OK(fd_close, fd);
  WANT(badf, fd_fdstat_get, fd, &word);
  WANT(badf, fd_prestat_get, fd, &word);
  char text[8];
  EQUAL(read_text(opened, text, sizeof text), 2);
  OK(fd_close, STDIN);
  WANT(badf, fd_close, STDIN);
}
CASE(fd_close, badf, never_opened) {
  WANT(badf, fd_close, NEVER_OPENED);
  WANT(badf, fd_close, ~0u);
}

// --- fd_sync, fd_datasync ---

CASE(fd_sync, success, files_and_folders) {
  OK(fd_sync, make_open(SCRATCH, "f", "x"));
  OK(fd_sync, SCRATCH);
}
CASE(fd_sync, badf, never_opened) { WANT(badf, fd_sync, NEVER_OPENED); }
CASE(fd_sync, inval, stream) { WANT(inval, fd_sync, STDOUT); }
CASE(fd_sync, notcapable, dropped) {
  const u32 fd = make_open(SCRATCH, "f", "");
  drop_rights(fd, R_SYNC);
  WANT(notcapable, fd_sync, fd);
}
CASE(fd_datasync, success, files_and_folders) {
  OK(fd_datasync, make_open(SCRATCH, "f", "x"));
  OK(fd_datasync, SCRATCH);
}
CASE(fd_datasync, badf, never_opened) { WANT(badf, fd_datasync, NEVER_OPENED); }
CASE(fd_datasync, inval, stream) { WANT(inval, fd_datasync, STDIN); }
CASE(fd_datasync, notcapable, dropped) {
  const u32 fd = make_open(SCRATCH, "f", "");
  drop_rights(fd, R_DATASYNC);
  WANT(notcapable, fd_datasync, fd);
}

// --- fd_fdstat_get, fd_fdstat_set_flags ---

CASE(fd_fdstat_get, success, file_folder_stream) {
  const fdstat file = fdstat_of(make_open(SCRATCH, "f", ""));
  EQUAL(file.type, TYPE_REGULAR);
  EQUAL(file.flags, 0);
  CHECK((file.rights & READ_WRITE) == READ_WRITE);
  CHECK(!(file.rights & (R_PATH_STAT | R_OPEN | R_READDIR)));
  const fdstat folder = fdstat_of(SCRATCH);
  EQUAL(folder.type, TYPE_DIRECTORY);
  EQUAL(folder.flags, 0);
  CHECK(folder.rights & R_OPEN && folder.rights & R_PATH_SET_SIZE);
  CHECK(!(folder.rights & (R_SET_SIZE | R_SEEK | R_WRITE)));
  CHECK((folder.inheriting & READ_WRITE) == READ_WRITE);
  const fdstat in = fdstat_of(STDIN), out = fdstat_of(STDOUT);
  CHECK(in.rights & R_READ && !(in.rights & (R_WRITE | R_SEEK | R_TELL)));
  CHECK(out.rights & R_WRITE && !(out.rights & (R_READ | R_SEEK | R_TELL)));
}
CASE(fd_fdstat_get, success, rights_say_how_it_was_opened) {
  make_file(SCRATCH, "f", "");
  EQUAL(fdstat_of(open_at(SCRATCH, "f", 0, R_READ, 0)).rights & READ_WRITE, R_READ);
  EQUAL(fdstat_of(open_at(SCRATCH, "f", 0, R_WRITE, 0)).rights & READ_WRITE, R_WRITE);
  EQUAL(fdstat_of(open_at(SCRATCH, "f", 0, READ_WRITE, 0)).rights & READ_WRITE, READ_WRITE);
  EQUAL(fdstat_of(open_at(SCRATCH, "f", 0, 0, 0)).rights & READ_WRITE, 0);
}
CASE(fd_fdstat_get, badf, never_opened) { WANT(badf, fd_fdstat_get, NEVER_OPENED, &word); }

CASE(fd_fdstat_set_flags, success, append_on_and_off) {
  const u32 fd = open_at(SCRATCH, "f", CREATE, READ_WRITE, APPEND);
  EQUAL(fdstat_of(fd).flags, APPEND);
  write_text(fd, "ab");
  seek_to(fd, 0, SET);
  write_text(fd, "cd");
  EQUAL(seek_to(fd, 0, CURRENT), 4);
  CHECK(holds_text(SCRATCH, "f", "abcd"));
  OK(fd_fdstat_set_flags, fd, 0);
  EQUAL(fdstat_of(fd).flags, 0);
  seek_to(fd, 0, SET);
  write_text(fd, "X");
  CHECK(holds_text(SCRATCH, "f", "Xbcd"));
  OK(fd_fdstat_set_flags, fd, APPEND | NONBLOCK);
  EQUAL(fdstat_of(fd).flags, APPEND | NONBLOCK);
  write_text(fd, "e");
  CHECK(holds_text(SCRATCH, "f", "Xbcde"));
}
CASE(fd_fdstat_set_flags, success, every_combination) {
  const u32 fd = make_open(SCRATCH, "f", "");
  for (u32 flags = 0; flags < 32; ++flags) {
    OK(fd_fdstat_set_flags, fd, flags);
    EQUAL(fdstat_of(fd).flags, flags);
    const u32 opened = open_at(SCRATCH, "f", 0, READ_WRITE, flags);
    EQUAL(fdstat_of(opened).flags, flags);
    EQUAL(write_text(opened, "x"), 1);
    OK(fd_close, opened);
  }
}
CASE(fd_fdstat_set_flags, badf, never_opened) {
  WANT(badf, fd_fdstat_set_flags, NEVER_OPENED, 0);
}
CASE(fd_fdstat_set_flags, inval, unknown) {
  const u32 fd = make_open(SCRATCH, "f", "");
  WANT(inval, fd_fdstat_set_flags, fd, 32);
  WANT(inval, fd_fdstat_set_flags, fd, 0x10001);
  EQUAL(fdstat_of(fd).flags, 0);
}
CASE(fd_fdstat_set_flags, notcapable, dropped) {
  const u32 fd = make_open(SCRATCH, "f", "");
  drop_rights(fd, R_SET_FLAGS);
  WANT(notcapable, fd_fdstat_set_flags, fd, APPEND);
}

// --- fd_fdstat_set_rights ---

CASE(fd_fdstat_set_rights, success, shrinks_and_is_handed_down) {
  make_directory(SCRATCH, "d");
  const u32 folder = open_directory(SCRATCH, "d");
  make_file(folder, "f", "x");
  drop_rights(folder, R_WRITE | R_SYMLINK);
  WANT(notcapable, path_symlink, S("f"), folder, S("link"));
  u32 opened;
  WANT(notcapable, path_open, folder, 0, S("f"), 0, READ_WRITE, 0, 0, &opened);
  OK(path_open, folder, 0, S("f"), 0, R_READ, 0, 0, &opened);
  CHECK(!(fdstat_of(opened).rights & R_WRITE));
  make_directory(folder, "below");
  const u32 below = open_directory(folder, "below");
  EQUAL(fdstat_of(below).inheriting & (R_WRITE | R_READ), R_READ);
  WANT(notcapable, path_symlink, S("f"), below, S("link"));
  WANT(notcapable, path_open, below, 0, S("g"), CREATE, READ_WRITE, 0, 0, &opened);
}
CASE(fd_fdstat_set_rights, success, to_nothing) {
  const u32 fd = make_open(SCRATCH, "f", "x");
  OK(fd_fdstat_set_rights, fd, 0, 0);
  EQUAL(fdstat_of(fd).rights, 0);
  const iovec piece = {&word, 1};
  WANT(notcapable, fd_read, fd, &piece, 1, &count);
  WANT(notcapable, fd_write, fd, &piece, 1, &count);
  OK(fd_close, fd);
}
CASE(fd_fdstat_set_rights, badf, never_opened) {
  WANT(badf, fd_fdstat_set_rights, NEVER_OPENED, 0, 0);
}
CASE(fd_fdstat_set_rights, notcapable, grows) {
  const u32 fd = make_open(SCRATCH, "f", "");
  const fdstat now = fdstat_of(fd);
  WANT(notcapable, fd_fdstat_set_rights, fd, now.rights | R_OPEN, now.inheriting);
  WANT(notcapable, fd_fdstat_set_rights, fd, now.rights, now.inheriting | R_OPEN);
  WANT(notcapable, fd_fdstat_set_rights, fd, ~0ull, ~0ull);
  drop_rights(fd, R_READ);
  WANT(notcapable, fd_fdstat_set_rights, fd, now.rights, now.inheriting);
  EQUAL(fdstat_of(fd).rights, now.rights & ~R_READ);
}

// --- fd_filestat_get, _set_size, _set_times ---

CASE(fd_filestat_get, success, file_folder_stream) {
  const u32 fd = make_open(SCRATCH, "f", "hello");
  const filestat file = stat_of(fd), named = stat_at(SCRATCH, 0, "f");
  EQUAL(file.type, TYPE_REGULAR);
  EQUAL(file.size, 5);
  EQUAL(file.links, 1);
  EQUAL(file.inode, named.inode);
  EQUAL(file.device, named.device);
  CHECK(file.modified > 0 && file.changed > 0 && file.accessed > 0);
  EQUAL(stat_of(SCRATCH).type, TYPE_DIRECTORY);
  EQUAL(stat_of(STDOUT).type, fdstat_of(STDOUT).type);
}
CASE(fd_filestat_get, success, unlinked_but_open) {
  const u32 fd = make_open(SCRATCH, "f", "hello");
  OK(path_unlink_file, SCRATCH, S("f"));
  EQUAL(stat_of(fd).links, 0);
  EQUAL(stat_of(fd).size, 5);
}
CASE(fd_filestat_get, badf, never_opened) { WANT(badf, fd_filestat_get, NEVER_OPENED, &word); }
CASE(fd_filestat_get, notcapable, dropped) {
  const u32 fd = make_open(SCRATCH, "f", "");
  drop_rights(fd, R_STAT);
  filestat stat;
  WANT(notcapable, fd_filestat_get, fd, &stat);
}

CASE(fd_filestat_set_size, success, shorter_and_longer) {
  const u32 fd = make_open(SCRATCH, "f", "hello");
  OK(fd_filestat_set_size, fd, 2);
  CHECK(holds_text(SCRATCH, "f", "he"));
  OK(fd_filestat_set_size, fd, 4);
  char text[8] = "????";
  const iovec piece = {text, 8};
  OK(fd_pread, fd, &piece, 1, 0, &count);
  EQUAL(count, 4);
  CHECK(!memcmp(text, "he\0\0", 4));
  EQUAL(seek_to(fd, 0, CURRENT), 0);
}
CASE(fd_filestat_set_size, badf, not_writable) {
  WANT(badf, fd_filestat_set_size, NEVER_OPENED, 0);
  WANT(badf, fd_filestat_set_size, SCRATCH, 0);
  WANT(badf, fd_filestat_set_size, STDOUT, 0);
  make_file(SCRATCH, "f", "x");
  WANT(badf, fd_filestat_set_size, open_at(SCRATCH, "f", 0, R_READ, 0), 0);
}
CASE(fd_filestat_set_size, inval, negative) {
  WANT(inval, fd_filestat_set_size, make_open(SCRATCH, "f", ""), FAR);
}
CASE(fd_filestat_set_size, nospc, over_the_mounts_size) {
  WANT(nospc, fd_filestat_set_size, make_open(OTHER, "f", ""), 1 << 20);
}
CASE(fd_filestat_set_size, notcapable, dropped) {
  const u32 fd = make_open(SCRATCH, "f", "");
  drop_rights(fd, R_SET_SIZE);
  WANT(notcapable, fd_filestat_set_size, fd, 1);
}

CASE(fd_filestat_set_times, success, to_the_nanosecond) {
  const u32 fd = make_open(SCRATCH, "f", "");
  OK(fd_filestat_set_times, fd, 1234567890123456789ull, 987654321987654321ull, ATIM | MTIM);
  EQUAL(stat_of(fd).accessed, 1234567890123456789ull);
  EQUAL(stat_of(fd).modified, 987654321987654321ull);
  OK(fd_filestat_set_times, fd, 5, 7, MTIM);
  EQUAL(stat_of(fd).accessed, 1234567890123456789ull);
  EQUAL(stat_of(fd).modified, 7);
  OK(fd_filestat_set_times, fd, 0, 0, ATIM);
  EQUAL(stat_of(fd).accessed, 0);
  OK(fd_filestat_set_times, fd, 3, 3, 0);
  EQUAL(stat_of(fd).accessed, 0);
  EQUAL(stat_of(fd).modified, 7);
}
CASE(fd_filestat_set_times, success, now) {
  const u32 fd = make_open(SCRATCH, "f", "");
  u64 before, after;
  OK(clock_time_get, 0, 1, &before);
  OK(fd_filestat_set_times, fd, 1, 1, ATIM | MTIM);
  OK(fd_filestat_set_times, fd, 1, 1, ATIM_NOW | MTIM_NOW);
  OK(clock_time_get, 0, 1, &after);
  const filestat stat = stat_of(fd);
  CHECK(before <= stat.accessed && stat.accessed <= after);
  CHECK(before <= stat.modified && stat.modified <= after);
}
CASE(fd_filestat_set_times, success, folder) {
  make_directory(SCRATCH, "d");
  const u32 fd = open_directory(SCRATCH, "d");
  OK(fd_filestat_set_times, fd, 11, 12, ATIM | MTIM);
  EQUAL(stat_of(fd).modified, 12);
}
CASE(fd_filestat_set_times, badf, no_file) {
  WANT(badf, fd_filestat_set_times, NEVER_OPENED, 0, 0, MTIM);
  WANT(badf, fd_filestat_set_times, STDOUT, 0, 0, MTIM);
}
CASE(fd_filestat_set_times, inval, flags_or_time) {
  const u32 fd = make_open(SCRATCH, "f", "");
  WANT(inval, fd_filestat_set_times, fd, 0, 0, ATIM | ATIM_NOW);
  WANT(inval, fd_filestat_set_times, fd, 0, 0, MTIM | MTIM_NOW);
  WANT(inval, fd_filestat_set_times, fd, 0, 0, 16);
  WANT(inval, fd_filestat_set_times, fd, FAR, 0, ATIM);
  WANT(inval, fd_filestat_set_times, fd, 0, ~0ull, MTIM);
}
CASE(fd_filestat_set_times, rofs, read_only_mount) {
  const u32 fd = open_at(READ_ONLY, "file", 0, R_READ, 0);
  const u64 before = stat_of(fd).modified;
  WANT(rofs, fd_filestat_set_times, fd, 1, 1, ATIM | MTIM);
  EQUAL(stat_of(fd).modified, before);
  WANT(rofs, fd_filestat_set_times, READ_ONLY, 1, 1, MTIM);
  WANT(rofs, fd_filestat_set_times, ROOT, 1, 1, MTIM);
}
CASE(fd_filestat_set_times, notcapable, dropped) {
  const u32 fd = make_open(SCRATCH, "f", "");
  drop_rights(fd, R_SET_TIMES);
  WANT(notcapable, fd_filestat_set_times, fd, 0, 0, MTIM);
}

// --- fd_read, fd_pread ---

CASE(fd_read, success, moves_the_offset) {
  const u32 fd = make_open(SCRATCH, "f", "hello");
  char text[8];
  EQUAL(read_text(fd, text, 3), 2);
  CHECK(!strcmp(text, "he"));
  EQUAL(read_text(fd, text, 8), 3);
  CHECK(!strcmp(text, "llo"));
  EQUAL(read_text(fd, text, 8), 0);
}
CASE(fd_read, success, empty_and_many_vectors) {
  const u32 fd = make_open(SCRATCH, "f", "abcdef");
  char a[2] = "?", b[3] = "??", c[8] = "???";
  const iovec pieces[] = {{NULL, 0}, {a, 1}, {(ptr)1, 0}, {b, 2}, {c, 8}};
  OK(fd_read, fd, pieces, 5, &count);
  EQUAL(count, 6);
  CHECK(a[0] == 'a' && !memcmp(b, "bc", 2) && !memcmp(c, "def", 3));
  OK(fd_read, fd, pieces, 0, &count);
  EQUAL(count, 0);
  static iovec many[1024];
  static char bytes[1024];
  for (u32 i = 0; i < 1024; ++i) many[i] = (iovec){bytes + i, 1};
  seek_to(fd, 0, SET);
  OK(fd_read, fd, many, 1024, &count);
  EQUAL(count, 6);
  CHECK(!memcmp(bytes, "abcdef", 6));
}
CASE(fd_read, success, standard_input) {
  char text[16];
  EQUAL(read_text(STDIN, text, 4), 3);
  CHECK(!strcmp(text, "one"));
  EQUAL(read_text(STDIN, text, 16), 4);
  CHECK(!strcmp(text, " two"));
  EQUAL(read_text(STDIN, text, 16), 0);
}
CASE(fd_read, badf, not_readable) {
  const iovec piece = {&word, 8};
  WANT(badf, fd_read, NEVER_OPENED, &piece, 1, &count);
  WANT(badf, fd_read, STDOUT, &piece, 1, &count);
  WANT(badf, fd_read, SCRATCH, &piece, 1, &count);
  make_file(SCRATCH, "f", "x");
  WANT(badf, fd_read, open_at(SCRATCH, "f", 0, R_WRITE, 0), &piece, 1, &count);
  WANT(badf, fd_read, open_at(SCRATCH, "f", 0, 0, 0), &piece, 1, &count);
}
CASE(fd_read, inval, too_many_vectors) {
  static iovec many[1025];
  WANT(inval, fd_read, make_open(SCRATCH, "f", "x"), many, 1025, &count);
}
CASE(fd_read, notcapable, dropped) {
  const u32 fd = make_open(SCRATCH, "f", "x");
  drop_rights(fd, R_READ);
  const iovec piece = {&word, 8};
  WANT(notcapable, fd_read, fd, &piece, 1, &count);
}

CASE(fd_pread, success, leaves_the_offset) {
  const u32 fd = make_open(SCRATCH, "f", "hello");
  char a[2], b[8];
  const iovec pieces[] = {{a, 2}, {b, 8}};
  OK(fd_pread, fd, pieces, 2, 1, &count);
  EQUAL(count, 4);
  CHECK(!memcmp(a, "el", 2) && !memcmp(b, "lo", 2));
  OK(fd_pread, fd, pieces, 2, 5, &count);
  EQUAL(count, 0);
  OK(fd_pread, fd, pieces, 2, 1000, &count);
  EQUAL(count, 0);
  OK(fd_pread, fd, pieces, 2, ~0ull >> 1, &count);
  EQUAL(count, 0);
  OK(fd_pread, fd, pieces, 0, 0, &count);
  EQUAL(seek_to(fd, 0, CURRENT), 0);
}
CASE(fd_pread, badf, not_readable) {
  const iovec piece = {&word, 8};
  WANT(badf, fd_pread, NEVER_OPENED, &piece, 1, 0, &count);
  WANT(badf, fd_pread, SCRATCH, &piece, 1, 0, &count);
  make_file(SCRATCH, "f", "x");
  WANT(badf, fd_pread, open_at(SCRATCH, "f", 0, R_WRITE, 0), &piece, 1, 0, &count);
}
CASE(fd_pread, inval, offset_or_vectors) {
  static iovec many[1025];
  const u32 fd = make_open(SCRATCH, "f", "x");
  const iovec piece = {&word, 8};
  WANT(inval, fd_pread, fd, many, 1025, 0, &count);
  WANT(inval, fd_pread, fd, &piece, 1, FAR, &count);
  WANT(inval, fd_pread, fd, &piece, 1, ~0ull, &count);
}
CASE(fd_pread, spipe, stream) {
  const iovec piece = {&word, 8};
  WANT(spipe, fd_pread, STDIN, &piece, 1, 0, &count);
}
CASE(fd_pread, notcapable, dropped) {
  const iovec piece = {&word, 8};
  const u32 fd = make_open(SCRATCH, "f", "x"), other = open_at(SCRATCH, "f", 0, R_READ, 0);
  drop_rights(fd, R_READ);
  WANT(notcapable, fd_pread, fd, &piece, 1, 0, &count);
  drop_rights(other, R_SEEK);
  WANT(notcapable, fd_pread, other, &piece, 1, 0, &count);
  OK(fd_read, other, &piece, 1, &count);
}

// --- fd_write, fd_pwrite ---

CASE(fd_write, success, at_the_offset) {
  const u32 fd = make_open(SCRATCH, "f", "hello");
  const iovec pieces[] = {{"J", 1}, {NULL, 0}, {"ELLO!", 5}};
  OK(fd_write, fd, pieces, 3, &count);
  EQUAL(count, 6);
  EQUAL(seek_to(fd, 0, CURRENT), 6);
  CHECK(holds_text(SCRATCH, "f", "JELLO!"));
  OK(fd_write, fd, pieces, 0, &count);
  EQUAL(count, 0);
}
CASE(fd_write, success, beyond_the_end_leaves_zeros) {
  const u32 fd = make_open(SCRATCH, "f", "a");
  seek_to(fd, 3, SET);
  write_text(fd, "b");
  char text[4];
  const iovec piece = {text, 4};
  OK(fd_pread, fd, &piece, 1, 0, &count);
  EQUAL(count, 4);
  CHECK(!memcmp(text, "a\0\0b", 4));
}
CASE(fd_write, success, large_ones_may_be_partial) {
  static char bytes[3 << 20];
  memset(bytes, 'x', sizeof bytes);
  const u32 fd = make_open(SCRATCH, "f", "");
  for (u32 done = 0; done < sizeof bytes;) {
    const iovec piece = {bytes + done, sizeof bytes - done};
    count = 0;
    if (OK(fd_write, fd, &piece, 1, &count) || !CHECK(count > 0)) return;
    done += count;
  }
  EQUAL(stat_of(fd).size, sizeof bytes);
}
CASE(fd_write, success, appending_from_two_descriptors) {
  const u32 a = open_at(SCRATCH, "f", CREATE, R_WRITE, APPEND);
  const u32 b = open_at(SCRATCH, "f", 0, R_WRITE, APPEND);
  write_text(a, "1");
  write_text(b, "2");
  write_text(a, "3");
  CHECK(holds_text(SCRATCH, "f", "123"));
}
CASE(fd_write, badf, not_writable) {
  const iovec piece = {"x", 1};
  WANT(badf, fd_write, NEVER_OPENED, &piece, 1, &count);
  WANT(badf, fd_write, STDIN, &piece, 1, &count);
  WANT(badf, fd_write, SCRATCH, &piece, 1, &count);
  make_file(SCRATCH, "f", "x");
  WANT(badf, fd_write, open_at(SCRATCH, "f", 0, R_READ, 0), &piece, 1, &count);
  WANT(badf, fd_write, open_at(SCRATCH, "f", TRUNCATE, 0, 0), &piece, 1, &count);
}
CASE(fd_write, inval, too_many_vectors) {
  static iovec many[1025];
  WANT(inval, fd_write, make_open(SCRATCH, "f", ""), many, 1025, &count);
  WANT(inval, fd_write, STDOUT, many, 1025, &count);
}
CASE(fd_write, fbig, beyond_the_largest_file) {
  const u32 fd = make_open(SCRATCH, "f", "");
  seek_to(fd, ~0ull >> 1, SET);
  const iovec piece = {"xy", 2};
  WANT(fbig, fd_write, fd, &piece, 1, &count);
  EQUAL(seek_to(fd, 0, CURRENT), ~0ull >> 1);
  EQUAL(stat_of(fd).size, 0);
}
CASE(fd_write, nospc, over_the_mounts_size) {
  static char bytes[128 << 10];
  const u32 fd = make_open(OTHER, "f", "");
  const iovec piece = {bytes, sizeof bytes};
  WANT(nospc, fd_write, fd, &piece, 1, &count);
  EQUAL(stat_of(fd).size, 0);
  const u32 appending = open_at(OTHER, "f", 0, R_WRITE, APPEND);
  WANT(nospc, fd_write, appending, &piece, 1, &count);
}
CASE(fd_write, notcapable, dropped) {
  const u32 fd = make_open(SCRATCH, "f", "");
  drop_rights(fd, R_WRITE);
  const iovec piece = {"x", 1};
  WANT(notcapable, fd_write, fd, &piece, 1, &count);
}

CASE(fd_pwrite, success, leaves_the_offset) {
  const u32 fd = make_open(SCRATCH, "f", "hello");
  const iovec pieces[] = {{"E", 1}, {"L", 1}};
  OK(fd_pwrite, fd, pieces, 2, 1, &count);
  EQUAL(count, 2);
  EQUAL(seek_to(fd, 0, CURRENT), 0);
  CHECK(holds_text(SCRATCH, "f", "hELlo"));
  OK(fd_pwrite, fd, pieces, 1, 7, &count);
  EQUAL(stat_of(fd).size, 8);
  OK(fd_pwrite, fd, pieces, 0, 100, &count);
  EQUAL(stat_of(fd).size, 8);
}
CASE(fd_pwrite, success, appends_where_append_is_set) {
  const u32 fd = open_at(SCRATCH, "f", CREATE, READ_WRITE, APPEND);
  write_text(fd, "ab");
  seek_to(fd, 1, SET);
  const iovec piece = {"c", 1};
  OK(fd_pwrite, fd, &piece, 1, 0, &count);
  CHECK(holds_text(SCRATCH, "f", "abc"));
  EQUAL(seek_to(fd, 0, CURRENT), 1);
}
CASE(fd_pwrite, badf, not_writable) {
  const iovec piece = {"x", 1};
  WANT(badf, fd_pwrite, NEVER_OPENED, &piece, 1, 0, &count);
  WANT(badf, fd_pwrite, SCRATCH, &piece, 1, 0, &count);
  make_file(SCRATCH, "f", "x");
  WANT(badf, fd_pwrite, open_at(SCRATCH, "f", 0, R_READ, 0), &piece, 1, 0, &count);
}
CASE(fd_pwrite, inval, offset_or_vectors) {
  static iovec many[1025];
  const u32 fd = make_open(SCRATCH, "f", "");
  const iovec piece = {"x", 1};
  WANT(inval, fd_pwrite, fd, many, 1025, 0, &count);
  WANT(inval, fd_pwrite, fd, &piece, 1, FAR, &count);
  WANT(inval, fd_pwrite, fd, &piece, 1, ~0ull, &count);
}
CASE(fd_pwrite, fbig, beyond_the_largest_file) {
  const iovec piece = {"xy", 2};
  WANT(fbig, fd_pwrite, make_open(SCRATCH, "f", ""), &piece, 1, ~0ull >> 1, &count);
}
CASE(fd_pwrite, nospc, over_the_mounts_size) {
  const iovec piece = {"x", 1};
  WANT(nospc, fd_pwrite, make_open(OTHER, "f", ""), &piece, 1, 1 << 20, &count);
}
CASE(fd_pwrite, spipe, stream) {
  const iovec piece = {"x", 1};
  WANT(spipe, fd_pwrite, STDOUT, &piece, 1, 0, &count);
}
CASE(fd_pwrite, notcapable, dropped) {
  const iovec piece = {"x", 1};
  const u32 fd = make_open(SCRATCH, "f", ""), other = open_at(SCRATCH, "f", 0, R_WRITE, 0);
  drop_rights(fd, R_WRITE);
  WANT(notcapable, fd_pwrite, fd, &piece, 1, 0, &count);
  drop_rights(other, R_SEEK);
  WANT(notcapable, fd_pwrite, other, &piece, 1, 0, &count);
  OK(fd_write, other, &piece, 1, &count);
}

// --- streams that wait: wasi_test.cc hands in pipes to the cases of again and pipe ---

CASE(fd_read, again, empty_pipe) {
  const iovec piece = {&word, 8};
  OK(fd_fdstat_set_flags, STDIN, NONBLOCK);
  WANT(again, fd_read, STDIN, &piece, 1, &count);
}
CASE(fd_write, again, full_pipe) {
  static char bytes[1 << 20];
  const iovec piece = {bytes, sizeof bytes};
  OK(fd_fdstat_set_flags, STDERR, NONBLOCK);
  OK(fd_write, STDERR, &piece, 1, &count);
  CHECK(count > 0 && count < sizeof bytes);
  WANT(again, fd_write, STDERR, &piece, 1, &count);
}
CASE(fd_write, pipe, nobody_reads) {
  const iovec piece = {"x", 1};
  WANT(pipe, fd_write, STDERR, &piece, 1, &count);
}

CASE(fd_write, nospc, device) {
  const u32 fd = open_at(DEVICES, "full", 0, READ_WRITE, 0);
  const iovec piece = {"x", 1};
  WANT(nospc, fd_write, fd, &piece, 1, &count);
}
CASE(fd_write, success, devices) {
  const u32 null = open_at(DEVICES, "null", CREATE | TRUNCATE, READ_WRITE, APPEND);
  EQUAL(fdstat_of(null).type, TYPE_CHARACTER);
  EQUAL(write_text(null, "gone"), 4);
  WANT(spipe, fd_seek, null, 0, SET, &word);
  char text[4];
  EQUAL(read_text(null, text, 4), 0);
  EQUAL(read_text(open_at(DEVICES, "random", 0, R_READ, 0), text, 4), 3);
  EQUAL(text[0], 7);
  const iovec piece = {text, 4};
  WANT(badf, fd_write, open_at(DEVICES, "null", 0, R_READ, 0), &piece, 1, &count);
  WANT(badf, fd_read, open_at(DEVICES, "zero", 0, R_WRITE, 0), &piece, 1, &count);
}

// --- fd_prestat_get, fd_prestat_dir_name ---

CASE(fd_prestat_get, success, names_its_size) {
  u32 prestat[2] = {7, 7};
  OK(fd_prestat_get, SCRATCH, prestat);
  EQUAL(prestat[0] & 0xff, 0);
  EQUAL(prestat[1], 2);
}
CASE(fd_prestat_get, badf, not_preopened) {
  WANT(badf, fd_prestat_get, NEVER_OPENED, &word);
  WANT(badf, fd_prestat_get, STDIN, &word);
  WANT(badf, fd_prestat_get, open_directory(SCRATCH, "."), &word);
}
CASE(fd_prestat_dir_name, success, exact_and_larger_buffer) {
  char name[5] = "????";
  OK(fd_prestat_dir_name, SCRATCH, name, 2);
  CHECK(!memcmp(name, "/s??", 4));
  OK(fd_prestat_dir_name, SCRATCH, name, 4);
  CHECK(!memcmp(name, "/s??", 4));
}
CASE(fd_prestat_dir_name, badf, never_opened) {
  WANT(badf, fd_prestat_dir_name, NEVER_OPENED, &word, 8);
}
CASE(fd_prestat_dir_name, nametoolong, buffer_too_small) {
  char name[3] = "??";
  WANT(nametoolong, fd_prestat_dir_name, SCRATCH, name, 1);
  WANT(nametoolong, fd_prestat_dir_name, SCRATCH, name, 0);
  CHECK(!memcmp(name, "??", 2));
}
CASE(fd_prestat_dir_name, notdir, not_preopened) {
  WANT(notdir, fd_prestat_dir_name, STDIN, &word, 8);
  WANT(notdir, fd_prestat_dir_name, make_open(SCRATCH, "f", ""), &word, 8);
  WANT(notdir, fd_prestat_dir_name, open_directory(SCRATCH, "."), &word, 8);
}

// --- fd_renumber ---

CASE(fd_renumber, success, closes_the_target_and_moves) {
  const u32 a = make_open(SCRATCH, "a", "A"), b = make_open(SCRATCH, "b", "B");
  const fdstat before = fdstat_of(a);
  OK(fd_renumber, a, b);
  WANT(badf, fd_fdstat_get, a, &word);
  const fdstat after = fdstat_of(b);
  EQUAL(after.rights, before.rights);
  EQUAL(after.type, before.type);
  char text[4];
  read_text(b, text, sizeof text);
  CHECK(!strcmp(text, "A"));
  EQUAL(make_open(SCRATCH, "c", ""), a);
}
CASE(fd_renumber, success, onto_itself) {
  const u32 a = make_open(SCRATCH, "a", "A");
  OK(fd_renumber, a, a);
  char text[4];
  EQUAL(read_text(a, text, sizeof text), 1);
}
CASE(fd_renumber, success, over_a_preopened_one) {
  const u32 preopened_fd = SCRATCH, folder = open_directory(OTHER, ".");
  const filestat before = stat_of(folder);
  OK(fd_renumber, folder, preopened_fd);
  WANT(badf, fd_prestat_get, preopened_fd, &word);
  EQUAL(stat_of(preopened_fd).inode, before.inode);
  EQUAL(stat_of(preopened_fd).device, before.device);
  WANT(badf, fd_fdstat_get, folder, &word);
}
CASE(fd_renumber, success, a_preopened_one_keeps_its_name) {
  const u32 fd = make_open(SCRATCH, "f", ""), other = OTHER;
  OK(fd_renumber, other, fd);
  u32 prestat[2];
  OK(fd_prestat_get, fd, prestat);
  EQUAL(prestat[1], 6);
  make_file(fd, "in_other", "");
}
CASE(fd_renumber, success, over_a_stream) {
  const u32 fd = make_open(SCRATCH, "f", "file");
  OK(fd_renumber, fd, STDIN);
  char text[8];
  EQUAL(read_text(STDIN, text, sizeof text), 4);
}
CASE(fd_renumber, badf, closed) {
  const u32 fd = make_open(SCRATCH, "f", "");
  WANT(badf, fd_renumber, NEVER_OPENED, fd);
  WANT(badf, fd_renumber, fd, NEVER_OPENED);
  WANT(badf, fd_renumber, NEVER_OPENED, NEVER_OPENED);
  OK(fd_close, fd);
  WANT(badf, fd_renumber, fd, STDIN);
  WANT(badf, fd_renumber, STDIN, fd);
}

// --- fd_seek, fd_tell ---

CASE(fd_seek, success, every_whence) {
  const u32 fd = make_open(SCRATCH, "f", "hello");
  EQUAL(seek_to(fd, 3, SET), 3);
  EQUAL(seek_to(fd, (u64)-2, CURRENT), 1);
  EQUAL(seek_to(fd, (u64)-1, END), 4);
  EQUAL(seek_to(fd, 100, END), 105);
  EQUAL(stat_of(fd).size, 5);
  EQUAL(seek_to(fd, ~0ull >> 1, SET), ~0ull >> 1);
  EQUAL(seek_to(fd, 0, SET), 0);
}
CASE(fd_seek, badf, no_file) {
  WANT(badf, fd_seek, NEVER_OPENED, 0, SET, &word);
  WANT(badf, fd_seek, SCRATCH, 0, SET, &word);
}
CASE(fd_seek, inval, negative_or_unknown_whence) {
  const u32 fd = make_open(SCRATCH, "f", "hello");
  seek_to(fd, 2, SET);
  WANT(inval, fd_seek, fd, (u64)-1, SET, &word);
  WANT(inval, fd_seek, fd, (u64)-3, CURRENT, &word);
  WANT(inval, fd_seek, fd, (u64)-6, END, &word);
  WANT(inval, fd_seek, fd, 0, 3, &word);
  WANT(inval, fd_seek, fd, 0, 256, &word);
  EQUAL(seek_to(fd, 0, CURRENT), 2);
}
CASE(fd_seek, overflow, past_the_largest_offset) {
  const u32 fd = make_open(SCRATCH, "f", "hello");
  seek_to(fd, ~0ull >> 1, SET);
  WANT(overflow, fd_seek, fd, 1, CURRENT, &word);
  WANT(overflow, fd_seek, fd, ~0ull >> 1, END, &word);
  EQUAL(seek_to(fd, 0, CURRENT), ~0ull >> 1);
}
CASE(fd_seek, spipe, stream) { WANT(spipe, fd_seek, STDIN, 0, SET, &word); }
CASE(fd_seek, notcapable, dropped) {
  const u32 fd = make_open(SCRATCH, "f", "hello");
  drop_rights(fd, R_SEEK);
  WANT(notcapable, fd_seek, fd, 1, SET, &word);
  OK(fd_seek, fd, 0, CURRENT, &word);  // the right to tell is enough for this one
  drop_rights(fd, R_TELL);
  WANT(notcapable, fd_seek, fd, 0, CURRENT, &word);
}

CASE(fd_tell, success, follows_reads) {
  const u32 fd = make_open(SCRATCH, "f", "hello");
  char text[4];
  read_text(fd, text, 4);
  OK(fd_tell, fd, &word);
  EQUAL(word, 3);
}
CASE(fd_tell, badf, no_file) {
  WANT(badf, fd_tell, NEVER_OPENED, &word);
  WANT(badf, fd_tell, SCRATCH, &word);
}
CASE(fd_tell, spipe, stream) { WANT(spipe, fd_tell, STDOUT, &word); }
CASE(fd_tell, notcapable, dropped) {
  const u32 fd = make_open(SCRATCH, "f", "hello");
  drop_rights(fd, R_TELL);
  OK(fd_tell, fd, &word);  // seeking implies telling
  drop_rights(fd, R_SEEK);
  WANT(notcapable, fd_tell, fd, &word);
}
