// A tool of one's own, in the smallest form that does something: counts the words and lines of a
// text file. docs/tools.md says how to build and install it.
//
// The call's arguments arrive as JSON on standard input, {"file_path":"..."}; the host has checked
// them against tool.json, so finding the one text in them is all there is to do. What is printed is
// the result, and the exit code says whether it is one.
#include <stdio.h>
#include <string.h>

// The text of "file_path", unescaped as far as paths need it, or nothing.
static int read_path(char* path, size_t size) {
  static char input[64 << 10];
  const size_t got = fread(input, 1, sizeof input - 1, stdin);
  input[got] = '\0';
  const char* at = strstr(input, "\"file_path\"");
  if (!at || !(at = strchr(at + strlen("\"file_path\""), ':'))) return 0;
  at += strspn(at + 1, " \t\r\n") + 1;
  if (*at++ != '"') return 0;
  size_t length = 0;
  while (*at && *at != '"' && length + 1 < size) {
    if (*at == '\\' && at[1]) ++at;  // \" and \\ ; no path that it is given needs more
    path[length++] = *at++;
  }
  path[length] = '\0';
  return *at == '"';
}

int main(void) {
  static char path[4096];
  if (!read_path(path, sizeof path)) {
    puts("file_path must be a text");
    return 2;
  }
  FILE* file = fopen(path, "rb");
  if (!file) {
    printf("%s cannot be opened\n", path);
    return 1;
  }
  long words = 0, lines = 0;
  int is_in_word = 0;
  for (int c; (c = fgetc(file)) != EOF;) {
    const int is_blank = c == ' ' || (c >= '\t' && c <= '\r');
    words += !is_blank && !is_in_word;
    is_in_word = !is_blank;
    lines += c == '\n';
  }
  fclose(file);
  printf("%ld words, %ld lines\n", words, lines);
  return 0;
}
