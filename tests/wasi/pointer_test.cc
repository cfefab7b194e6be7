#include "tests/wasi/pointer_test.h"

#include <algorithm>
#include <map>
#include <regex>

#include "tests/wasi/world.h"

namespace boxagnts::wasi_test {
namespace {

template <class T>
std::string raw(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}
std::string iovec(std::uint32_t buffer, std::uint32_t size) { return raw(buffer) + raw(size); }

// Good places in the arena.
constexpr std::uint32_t kPath = kArena, kNewPath = kArena + 16, kLinkPath = kArena + 32,
                        kVectors = kArena + 64, kBytes = kArena + 128, kSubscription = kArena + 256,
                        kResult = kArena + 1024, kBuffer = kArena + 2048;
constexpr std::uint64_t kFolder = 4, kFile = 12;  // ".", and the first number behind the preopened

// One pointer parameter: how many bytes it covers, what a call finds there, and the parameter that
// says its length ("" where the function does).
struct Pointer {
  const char* name;
  std::uint32_t bytes;
  std::string content = {};  // "" where the call only writes
  const char* length = "";
  std::uint32_t unit = 1;    // bytes that one of `length` stands for
  bool reads_length = true;  // false: a length that is too large does no harm
};

struct Good {
  std::vector<std::uint64_t> arguments;
  std::vector<Pointer> pointers;
  const char* result = "success";
};

std::string path_text(std::uint64_t at) { return at == kPath ? "f" : at == kNewPath ? "n" : "l"; }
Pointer path(const char* name, const char* length, std::uint64_t at) {
  return {name, 1, path_text(at), length};
}
Pointer vectors() { return {"vectors", 8, iovec(kBytes, 16), "count", 8}; }
Pointer result(std::uint32_t bytes) { return {"result", bytes}; }

// For each function a call that works, and its pointers.
const std::map<std::string, Good>& good_calls() {
  static const std::string kWait = std::string(48, '\0');  // a clock, at once
  static const std::map<std::string, Good> kCalls = {
      {"args_get", {{kResult, kBuffer}, {{"table", 8}, {"buffer", 9}}}},
      {"args_sizes_get", {{kResult, kBuffer}, {{"count", 4}, {"bytes", 4}}}},
      {"environ_get", {{kResult, kBuffer}, {{"table", 8}, {"buffer", 18}}}},
      {"environ_sizes_get", {{kResult, kBuffer}, {{"count", 4}, {"bytes", 4}}}},
      {"clock_res_get", {{0, kResult}, {result(8)}}},
      {"clock_time_get", {{0, 1, kResult}, {result(8)}}},
      {"fd_fdstat_get", {{kFile, kResult}, {result(24)}}},
      {"fd_filestat_get", {{kFile, kResult}, {result(64)}}},
      {"fd_pread", {{kFile, kVectors, 1, 0, kResult}, {vectors(), result(4)}}},
      {"fd_prestat_get", {{5, kResult}, {result(8)}}},
      {"fd_prestat_dir_name", {{5, kResult, 2}, {{"name", 2, "", "size", 1, false}}}},
      {"fd_pwrite", {{kFile, kVectors, 1, 0, kResult}, {vectors(), result(4)}}},
      {"fd_read", {{kFile, kVectors, 1, kResult}, {vectors(), result(4)}}},
      {"fd_readdir", {{kFolder, kBuffer, 64, 0, kResult}, {{"buffer", 64, "", "size"}, result(4)}}},
      {"fd_seek", {{kFile, 0, 0, kResult}, {result(8)}}},
      {"fd_tell", {{kFile, kResult}, {result(8)}}},
      {"fd_write", {{kFile, kVectors, 1, kResult}, {vectors(), result(4)}}},
      {"path_create_directory", {{kFolder, kNewPath, 1}, {path("path", "size", kNewPath)}}},
      {"path_filestat_get",
       {{kFolder, 0, kPath, 1, kResult}, {path("path", "size", kPath), result(64)}}},
      {"path_filestat_set_times", {{kFolder, 0, kPath, 1, 1, 1, 4}, {path("path", "size", kPath)}}},
      {"path_link",
       {{kFolder, 0, kPath, 1, kFolder, kNewPath, 1},
        {path("path", "size", kPath), path("new_path", "new_size", kNewPath)}}},
      {"path_open",
       {{kFolder, 0, kPath, 1, 0, 2, 0, 0, kResult}, {path("path", "size", kPath), result(4)}}},
      {"path_readlink",
       {{kFolder, kLinkPath, 1, kBuffer, 8, kResult},
        {path("path", "size", kLinkPath), {"buffer", 8, "", "buffer_size"}, result(4)}}},
      {"path_remove_directory", {{kFolder, kPath + 8, 1}, {{"path", 1, "d", "size"}}}},
      {"path_rename",
       {{kFolder, kPath, 1, kFolder, kNewPath, 1},
        {path("path", "size", kPath), path("new_path", "new_size", kNewPath)}}},
      {"path_symlink",
       {{kPath, 1, kFolder, kNewPath, 1},
        {path("target", "target_size", kPath), path("path", "size", kNewPath)}}},
      {"path_unlink_file", {{kFolder, kPath, 1}, {path("path", "size", kPath)}}},
      {"poll_oneoff",
       {{kSubscription, kBuffer, 1, kResult},
        {{"in", 48, kWait, "count", 48}, {"out", 32, "", "count", 32}, result(4)}}},
      {"random_get", {{kBuffer, 64}, {{"buffer", 64, "", "size"}}}},
      {"sock_accept", {{kFile, 0, kResult}, {result(4)}, "notsock"}},
      {"sock_recv",
       {{kFile, kVectors, 1, 0, kResult, kBuffer},
        {vectors(), {"size", 4}, {"result_flags", 2}},
        "notsock"}},
      {"sock_send", {{kFile, kVectors, 1, 0, kResult}, {vectors(), result(4)}, "notsock"}},
  };
  return kCalls;
}

// Parameter names of each function, and which of them are pointers.
struct Parameter {
  std::string name;
  bool pointer;
};
const std::map<std::string, std::vector<Parameter>>& parameters() {
  static const auto kParsed = [] {
    const std::vector<std::pair<std::string, std::string>> texts = {
#define FUNCTION(name, parameters) {#name, #parameters},
#define FUNCTION_EXIT FUNCTION
#include "tests/wasi/functions.inc"
#undef FUNCTION
#undef FUNCTION_EXIT
    };
    std::map<std::string, std::vector<Parameter>> parsed;
    const std::regex one(R"((u32|u64|ptr) (\w+))");
    for (const auto& [function, text] : texts) {
      auto& list = parsed[function];
      for (std::sregex_iterator at(text.begin(), text.end(), one), end; at != end; ++at)
        list.push_back({(*at)[2], (*at)[1] == "ptr"});
    }
    return parsed;
  }();
  return kParsed;
}

std::size_t index_of(const std::string& function, const std::string& name) {
  const auto& list = parameters().at(function);
  const auto found = std::ranges::find(list, name, &Parameter::name);
  EXPECT_NE(found, list.end()) << function << " has no parameter " << name;
  return static_cast<std::size_t>(found - list.begin());
}

// The errno of one call in a fresh world, by name; "trap" where the guest was ended.
std::string errno_of(const std::string& function, const std::vector<std::uint64_t>& arguments,
                     const Script& before) {
  static base::SystemClock clock;
  World world(clock, Scratch::memory);
  auto process = world.process();
  process.arguments = {"prog", "arg"};
  Script script;
  script.poke(kPath, "f").poke(kNewPath, "n").poke(kLinkPath, "l").poke(kPath + 8, "d");
  script.poke(kVectors, iovec(kBytes, 16)).poke(kSubscription, std::string(48, '\0'));
  script.call("path_open", {kFolder, 0, kPath, 1, 1, 66, 0, 0, kResult});  // create f
  script.call("path_symlink", {kPath, 1, kFolder, kLinkPath, 1});
  script.call("path_create_directory", {kFolder, kPath + 8, 1});
  const std::string text =
      script.bytes() + before.bytes() + Script().call(function, arguments).bytes();
  process.input = text;
  const auto ended = run(guest("interpreter"), process);
  if (ended.end != sandbox::End::exited) return "trap: " + ended.reason;
  return errnos().at(static_cast<std::size_t>(ended.exit_code));
}

// Moves one pointer about and expects what is said.
class Mover {
 public:
  Mover(std::string function, const Good& good, const Pointer& pointer)
      : function_(std::move(function)),
        good_(good),
        pointer_(pointer),
        at_(index_of(function_, pointer.name)) {}

