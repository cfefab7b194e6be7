#include "terminal/input_history.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/file.h"
#include "base/guard.h"
#include "base/text.h"

namespace boxagnts::terminal {
namespace {

constexpr std::size_t kFileBytesMax = 4 << 20;

// A text in one line.
std::string escaped(std::string_view text) {
  std::string line;
  for (const char byte : text) {
    if (byte == '\\' || byte == '\n') line += '\\';
    line += byte == '\n' ? 'n' : byte;
  }
  return line;
}

std::string unescaped(std::string_view line) {
  std::string text;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool escapes = line[i] == '\\' && i + 1 < line.size();
    if (escapes) ++i;
    text += escapes && line[i] == 'n' ? '\n' : line[i];
  }
  return text;
}

Result<base::UniqueFd> open_own(const std::string& path, int flags) {
  if (GUARD("terminal.history_link", true)) flags |= O_NOFOLLOW;
  base::UniqueFd file(::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK, 0600));
  struct stat status{};
  if (file && ::fstat(file.get(), &status) != 0) return fail_errno(errno, "cannot look at " + path);
  const bool is_link = !file && errno == ELOOP;
  if (is_link || GUARD("terminal.history_no_file", file && !S_ISREG(status.st_mode)))
    return fail(Code::permission_denied, path + " is no file: move it away to keep what you write");
  if (!file) return fail_errno(errno, "cannot open " + path);
  if ((status.st_mode & 0077) != 0) ::fchmod(file.get(), 0600);
  return file;
}

}  // namespace

Result<InputHistory> InputHistory::open(const std::string& path) {
  InputHistory history;
  history.path_ = path;
  const auto file = TRY(open_own(path, O_RDWR | O_CREAT));
  const std::string text = TRY(base::read_all(file.get(), kFileBytesMax));
  for (const auto line : base::split(text, '\n'))
    if (!line.empty()) history.entries_.push_back(base::repair_utf8(unescaped(line)));
  const std::size_t kept = std::min(history.entries_.size(), kEntriesMax);
  if (history.entries_.size() <= 2 * kEntriesMax && text.size() <= kFileBytesMax / 2) {
    history.entries_.erase(history.entries_.begin(),
                           history.entries_.end() - static_cast<std::ptrdiff_t>(kept));
    return history;
  }
  // It has grown long: the oldest go.
  history.entries_.erase(history.entries_.begin(),
                         history.entries_.end() - static_cast<std::ptrdiff_t>(kept));
  std::string lines;
  for (const auto& entry : history.entries_) lines += escaped(entry) + "\n";
  TRY(base::write_file_atomically(path, lines));
  return history;
}

Status InputHistory::add(std::string_view text) {
  if (base::is_blank(text) || text.size() > kEntryBytesMax) return {};
  if (!entries_.empty() && entries_.back() == text) return {};
  if (entries_.size() >= kEntriesMax) entries_.erase(entries_.begin());
  entries_.emplace_back(text);
  if (path_.empty()) return {};
  // In one write behind what others wrote.
  const auto file = TRY(open_own(path_, O_WRONLY | O_CREAT | O_APPEND));
  return base::write_all(file.get(), escaped(text) + "\n");
}

}  // namespace boxagnts::terminal
