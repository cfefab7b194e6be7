#include "net/server_workers.h"

namespace boxagnts::net {

namespace {
constexpr std::size_t kStackBytes = 1 << 20;
}

Status ServerWorkers::start(unsigned threads) {
  for (unsigned i = 0; i < threads; ++i)
    threads_.push_back(
        TRY(base::Thread::start("http-" + std::to_string(i), kStackBytes, [this] { run(); })));
  return {};
}

bool ServerWorkers::submit_request(Job&& job) {
  std::lock_guard lock(mutex_);
  if (stopping_ || requests_.size() >= requests_max_) return false;
  requests_.push_back(std::move(job));
  return true;
}

void ServerWorkers::submit_file(Job job) {
  std::lock_guard lock(mutex_);
  if (!stopping_) files_.push_back(std::move(job));
}

void ServerWorkers::wake() {
  {
    std::lock_guard lock(mutex_);
    if (idle_ == 0 || (requests_.empty() && files_.empty())) return;
  }
  changed_.notify_one();
}

void ServerWorkers::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  threads_.clear();
}

void ServerWorkers::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    auto& queue = files_.empty() ? requests_ : files_;
    if (queue.empty()) {
      if (stopping_) return;
      ++idle_;
      changed_.wait(lock);
      --idle_;
      continue;
    }
    Job job = std::move(queue.front());
    queue.pop_front();
    const bool wakes_next = idle_ > 0 && !(requests_.empty() && files_.empty());
    lock.unlock();
    if (wakes_next) changed_.notify_one();
    job();
    job = nullptr;
    lock.lock();
  }
}

}  // namespace boxagnts::net
