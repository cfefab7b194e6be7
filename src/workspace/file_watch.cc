#include "workspace/file_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <set>

#include "base/file.h"
#include "base/thread.h"

namespace boxagnts::workspace {
namespace {

constexpr std::size_t kThreadStackBytes = 256 << 10;
constexpr std::uint32_t kChanges = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY |
                                   IN_ATTRIB | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF;
constexpr std::uint32_t kNames =
    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;

class Inotify final : public FileWatch {
 public:
  Inotify(base::UniqueFd events, base::UniqueFd wake, OnChange on_change)
      : events_(std::move(events)), wake_(std::move(wake)), on_change_(std::move(on_change)) {}
  ~Inotify() override {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto put = ::write(wake_.get(), &one, sizeof one);
  }

  Status launch() {
    thread_ = TRY(base::Thread::start("watch", kThreadStackBytes, [this] { follow(); }));
    return {};
  }

  Status add(const std::string& folder, Told told) override {
    const std::lock_guard lock(mutex_);
    const auto known = watches_.find(folder);
    if (known != watches_.end()) {
      ++known->second.count;
      return {};
    }
    if (watches_.size() >= kFoldersMax)
      return fail(Code::busy, "more than " + std::to_string(kFoldersMax) +
                                  " folders are watched already; close some of them");
    const int number = ::inotify_add_watch(
        events_.get(), folder.c_str(),
        (told == Told::names ? kNames : kChanges) | IN_ONLYDIR | IN_EXCL_UNLINK);
    if (number < 0 && errno == ENOSPC)
      return fail(Code::busy,
                  "the system's limit of watched folders is reached "
                  "(fs.inotify.max_user_watches)");
    if (number < 0) return fail_errno(errno, "cannot watch " + folder);
    watches_.emplace(folder, Watch{number, 1});
    return {};
  }

  void remove(const std::string& folder) override {
    const std::lock_guard lock(mutex_);
    const auto known = watches_.find(folder);
    if (known == watches_.end() || --known->second.count > 0) return;
    const int number = known->second.number;
    watches_.erase(known);
    // Two names of one folder share the kernel's watch.
    for (const auto& [name, watch] : watches_)
      if (watch.number == number) return;
    ::inotify_rm_watch(events_.get(), number);
  }

 private:
  struct Watch {
    int number;
    std::size_t count;
  };

  void follow() {
    alignas(inotify_event) std::array<char, 64 << 10> buffer;
    while (true) {
      std::array<pollfd, 2> wanted{{{events_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
      if (::poll(wanted.data(), wanted.size(), -1) < 0 && errno != EINTR) return;
      if (wanted[1].revents != 0) return;
      const ssize_t got = ::read(events_.get(), buffer.data(), buffer.size());
      if (got <= 0) continue;
      for (const auto& folder :
           changed_in(std::string_view(buffer.data(), static_cast<std::size_t>(got))))
        on_change_(folder);
    }
  }

  std::set<std::string> changed_in(std::string_view events) {
    std::set<int> numbers;
    bool all = false;
    while (events.size() >= sizeof(inotify_event)) {
      inotify_event event;
      std::memcpy(&event, events.data(), sizeof event);
      numbers.insert(event.wd);
      all |= (event.mask & IN_Q_OVERFLOW) != 0;
      events.remove_prefix(std::min(events.size(), sizeof event + event.len));
    }
    std::set<std::string> folders;
    const std::lock_guard lock(mutex_);
    for (const auto& [folder, watch] : watches_)
      if (all || numbers.contains(watch.number)) folders.insert(folder);
    return folders;
  }

  const base::UniqueFd events_, wake_;
  const OnChange on_change_;
  std::mutex mutex_;
  std::map<std::string, Watch> watches_;
  base::Thread thread_;  // last: joined before the rest goes
};

}  // namespace

Result<std::unique_ptr<FileWatch>> FileWatch::start(OnChange on_change) {
  base::UniqueFd events(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!events) return fail_errno(errno, "cannot watch folders");
  base::UniqueFd wake(::eventfd(0, EFD_CLOEXEC));
  if (!wake) return fail_errno(errno, "cannot watch folders");
  auto watch = std::make_unique<Inotify>(std::move(events), std::move(wake), std::move(on_change));
  TRY(watch->launch());
  return watch;
}

}  // namespace boxagnts::workspace
