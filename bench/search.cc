#include "bench/search.h"

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <random>

#include "bench/programs.h"
#include "bench/timing.h"
#include "toolbox/guest_tools.h"
#include "tools/test_execution.h"

namespace boxagnts::bench {
namespace {

namespace fs = std::filesystem;

// Sources as they are: half of the files under 3 KB, few over 50, in 1,600 folders four deep, a
// tenth of them ignored.
void make_tree(const fs::path& root) {
  std::mt19937 random(2026);
  std::vector<std::string> words;
  for (int i = 0; i < 4000; ++i) {
    std::string word;
    for (unsigned n = 2 + random() % 9; n > 0; --n) word += static_cast<char>('a' + random() % 26);
    words.push_back(word);
  }
  std::lognormal_distribution<double> lines(4.3, 1.1);
  const char* kinds[] = {".cc", ".h", ".py", ".md", ".rs"};
  for (int i = 0; i < 20'000; ++i) {
    const auto name = [](int number) { return std::to_string(number); };
    const fs::path folder = root / ("part" + name(i % 8)) / ("lib" + name(i / 8 % 10)) /
                            (i % 10 == 9 ? "build" : "src") / ("m" + name(i / 80 % 20));
    fs::create_directories(folder);
    std::string text;
    for (int line = std::min(3000, static_cast<int>(lines(random)) + 1); line > 0; --line) {
      text.append(random() % 4 * 2, ' ');
      for (unsigned n = 1 + random() % 9; n > 0; --n)
        text += words[std::min(random() % 4000, random() % 4000)] + (random() % 7 ? " " : "(); ");
      text += "\n";
    }
    if (i % 100 == 0) text += "  needle_in_the_haystack(42);\n";
    std::ofstream(folder / ("file" + name(i) + kinds[i % 5])) << text;
  }
  fs::create_directories(root / ".git");
  std::ofstream(root / ".gitignore") << "build/\n*.o\n";
}

class Tools {
 public:
  explicit Tools(std::string folder) : folder_(std::move(folder)) {
    if (!toolbox::add_embedded(registry_, *sandbox_, clock_)) die("no tools");
    grant_.mounts = {{folder_, folder_, core::Access::read_write}};
    grant_.working_directory = folder_;
    grant_.environment = {"PWD=" + folder_};
  }
  std::function<void()> call(const std::string& name, JsonObject arguments) {
    return [this, name, json = Json(std::move(arguments))] {
      const tools::ToolContext context{.workspace = folder_};
      const auto output =
          tools::TestExecution(grant_, context, clock_).run(*registry_.find(name), json);
      if (!output || output->status != core::ResultStatus::ok) die(name + " failed");
    };
  }

 private:
  const std::string folder_;
  base::SystemClock clock_;
  std::unique_ptr<sandbox::Sandbox> sandbox_ = sandbox::Sandbox::make(clock_);
  tools::Registry registry_;
  core::Grant grant_;
};

void compare(const std::string& what, const std::function<void()>& ours,
             const std::vector<std::string>& rival) {
  std::vector<Row> rows{{what, ours}};
  if (!find_program(rival[0]).empty())
    rows.push_back({"  " + rival[0] + " -j1", [rival] { spawn_and_wait(rival); }});
  measure(rows, 7, 1);
  for (const auto& row : rows) print(row);
  if (rows.size() > 1)
    target("times " + rival[0], rows[0].percentile(0.5) / rows[1].percentile(0.5), 3);
}

}  // namespace

void bench_search(const std::string& folder) {
  make_tree(folder);
  std::ofstream(folder + "/one.txt") << "a needle\n";
  Tools tools(folder);
  const auto rg = [&](std::vector<std::string> more) {
    std::vector<std::string> command{"rg", "-j1", "--no-config", "--crlf"};
    command.insert(command.end(), more.begin(), more.end());
    command.push_back(folder);
    return command;
  };
  print_header("11. Search of 20,000 files, 18,000 of them not ignored");
  compare("grep, a literal, paths",
          tools.call("grep", {{"pattern", "needle_in_the_haystack"}, {"head_limit", 0}}),
          rg({"-l", "needle_in_the_haystack"}));
  compare(
      "grep, a literal without case, counts",
      tools.call("grep", {{"pattern", "needle_in_the"}, {"-i", true}, {"output_mode", "count"}}),
      rg({"-c", "-i", "needle_in_the"}));
  compare("grep, a regular expression that matches nothing",
          tools.call("grep", {{"pattern", "\\b[a-f]{12}\\w+\\d$"}}),
          rg({"-l", "\\b[a-f]{12}\\w+\\d$"}));
  compare("grep, files of one type",
          tools.call("grep", {{"pattern", "needle"}, {"type", "py"}, {"head_limit", 0}}),
          rg({"-l", "-tpy", "needle"}));
  compare("glob **/*.h", tools.call("glob", {{"pattern", "**/*.h"}}),
          {"fdfind", "-j1", "-HI", "--glob", "*.h", folder});
  std::vector<Row> rows{{"grep in one file of one line",
                         tools.call("grep", {{"pattern", "needle"}, {"path", "one.txt"}})}};
  measure(rows, 5, 200);
  print(rows[0]);
}

}  // namespace boxagnts::bench
