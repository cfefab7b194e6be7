// JSON: parsing by Boost.JSON with a depth cap, writing by our own writer.
//
// The writer exists because Boost.JSON 1.81 prints 0.7 as 7E-1 and infinity as Infinity, which is
// no JSON. Text is UTF-8; invalid UTF-8 is refused when parsed and replaced by U+FFFD when written.
// Thread-safe: functions on values.
#pragma once

#include <boost/json/fwd.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/error.h"

namespace boxagnts::base {

using Json = boost::json::value;
using JsonObject = boost::json::object;
using JsonArray = boost::json::array;

// Nesting deeper than this is refused; no honest message comes near it.
constexpr std::size_t kJsonDepthMax = 64;

// Parses exactly one JSON value. The error says at which byte and why.
Result<Json> parse_json(std::string_view text);

// Compact JSON, keys in the object's order (stable byte for byte). Non-finite numbers become null.
std::string to_text(const Json& value);
void append_text(const Json& value, std::string& out);
// A text as a JSON string, quotes and all.
void append_quoted(std::string_view text, std::string& out);

// Readers for objects that come from outside: absent or of another type = nullopt.
const Json* find(const Json& object, std::string_view key);
std::optional<std::string_view> get_string(const Json& object, std::string_view key);
std::optional<std::int64_t> get_int(const Json& object, std::string_view key);
std::optional<bool> get_bool(const Json& object, std::string_view key);
const JsonArray* get_array(const Json& object, std::string_view key);

// "a string", "an object", "the number 3": for error sentences.
std::string describe_type(const Json& value);

}  // namespace boxagnts::base

namespace boxagnts {
using base::Json;
using base::JsonArray;
using base::JsonObject;
}  // namespace boxagnts