  void run() {
    const std::string fits = good_.result, fault = fits == "success" ? "fault" : fits;
    constexpr std::uint64_t kEnd = kMemoryBytes;
    expect(kEnd - pointer_.bytes, {}, {fits});
    expect(kEnd - pointer_.bytes + 1, {}, {fault});
    for (const std::uint64_t past :
         {kEnd, kEnd + 1, std::uint64_t{0x7fffffff}, std::uint64_t{0x80000000},
          std::uint64_t{0xfffffff8}, std::uint64_t{0xffffffff}})
      expect(past, {}, {fault});
    if (*pointer_.length) lengths(fits, fault);
    if (std::string(pointer_.name) == "vectors") buffers(fits, fault);
  }

 private:
  void lengths(const std::string& fits, const std::string& fault) {
    constexpr std::uint64_t kEnd = kMemoryBytes;
    const std::uint64_t good = good_.arguments[at_];
    if (!pointer_.reads_length) {
      expect(good, 0xffffffff, {fits});
      return;
    }
    const std::uint64_t one_more = pointer_.bytes / pointer_.unit + 1;
    expect(kEnd - pointer_.bytes, one_more, {fault, "inval"});
    expect(good, (kEnd - good) / pointer_.unit + 1, {fault, "inval"});
    for (const std::uint64_t length :
         {0x10000000u, 0x20000000u, 0x7fffffffu, 0x80000000u, 0xffffffffu})
      for (const std::uint64_t place : {good, kEnd - 1, kEnd, std::uint64_t{0xffffffff}})
        expect(place, length, {fault, "inval"});
    expect(0xffffff00, 0x200, {fault, "inval"});  // wraps to a good place
  }

