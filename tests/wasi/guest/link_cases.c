// Links of both kinds, and renames.
#include "guest.h"

static u32 opened, used;
static filestat stat;
static char text[300];

// --- path_symlink, path_readlink, and what links do to other calls ---

CASE(path_symlink, success, followed_where_asked) {
  make_file(SCRATCH, "f", "content");
  make_directory(SCRATCH, "d");
  make_link(SCRATCH, "to_file", "f");
  make_link(SCRATCH, "to_folder", "d");
  make_link(SCRATCH, "d/back", "../f");
  OK(path_open, SCRATCH, FOLLOW, S("to_file"), 0, R_READ, 0, 0, &opened);
  OK(path_open, SCRATCH, FOLLOW, S("to_folder"), DIRECTORY, 0, 0, 0, &opened);
  OK(path_open, SCRATCH, FOLLOW, S("d/back"), 0, R_READ, 0, 0, &opened);
  OK(path_open, SCRATCH, 0, S("to_folder/"), DIRECTORY, 0, 0, 0, &opened);
  make_file(SCRATCH, "to_folder/through", "x");
  CHECK(holds_text(SCRATCH, "d/through", "x"));
  stat = stat_at(SCRATCH, 0, "to_file");
  EQUAL(stat.type, TYPE_LINK);
  EQUAL(stat.size, 1);
  stat = stat_at(SCRATCH, FOLLOW, "to_file");
  EQUAL(stat.type, TYPE_REGULAR);
  EQUAL(stat.size, 7);
  EQUAL(stat_at(SCRATCH, 0, "to_folder").type, TYPE_LINK);
  EQUAL(stat_at(SCRATCH, 0, "to_folder/").type, TYPE_DIRECTORY);
}
CASE(path_symlink, success, any_target) {
  make_link(SCRATCH, "a", "nowhere/at/all");
  make_link(SCRATCH, "b", "../../out");
  make_link(SCRATCH, "c", "trailing/");
  make_link(SCRATCH, "d", k256);
  OK(path_readlink, SCRATCH, S("c"), text, sizeof text, &used);
  CHECK(used == 9 && !memcmp(text, "trailing/", 9));
  WANT(perm, path_open, SCRATCH, FOLLOW, S("b"), 0, R_READ, 0, 0, &opened);
  WANT(nametoolong, path_open, SCRATCH, FOLLOW, S("d"), 0, R_READ, 0, 0, &opened);
}
CASE(path_symlink, success, dangling) {
  make_link(SCRATCH, "dangling", "nowhere");
  WANT(noent, path_open, SCRATCH, FOLLOW, S("dangling"), 0, R_READ, 0, 0, &opened);
  WANT(noent, path_filestat_get, SCRATCH, FOLLOW, S("dangling"), &stat);
  WANT(noent, path_open, SCRATCH, 0, S("dangling/"), 0, R_READ, 0, 0, &opened);
  OK(path_open, SCRATCH, FOLLOW, S("dangling"), CREATE, R_WRITE, 0, 0, &opened);
  EQUAL(stat_at(SCRATCH, 0, "nowhere").type, TYPE_REGULAR);
  EQUAL(stat_at(SCRATCH, 0, "dangling").type, TYPE_LINK);
}
CASE(path_symlink, exist, name_taken) {
  make_file(SCRATCH, "f", "");
  make_directory(SCRATCH, "d");
  make_link(SCRATCH, "dangling", "nowhere");
  WANT(exist, path_symlink, S("x"), SCRATCH, S("f"));
  WANT(exist, path_symlink, S("x"), SCRATCH, S("d"));
  WANT(exist, path_symlink, S("x"), SCRATCH, S("d/"));
  WANT(exist, path_symlink, S("x"), SCRATCH, S("dangling"));
  WANT(exist, path_symlink, S("x"), SCRATCH, S("."));
}
CASE(path_symlink, noent, trailing_slash_or_empty_target) {
  WANT(noent, path_symlink, S("x"), SCRATCH, S("new/"));
  WANT(noent, path_symlink, S(""), SCRATCH, S("new"));
  CHECK(!exists(SCRATCH, "new"));
}
CASE(path_symlink, notdir, trailing_slash_on_a_file) {
  make_file(SCRATCH, "f", "");
  WANT(notdir, path_symlink, S("x"), SCRATCH, S("f/"));
}
CASE(path_symlink, perm, absolute_target) {
  WANT(perm, path_symlink, S("/"), SCRATCH, S("new"));
  WANT(perm, path_symlink, S("/s/f"), SCRATCH, S("new"));
  CHECK(!exists(SCRATCH, "new"));
}
CASE(path_symlink, inval, nul_in_the_target) {
  WANT(inval, path_symlink, S("a\0b"), SCRATCH, S("new"));
}
CASE(path_symlink, ilseq, target) {
  WANT(ilseq, path_symlink, S("\xff"), SCRATCH, S("new"));
}
CASE(path_symlink, nametoolong, target) {
  static char target[4200];
  memset(target, 'n', sizeof target);
  WANT(nametoolong, path_symlink, target, 4097, SCRATCH, S("new"));
}

