// Paths: opening, making, removing, times.
#include "guest.h"

static u32 opened;
static filestat stat;

// --- path_open: the open flags in every combination, on a file, a folder and nothing ---

CASE(path_open, success, every_combination_of_flags) {
  for (u32 flags = 0; flags < 16; ++flags) {
    const u32 fd = SCRATCH;
    if (!exists(fd, "d")) make_directory(fd, "d");
    make_file(fd, "f", "content");
    if (exists(fd, "new")) OK(path_unlink_file, fd, S("new"));
    const int create = flags & CREATE, exclusive = flags & EXCLUSIVE, directory = flags & DIRECTORY,
              truncate = flags & TRUNCATE;
    const u32 file = CALL(path_open, fd, 0, S("f"), flags, R_READ, 0, 0, &opened);
    if (directory && (create || exclusive || truncate)) EQUAL(file, E_inval);
    else if (directory) EQUAL(file, E_notdir);
    else if (create && exclusive) EQUAL(file, E_exist);
    else EQUAL(file, E_success);
    EQUAL(stat_at(fd, 0, "f").size, file == E_success && truncate ? 0 : 7);
    const u32 folder = CALL(path_open, fd, 0, S("d"), flags, R_READ, 0, 0, &opened);
    if (directory && (create || exclusive || truncate)) EQUAL(folder, E_inval);
    else if (create && exclusive) EQUAL(folder, E_exist);
    else if (create || truncate) EQUAL(folder, E_isdir);
    else EQUAL(folder, E_success);
    const u32 nothing = CALL(path_open, fd, 0, S("new"), flags, R_READ, 0, 0, &opened);
    if (directory && (create || exclusive || truncate)) EQUAL(nothing, E_inval);
    else EQUAL(nothing, create ? E_success : E_noent);
    EQUAL(exists(fd, "new"), nothing == E_success);
  }
}
CASE(path_open, success, folder_of_a_folder) {
  make_directory(SCRATCH, "d");
  const u32 d = open_directory(SCRATCH, "d");
  make_file(d, "f", "deep");
  CHECK(holds_text(SCRATCH, "d/f", "deep"));
  CHECK(holds_text(SCRATCH, "d/../d/./f", "deep"));
  CHECK(holds_text(SCRATCH, ".//d//f", "deep"));
  OK(path_open, SCRATCH, 0, S("d/"), 0, R_READ, 0, 0, &opened);
  EQUAL(fdstat_of(opened).type, TYPE_DIRECTORY);
  WANT(perm, path_open, d, 0, S("../d/f"), 0, R_READ, 0, 0, &opened);
}
CASE(path_open, success, no_rights_asked_for) {
  make_file(SCRATCH, "f", "content");
  const u32 fd = open_at(SCRATCH, "f", TRUNCATE, 0, 0);
  EQUAL(stat_of(fd).size, 0);
  OK(fd_filestat_set_times, fd, 5, 5, MTIM);
  make_directory(SCRATCH, "d");
  make_file(open_at(SCRATCH, "d", 0, 0, 0), "below", "");
}
CASE(path_open, success, every_name) {
  make_file(SCRATCH, k255, "long");
  CHECK(holds_text(SCRATCH, k255, "long"));
  const char* const names[] = {" ",      "...",     "..a",   "a..", "-",      "\\",  "a\nb",
                               "\x1b[m", "caf\xc3\xa9", "\xf0\x9f\x98\x80", "*?[]", "con", "C:"};
  for (u32 i = 0; i < sizeof names / sizeof *names; ++i) {
    make_file(SCRATCH, names[i], names[i]);
    CHECK(holds_text(SCRATCH, names[i], names[i]));
    OK(path_unlink_file, SCRATCH, Z(names[i]));
  }
}
CASE(path_open, success, synchronous) {
  const u32 flags[] = {SYNC, DSYNC, RSYNC, SYNC | DSYNC | RSYNC | NONBLOCK | APPEND};
  for (u32 i = 0; i < 4; ++i) {
    const u32 fd = open_at(SCRATCH, "f", CREATE | TRUNCATE, READ_WRITE, flags[i]);
    EQUAL(fdstat_of(fd).flags, flags[i]);
    write_text(fd, "kept");
    CHECK(holds_text(SCRATCH, "f", "kept"));
  }
}
CASE(path_open, success, unlinked_while_open) {
  const u32 fd = make_open(SCRATCH, "f", "still here");
  OK(path_unlink_file, SCRATCH, S("f"));
  WANT(noent, path_open, SCRATCH, 0, S("f"), 0, R_READ, 0, 0, &opened);
  char text[16];
  EQUAL(read_text(fd, text, sizeof text), 10);
}
CASE(path_open, noent, missing) {
  WANT(noent, path_open, SCRATCH, 0, S("missing"), 0, R_READ, 0, 0, &opened);
  WANT(noent, path_open, SCRATCH, 0, S("missing/"), 0, R_READ, 0, 0, &opened);
  WANT(noent, path_open, SCRATCH, 0, S("missing"), TRUNCATE, R_WRITE, 0, 0, &opened);
  WANT(noent, path_open, SCRATCH, 0, S("missing"), DIRECTORY, 0, 0, 0, &opened);
}
CASE(path_open, noent, in_a_removed_folder) {
  make_directory(SCRATCH, "d");
  const u32 d = open_directory(SCRATCH, "d");
  OK(path_remove_directory, SCRATCH, S("d"));
  WANT(noent, path_open, d, 0, S("f"), CREATE, R_WRITE, 0, 0, &opened);
  WANT(noent, path_create_directory, d, S("e"));
  EQUAL(stat_of(d).type, TYPE_DIRECTORY);
}
CASE(path_open, exist, exclusive) {
  make_file(SCRATCH, "f", "");
  make_directory(SCRATCH, "d");
  make_link(SCRATCH, "dangling", "nowhere");
  const u32 flags = CREATE | EXCLUSIVE;
  WANT(exist, path_open, SCRATCH, 0, S("f"), flags, R_READ, 0, 0, &opened);
  WANT(exist, path_open, SCRATCH, 0, S("d"), flags, R_READ, 0, 0, &opened);
  WANT(exist, path_open, SCRATCH, 0, S("."), flags, R_READ, 0, 0, &opened);
  WANT(exist, path_open, SCRATCH, 0, S("dangling"), flags, R_READ, 0, 0, &opened);
  WANT(exist, path_open, SCRATCH, FOLLOW, S("dangling"), flags, R_READ, 0, 0, &opened);
  CHECK(!exists(SCRATCH, "nowhere"));
}
CASE(path_open, isdir, writing_a_folder) {
  make_directory(SCRATCH, "d");
  WANT(isdir, path_open, SCRATCH, 0, S("d"), 0, READ_WRITE, 0, 0, &opened);
  WANT(isdir, path_open, SCRATCH, 0, S("d"), CREATE, R_READ, 0, 0, &opened);
  WANT(isdir, path_open, SCRATCH, 0, S("d"), TRUNCATE, R_READ, 0, 0, &opened);
  WANT(isdir, path_open, SCRATCH, 0, S("."), 0, READ_WRITE, 0, 0, &opened);
  WANT(isdir, path_open, SCRATCH, 0, S("new/"), CREATE, READ_WRITE, 0, 0, &opened);
}
CASE(path_open, notdir, trailing_slash_or_wanted_folder) {
  make_file(SCRATCH, "f", "content");
  WANT(notdir, path_open, SCRATCH, 0, S("f"), DIRECTORY, 0, 0, 0, &opened);
  WANT(notdir, path_open, SCRATCH, 0, S("f/"), 0, R_READ, 0, 0, &opened);
  WANT(notdir, path_open, SCRATCH, 0, S("f//"), 0, R_READ, 0, 0, &opened);
  WANT(notdir, path_open, SCRATCH, 0, S("f/"), TRUNCATE, R_WRITE, 0, 0, &opened);
  CHECK(holds_text(SCRATCH, "f", "content"));
}
CASE(path_open, inval, flags) {
  make_file(SCRATCH, "f", "");
  WANT(inval, path_open, SCRATCH, 2, S("f"), 0, R_READ, 0, 0, &opened);
  WANT(inval, path_open, SCRATCH, 0, S("f"), 16, R_READ, 0, 0, &opened);
  WANT(inval, path_open, SCRATCH, 0, S("f"), 0, R_READ, 0, 32, &opened);
  WANT(inval, path_open, SCRATCH, 0, S("f"), 0x10000, R_READ, 0, 0, &opened);
  WANT(inval, path_open, SCRATCH, 0, S("f"), 0, R_READ, 0, 0x10000, &opened);
  WANT(inval, path_open, SCRATCH, 0, S("new"), DIRECTORY | CREATE, 0, 0, 0, &opened);
}
CASE(path_open, nxio, pipes_and_sockets) {
  WANT(nxio, path_open, SPECIAL, 0, S("fifo"), 0, R_READ, 0, 0, &opened);
  WANT(nxio, path_open, SPECIAL, 0, S("fifo"), 0, R_WRITE, 0, 0, &opened);
  WANT(nxio, path_open, SPECIAL, 0, S("socket"), 0, R_READ, 0, 0, &opened);
}
CASE(path_open, mfile, all_numbers_taken) {
  make_file(SCRATCH, "f", "");
  u32 error = E_success, last = 0;
  for (u32 i = 0; i < 1000 && error == E_success; ++i) {
    error = CALL(path_open, SCRATCH, 0, S("f"), 0, R_READ, 0, 0, &opened);
    if (error == E_success) last = opened;
  }
  EQUAL(error, E_mfile);
  OK(fd_close, last);
  OK(path_open, SCRATCH, 0, S("f"), 0, R_READ, 0, 0, &opened);
  EQUAL(opened, last);
}

