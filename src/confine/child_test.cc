// Children: what goes in and comes out, how they end, what they inherit; and main() for both sides.
#include "confine/child.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <thread>

namespace boxagnts::confine {

int play_act(const std::vector<std::string>& role);  // confine_test.cc

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

[[noreturn]] void spin() {
  const volatile bool over = false;
  while (!over) {
  }
  std::abort();
}

int play(const std::vector<std::string>& role) {
  const auto& what = role.at(0);
  if (what == "act") return play_act(role);
  if (what == "echo") {
    const auto input = base::read_all(STDIN_FILENO, 1 << 30).value();
    for (std::string_view left = input; !left.empty();)
      left.remove_prefix(static_cast<std::size_t>(::write(1, left.data(), left.size())));
    [[maybe_unused]] const auto put = ::write(2, "told\n", 5);
    return role.size() > 1 ? std::stoi(role[1]) : 0;
  }
  if (what == "die") return ::raise(std::stoi(role.at(1)));
  if (what == "spin") spin();
  if (what == "inherits") {
    int left_open = 0;
    for (int fd = 3; fd < 256; ++fd) left_open += ::fcntl(fd, F_GETFD) >= 0;
    return left_open + (::getenv("PATH") ? 100 : 0) + (::getsid(0) == ::getpid() ? 0 : 50);
  }
  if (what == "middle") {  // starts one of its own and waits for it
    const auto launcher = Launcher::make();
    (void)launcher->run({.role = "orphan", .arguments = {role.at(1)}, .limits = {.cpu_seconds = 2}},
                        {});
    return 0;
  }
  if (what == "orphan") {
    const base::UniqueFd here(::open(role.at(1).c_str(), O_WRONLY));
    spin();
  }
  return 98;
}

ChildResult run(const ChildWork& work, std::stop_token stop = {}) {
  const auto launcher = Launcher::make();
  EXPECT_TRUE(launcher);
  auto done = launcher->run(work, std::move(stop));
  EXPECT_TRUE(done) << (done ? "" : done.error().message);
  return done.value_or(ChildResult{});
}

TEST(Child, InputGoesInOutputAndDiagnosticsComeOut) {
  for (const std::size_t size : {0uz, 1uz, 65'537uz, 5'000'000uz}) {
    const std::string input(size, 'x');
    const auto done = run({.role = "echo", .input = input});
    EXPECT_EQ(done.end, ChildEnd::exited);
    EXPECT_EQ(done.code, 0);
    EXPECT_TRUE(done.output == input) << size;
    EXPECT_EQ(done.diagnostics, "told\n");
  }
}

TEST(Child, EndsAreToldApart) {
  EXPECT_EQ(run({.role = "echo", .arguments = {"7"}}).code, 7);
  const auto killed = run({.role = "die", .arguments = {std::to_string(SIGKILL)}});
  EXPECT_EQ(killed.end, ChildEnd::signalled);
  EXPECT_EQ(killed.code, SIGKILL);
  EXPECT_EQ(run({.role = "spin", .wall_time = 50ms}).end, ChildEnd::timed_out);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(run({.role = "spin"}, stop.get_token()).end, ChildEnd::stopped);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child was left behind";
}

TEST(Child, SlowWorkIsTold) {
  int told = 0;
  run({.role = "spin", .wall_time = 300ms, .on_slow = [&] { ++told; }});
  EXPECT_EQ(told, 1);
  told = 0;
  run({.role = "spin", .wall_time = 10ms, .on_slow = [&] { ++told; }});
  EXPECT_EQ(told, 0);
}

TEST(Child, InheritsNothing) {
  const base::UniqueFd low(::open("/dev/null", O_RDONLY));
  const base::UniqueFd high(::fcntl(low.get(), F_DUPFD, 200));
  ASSERT_EQ(::fcntl(high.get(), F_GETFD), 0) << "it would be inherited";
  EXPECT_EQ(run({.role = "inherits"}).code, 0);
}

TEST(Child, DiesWithItsParent) {
  // The middle one is killed once its own child has opened the FIFO; that child, orphaned, comes to
  // us. Should nothing kill it, its limit of processor time does, with another signal.
  std::string name = fs::temp_directory_path() / "boxagnts-child-XXXXXX";
  const fs::path folder = ::mkdtemp(name.data());
  const std::string fifo = folder / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
  std::stop_source stop;
  std::thread waiter([&] {
    const base::UniqueFd started(::open(fifo.c_str(), O_RDONLY));
    stop.request_stop();
  });
  EXPECT_EQ(run({.role = "middle", .arguments = {fifo}}, stop.get_token()).end, ChildEnd::stopped);
  waiter.join();
  int status = 0;
  EXPECT_GT(::waitpid(-1, &status, 0), 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
  fs::remove_all(folder);
}

TEST(Child, ARoleIsOnlyALaunchersToGive) {
  char name[] = "boxagnts", role[] = "compile", child[] = "boxagnts-child";
  char* by_person[]{name, role};
  char* by_launcher[]{child, role};
  EXPECT_TRUE(child_role(2, by_person).empty());
  EXPECT_EQ(child_role(2, by_launcher), std::vector<std::string>{"compile"});
  EXPECT_TRUE(child_role(1, by_launcher).empty());
}

}  // namespace

int play_child(const std::vector<std::string>& role) { return play(role); }

}  // namespace boxagnts::confine

int main(int argument_count, char** arguments) {
  const auto role = boxagnts::confine::child_role(argument_count, arguments);
  if (!role.empty()) return boxagnts::confine::play_child(role);
  testing::InitGoogleTest(&argument_count, arguments);
  return RUN_ALL_TESTS();
}