CASE(path_readlink, success, whole_and_cut) {
  make_link(SCRATCH, "link", "target");
  memset(text, '?', sizeof text);
  OK(path_readlink, SCRATCH, S("link"), text, sizeof text, &used);
  CHECK(used == 6 && !memcmp(text, "target?", 7));
  memset(text, '?', sizeof text);
  OK(path_readlink, SCRATCH, S("link"), text, 3, &used);
  CHECK(used == 3 && !memcmp(text, "tar?", 4));
  OK(path_readlink, SCRATCH, S("link"), text, 6, &used);
  EQUAL(used, 6);
  OK(path_readlink, SCRATCH, S("link"), text, 0, &used);
  EQUAL(used, 0);
}
CASE(path_readlink, inval, no_link) {
  make_file(SCRATCH, "f", "");
  make_directory(SCRATCH, "d");
  make_link(SCRATCH, "to_folder", "d");
  WANT(inval, path_readlink, SCRATCH, S("f"), text, sizeof text, &used);
  WANT(inval, path_readlink, SCRATCH, S("d"), text, sizeof text, &used);
  WANT(inval, path_readlink, SCRATCH, S("."), text, sizeof text, &used);
  WANT(inval, path_readlink, SCRATCH, S("to_folder/"), text, sizeof text, &used);
}
CASE(path_readlink, noent, missing) {
  WANT(noent, path_readlink, SCRATCH, S("missing"), text, sizeof text, &used);
}

CASE(path_open, loop, unfollowed_or_circular) {
  make_file(SCRATCH, "f", "");
  make_directory(SCRATCH, "d");
  make_link(SCRATCH, "to_file", "f");
  make_link(SCRATCH, "to_folder", "d");
  make_link(SCRATCH, "dangling", "nowhere");
  make_link(SCRATCH, "itself", "itself");
  make_link(SCRATCH, "ping", "pong");
  make_link(SCRATCH, "pong", "ping");
  WANT(loop, path_open, SCRATCH, 0, S("to_file"), 0, R_READ, 0, 0, &opened);
  WANT(loop, path_open, SCRATCH, 0, S("to_folder"), 0, R_READ, 0, 0, &opened);
  WANT(loop, path_open, SCRATCH, 0, S("dangling"), 0, R_READ, 0, 0, &opened);
  WANT(loop, path_open, SCRATCH, 0, S("dangling"), CREATE, R_WRITE, 0, 0, &opened);
  WANT(loop, path_open, SCRATCH, FOLLOW, S("itself"), 0, R_READ, 0, 0, &opened);
  WANT(loop, path_open, SCRATCH, FOLLOW, S("ping"), CREATE, R_READ, 0, 0, &opened);
  WANT(loop, path_filestat_get, SCRATCH, FOLLOW, S("ping"), &stat);
  OK(path_filestat_get, SCRATCH, 0, S("ping"), &stat);
  WANT(loop, path_open, SCRATCH, 0, S("itself/"), 0, R_READ, 0, 0, &opened);
}
CASE(path_open, notdir, unfollowed_link_to_a_folder) {
  make_directory(SCRATCH, "d");
  make_file(SCRATCH, "f", "");
  make_link(SCRATCH, "to_folder", "d");
  make_link(SCRATCH, "to_file", "f");
  const u32 unfollowed = CALL(path_open, SCRATCH, 0, S("to_folder"), DIRECTORY, 0, 0, 0, &opened);
  CHECK(unfollowed == E_notdir || unfollowed == E_loop);
  WANT(notdir, path_open, SCRATCH, FOLLOW, S("to_file"), DIRECTORY, 0, 0, 0, &opened);
  WANT(notdir, path_open, SCRATCH, FOLLOW, S("to_file/"), 0, R_READ, 0, 0, &opened);
}
CASE(path_open, success, a_chain_of_forty_links) {
  make_file(SCRATCH, "f00", "end");
  char from[] = "f00", to[] = "f00";
  for (u32 i = 1; i <= 41; ++i) {
    from[1] = (char)('0' + i / 10), from[2] = (char)('0' + i % 10);
    to[1] = (char)('0' + (i - 1) / 10), to[2] = (char)('0' + (i - 1) % 10);
    make_link(SCRATCH, from, to);
  }
  OK(path_open, SCRATCH, FOLLOW, S("f40"), 0, R_READ, 0, 0, &opened);
  WANT(loop, path_open, SCRATCH, FOLLOW, S("f41"), 0, R_READ, 0, 0, &opened);
}