// --- path_create_directory, path_remove_directory ---

CASE(path_create_directory, success, with_and_without_slash) {
  make_directory(SCRATCH, "a");
  make_directory(SCRATCH, "b/");
  make_directory(SCRATCH, "a/c//");
  make_directory(SCRATCH, k255);
  EQUAL(stat_at(SCRATCH, 0, "a/c").type, TYPE_DIRECTORY);
}
CASE(path_create_directory, noent, dot_in_what_is_not_there) {
  WANT(noent, path_create_directory, SCRATCH, S("new/."));
}
CASE(path_create_directory, exist, anything) {
  make_directory(SCRATCH, "d");
  make_file(SCRATCH, "f", "");
  make_link(SCRATCH, "dangling", "nowhere");
  WANT(exist, path_create_directory, SCRATCH, S("d"));
  WANT(exist, path_create_directory, SCRATCH, S("d/"));
  WANT(exist, path_create_directory, SCRATCH, S("."));
  WANT(exist, path_create_directory, SCRATCH, S("d/.."));
  WANT(exist, path_create_directory, SCRATCH, S("f"));
  WANT(exist, path_create_directory, SCRATCH, S("dangling"));
  WANT(exist, path_create_directory, SCRATCH, S("dangling/"));
  WANT(exist, path_create_directory, ROOT, S("s"));
  WANT(exist, path_create_directory, ROOT, S("/"));
}

