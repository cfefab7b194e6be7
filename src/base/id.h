// Identifiers: ULIDs (github.com/ulid/spec) in lower case, 26 characters, sorted by time of making.
//
// A typed id cannot be passed where another kind is wanted. Ids that come from outside go through
// parse(), which accepts [A-Za-z0-9_-]{1,64} only, so that an id is always safe as a file name.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"

namespace boxagnts::base {

// A new ULID text: 48 bits of milliseconds, 80 random bits. Thread-safe.
std::string new_ulid(Timestamp now);
bool is_id_text(std::string_view text);

template <class Tag>
struct Id {
  std::string text;

  static Id make(Timestamp now) { return Id{new_ulid(now)}; }
  static Result<Id> parse(std::string_view from) {
    if (!is_id_text(from))
      return fail(Code::invalid_argument,
                  std::string("\"") + std::string(from.substr(0, 80)) +
                      "\" is not an id: it takes 1 to 64 of A-Z a-z 0-9 _ -");
    return Id{std::string(from)};
  }
  bool empty() const { return text.empty(); }
  auto operator<=>(const Id&) const = default;
};

}  // namespace boxagnts::base

template <class Tag>
struct std::hash<boxagnts::base::Id<Tag>> {
  std::size_t operator()(const boxagnts::base::Id<Tag>& id) const noexcept {
    return std::hash<std::string>{}(id.text);
  }
};
