#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

namespace boxagnts::base {

void UniqueFd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Result<std::string> read_all(int fd, std::size_t bytes_max) {
  std::string content;
  constexpr std::size_t kStep = 64 * 1024;
  while (true) {
    const std::size_t have = content.size();
    if (have > bytes_max)
      return fail(Code::limit_exceeded,
                  "the input is larger than " + std::to_string(bytes_max) + " bytes");
    content.resize(have + kStep);
    const ssize_t got = ::read(fd, content.data() + have, kStep);
    content.resize(have + static_cast<std::size_t>(got > 0 ? got : 0));
    if (got == 0) return content;
    if (got < 0 && errno != EINTR) return fail_errno(errno, "reading failed");
  }
}

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) return fail_errno(errno, "cannot open " + path);
  struct stat status;
  if (::fstat(fd.get(), &status) != 0) return fail_errno(errno, "cannot read " + path);
  if (!S_ISREG(status.st_mode))
    return fail(Code::invalid_argument, path + " is not a regular file");
  if (static_cast<std::uint64_t>(status.st_size) > bytes_max)
    return fail(Code::limit_exceeded,
                path + " is larger than " + std::to_string(bytes_max) + " bytes");
  auto content = read_all(fd.get(), bytes_max);
  if (!content) return std::unexpected(std::move(content.error()).in("cannot read " + path));
  return content;
}

std::string path_of(int fd) {
  char path[PATH_MAX];
  const ssize_t size =
      ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path, sizeof path);
  if (size <= 0 || static_cast<std::size_t>(size) == sizeof path) return "";
  return std::string(path, static_cast<std::size_t>(size));
}

Status write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_errno(errno, "writing failed");
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

Status make_folders(const std::string& path) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST)
      return fail_errno(errno, "cannot make the folder " + part);
    if (slash == std::string::npos) return {};
  }
}

Status write_file_atomically(const std::string& path, std::string_view content, unsigned mode) {
  std::string temporary = path + ".XXXXXX";
  UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return fail_errno(errno, "cannot write " + path);
  const auto abandon = [&](int error_number) {
    ::unlink(temporary.c_str());
    return fail_errno(error_number, "cannot write " + path);
  };
  if (!write_all(fd.get(), content)) return abandon(errno);
  if (::fchmod(fd.get(), mode) != 0 || ::fsync(fd.get()) != 0) return abandon(errno);
  fd.reset();
  if (::rename(temporary.c_str(), path.c_str()) != 0) return abandon(errno);
  return {};
}

}  // namespace boxagnts::base