  // What the vectors point to.
  void buffers(const std::string& fits, const std::string& fault) {
    const auto expect_buffer = [&](std::uint32_t buffer, std::uint32_t size,
                                   const std::string& wanted) {
      Script before;
      before.poke(kVectors, iovec(buffer, size));
      EXPECT_EQ(errno_of(function_, good_.arguments, before), wanted)
          << function_ << " with a buffer of " << size << " bytes at " << buffer;
    };
    expect_buffer(kMemoryBytes - 16, 16, fits);
    expect_buffer(kMemoryBytes - 16, 17, fault);
    expect_buffer(kMemoryBytes - 1, 1, fits);
    expect_buffer(kMemoryBytes, 0, fits);
    expect_buffer(kMemoryBytes, 1, fault);
    expect_buffer(kBytes, 0xffffffff, fault);
    expect_buffer(0xffffffff, 1, fault);
    expect_buffer(0xffffffff, 0xffffffff, fault);
    expect_buffer(0xffffff00, 0x200, fault);
    expect_buffer(0x80000000, 0x80000000, fault);
  }

  void expect(std::uint64_t place, std::optional<std::uint64_t> length,
              const std::vector<std::string>& wanted) {
    auto arguments = good_.arguments;
    arguments[at_] = place;
    if (length) arguments[index_of(function_, pointer_.length)] = *length;
    Script before;
    if (place < kMemoryBytes)
      before.poke(static_cast<std::uint32_t>(place),
                  pointer_.content.substr(0, kMemoryBytes - place));
    const std::string got = errno_of(function_, arguments, before);
    EXPECT_NE(std::ranges::find(wanted, got), wanted.end())
        << function_ << " with " << pointer_.name << " at " << place << " and length "
        << (length ? std::to_string(*length) : "as it is") << ": " << got << ", not " << wanted[0];
  }

  const std::string function_;
  const Good& good_;
  const Pointer& pointer_;
  const std::size_t at_;
};

}  // namespace

std::vector<PointerCase> pointer_cases() {
  std::vector<PointerCase> cases;
  for (const auto& [function, good] : good_calls())
    for (const auto& pointer : good.pointers)
      cases.push_back({{function, good.result == std::string("success") ? "fault" : good.result},
                       pointer.name,
                       [&function, &good, &pointer] { Mover(function, good, pointer).run(); }});
  return cases;
}

void expect_every_pointer_has_cases() {
  for (const auto& [function, list] : parameters())
    for (const auto& [name, is_pointer] : list) {
      if (!is_pointer) continue;
      const auto good = good_calls().find(function);
      EXPECT_TRUE(good != good_calls().end() &&
                  std::ranges::any_of(good->second.pointers,
                                      [&](const auto& one) { return one.name == name; }))
          << "no case moves " << name << " of " << function;
    }
}

}  // namespace boxagnts::wasi_test
