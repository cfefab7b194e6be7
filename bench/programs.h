// Whole programs beside ours: found, started, waited for.
#pragma once

#include <string>
#include <vector>

namespace boxagnts::bench {

[[noreturn]] void die(const std::string& why);

// Runs to its end with stdout and stderr thrown away and stdin from `input` ("" = /dev/null); its
// exit code.
int spawn_and_wait(const std::vector<std::string>& arguments, const std::string& input = "");

// The program's path, from PATH or the rivals' folder (scripts/install-rivals); "" = not there.
std::string find_program(const std::string& name);

}  // namespace boxagnts::bench
