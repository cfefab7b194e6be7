#include "sandbox/module_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <memory>

#include "base/guard.h"
#include "base/hash.h"
#include "base/id.h"
#include "base/log.h"
#include "base/time.h"
#include "vfs/host_filesystem.h"

namespace boxagnts::sandbox {
namespace {

constexpr std::size_t kHashDigits = 64;
constexpr mode_t kOthers = 077;

bool is_only_ours(const struct stat& status) {
  return status.st_uid == ::geteuid() && (status.st_mode & kOthers) == 0;
}

// All that compiled code depends on beside the module: the engine's version, its settings, this
// CPU. The compiled form of the empty module holds it.
Result<std::string> fingerprint(Fuel fuel) {
  using namespace std::string_view_literals;
  return precompile("\0asm\1\0\0\0"sv, Target::host, fuel, Compiling::on_this_thread);
}

struct Entry {
  std::string name;
  std::uint64_t bytes = 0;
  timespec used{};
};

std::vector<Entry> entries_of(int folder) {
  struct Close {
    void operator()(DIR* stream) const { ::closedir(stream); }
  };
  std::vector<Entry> entries;
  base::UniqueFd again(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!again) return entries;
  const std::unique_ptr<DIR, Close> stream(::fdopendir(again.get()));
  if (!stream) return entries;
  (void)again.release();  // the stream's own now
  while (const dirent* found = ::readdir(stream.get())) {
    struct stat status;
    if (::fstatat(folder, found->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(status.st_mode))
      entries.push_back(
          {found->d_name, static_cast<std::uint64_t>(status.st_size), status.st_mtim});
  }
  return entries;
}

}  // namespace

Result<ModuleCache> ModuleCache::open(const std::string& folder, const confine::Launcher& launcher,
                                      std::uint64_t bytes_max) {
  TRY(base::make_folders(folder));
  base::UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status;
  if (!fd || ::fstat(fd.get(), &status) != 0) return fail_errno(errno, "cannot use " + folder);
  if (GUARD("sandbox.cache-folder", !is_only_ours(status)))
    return fail(Code::permission_denied,
                folder +
                    (status.st_uid == ::geteuid() ? " is open to others" : " is another user's") +
                    ", and compiled modules are native code; give it to yourself alone (chown, "
                    "chmod 700) or move it away");
  char canonical[PATH_MAX];
  if (!::realpath(folder.c_str(), canonical)) return fail_errno(errno, "cannot use " + folder);
  // Only that name keeps guests that are given a folder above from writing native code.
  if (GUARD("sandbox.cache-name", !vfs::Masks().hides(canonical + 1)))
    return fail(Code::permission_denied,
                folder + " leads to " + canonical +
                    ", where programs could see it; make a folder of the link in it");
  return ModuleCache(std::move(fd), launcher, bytes_max);
}

Result<std::string> ModuleCache::compiled(std::string_view wasm, Fuel fuel,
                                          const Progress& progress, std::stop_token stop) {
  const std::string name =
      base::blake2b_hex(base::blake2b_hex(wasm) + base::blake2b_hex(TRY(fingerprint(fuel))));
  if (auto found = read(name)) return found;
  if (progress.compiling) progress.compiling();
  auto made = TRY(compile_in_child(launcher_, wasm, fuel, std::move(stop), {}, progress.slow));
  if (const auto kept = write(name, made); !kept)
    base::log(base::LogLevel::warning, "sandbox",
              "the compiled module cannot be kept: " + kept.error().message);
  return made;
}

// An entry is the hash of the rest, a line end, its name, a line end, the compiled module.
Result<std::string> ModuleCache::read(const std::string& name) const {
  const base::UniqueFd file(
      ::openat(folder_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  struct stat status;
  if (!file || ::fstat(file.get(), &status) != 0) return fail_errno(errno, name);
  if (!S_ISREG(status.st_mode)) return fail(Code::corrupt, name + " is no file");
  if (GUARD("sandbox.cache-entry-owner", !is_only_ours(status)))
    return fail(Code::corrupt, name + " is open to others");
  auto content = TRY(base::read_all(file.get(), CompileLimits{}.compiled_bytes + 1024));
  const std::size_t header = kHashDigits + 1 + name.size() + 1;
  if (content.size() < header) return fail(Code::corrupt, name + " is truncated");
  const std::string_view hashed = std::string_view(content).substr(kHashDigits + 1);
  const bool whole = content[kHashDigits] == '\n' && hashed.starts_with(name) &&
                     hashed[name.size()] == '\n' && content.starts_with(base::blake2b_hex(hashed));
  if (GUARD("sandbox.cache-entry-hash", !whole)) return fail(Code::corrupt, name + " is damaged");
  ::futimens(file.get(), nullptr);  // used now
  content.erase(0, header);
  return content;
}

Status ModuleCache::write(const std::string& name, std::string_view cwasm) const {
  const std::string hashed = name + "\n" + std::string(cwasm);
  if (hashed.size() > bytes_max_) return {};
  base::SystemClock clock;
  const std::string temporary = "new-" + base::new_ulid(clock.now());
  base::UniqueFd file(::openat(folder_.get(), temporary.c_str(),
                               O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return fail_errno(errno, "cannot write into the cache folder");
  const auto put = base::write_all(file.get(), base::blake2b_hex(hashed) + "\n" + hashed);
  // Without fsync: what a power cut leaves half-written fails its hash.
  if (!put || ::renameat(folder_.get(), temporary.c_str(), folder_.get(), name.c_str()) != 0) {
    const int error_number = errno;
    ::unlinkat(folder_.get(), temporary.c_str(), 0);
    return put ? fail_errno(error_number, "cannot write into the cache folder") : put;
  }
  evict(name);
  return {};
}

void ModuleCache::evict(const std::string& newest) const {
  auto entries = entries_of(folder_.get());
  std::uint64_t total = 0;
  for (const auto& entry : entries) total += entry.bytes;
  std::ranges::sort(entries, [](const Entry& a, const Entry& b) {
    return std::pair(a.used.tv_sec, a.used.tv_nsec) < std::pair(b.used.tv_sec, b.used.tv_nsec);
  });
  for (const auto& entry : entries) {
    if (total <= bytes_max_) return;
    if (entry.name == newest) continue;
    if (::unlinkat(folder_.get(), entry.name.c_str(), 0) == 0) total -= entry.bytes;
  }
}

}  // namespace boxagnts::sandbox
