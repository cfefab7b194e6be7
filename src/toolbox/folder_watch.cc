#include "toolbox/folder_watch.h"

#include <sys/stat.h>

#include <algorithm>
#include <mutex>
#include <set>

#include "base/log.h"
#include "workspace/file_watch.h"

namespace boxagnts::toolbox {
namespace {

bool is_folder(const std::string& path) {
  struct stat status;
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

// Itself, or the nearest one above it that is there.
std::string nearest_folder(std::string path) {
  while (path.size() > 1 && !is_folder(path))
    path.resize(std::max<std::size_t>(path.rfind('/'), 1));
  return path;
}

class Watch final : public FolderWatch {
 public:
  Watch(std::vector<std::string> folders, std::function<void()> on_change)
      : folders_(std::move(folders)), on_change_(std::move(on_change)) {}

  Status launch() {
    const std::lock_guard lock(mutex_);
    files_ = TRY(workspace::FileWatch::start([this](const std::string&) {
      {
        const std::lock_guard held(mutex_);
        follow();
      }
      on_change_();
    }));
    follow();
    return {};
  }

 private:
  // A folder that was replaced by another of its name needs a watch anew, so all are taken anew.
  // One that came between the look and the watch is found by the second round.
  void follow() {
    for (std::set<std::string> wanted, before; (wanted = nearest()) != before; before = wanted) {
      for (const auto& folder : watched_) files_->remove(folder);
      watched_.clear();
      for (const auto& folder : wanted) {
        const bool itself = std::ranges::find(folders_, folder) != folders_.end();
        using Told = workspace::FileWatch::Told;
        if (const auto added = files_->add(folder, itself ? Told::everything : Told::names); added)
          watched_.insert(folder);
        else if (added.error().code != Code::not_found)
          base::log(base::LogLevel::warning, "toolbox",
                    "changes of tools are not noticed: " + added.error().message);
      }
    }
  }

  std::set<std::string> nearest() const {
    std::set<std::string> folders;
    for (const auto& folder : folders_) folders.insert(nearest_folder(folder));
    return folders;
  }

  const std::vector<std::string> folders_;
  const std::function<void()> on_change_;
  std::mutex mutex_;
  std::set<std::string> watched_;
  std::unique_ptr<workspace::FileWatch> files_;  // last: its thread ends before the rest goes
};

}  // namespace

Result<std::unique_ptr<FolderWatch>> FolderWatch::start(std::vector<std::string> folders,
                                                        std::function<void()> on_change) {
  auto watch = std::make_unique<Watch>(std::move(folders), std::move(on_change));
  TRY(watch->launch());
  return watch;
}

}  // namespace boxagnts::toolbox
