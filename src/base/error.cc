#include "base/error.h"

#include <array>
#include <system_error>

namespace boxagnts::base {
namespace {
constexpr std::array kCodes{
#define X(name, http, rpc, exit, advice) CodeInfo{Code::name, #name, http, rpc, exit, advice},
    BOXAGNTS_ERROR_CODES(X)
#undef X
};
}  // namespace

const CodeInfo& info(Code code) { return kCodes[static_cast<std::size_t>(code)]; }

std::optional<Code> code_from_name(std::string_view name) {
  for (const auto& row : kCodes)
    if (row.name == name) return row.code;
  return std::nullopt;
}

Error Error::in(std::string_view doing) && {
  message = std::string(doing) + ": " + message;
  return std::move(*this);
}

std::unexpected<Error> fail(Code code, std::string message, std::string context) {
  return std::unexpected(Error{code, std::move(message), std::move(context)});
}

std::string errno_text(int error_number) { return std::generic_category().message(error_number); }

std::unexpected<Error> fail_errno(int error_number, std::string_view doing) {
  Code code = Code::io;
  switch (error_number) {
    case ENOENT:
    case ENOTDIR: code = Code::not_found; break;
    case EACCES:
    case EPERM:
    case EROFS: code = Code::permission_denied; break;
    case EINVAL:
    case ENAMETOOLONG: code = Code::invalid_argument; break;
    case EAGAIN:
    case EMFILE:
    case ENFILE: code = Code::busy; break;
    default: break;
  }
  return fail(code, std::string(doing) + ": " + errno_text(error_number),
              "errno " + std::to_string(error_number));
}

}  // namespace boxagnts::base
