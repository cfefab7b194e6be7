// fd_readdir: cookies that last, buffers of any size, entries that go while they are read.
#include "guest.h"

enum { NEVER_OPENED = 9999, NAMES_MAX = 64 };

typedef struct {
  dirent head;
  char name[260];
} listed;

static char buffer[8192];
static u32 used;

static u32 parse(const char* bytes, u32 size, listed* into, u32 most) {
  u32 at = 0, n = 0;
  while (n < most && size - at >= sizeof(dirent)) {
    memcpy(&into[n].head, bytes + at, sizeof(dirent));
    if (size - at - sizeof(dirent) < into[n].head.name_size) break;
    memcpy(into[n].name, bytes + at + sizeof(dirent), into[n].head.name_size);
    into[n].name[into[n].head.name_size] = 0;
    at += (u32)sizeof(dirent) + into[n++].head.name_size;
  }
  return n;
}

static listed found[NAMES_MAX];

// Everything, read through a window of `window` bytes.
static u32 read_all(u32 fd, u32 window) {
  u32 n = 0;
  u64 cookie = 0;
  while (n < NAMES_MAX) {
    if (OK(fd_readdir, fd, buffer, window, cookie, &used)) break;
    if (!CHECK(used <= window)) break;
    const u32 got = parse(buffer, used, found + n, NAMES_MAX - n);
    if (got == 0) {
      CHECK(used < window);
      break;
    }
    n += got;
    cookie = found[n - 1].head.next;
    if (used < window) break;
  }
  return n;
}

static const listed* entry(const char* name, u32 n) {
  for (u32 i = 0; i < n; ++i)
    if (!strcmp(found[i].name, name)) return &found[i];
  return NULL;
}

static void fill(u32 folder) {
  char name[] = "file_a";
  for (char c = 'a'; c < 'k'; ++c) {
    name[5] = c;
    make_file(folder, name, "");
  }
}

CASE(fd_readdir, success, dots_kinds_and_inodes) {
  const u32 fd = SCRATCH;
  make_file(fd, "file", "");
  make_directory(fd, "folder");
  make_link(fd, "link", "nowhere");
  EQUAL(read_all(fd, sizeof buffer), 5);
  CHECK(!strcmp(found[0].name, ".") && !strcmp(found[1].name, ".."));
  EQUAL(found[0].head.inode, stat_of(fd).inode);
  EQUAL(found[0].head.type, TYPE_DIRECTORY);
  EQUAL(found[1].head.type, TYPE_DIRECTORY);
  const char* const names[] = {"file", "folder", "link"};
  const u8 types[] = {TYPE_REGULAR, TYPE_DIRECTORY, TYPE_LINK};
  for (u32 i = 0; i < 3; ++i) {
    const listed* one = entry(names[i], 5);
    if (!CHECK(one != NULL)) return;
    EQUAL(one->head.type, types[i]);
    EQUAL(one->head.inode, stat_at(fd, 0, names[i]).inode);
  }
}
CASE(fd_readdir, success, empty_folder) {
  make_directory(SCRATCH, "d");
  EQUAL(read_all(open_directory(SCRATCH, "d"), sizeof buffer), 2);
}
CASE(fd_readdir, success, any_window_gives_the_same) {
  fill(SCRATCH);
  make_file(SCRATCH, k255, "");
  for (u32 window = 24 + 255; window < 700; window += 7) EQUAL(read_all(SCRATCH, window), 13);
}
CASE(fd_readdir, success, cut_at_the_buffers_end) {
  fill(SCRATCH);
  OK(fd_readdir, SCRATCH, buffer, sizeof buffer, 0, &used);
  static char whole[sizeof buffer];
  memcpy(whole, buffer, used);
  const u32 all = used;
  for (u32 size = 0; size <= all + 1; ++size) {
    memset(buffer, '?', sizeof buffer);
    OK(fd_readdir, SCRATCH, buffer, size, 0, &used);
    EQUAL(used, size < all ? size : all);
    CHECK(!memcmp(buffer, whole, used) && buffer[used] == '?');
  }
}
CASE(fd_readdir, success, every_cookie_goes_on_behind_its_entry) {
  fill(SCRATCH);
  static listed all[NAMES_MAX];
  const u32 n = read_all(SCRATCH, sizeof buffer);
  memcpy(all, found, sizeof all);
  for (u32 i = n; i-- > 0;) {  // backwards too
    OK(fd_readdir, SCRATCH, buffer, sizeof buffer, all[i].head.next, &used);
    const u32 rest = parse(buffer, used, found, NAMES_MAX);
    EQUAL(rest, n - i - 1);
    if (rest > 0) CHECK(!strcmp(found[0].name, all[i + 1].name));
  }
}
CASE(fd_readdir, success, removing_what_was_read_misses_nothing) {
  fill(SCRATCH);
  u64 cookie = 0;
  u32 removed = 0;
  while (removed < 20) {
    OK(fd_readdir, SCRATCH, buffer, 40, cookie, &used);
    if (!parse(buffer, used, found, 1)) break;
    cookie = found[0].head.next;
    if (found[0].name[0] == '.') continue;
    OK(path_unlink_file, SCRATCH, Z(found[0].name));
    ++removed;
  }
  EQUAL(removed, 10);
  EQUAL(read_all(SCRATCH, sizeof buffer), 2);
}
CASE(fd_readdir, success, rewinding_sees_what_is_new) {
  EQUAL(read_all(SCRATCH, sizeof buffer), 2);
  make_file(SCRATCH, "new", "");
  EQUAL(read_all(SCRATCH, sizeof buffer), 3);
}
CASE(fd_readdir, success, cookies_past_the_end) {
  fill(SCRATCH);
  const u64 cookies[] = {12, 13, 1000, 1ull << 32, 1ull << 63, ~0ull};
  for (u32 i = 0; i < sizeof cookies / sizeof *cookies; ++i) {
    OK(fd_readdir, SCRATCH, buffer, sizeof buffer, cookies[i], &used);
    EQUAL(used, 0);
  }
}
CASE(fd_readdir, success, two_descriptors_do_not_share) {
  fill(SCRATCH);
  const u32 a = open_directory(SCRATCH, "."), b = open_directory(SCRATCH, ".");
  OK(fd_readdir, a, buffer, 60, 0, &used);
  EQUAL(read_all(b, sizeof buffer), 12);
  EQUAL(read_all(a, sizeof buffer), 12);
}
CASE(fd_readdir, success, the_root_lists_mounts) {
  const u32 n = read_all(ROOT, sizeof buffer);
  CHECK(entry("s", n) && entry("ro", n) && entry("other", n));
}
CASE(fd_readdir, badf, never_opened) {
  WANT(badf, fd_readdir, NEVER_OPENED, buffer, sizeof buffer, 0, &used);
}
CASE(fd_readdir, notdir, file_or_stream) {
  WANT(notdir, fd_readdir, make_open(SCRATCH, "f", ""), buffer, sizeof buffer, 0, &used);
  WANT(notdir, fd_readdir, 0, buffer, sizeof buffer, 0, &used);
}
CASE(fd_readdir, noent, removed_folder) {
  make_directory(SCRATCH, "d");
  const u32 fd = open_directory(SCRATCH, "d");
  OK(path_remove_directory, SCRATCH, S("d"));
  WANT(noent, fd_readdir, fd, buffer, sizeof buffer, 0, &used);
}
CASE(fd_readdir, notcapable, dropped) {
  const u32 fd = open_directory(SCRATCH, ".");
  drop_rights(fd, R_READDIR);
  WANT(notcapable, fd_readdir, fd, buffer, sizeof buffer, 0, &used);
}