// --- path_link ---

CASE(path_link, success, two_names_of_one_file) {
  make_file(SCRATCH, "a", "content");
  make_directory(SCRATCH, "d");
  OK(path_link, SCRATCH, 0, S("a"), SCRATCH, S("d/b"));
  EQUAL(stat_at(SCRATCH, 0, "a").inode, stat_at(SCRATCH, 0, "d/b").inode);
  EQUAL(stat_at(SCRATCH, 0, "a").links, 2);
  write_text(open_at(SCRATCH, "d/b", 0, R_WRITE, 0), "C");
  CHECK(holds_text(SCRATCH, "a", "Content"));
  OK(path_link, SCRATCH, 0, S("d/b"), SCRATCH, S("c"));
  EQUAL(stat_at(SCRATCH, 0, "a").links, 3);
  OK(path_unlink_file, SCRATCH, S("a"));
  CHECK(holds_text(SCRATCH, "d/b", "Content"));
  EQUAL(stat_at(SCRATCH, 0, "c").links, 2);
}
CASE(path_link, success, of_a_symlink_itself) {
  make_link(SCRATCH, "dangling", "nowhere");
  OK(path_link, SCRATCH, 0, S("dangling"), SCRATCH, S("again"));
  EQUAL(stat_at(SCRATCH, 0, "again").type, TYPE_LINK);
  EQUAL(stat_at(SCRATCH, 0, "again").inode, stat_at(SCRATCH, 0, "dangling").inode);
  make_link(SCRATCH, "itself", "itself");
  OK(path_link, SCRATCH, 0, S("itself"), SCRATCH, S("circle"));
}
CASE(path_link, exist, name_taken) {
  make_file(SCRATCH, "f", "");
  make_file(SCRATCH, "g", "");
  make_directory(SCRATCH, "d");
  make_link(SCRATCH, "dangling", "nowhere");
  WANT(exist, path_link, SCRATCH, 0, S("f"), SCRATCH, S("f"));
  WANT(exist, path_link, SCRATCH, 0, S("f"), SCRATCH, S("g"));
  WANT(exist, path_link, SCRATCH, 0, S("f"), SCRATCH, S("d"));
  WANT(exist, path_link, SCRATCH, 0, S("f"), SCRATCH, S("d/"));
  WANT(exist, path_link, SCRATCH, 0, S("f"), SCRATCH, S("."));
  WANT(exist, path_link, SCRATCH, 0, S("f"), SCRATCH, S("dangling"));
}
CASE(path_link, noent, missing_or_trailing_slash) {
  make_file(SCRATCH, "f", "");
  WANT(noent, path_link, SCRATCH, 0, S("missing"), SCRATCH, S("new"));
  WANT(noent, path_link, SCRATCH, 0, S("f"), SCRATCH, S("new/"));
  CHECK(!exists(SCRATCH, "new"));
}
CASE(path_link, notdir, trailing_slash_on_a_file) {
  make_file(SCRATCH, "f", "");
  make_file(SCRATCH, "g", "");
  WANT(notdir, path_link, SCRATCH, 0, S("f/"), SCRATCH, S("new"));
  WANT(notdir, path_link, SCRATCH, 0, S("f"), SCRATCH, S("g/"));
  CHECK(!exists(SCRATCH, "new"));
}
CASE(path_link, perm, folder) {
  make_directory(SCRATCH, "d");
  WANT(perm, path_link, SCRATCH, 0, S("d"), SCRATCH, S("new"));
  WANT(perm, path_link, SCRATCH, 0, S("d/"), SCRATCH, S("new"));
  WANT(perm, path_link, SCRATCH, 0, S("."), SCRATCH, S("new"));
  CHECK(!exists(SCRATCH, "new"));
}
CASE(path_link, inval, following) {
  make_file(SCRATCH, "f", "");
  make_link(SCRATCH, "link", "f");
  WANT(inval, path_link, SCRATCH, FOLLOW, S("link"), SCRATCH, S("new"));
  WANT(inval, path_link, SCRATCH, 2, S("f"), SCRATCH, S("new"));
}
CASE(path_link, xdev, other_mount) {
  make_file(SCRATCH, "f", "");
  WANT(xdev, path_link, SCRATCH, 0, S("f"), OTHER, S("new"));
  WANT(xdev, path_link, READ_ONLY, 0, S("file"), SCRATCH, S("new"));
}

