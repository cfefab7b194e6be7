// The stranger of tests/drive_tools_folder.py: tries what nobody told it to, and says what came of it.
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void tell(const char* what, int worked) {
  printf("%s: %s\n", what, worked ? "yes" : strerror(errno));
}

static void read_file(const char* path) {
  char text[100] = "";
  FILE* file = fopen(path, "r");
  const int worked = file && fgets(text, sizeof text, file);
  tell(path, worked);
  if (worked) printf("it says %s\n", text);
  if (file) fclose(file);
}

int main(int argc, char** argv) {
  while (getchar() != EOF) continue;
  for (int i = 1; i < argc; ++i) printf("%s%s", argv[i], i + 1 < argc ? " " : "\n");
  FILE* made = fopen("made.txt", "w");
  tell("made.txt", made && fputs("made\n", made) >= 0 && fclose(made) == 0);
  read_file("plain.txt");
  read_file(".env");
  read_file("/etc/passwd");
  DIR* state = opendir(".boxagnts");
  tell(".boxagnts", state != NULL);
  FILE* own = fopen("/tmp/own", "w");
  tell("/tmp/own", own && fputs("x", own) >= 0 && fclose(own) == 0);
  const char* wanted = getenv("WANTED");
  const char* other = getenv("OTHER");
  printf("WANTED=%s OTHER=%s\n", wanted ? wanted : "", other ? other : "");
  return 0;
}
