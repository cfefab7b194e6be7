// The network that a guest sees: an object handed in, like its files and its clocks, so that it can
// be less than the machine's, recorded and played back.
//
// A Network serves one process at a time, on the thread that runs it.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "vfs/recorded.h"

namespace boxagnts::sandbox {

struct NetworkRequest {
  std::string method;
  std::string url;  // as the guest wrote it
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

struct NetworkAnswer {
  int status = 0;
  std::string url;       // as it was asked for: parsed and written again
  std::string protocol;  // "http/1.1", "h2"
  std::vector<std::pair<std::string, std::string>> headers;
  // The body, decoded: a stream. Its clean end reads 0; when it was cut, EIO.
  std::shared_ptr<vfs::File> body;
};

class Network {
 public:
  virtual ~Network() = default;
  // One request; returns when the answer's head is there. Redirects are answers like any other. In
  // real time never past `deadline`, but for the time that Process::stopped leaves out, and at once
  // when `stop` is requested. Errors:
  // permission_denied with the rule in Error::context, invalid_argument, unavailable, timeout,
  // cancelled.
  virtual Result<NetworkAnswer> open(const NetworkRequest& request, base::Steady deadline,
                                     std::stop_token stop) = 0;
};

// Notes what `inner` answers (outlives it), or answers from a tape that replays, which needs no
// inner and connects to nothing. A replay that asks something else gets unavailable.
std::unique_ptr<Network> make_recorded_network(Network* inner, vfs::Tape& tape);

}  // namespace boxagnts::sandbox
