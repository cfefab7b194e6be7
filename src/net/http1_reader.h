// One HTTP/1.1 answer from bytes: Beast's parser, fed by hand, with bounds of ours.
//
// A value with state, for one thread; knows nothing of sockets. Errors: unavailable, for whatever
// is not HTTP/1.1, with a sentence that names the other side.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/http_client.h"

namespace boxagnts::net {

class Http1Reader {
 public:
  // `peer` names the other side in sentences. An answer to HEAD has no body whatever it says.
  static std::unique_ptr<Http1Reader> make(std::string peer, std::string_view request_method);
  virtual ~Http1Reader() = default;

  virtual Status feed(std::string_view bytes) = 0;
  virtual Status feed_end() = 0;  // the other side hung up

  virtual bool has_head() const = 0;  // the final one
  virtual bool is_done() const = 0;
  virtual int status() const = 0;
  virtual const Headers& headers() const = 0;
  virtual std::string take_body() = 0;  // what has come of it
  virtual bool has_body() const = 0;
  // Once done: whether another answer may follow on the connection.
  virtual bool keeps_alive() const = 0;
};

}  // namespace boxagnts::net
