#include "gateway/file_changes.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <set>
#include <stop_token>

#include "base/guard.h"
#include "base/json.h"
#include "base/thread.h"
#include "workspace/file_watch.h"

namespace boxagnts::gateway {
namespace {

constexpr std::size_t kThreadStackBytes = 256 << 10;
// How often streams that had no room are tried again, and those that are gone are let go.
constexpr std::chrono::seconds kLookEvery{1};

struct Watcher {
  FileChanges::Wish wish;
  std::shared_ptr<net::ServerStream> stream;
  std::set<std::string> untold;  // paths
};

}  // namespace

class FileChanges::Teller {
 public:
  ~Teller() {
    stop_.request_stop();
    thread_.join();
  }

  Status add(const Wish& wish, std::shared_ptr<net::ServerStream> stream) {
    const std::lock_guard lock(mutex_);
    TRY(start());
    for (std::size_t i = 0; i < wish.folders.size(); ++i) {
      auto added = watch_->add(wish.folders[i].host_folder);
      if (added) continue;
      while (i-- > 0) watch_->remove(wish.folders[i].host_folder);
      return added;
    }
    watchers_.push_back({wish, std::move(stream), {}});
    changed_.notify_all();
    return {};
  }

 private:
  Status start() {
    if (!watch_)
      watch_ =
          TRY(workspace::FileWatch::start([this](const std::string& folder) { changed(folder); }));
    if (!thread_.joinable())
      thread_ = TRY(base::Thread::start("changes", kThreadStackBytes, [this] { tell(); }));
    return {};
  }

  void changed(const std::string& host_folder) {
    const std::lock_guard lock(mutex_);
    for (auto& watcher : watchers_)
      for (const auto& folder : watcher.wish.folders)
        if (folder.host_folder == host_folder) watcher.untold.insert(folder.path);
    has_news_ = true;
    changed_.notify_all();
  }

  void tell() {
    const auto stop = stop_.get_token();
    while (!stop.stop_requested()) {
      std::unique_lock lock(mutex_);
      if (watchers_.empty())
        changed_.wait(lock, stop, [this] { return has_news_ || !watchers_.empty(); });
      else
        changed_.wait_for(lock, stop, kLookEvery, [this] { return has_news_; });
      // What comes together is told together.
      changed_.wait_for(lock, stop, kTellEvery, [] { return false; });
      has_news_ = false;
      std::erase_if(watchers_, [this](Watcher& watcher) { return !told(watcher); });
    }
  }

  // False: the stream is gone, and its folders are let go.
  bool told(Watcher& watcher) {
    if (watcher.stream->gone()) {
      for (const auto& folder : watcher.wish.folders) watch_->remove(folder.host_folder);
      return false;
    }
    std::erase_if(watcher.untold, [&](const std::string& path) {
      return watcher.stream->push(std::make_shared<const std::string>(
          "event: files\ndata: " + base::to_text(JsonObject{{"folder", path}}) + "\n\n"));
    });
    return true;
  }

  std::stop_source stop_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<Watcher> watchers_;
  bool has_news_ = false;
  base::Thread thread_;
  std::unique_ptr<workspace::FileWatch> watch_;  // its thread calls in: it goes first
};

FileChanges::FileChanges(workspace::Files& files)
    : files_(files), teller_(std::make_unique<Teller>()) {}

FileChanges::~FileChanges() = default;

Result<FileChanges::Wish> FileChanges::wish_of(std::string_view folders) {
  const auto json = base::parse_json(folders);
  const auto* paths = json ? json->if_array() : nullptr;
  if (!paths || std::ranges::any_of(*paths, [](const Json& path) { return !path.is_string(); }))
    return fail(Code::invalid_argument, "watch is a JSON array of folders, as in [\"\",\"docs\"]");
  if (GUARD("gateway.watched_folders", paths->size() > kFoldersMax))
    return fail(Code::invalid_argument,
                "watch names more than " + std::to_string(kFoldersMax) + " folders");
  Wish wish;
  for (const auto& path : *paths) {
    const std::string text(path.get_string());
    wish.folders.push_back({text, TRY(files_.host_folder(text))});
  }
  return wish;
}

Status FileChanges::watch(const Wish& wish, std::shared_ptr<net::ServerStream> stream) {
  if (wish.folders.empty()) return {};
  return teller_->add(wish, std::move(stream));
}

}  // namespace boxagnts::gateway
