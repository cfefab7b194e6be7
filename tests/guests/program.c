// The guest of tests/drive_modules.py: does what its first argument says. A failed call prints its
// errno and ends with 1.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char** environ;

static int failed(void) {
  printf("errno %d: %s\n", errno, strerror(errno));
  return 1;
}

__attribute__((noinline)) static int recurse(int depth) {
  volatile char room[1024];
  room[0] = (char)depth;
  return recurse(depth + 1) + room[0];
}
__attribute__((noinline)) static void inner(void) { __builtin_trap(); }
__attribute__((noinline)) static void outer(void) { inner(); }

static int copy(void) {
  static char bytes[64 << 10];
  ssize_t got;
  while ((got = read(0, bytes, sizeof bytes)) > 0)
    for (ssize_t done = 0; done < got;) {
      const ssize_t put = write(1, bytes + done, (size_t)(got - done));
      if (put < 0) return failed();
      done += put;
    }
  return got < 0 ? failed() : 0;
}

static int show(const char* path) {
  FILE* file = fopen(path, "r");
  if (!file) return failed();
  for (int byte; (byte = getc(file)) != EOF;) putchar(byte);
  return 0;
}

static int put(const char* path, const char* text) {
  FILE* file = fopen(path, "w");
  if (!file || fputs(text, file) < 0 || fclose(file) != 0) return failed();
  return 0;
}

static int list(const char* path) {
  DIR* folder = opendir(path);
  if (!folder) return failed();
  for (struct dirent* entry; (entry = readdir(folder));) puts(entry->d_name);
  return 0;
}

// Each kind of change to a file and a folder, as a libc does them.
static int work(const char* folder) {
  char path[4096], other[4096];
  snprintf(path, sizeof path, "%s/work.txt", folder);
  snprintf(other, sizeof other, "%s/work-2.txt", folder);
  const struct timespec times[2] = {{1000000000, 1}, {1000000000, 2}};
  struct stat status;
  FILE* file = fopen(path, "a+");
  if (!file || fputs("a line\n", file) < 0 || fflush(file) != 0) return failed();
  const int fd = fileno(file);
  if (ftruncate(fd, 3) != 0 || posix_fallocate(fd, 0, 100) != 0 || fsync(fd) != 0 ||
      fdatasync(fd) != 0 || futimens(fd, times) != 0 || fstat(fd, &status) != 0 ||
      lseek(fd, 0, SEEK_END) != 100 || fclose(file) != 0)
    return failed();
  if (link(path, other) != 0 || utimensat(AT_FDCWD, other, times, AT_SYMLINK_NOFOLLOW) != 0 ||
      stat(other, &status) != 0 || status.st_nlink != 2 || unlink(path) != 0 ||
      symlink("work-2.txt", path) != 0 || readlink(path, other, sizeof other) != 10 ||
      unlink(path) != 0)
    return failed();
  snprintf(path, sizeof path, "%s/work", folder);
  if (mkdir(path, 0700) != 0 || rmdir(path) != 0) return failed();
  return 0;
}

static int endless(const char* what) {
  puts(what);
  fflush(stdout);
  if (!strcmp(what, "sleep")) return (int)sleep(100000);
  if (!strcmp(what, "wait")) return (int)read(0, (char[1]){0}, 1);
  for (volatile int i = 0; strcmp(what, "flood");) i = i + 1;
  while (1) puts("a line that comes again and again, until somebody has had enough of it");
}

static int use_memory(void) {
  while (1) {
    volatile char* block = malloc(1 << 20);
    if (!block) return 5;
    block[0] = 1;
  }
}

int main(int count, char** arguments) {
  const char* what = count > 1 ? arguments[1] : "";
  const char* a = count > 2 ? arguments[2] : "";
  const char* b = count > 3 ? arguments[3] : "";
  if (!strcmp(what, "arguments"))
    for (int i = 2; i < count; ++i) printf("[%s]", arguments[i]);
  else if (!strcmp(what, "environment"))
    for (char** one = environ; *one; ++one) puts(*one);
  else if (!strcmp(what, "exit")) return atoi(a);
  else if (!strcmp(what, "copy")) return copy();
  else if (!strcmp(what, "complain")) fputs("to standard error\n", stderr);
  else if (!strcmp(what, "read")) return show(a);
  else if (!strcmp(what, "write")) return put(a, b);
  else if (!strcmp(what, "list")) return list(a);
  else if (!strcmp(what, "move")) return rename(a, b) ? failed() : 0;
  else if (!strcmp(what, "folder")) return mkdir(a, 0700) ? failed() : 0;
  else if (!strcmp(what, "remove")) return unlink(a) ? failed() : 0;
  else if (!strcmp(what, "link")) return symlink(a, b) ? failed() : 0;
  else if (!strcmp(what, "work")) return work(a);
  else if (!strcmp(what, "trap")) outer();
  else if (!strcmp(what, "recurse")) return recurse(0);
  else if (!strcmp(what, "memory")) return use_memory();
  else return endless(what);
  return 0;
}
