// What Rust's std links and Debian's wasi-libc of 2022 lacks. There are no threads: making one fails.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct Attributes;
struct Thread;

int pthread_attr_init(struct Attributes* attributes) { return (void)attributes, 0; }
int pthread_attr_destroy(struct Attributes* attributes) { return (void)attributes, 0; }
int pthread_attr_setstacksize(struct Attributes* attributes, size_t size) {
  return (void)attributes, (void)size, 0;
}
int pthread_create(struct Thread** thread, const struct Attributes* attributes,
                   void* (*start)(void*), void* argument) {
  return (void)thread, (void)attributes, (void)start, (void)argument, EAGAIN;
}
int pthread_join(struct Thread* thread, void** result) {
  return (void)thread, (void)result, EINVAL;
}
int pthread_detach(struct Thread* thread) { return (void)thread, EINVAL; }

// Absolute and lexically normal, seen from $PWD: links stay as they are written, which is how every
// path of a tool is shown.
char* realpath(const char* path, char* into) {
  const char* base = getenv("PWD");
  if (*path == '/' || !base) base = "";
  char* const normal = into ? into : malloc(strlen(base) + strlen(path) + 2);
  if (!normal) return NULL;
  char* to = normal;
  for (int part = 0; part < 2; ++part) {
    for (const char* from = part == 0 ? base : path; *from;) {
      const size_t size = strcspn(from, "/");
      if (size == 2 && from[0] == '.' && from[1] == '.') {
        while (to > normal && *--to != '/') {
        }
      } else if (size > 0 && !(size == 1 && *from == '.')) {
        *to++ = '/';
        memcpy(to, from, size);
        to += size;
      }
      from += size + (from[size] == '/');
    }
  }
  if (to == normal) *to++ = '/';
  *to = '\0';
  return normal;
}
