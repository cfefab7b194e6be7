// The server's workers: threads that run handlers and read files. Requests wait in a bounded queue;
// pieces of files do not count against it, since a connection has at most one of them.
// Thread-safe. The destructor lets what waits run, and joins.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/error.h"
#include "base/thread.h"

namespace boxagnts::net {

class ServerWorkers {
 public:
  using Job = std::move_only_function<void()>;
  explicit ServerWorkers(std::size_t requests_max) : requests_max_(requests_max) {}
  ~ServerWorkers() { stop(); }

  // Errors: busy.
  Status start(unsigned threads);
  // Both leave the workers asleep: wake() after a batch. False when the queue is full; the job is
  // not taken then.
  bool submit_request(Job&& job);
  void submit_file(Job job);
  // Wakes one, which wakes the next if there is more to do: a batch of short jobs costs few
  // changes of threads, and a long one holds nobody up.
  void wake();
  // Takes nothing new, runs what waits, joins. Not from a worker.
  void stop();

 private:
  void run();

  const std::size_t requests_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> requests_, files_;
  unsigned idle_ = 0;
  bool stopping_ = false;
  std::vector<base::Thread> threads_;
};

}  // namespace boxagnts::net
