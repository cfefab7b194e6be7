#include "tests/wasi/world.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "base/thread.h"
#include "vfs/host_filesystem.h"
#include "vfs/memory_filesystem.h"
#include "vfs/overlay.h"
#include "vfs/streams.h"

namespace boxagnts::wasi_test {
namespace {

base::SystemClock& system_clock() {
  static base::SystemClock clock;
  return clock;
}

std::shared_ptr<vfs::Filesystem> full_filesystem() {
  static const auto kFull = [] {
    auto made = vfs::make_memory_filesystem(system_clock(), 1 << 10);
    for (int i = 0; made->root()->open_file(std::to_string(i), {.create = true}); ++i) {
    }
    return made;
  }();
  return kFull;
}

void write_file(const std::string& path, std::string_view content) {
  std::ofstream(path, std::ios::binary) << content;
}

void make_socket(const std::string& path) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  ASSERT_LT(path.size(), sizeof address.sun_path);
  path.copy(address.sun_path, path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(fd);
}

vfs::Mount host_mount(const std::string& guest, const std::string& folder, core::Access access,
                      const std::vector<std::string>& hidden = {}) {
  return {guest, vfs::open_host_filesystem(folder, access, vfs::Masks::parse(hidden).value(),
                                           {.bytes_max = 64 << 20, .entries_max = 1000})
                     .value()};
}

// A folder on disk, gone with this.
class Folder {
 public:
  Folder() {
    char path[] = "/tmp/wasi_test.XXXXXX";
    path_ = ::mkdtemp(path);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// What no case changes for the next one.
std::vector<vfs::Mount> shared_mounts() {
  static Folder folder;
  static const auto kMounts = [] {
    const std::string& top = folder.path();
    for (const auto* name : {"/ro", "/ro/empty", "/special"})
      std::filesystem::create_directory(top + name);
    write_file(top + "/ro/file", "read only");
    std::filesystem::create_symlink("file", top + "/ro/link");
    write_file(top + "/special/file", "special");
    write_file(top + "/special/masked", "hidden");
    EXPECT_EQ(::mkfifo((top + "/special/fifo").c_str(), 0666), 0);
    make_socket(top + "/special/socket");
    const auto sevens = [](std::span<std::byte> into) { std::ranges::fill(into, std::byte{7}); };
    return std::vector<vfs::Mount>{
        host_mount("/ro", top + "/ro", core::Access::read_only),
        {"/full", full_filesystem()},
        {"/dev", vfs::make_stream_folder(vfs::make_devices(sevens))},
        host_mount("/special", top + "/special", core::Access::read_write, {"masked*"}),
        {"/special/mounted", vfs::make_memory_filesystem(system_clock(), 1 << 10)}};
  }();
  return kMounts;
}

}  // namespace

std::string name_of(Scratch scratch) {
  switch (scratch) {
    case Scratch::host: return "host";
    case Scratch::memory: return "memory";
    case Scratch::overlay: return "overlay";
  }
  return "";
}

struct World::OnDisk {
  Folder folder, upper;
  std::unique_ptr<vfs::Overlay> overlay;
};

World::World(base::Clock& clock, Scratch scratch) {
  std::vector<vfs::Mount> mounts;  // descriptors 5, 6, … in this order
  if (scratch == Scratch::host) {
    on_disk_ = std::make_unique<OnDisk>();
    mounts.push_back(host_mount("/s", on_disk_->folder.path(), core::Access::read_write));
  } else if (scratch == Scratch::overlay) {
    on_disk_ = std::make_unique<OnDisk>();
    auto lower = host_mount("/s", on_disk_->folder.path(), core::Access::read_only);
    on_disk_->overlay = vfs::Overlay::open(lower.filesystem, {}, on_disk_->upper.path()).value();
    mounts.push_back({"/s", on_disk_->overlay->filesystem()});
  } else {
    mounts.push_back({"/s", vfs::make_memory_filesystem(clock, 16 << 20)});
  }
  mounts.push_back({"/other", vfs::make_memory_filesystem(clock, 64 << 10)});
  for (auto& mount : shared_mounts()) mounts.push_back(std::move(mount));
  name_space_ = vfs::NameSpace::make(std::move(mounts)).value();
}

World::~World() = default;

sandbox::Process World::process() const {
  sandbox::Process process;
  process.name_space = name_space_;
  process.working_directory = "/s";
  process.environment = {"NAME=value", "EMPTY="};
  process.limits.wall_time = std::chrono::seconds(60);
  return process;
}

sandbox::Sandbox& sandbox_under_test() {
  static const auto kSandbox = sandbox::Sandbox::make(system_clock(), {.instances_max = 4});
  return *kSandbox;
}

const sandbox::Program& guest(const std::string& name) {
  static std::map<std::string, std::shared_ptr<const sandbox::Program>> programs;
  auto& program = programs[name];
  if (!program) {
    std::ifstream file(std::string(WASI_GUESTS) + "/" + name + ".wasm", std::ios::binary);
    const std::string wasm{std::istreambuf_iterator<char>(file), {}};
    program = sandbox_under_test().compile(wasm).value();
  }
  return *program;
}

sandbox::ProcessResult run(const sandbox::Program& program, const sandbox::Process& process) {
  Result<sandbox::ProcessResult> result = fail(Code::internal, "not run");
  auto thread = base::Thread::start("guest", process.limits.stack_bytes + (4 << 20), [&] {
    result = sandbox_under_test().run(program, process, {});
  });
  EXPECT_TRUE(thread);
  thread->join();
  EXPECT_TRUE(result) << (result ? "" : result.error().message);
  return result.value_or(sandbox::ProcessResult{});
}

}  // namespace boxagnts::wasi_test
