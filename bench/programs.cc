#include "bench/programs.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

extern char** environ;

namespace boxagnts::bench {

void die(const std::string& why) {
  std::fprintf(stderr, "boxagnts_bench: %s\n", why.c_str());
  std::exit(1);
}

int spawn_and_wait(const std::vector<std::string>& arguments, const std::string& input) {
  std::vector<char*> argv;
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, input.empty() ? "/dev/null" : input.c_str(),
                                   O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  pid_t child;
  if (::posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ) != 0)
    die("cannot start " + arguments[0]);
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  const char* cache = std::getenv("BOXAGNTS_CACHE_DIR");
  std::string folders = path ? path : "";
  if (cache) folders += std::string(":") + cache + "/rivals/bin";
  for (std::size_t at = 0; at <= folders.size();) {
    const std::size_t end = std::min(folders.find(':', at), folders.size());
    const std::string candidate = folders.substr(at, end - at) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    at = end + 1;
  }
  return "";
}

}  // namespace boxagnts::bench
