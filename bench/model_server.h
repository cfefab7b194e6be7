// A Chat Completions server in a process of its own, for measuring what a turn costs besides the
// model: it answers at once or after a delay with the next of a run's tool calls, and notes when
// each answer ended and the same run's next request had come in whole.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace boxagnts::bench {

struct ModelScript {
  int turns = 1;  // calls of `read` on in.txt, then an answer in words
  std::chrono::milliseconds delay{0};
  bool never_answers = false;
};

// Forks: make it before this process has threads. Ends with the object.
class ModelServer {
 public:
  explicit ModelServer(const ModelScript& script);
  ModelServer(const ModelServer&) = delete;
  ~ModelServer();

  const std::string& base_url() const { return base_url_; }
  // Stops it; from the end of an answer to the run's next request, in microseconds.
  std::vector<double> finish();

 private:
  pid_t child_ = -1;
  int results_ = -1;  // a pipe
  std::string base_url_;
};

}  // namespace boxagnts::bench