CASE(path_remove_directory, success, with_and_without_slash) {
  make_directory(SCRATCH, "a");
  make_directory(SCRATCH, "b");
  OK(path_remove_directory, SCRATCH, S("a"));
  OK(path_remove_directory, SCRATCH, S("b/"));
  CHECK(!exists(SCRATCH, "a") && !exists(SCRATCH, "b"));
}
CASE(path_remove_directory, noent, missing) {
  WANT(noent, path_remove_directory, SCRATCH, S("missing"));
  WANT(noent, path_remove_directory, SCRATCH, S("missing/"));
}
CASE(path_remove_directory, notdir, file_or_link) {
  make_file(SCRATCH, "f", "");
  make_directory(SCRATCH, "d");
  make_link(SCRATCH, "link", "d");
  WANT(notdir, path_remove_directory, SCRATCH, S("f"));
  WANT(notdir, path_remove_directory, SCRATCH, S("f/"));
  WANT(notdir, path_remove_directory, SCRATCH, S("link"));
  WANT(notdir, path_remove_directory, SCRATCH, S("link/"));  // never what it leads to
  CHECK(exists(SCRATCH, "d") && exists(SCRATCH, "link"));
}
CASE(path_remove_directory, notempty, holds_something) {
  make_directory(SCRATCH, "d");
  make_file(SCRATCH, "d/f", "");
  WANT(notempty, path_remove_directory, SCRATCH, S("d"));
  WANT(notempty, path_remove_directory, SCRATCH, S("d/"));
  OK(path_unlink_file, SCRATCH, S("d/f"));
  OK(path_remove_directory, SCRATCH, S("d"));
}
CASE(path_remove_directory, inval, itself) {
  make_directory(SCRATCH, "d");
  WANT(inval, path_remove_directory, SCRATCH, S("."));
  WANT(inval, path_remove_directory, SCRATCH, S("d/."));
  CHECK(exists(SCRATCH, "d"));
}
CASE(path_remove_directory, busy, mount_point) {
  WANT(busy, path_remove_directory, SPECIAL, S("mounted"));
  WANT(busy, path_remove_directory, ROOT, S("s"));
}

