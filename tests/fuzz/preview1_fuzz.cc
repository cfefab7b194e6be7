// Sequences of preview1 calls with any arguments, over memory, a host folder and a read-only one:
// nothing outside changes, and no descriptor of ours stays open.
#include <dirent.h>
#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <map>

#include "sandbox/sandbox.h"
#include "tests/fuzz/fuzz.h"
#include "tests/wasi/matrix.h"
#include "tests/wasi/script.h"
#include "vfs/host_filesystem.h"
#include "vfs/memory_filesystem.h"

namespace boxagnts::wasi_test {
namespace {

namespace fs = std::filesystem;
using sandbox::ClockId;

// Time stands still but for waits, which are over at once.
class StillWorld final : public sandbox::World {
 public:
  std::uint64_t now_ns(ClockId) override { return now_ns_; }
  std::uint64_t resolution_ns(ClockId) override { return 1; }
  void fill_random(std::span<std::byte> into) override { std::ranges::fill(into, std::byte{0x5a}); }
  void wait(std::span<sandbox::Watch>, std::uint64_t until_ns, base::Steady,
            const std::stop_token&) override {
    now_ns_ = std::max(now_ns_, until_ns);
  }

 private:
  std::uint64_t now_ns_ = 1'700'000'000'000'000'000;
};

// Everything below a folder: path, inode, mode, size, times.
using Snapshot = std::map<std::string, std::array<std::int64_t, 5>>;
Snapshot snapshot_of(const std::string& folder) {
  Snapshot found;
  const auto note = [&](const std::string& path) {
    struct stat status{};
    FUZZ_CHECK(::lstat(path.c_str(), &status) == 0);
    found[path] = {static_cast<std::int64_t>(status.st_ino), status.st_mode, status.st_size,
                   status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
  };
  note(folder);
  for (const auto& entry : fs::recursive_directory_iterator(folder)) note(entry.path());
  return found;
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

// The guest's folders on disk: inside is emptied after each input, outside and ro never change.
struct Disk {
  Disk() {
    char folder[] = "/tmp/preview1_fuzz.XXXXXX";
    top = ::mkdtemp(folder);
    for (const auto* name : {"/inside", "/outside", "/ro", "/ro/folder"})
      fs::create_directory(top + name);
    std::ofstream(top + "/outside/secret") << "secret";
    std::ofstream(top + "/ro/f") << "read only";
    fs::create_symlink("../outside", top + "/ro/out");
    before_outside = snapshot_of(top + "/outside");
    before_ro = snapshot_of(top + "/ro");
  }
  ~Disk() { fs::remove_all(top); }
  std::string top;
  Snapshot before_outside, before_ro;
};

// Decodes an input. A call is a number and as many arguments as the function has; an argument
// is one byte that stands for a value that is likely to matter, or says how many bytes follow.
class Decoder {
 public:
  Decoder(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}

  std::string script() {
    Script script;
    lay_out(script);
    while (left_ > 0 && script.bytes().size() + 200 < kScriptBytesMax) {
      const std::uint8_t which = byte();
      if (which >= 0xf0) {  // any bytes anywhere in the arena
        std::string bytes;
        for (std::uint8_t n = which & 0x0f; n-- > 0;) bytes += static_cast<char>(byte());
        script.poke(kArena + (byte() << 6), bytes);
        continue;
      }
      const std::size_t function = which % functions().size();
      if (functions()[function] == "proc_exit") continue;
      std::vector<std::uint64_t> arguments;
      for (std::size_t i = 0; i < arity(function); ++i) arguments.push_back(argument());
      script.call(function, arguments);
    }
    return script.bytes();
  }

 private:
  // One slot of 64 bytes each: paths, then vectors, then subscriptions.
  static void lay_out(Script& script) {
    static const std::array<std::string, 16> kPaths{
        "f",  "g",   "d",    "d/f",  "d/../f", "l",    "l/x",  "..",
        "/s", "/h/", "/h/f", "ro/f", "../x",   "d/d/", "\xff", std::string("f\0x", 3)};
    std::uint32_t slot = 0;
    for (const auto& path : kPaths) script.poke(kArena + 64 * slot++, path);
    const auto word = [](std::uint32_t value) {
      return std::string(reinterpret_cast<const char*>(&value), sizeof value);
    };
    for (std::uint32_t i = 0; i < 8; ++i)  // two buffers each, some of them wrong
      script.poke(kArena + 64 * slot++,
                  word(kArena + 0x4000 * i) + word(16 << i) + word(kMemoryBytes - i) + word(4));
    for (char tag = 0; tag < 4; ++tag)  // two subscriptions, the second to a clock
      script.poke(kArena + 64 * (slot += 2), std::string(8, 'u') + std::string(1, tag) +
                                                 std::string(7, 0) + word(tag) +
                                                 std::string(76, 0));
  }

  static std::size_t arity(std::size_t function) {
    static const std::vector<std::string> kTexts = {
#define FUNCTION(name, parameters) #parameters,
#define FUNCTION_EXIT FUNCTION
#include "tests/wasi/functions.inc"
#undef FUNCTION
#undef FUNCTION_EXIT
    };
    const auto& text = kTexts[function];
    if (text == "(void)") return 0;
    return static_cast<std::size_t>(std::ranges::count(text, ',')) + 1;
  }

  std::uint8_t byte() {
    if (left_ == 0) return 0;
    --left_;
    return *data_++;
  }

  std::uint64_t argument() {
    constexpr std::array<std::uint64_t, 8> kEdges{0xffffffff,   0x80000000,       0x7fffffff,
                                                  1ull << 63,   INT64_MAX,        UINT64_MAX,
                                                  kMemoryBytes, kMemoryBytes - 64};
    const std::uint8_t kind = byte();
    if (kind < 0x40) return kind;                          // descriptors, flags, sizes
    if (kind < 0x80) return kArena + 64u * (kind & 0x3f);  // what was laid out
    if (kind < 0x90) return kMemoryBytes - (kind & 0x0f);  // about the end
    if (kind < 0x98) return kEdges[kind & 7];
    if (kind < 0xa8) return ~std::uint64_t{0} - (kind & 0x0f);  // small and negative
    if (kind < 0xc8) return std::uint64_t{1} << (kind - 0xa8);  // one right, one flag
    if (kind < 0xd0) return (std::uint64_t{1} << 30) - 1;       // every right
    std::uint64_t value = 0;
    for (int n = kind < 0xe8 ? 2 : 8; n-- > 0;) value = value << 8 | byte();
    return value;
  }

  const std::uint8_t* data_;
  std::size_t left_;
};

class Harness {
 public:
  Harness() : sandbox_(sandbox::Sandbox::make(clock_, {.instances_max = 1})) {
    std::ifstream file(std::string(WASI_GUESTS) + "/interpreter.wasm", std::ios::binary);
    const std::string wasm{std::istreambuf_iterator<char>(file), {}};
    program_ = sandbox_->compile(wasm).value();
    guest("");  // what the engine opens it keeps
  }

  void run(const std::string& script) {
    const std::size_t open_before = open_descriptors();
    guest(script);
    FUZZ_CHECK(open_descriptors() == open_before);
    FUZZ_CHECK(snapshot_of(disk_.top + "/outside") == disk_.before_outside);
    FUZZ_CHECK(snapshot_of(disk_.top + "/ro") == disk_.before_ro);
    for (const auto& entry : fs::directory_iterator(disk_.top + "/inside"))
      fs::remove_all(entry.path());
  }

 private:
  void guest(const std::string& script) {
    StillWorld world;
    sandbox::Process process{.name_space = name_space(), .working_directory = "/s"};
    process.arguments = {"guest", "argument"};
    process.environment = {"NAME=value"};
    process.input = script;
    process.world = &world;
    process.limits.output_bytes = 1 << 16;
    process.limits.open_files = 32;
    process.limits.wall_time = std::chrono::seconds(1);
    const auto result = sandbox_->run(*program_, process, {});
    FUZZ_CHECK(result);
    // Calls may write over the interpreter itself, which then crashes or turns in circles.
    FUZZ_CHECK(result->end != sandbox::End::stopped);
    FUZZ_CHECK(result->output.size() <= process.limits.output_bytes);
  }

  std::shared_ptr<const vfs::NameSpace> name_space() {
    const auto host = [this](const char* name, core::Access access) {
      return vfs::open_host_filesystem(disk_.top + name, access, {},
                                       {.bytes_max = 1 << 16, .entries_max = 64})
          .value();
    };
    return vfs::NameSpace::make({{"/s", vfs::make_memory_filesystem(clock_, 1 << 16)},
                                 {"/h", host("/inside", core::Access::read_write)},
                                 {"/ro", host("/ro", core::Access::read_only)}})
        .value();
  }

  base::SystemClock clock_;
  Disk disk_;
  std::unique_ptr<sandbox::Sandbox> sandbox_;
  std::shared_ptr<const sandbox::Program> program_;
};

}  // namespace
}  // namespace boxagnts::wasi_test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace boxagnts::wasi_test;
  static Harness harness;
  harness.run(Decoder(data, size).script());
  return 0;
}
