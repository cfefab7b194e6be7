// `tool run FILE.wasm`: a stranger's program, with the second wall around this process.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <set>

#include "app/commands.h"
#include "app/interrupts.h"
#include "app/mounts.h"
#include "app/program.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "base/thread.h"
#include "confine/confinement.h"
#include "vfs/host_filesystem.h"
#include "vfs/streams.h"

namespace boxagnts::app {
namespace {

#if defined(NDEBUG) && !defined(BOXAGNTS_SANITIZED)
constexpr bool kSecondWall = true;
#else
constexpr bool kSecondWall = false;  // debuggers and sanitizers need what it takes away
#endif

constexpr std::size_t kModuleBytesMax = 256u << 20;
constexpr const char* kDevices = "/dev";

struct Failed {
  int exit_code = kExitOwnFailure;
  Error error;
};
template <class T>
using Outcome = std::expected<T, Failed>;

// A Result's error with the exit code that it means here.
template <class T>
Outcome<T> or_exit(Result<T> result, int exit_code) {
  if (result) return std::move(*result);
  return std::unexpected(Failed{exit_code, std::move(result.error())});
}

Outcome<std::string> read_module(const std::string& file) {
  auto wasm = base::read_file(file, kModuleBytesMax);
  if (wasm) return std::move(*wasm);
  const bool absent = wasm.error().code == Code::not_found;
  return std::unexpected(Failed{absent ? kExitNotFound : kExitCannotRun, std::move(wasm.error())});
}

// Compiled code is one thing that this process takes from outside its walls, so it is made first.
Outcome<std::string> compiled(const std::string& file, std::string_view wasm, sandbox::Fuel fuel) {
  const auto tell = [&] { say("compiling " + file + ", once"); };
  ModuleCompiler compiler;
  auto cwasm = compiler.compile(wasm, fuel, {}, tell);
  if (cwasm) return std::move(*cwasm);
  const bool bad = cwasm.error().code == Code::invalid_argument;
  return std::unexpected(
      Failed{bad ? kExitCannotRun : kExitOwnFailure, std::move(cwasm.error()).in(file)});
}

// What the guest sees of the file system, and what the kernel lets this process see.
struct View {
  std::shared_ptr<const vfs::NameSpace> name_space;
  std::vector<sandbox::Preopen> preopens;
  std::string working_directory;
  std::vector<confine::PathRule> wall;
};

// Where a folder stands for the guest: programs may know it by a relative name, or as ".".
std::string place_of(const std::string& name) {
  if (name == ".") return "/";
  return name.starts_with('/') ? name : "/" + name;
}

Result<View> make_view(const std::vector<core::MountGrant>& grants, vfs::Quota quota,
                       sandbox::World& world) {
  View view;
  std::vector<vfs::Mount> mounts;
  std::set<std::string, std::less<>> places;
  for (const auto& grant : grants) {
    const auto folder = settled(grant);
    if (!folder) return std::unexpected(Error(folder.error()).in("--dir"));
    auto filesystem = vfs::open_host_filesystem(folder->host_path, folder->access, {}, quota);
    if (!filesystem) return std::unexpected(std::move(filesystem.error()).in("--dir"));
    const std::string place = place_of(folder->guest_path);
    mounts.push_back({place, std::move(*filesystem)});
    view.preopens.push_back({folder->guest_path, place});
    view.wall.push_back({folder->host_path, folder->access == core::Access::read_write
                                                ? confine::Reach::write
                                                : confine::Reach::read});
    places.insert(place);
  }
  const bool whole = places.contains("/");
  if (!grants.empty() && !whole && !places.contains(kDevices)) {
    const auto random = [&world](std::span<std::byte> into) { world.fill_random(into); };
    mounts.push_back({kDevices, vfs::make_stream_folder(vfs::make_devices(random))});
    view.preopens.push_back({kDevices, kDevices});
  }
  view.name_space = TRY(vfs::NameSpace::make(std::move(mounts)));
  // Where we stand, if the guest sees it at the same place. Not below a root of the guest's own:
  // wasi-libc cannot tell "/x" from "x", and takes both for what "." is.
  char current[PATH_MAX];
  const bool stands = !whole && ::getcwd(current, sizeof current) && view.name_space->at(current);
  view.working_directory = stands ? current : "/";
  // As in other runtimes, descriptor 3 is the first folder that was granted, and without any there
  // is none. What is ours comes behind.
  for (const auto& own : {sandbox::Preopen{"/", "/"}, {".", view.working_directory}})
    if (!grants.empty() &&
        std::ranges::find(view.preopens, own.name, &sandbox::Preopen::name) == view.preopens.end())
      view.preopens.push_back(own);
  return view;
}

Result<core::Limits> limits_of(const cli::ModuleRunCommand& command) {
  core::Limits limits;
  if (command.timeout_s)
    limits.wall_time =
        std::chrono::milliseconds(static_cast<std::int64_t>(*command.timeout_s * 1000));
  limits.memory_bytes = command.memory_bytes.value_or(limits.memory_bytes);
  limits.stack_bytes = command.stack_bytes.value_or(limits.stack_bytes);
  limits.output_bytes = command.output_bytes.value_or(limits.output_bytes);
  limits.disk_bytes = command.disk_bytes.value_or(limits.disk_bytes);
  limits.fuel = command.fuel.value_or(0);
  if (limits.stack_bytes > core::kStackClassMaxBytes)
    return fail(Code::invalid_argument, "--stack of " + std::to_string(limits.stack_bytes) +
                                            " bytes is more than the largest, " +
                                            std::to_string(core::kStackClassMaxBytes));
  return limits;
}

// A standard stream, or nothing when it is closed.
std::shared_ptr<vfs::File> stream(int number) {
  base::UniqueFd own(::fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  return own ? vfs::make_host_stream(std::move(own)) : nullptr;
}

Status build_second_wall(const std::vector<confine::PathRule>& paths) {
  if (!kSecondWall) return {};
  const auto walls = TRY(confine::confine_this_process({.paths = paths}));
  for (const auto& sentence : walls.missing)
    base::log(base::LogLevel::warning, "app", sentence + " (docs/security.md)");
  return {};
}

Outcome<sandbox::ProcessResult> run_guest(sandbox::Sandbox& sandbox,
                                          const sandbox::Program& program,
                                          const sandbox::Process& process) {
  std::stop_source stop;
  const auto interrupts =
      TRY(or_exit(Interrupts::watch([&] { stop.request_stop(); }), kExitOwnFailure));
  Result<sandbox::ProcessResult> result = fail(Code::internal, "the program did not run");
  auto thread = TRY(or_exit(
      base::Thread::start("guest", core::calling_thread_bytes(process.limits),
                          [&] { result = sandbox.run(program, process, stop.get_token()); }),
      kExitOwnFailure));
  thread.join();
  return or_exit(std::move(result), kExitOwnFailure);
}

// What a person can do about a limit.
std::string with_flag(std::string reason) {
  constexpr std::pair<std::string_view, std::string_view> kFlags[]{
      {"wasm_timeout", "--timeout"},      {"wasm_max_memory_size", "--memory"},
      {"wasm_max_wasm_stack", "--stack"}, {"wasm_fuel", "--fuel"},
      {"bytes of output", "--output"},    {"bytes of diagnostics", "--output"}};
  for (const auto& [limit, flag] : kFlags)
    if (reason.contains(limit)) return reason + " (" + std::string(flag) + " gives more)";
  return reason;
}

Outcome<int> run_module(const cli::ModuleRunCommand& command) {
  constexpr auto own = [](auto result) { return or_exit(std::move(result), kExitOwnFailure); };
  base::SystemClock clock;
  const auto limits = TRY(own(limits_of(command)));
  if (const auto closed = confine::close_inherited_descriptors(); !closed)
    base::log(base::LogLevel::warning, "app", closed.error().message);

  const auto wasm = TRY(read_module(command.file));
  const auto cwasm = TRY(compiled(command.file, wasm, sandbox::fuel_of(limits)));
  const auto world = sandbox::make_host_world(clock);
  auto view = TRY(own(make_view(command.mounts, vfs::quota_of(limits), *world)));
  sandbox::Process process{.name_space = view.name_space,
                           .preopens = std::move(view.preopens),
                           .working_directory = view.working_directory,
                           .arguments = {command.file},
                           .environment = command.environment,
                           .limits = limits,
                           .standard_input = stream(STDIN_FILENO),
                           .standard_output = stream(STDOUT_FILENO),
                           .standard_error = stream(STDERR_FILENO),
                           .world = world.get()};
  process.arguments.insert(process.arguments.end(), command.arguments.begin(),
                           command.arguments.end());

  if (const auto built = build_second_wall(view.wall); !built)
    return std::unexpected(Failed{kExitOwnFailure, built.error()});
  const auto sandbox = sandbox::Sandbox::make(clock, {.instances_max = 1});
  auto program = sandbox->load_compiled(cwasm, limits);
  if (!program) {
    const bool bad = program.error().code == Code::invalid_argument;
    return std::unexpected(Failed{bad ? kExitCannotRun : kExitOwnFailure,
                                  std::move(program.error()).in(command.file)});
  }
  if (kSecondWall)
    if (const auto forbidden = confine::forbid_new_code(); !forbidden)
      base::log(base::LogLevel::warning, "app", forbidden.error().message);

  const auto result = TRY(run_guest(*sandbox, **program, process));
  switch (result.end) {
    case sandbox::End::exited: return result.exit_code & 0xff;
    case sandbox::End::stopped: return base::info(Code::cancelled).exit_code;
    case sandbox::End::trapped:
    case sandbox::End::limit: break;
  }
  return std::unexpected(
      Failed{kExitOwnFailure,
             {Code::limit_exceeded, command.file + " ended early: " + with_flag(result.reason)}});
}

}  // namespace

Result<int> execute(const cli::ModuleRunCommand& command) {
  const auto code = run_module(command);
  if (code) return *code;
  say(code.error().error.message);
  return code.error().exit_code;
}

}  // namespace boxagnts::app