// --- path_unlink_file ---

CASE(path_unlink_file, success, files_and_links) {
  make_file(SCRATCH, "f", "content");
  make_link(SCRATCH, "link", "f");
  make_link(SCRATCH, "dangling", "nowhere");
  make_directory(SCRATCH, "d");
  make_link(SCRATCH, "folder", "d");
  OK(path_unlink_file, SCRATCH, S("link"));
  OK(path_unlink_file, SCRATCH, S("dangling"));
  OK(path_unlink_file, SCRATCH, S("folder"));
  CHECK(holds_text(SCRATCH, "f", "content") && exists(SCRATCH, "d"));
  OK(path_unlink_file, SCRATCH, S("f"));
  WANT(noent, path_unlink_file, SCRATCH, S("f"));
}
CASE(path_unlink_file, isdir, folder) {
  make_directory(SCRATCH, "d");
  WANT(isdir, path_unlink_file, SCRATCH, S("d"));
  WANT(isdir, path_unlink_file, SCRATCH, S("d/"));
  WANT(isdir, path_unlink_file, SCRATCH, S("."));
  WANT(isdir, path_unlink_file, ROOT, S("s"));
  CHECK(exists(SCRATCH, "d"));
}
CASE(path_unlink_file, notdir, trailing_slash) {
  make_file(SCRATCH, "f", "");
  WANT(notdir, path_unlink_file, SCRATCH, S("f/"));
  WANT(notdir, path_unlink_file, SCRATCH, S("f//"));
  CHECK(exists(SCRATCH, "f"));
  WANT(noent, path_unlink_file, SCRATCH, S("missing/"));
}

// --- path_filestat_get, path_filestat_set_times ---

CASE(path_filestat_get, success, file_and_folder) {
  make_file(SCRATCH, "f", "hello");
  make_directory(SCRATCH, "d");
  stat = stat_at(SCRATCH, 0, "f");
  EQUAL(stat.type, TYPE_REGULAR);
  EQUAL(stat.size, 5);
  EQUAL(stat.links, 1);
  EQUAL(stat_at(SCRATCH, 0, "d/").type, TYPE_DIRECTORY);
  CHECK(stat_at(SCRATCH, 0, "d").inode != stat.inode);
  EQUAL(stat_at(SPECIAL, 0, "fifo").type, TYPE_UNKNOWN);
}
CASE(path_filestat_get, notdir, trailing_slash) {
  make_file(SCRATCH, "f", "");
  WANT(notdir, path_filestat_get, SCRATCH, 0, S("f/"), &stat);
  WANT(notdir, path_filestat_get, SCRATCH, FOLLOW, S("f/"), &stat);
  WANT(noent, path_filestat_get, SCRATCH, 0, S("missing/"), &stat);
}
CASE(path_filestat_get, inval, lookup_flags) {
  make_file(SCRATCH, "f", "");
  WANT(inval, path_filestat_get, SCRATCH, 2, S("f"), &stat);
  WANT(inval, path_filestat_get, SCRATCH, ~0u, S("f"), &stat);
}

