// Errors as values.
//
// Every operation that can fail returns Result<T>; a failure is an Error: a code that says what the
// caller should do, one sentence for a person, and where it happened. Codes, HTTP statuses,
// JSON-RPC codes and exit codes live in the one table below. Exceptions never cross a room's
// border: they end in the .cc file that wraps the library that throws.
//
// Thread-safe: values only.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace boxagnts::base {

// name, HTTP status, JSON-RPC code, exit code of the command line, what the caller should do
#define BOXAGNTS_ERROR_CODES(X)                                                   \
  X(invalid_argument, 400, -32602, 2, "change the request")                       \
  X(not_found, 404, -32001, 2, "name something that exists")                      \
  X(permission_denied, 403, -32002, 5, "ask for the grant, or do without")        \
  X(unauthenticated, 401, -32012, 5, "sign in, or send the token")                \
  X(conflict, 409, -32003, 1, "look at the new state and decide again")           \
  X(limit_exceeded, 413, -32004, 4, "ask for less, or raise the named limit")     \
  X(timeout, 504, -32005, 4, "try again, or raise the named limit")               \
  X(cancelled, 499, -32006, 130, "nothing: somebody wanted this")                 \
  X(busy, 503, -32007, 6, "try again later")                                      \
  X(unavailable, 502, -32008, 3, "check the remote side, then try again")         \
  X(corrupt, 500, -32009, 7, "restore the named file; the program left it as is") \
  X(unsupported, 501, -32010, 2, "do without")                                    \
  X(io, 500, -32011, 1, "look at the named file or device")                       \
  X(internal, 500, -32603, 1, "report it: this is a defect of the program")

enum class Code : std::uint8_t {
#define X(name, http, rpc, exit, advice) name,
  BOXAGNTS_ERROR_CODES(X)
#undef X
};

struct CodeInfo {
  Code code;
  std::string_view name;
  int http_status;
  int rpc_code;
  int exit_code;
  std::string_view advice;
};

// The row of a code; valid for the life of the program.
const CodeInfo& info(Code code);
// The code of a name in the table, if there is one.
std::optional<Code> code_from_name(std::string_view name);

struct [[nodiscard]] Error {
  Code code = Code::internal;
  std::string message;              // one sentence for a person: what, where, what to do
  std::string context;              // for logs: errno text, wire excerpt; may be empty
  std::int64_t retry_after_ms = 0;  // > 0: the other side said when to try again

  // The same failure seen from further out: "while doing X: message".
  Error in(std::string_view doing) &&;
};

template <class T>
using Result = std::expected<T, Error>;
using Status = std::expected<void, Error>;

// return fail(Code::not_found, "there is no session X");
[[nodiscard]] std::unexpected<Error> fail(Code code, std::string message, std::string context = {});
// The same with the text of an errno value as context and in the sentence.
[[nodiscard]] std::unexpected<Error> fail_errno(int error_number, std::string_view doing);
// "No such file or directory" and the like; thread-safe.
std::string errno_text(int error_number);

}  // namespace boxagnts::base

// Unwraps a Result or returns its error from the enclosing function:
//   auto file = TRY(open(path));   TRY(check());
#define TRY(expression)                                                                 \
  __extension__({                                                                       \
    auto&& try_result_ = (expression);                                                  \
    if (!try_result_) [[unlikely]]                                                      \
      return std::unexpected(std::forward<decltype(try_result_)>(try_result_).error()); \
    *std::forward<decltype(try_result_)>(try_result_);                                  \
  })

namespace boxagnts {
using base::Code;
using base::Error;
using base::fail;
using base::fail_errno;
using base::Result;
using base::Status;
}  // namespace boxagnts