// --- path_rename ---

CASE(path_rename, success, files) {
  make_file(SCRATCH, "a", "A");
  make_file(SCRATCH, "b", "B");
  make_directory(SCRATCH, "d");
  const u64 inode = stat_at(SCRATCH, 0, "a").inode;
  OK(path_rename, SCRATCH, S("a"), SCRATCH, S("new"));
  EQUAL(stat_at(SCRATCH, 0, "new").inode, inode);
  CHECK(!exists(SCRATCH, "a"));
  OK(path_rename, SCRATCH, S("new"), SCRATCH, S("b"));
  CHECK(holds_text(SCRATCH, "b", "A") && !exists(SCRATCH, "new"));
  OK(path_rename, SCRATCH, S("b"), open_directory(SCRATCH, "d"), S("c"));
  CHECK(holds_text(SCRATCH, "d/c", "A") && !exists(SCRATCH, "b"));
  OK(path_rename, SCRATCH, S("d/c"), SCRATCH, S("d/c"));
  CHECK(holds_text(SCRATCH, "d/c", "A"));
}
CASE(path_rename, success, same_inode_keeps_both) {
  make_file(SCRATCH, "a", "A");
  OK(path_link, SCRATCH, 0, S("a"), SCRATCH, S("b"));
  OK(path_rename, SCRATCH, S("a"), SCRATCH, S("b"));
  CHECK(exists(SCRATCH, "a") && exists(SCRATCH, "b"));
}
CASE(path_rename, success, links_themselves) {
  make_file(SCRATCH, "f", "content");
  make_link(SCRATCH, "link", "f");
  make_link(SCRATCH, "dangling", "nowhere");
  OK(path_rename, SCRATCH, S("link"), SCRATCH, S("moved"));
  EQUAL(stat_at(SCRATCH, 0, "moved").type, TYPE_LINK);
  CHECK(holds_text(SCRATCH, "f", "content"));
  OK(path_rename, SCRATCH, S("f"), SCRATCH, S("dangling"));
  EQUAL(stat_at(SCRATCH, 0, "dangling").type, TYPE_REGULAR);
  CHECK(!exists(SCRATCH, "nowhere"));
}
CASE(path_rename, success, folders_with_slashes) {
  make_directory(SCRATCH, "a");
  make_file(SCRATCH, "a/f", "deep");
  OK(path_rename, SCRATCH, S("a"), SCRATCH, S("b/"));
  OK(path_rename, SCRATCH, S("b/"), SCRATCH, S("c"));
  OK(path_rename, SCRATCH, S("c/"), SCRATCH, S("d/"));
  CHECK(holds_text(SCRATCH, "d/f", "deep"));
  make_directory(SCRATCH, "empty");
  OK(path_rename, SCRATCH, S("d"), SCRATCH, S("empty"));
  CHECK(holds_text(SCRATCH, "empty/f", "deep") && !exists(SCRATCH, "d"));
  make_directory(SCRATCH, "e");
  OK(path_rename, SCRATCH, S("empty"), SCRATCH, S("e/inner"));
  const u32 inner = open_directory(SCRATCH, "e/inner");
  WANT(perm, path_filestat_get, inner, 0, S(".."), &stat);
  CHECK(holds_text(SCRATCH, "e/inner/f", "deep"));
}
CASE(path_rename, success, open_descriptors_follow) {
  make_directory(SCRATCH, "a");
  const u32 a = open_directory(SCRATCH, "a"), f = make_open(a, "f", "content");
  OK(path_rename, SCRATCH, S("a"), SCRATCH, S("b"));
  make_file(a, "g", "new");
  CHECK(holds_text(SCRATCH, "b/g", "new"));
  OK(path_rename, SCRATCH, S("b/f"), SCRATCH, S("h"));
  EQUAL(read_text(f, text, sizeof text), 7);
}
CASE(path_rename, noent, missing) {
  WANT(noent, path_rename, SCRATCH, S("missing"), SCRATCH, S("new"));
  WANT(noent, path_rename, SCRATCH, S("missing/"), SCRATCH, S("new/"));
  make_file(SCRATCH, "f", "");
  WANT(noent, path_rename, SCRATCH, S("missing"), SCRATCH, S("f"));
  CHECK(exists(SCRATCH, "f"));
}
CASE(path_rename, notdir, file_with_slash_or_folder_over_file) {
  make_file(SCRATCH, "f", "content");
  make_directory(SCRATCH, "d");
  WANT(notdir, path_rename, SCRATCH, S("f/"), SCRATCH, S("new"));
  WANT(notdir, path_rename, SCRATCH, S("f"), SCRATCH, S("new/"));
  WANT(notdir, path_rename, SCRATCH, S("f/"), SCRATCH, S("new/"));
  WANT(notdir, path_rename, SCRATCH, S("d"), SCRATCH, S("f"));
  WANT(notdir, path_rename, SCRATCH, S("d"), SCRATCH, S("f/"));
  CHECK(holds_text(SCRATCH, "f", "content") && exists(SCRATCH, "d") && !exists(SCRATCH, "new"));
}
CASE(path_rename, isdir, file_over_folder) {
  make_file(SCRATCH, "f", "");
  make_directory(SCRATCH, "d");
  WANT(isdir, path_rename, SCRATCH, S("f"), SCRATCH, S("d"));
  CHECK(exists(SCRATCH, "f") && exists(SCRATCH, "d"));
}
CASE(path_rename, notempty, folder_over_full_folder) {
  make_directory(SCRATCH, "a");
  make_directory(SCRATCH, "b");
  make_file(SCRATCH, "b/f", "");
  WANT(notempty, path_rename, SCRATCH, S("a"), SCRATCH, S("b"));
  WANT(notempty, path_rename, SCRATCH, S("a/"), SCRATCH, S("b/"));
  make_directory(SCRATCH, "b/c");
  WANT(notempty, path_rename, SCRATCH, S("b/c"), SCRATCH, S("b"));
  CHECK(exists(SCRATCH, "a") && exists(SCRATCH, "b/f") && exists(SCRATCH, "b/c"));
}
CASE(path_rename, inval, into_itself) {
  make_directory(SCRATCH, "a");
  make_directory(SCRATCH, "a/b");
  WANT(inval, path_rename, SCRATCH, S("a"), SCRATCH, S("a/c"));
  WANT(inval, path_rename, SCRATCH, S("a"), SCRATCH, S("a/b/c"));
  WANT(inval, path_rename, SCRATCH, S("a"), open_directory(SCRATCH, "a/b"), S("c"));
  CHECK(exists(SCRATCH, "a/b"));
}
CASE(path_rename, busy, dots_and_mount_points) {
  make_directory(SCRATCH, "d");
  WANT(busy, path_rename, SCRATCH, S("."), SCRATCH, S("new"));
  WANT(busy, path_rename, SCRATCH, S("d/."), SCRATCH, S("new"));
  WANT(busy, path_rename, SCRATCH, S("d"), SCRATCH, S("."));
  WANT(busy, path_rename, SPECIAL, S("mounted"), SPECIAL, S("new"));
  make_directory(SPECIAL, "folder");
  WANT(busy, path_rename, SPECIAL, S("folder"), SPECIAL, S("mounted"));
  OK(path_remove_directory, SPECIAL, S("folder"));
  WANT(busy, path_rename, ROOT, S("s"), ROOT, S("new"));
}
CASE(path_rename, xdev, other_mount) {
  make_file(SCRATCH, "f", "content");
  WANT(xdev, path_rename, SCRATCH, S("f"), OTHER, S("f"));
  make_directory(SCRATCH, "d");
  WANT(xdev, path_rename, SCRATCH, S("d"), OTHER, S("d"));
  WANT(xdev, path_rename, SCRATCH, S("f"), READ_ONLY, S("f"));
  CHECK(holds_text(SCRATCH, "f", "content"));
}