CASE(path_filestat_set_times, success, to_the_nanosecond) {
  make_file(SCRATCH, "f", "");
  const u64 a = 1234567890123456789ull, m = 987654321987654321ull;
  OK(path_filestat_set_times, SCRATCH, 0, S("f"), a, m, ATIM | MTIM);
  stat = stat_at(SCRATCH, 0, "f");
  EQUAL(stat.accessed, a);
  EQUAL(stat.modified, m);
  OK(path_filestat_set_times, SCRATCH, 0, S("f"), 5, 7, ATIM);
  stat = stat_at(SCRATCH, 0, "f");
  EQUAL(stat.accessed, 5);
  EQUAL(stat.modified, m);
  OK(path_filestat_set_times, SCRATCH, 0, S("f"), 1, 1, MTIM_NOW);
  stat = stat_at(SCRATCH, 0, "f");
  EQUAL(stat.accessed, 5);
  CHECK(stat.modified > m);
  OK(path_filestat_set_times, SCRATCH, 0, S("f"), 1, 1, 0);
  EQUAL(stat_at(SCRATCH, 0, "f").accessed, 5);
}
CASE(path_filestat_set_times, success, folders_and_links) {
  make_directory(SCRATCH, "d");
  make_file(SCRATCH, "f", "");
  make_link(SCRATCH, "link", "f");
  OK(path_filestat_set_times, SCRATCH, 0, S("d/"), 11, 12, ATIM | MTIM);
  EQUAL(stat_at(SCRATCH, 0, "d").modified, 12);
  OK(path_filestat_set_times, SCRATCH, 0, S("."), 21, 22, ATIM | MTIM);
  EQUAL(stat_at(SCRATCH, 0, ".").modified, 22);
  OK(path_filestat_set_times, SCRATCH, FOLLOW, S("link"), 31, 32, ATIM | MTIM);
  EQUAL(stat_at(SCRATCH, 0, "f").modified, 32);
  OK(path_filestat_set_times, SCRATCH, 0, S("link"), 41, 42, ATIM | MTIM);
  EQUAL(stat_at(SCRATCH, 0, "link").modified, 42);
  EQUAL(stat_at(SCRATCH, 0, "f").modified, 32);
}
CASE(path_filestat_set_times, noent, missing) {
  WANT(noent, path_filestat_set_times, SCRATCH, 0, S("missing"), 0, 0, MTIM);
}
CASE(path_filestat_set_times, notdir, trailing_slash) {
  make_file(SCRATCH, "f", "");
  const u64 before = stat_at(SCRATCH, 0, "f").modified;
  WANT(notdir, path_filestat_set_times, SCRATCH, 0, S("f/"), 0, 0, MTIM);
  EQUAL(stat_at(SCRATCH, 0, "f").modified, before);
}
CASE(path_filestat_set_times, inval, flags_or_time) {
  make_file(SCRATCH, "f", "");
  WANT(inval, path_filestat_set_times, SCRATCH, 0, S("f"), 0, 0, ATIM | ATIM_NOW);
  WANT(inval, path_filestat_set_times, SCRATCH, 0, S("f"), 0, 0, MTIM | MTIM_NOW);
  WANT(inval, path_filestat_set_times, SCRATCH, 0, S("f"), 0, 0, 16);
  WANT(inval, path_filestat_set_times, SCRATCH, 2, S("f"), 0, 0, MTIM);
  WANT(inval, path_filestat_set_times, SCRATCH, 0, S("f"), 0, ~0ull, MTIM);
}
