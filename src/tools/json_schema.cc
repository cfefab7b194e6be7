#include "tools/json_schema.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "tools/json_schema_node.h"

namespace boxagnts::tools {
namespace {

// Bounds what a hostile schema can make one check cost.
constexpr std::size_t kStepsMax = 1'000'000;
constexpr std::size_t kDepthMax = 256;

bool is_integer(const Json& value) {
  if (value.is_int64() || value.is_uint64()) return true;
  return value.is_double() && std::trunc(value.get_double()) == value.get_double();
}

// -1, 0, 1. Whole numbers compare exactly, others as doubles.
int compare(const Json& left, const Json& right) {
  const auto order = [](auto a, auto b) { return a < b ? -1 : a > b ? 1 : 0; };
  if (left.is_int64() && right.is_int64()) return order(left.get_int64(), right.get_int64());
  if (left.is_uint64() && right.is_uint64()) return order(left.get_uint64(), right.get_uint64());
  if (left.is_uint64() && right.is_int64())
    return right.get_int64() < 0
               ? 1
               : order(left.get_uint64(), static_cast<std::uint64_t>(right.get_int64()));
  if (left.is_int64() && right.is_uint64()) return -compare(right, left);
  return order(left.to_number<double>(), right.to_number<double>());
}

// Equality as JSON Schema has it: 1 and 1.0 are the same number; 1 and true are not the same.
bool equal(const Json& left, const Json& right) {
  if (left.is_number() && right.is_number()) return compare(left, right) == 0;
  if (left.kind() != right.kind()) return false;
  if (const auto* array = left.if_array())
    return std::ranges::equal(*array, right.get_array(), equal);
  if (const auto* object = left.if_object()) {
    if (object->size() != right.get_object().size()) return false;
    return std::ranges::all_of(*object, [&](const auto& member) {
      const auto* other = right.get_object().if_contains(member.key());
      return other && equal(member.value(), *other);
    });
  }
  return left == right;
}

bool is_multiple(const Json& value, const Json& unit) {
  if (value.is_int64() && unit.is_int64()) return value.get_int64() % unit.get_int64() == 0;
  const double quotient = value.to_number<double>() / unit.to_number<double>();
  if (!std::isfinite(quotient)) return false;
  return std::abs(quotient - std::round(quotient)) <= 1e-9 * std::max(1.0, std::abs(quotient));
}

std::size_t character_count(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

bool has_type(const Json& value, JsonType type) {
  switch (type) {
    case JsonType::null: return value.is_null();
    case JsonType::boolean: return value.is_bool();
    case JsonType::integer: return is_integer(value);
    case JsonType::number: return value.is_number();
    case JsonType::string: return value.is_string();
    case JsonType::array: return value.is_array();
    case JsonType::object: return value.is_object();
  }
  return false;
}

std::string_view article_name(JsonType type) {
  constexpr std::string_view kNames[] = {"null",     "true or false", "a whole number", "a number",
                                         "a string", "an array",      "an object"};
  return kNames[static_cast<std::size_t>(type)];
}

// What came: "a string ("10")", "the number 3".
std::string shown(const Json& value) {
  std::string text = base::describe_type(value);
  if (value.is_string() || value.is_array() || value.is_object())
    text += " (" + base::one_line(base::to_text(value), 60) + ")";
  return text;
}

bool matches(const re2::RE2& pattern, std::string_view text) {
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), pattern);
}

class Checker {
 public:
  Status check(const SchemaNode& node, const Json& value) {
    if (++steps_ > kStepsMax || depth_ >= kDepthMax)
      return fail(Code::invalid_argument,
                  "the tool's schema is too tangled to check these arguments against it");
    ++depth_;
    auto status = check_all(node, value);
    --depth_;
    return status;
  }

 private:
  std::unexpected<Error> wrong(std::string what) const {
    const std::string field = path_.empty() ? "the input" : "\"" + path_ + "\"";
    return fail(Code::invalid_argument, field + " " + std::move(what));
  }

  Status check_at(const std::string& step, const SchemaNode& node, const Json& value) {
    const std::size_t size = path_.size();
    if (!path_.empty() && !step.starts_with('[')) path_ += '.';
    path_ += step;
    auto status = check(node, value);
    path_.resize(size);
    return status;
  }

  Status check_all(const SchemaNode& node, const Json& value) {
    if (node.never) return wrong("is not taken here");
    TRY(check_value(node, value));
    if (value.is_number()) TRY(check_number(node, value));
    if (value.is_string()) TRY(check_string(node, value.get_string()));
    if (const auto* array = value.if_array()) TRY(check_array(node, *array));
    if (const auto* object = value.if_object()) TRY(check_object(node, *object));
    return check_combinations(node, value);
  }

  Status check_value(const SchemaNode& node, const Json& value) {
    if (!node.types.empty() &&
        std::ranges::none_of(node.types, [&](auto type) { return has_type(value, type); })) {
      std::string wanted;
      for (const auto type : node.types)
        wanted += (wanted.empty() ? "" : " or ") + std::string(article_name(type));
      return wrong("takes " + wanted + ", but " + shown(value) + " came");
    }
    if (node.one_of_values && std::ranges::none_of(*node.one_of_values, [&](const auto& allowed) {
          return equal(allowed, value);
        })) {
      std::string wanted;
      for (const auto& allowed : *node.one_of_values)
        wanted += (wanted.empty() ? "" : ", ") + base::to_text(allowed);
      return wrong("takes one of " + base::one_line(wanted, 400) + ", but " + shown(value) +
                   " came");
    }
    if (node.exact_value && !equal(*node.exact_value, value))
      return wrong("takes only " + base::one_line(base::to_text(*node.exact_value), 200) +
                   ", but " + shown(value) + " came");
    return {};
  }

  Status check_number(const SchemaNode& node, const Json& value) {
    const auto refuse = [&](std::string_view wanted, const Json& bound) {
      return wrong("takes a number " + std::string(wanted) + " " + base::to_text(bound) + ", but " +
                   base::to_text(value) + " came");
    };
    if (node.minimum && compare(value, *node.minimum) < 0)
      return refuse("of at least", *node.minimum);
    if (node.maximum && compare(value, *node.maximum) > 0)
      return refuse("of at most", *node.maximum);
    if (node.above && compare(value, *node.above) <= 0) return refuse("above", *node.above);
    if (node.below && compare(value, *node.below) >= 0) return refuse("below", *node.below);
    if (node.multiple_of && !is_multiple(value, *node.multiple_of))
      return refuse("that is a multiple of", *node.multiple_of);
    return {};
  }

  Status check_string(const SchemaNode& node, std::string_view text) {
    if (node.length_min || node.length_max) {
      const auto length = character_count(text);
      TRY(check_count(length, node.length_min, node.length_max, "characters"));
    }
    if (node.pattern && !matches(*node.pattern, text))
      return wrong("takes a string that matches " + node.pattern->pattern() + ", but " +
                   shown(Json(text)) + " came");
    return {};
  }

  Status check_count(std::uint64_t count, std::optional<std::uint64_t> least,
                     std::optional<std::uint64_t> most, std::string_view what) {
    const auto refuse = [&](std::string_view wanted, std::uint64_t bound) {
      return wrong("takes " + std::string(wanted) + " " + std::to_string(bound) + " " +
                   std::string(what) + ", but " + std::to_string(count) + " came");
    };
    if (least && count < *least) return refuse("at least", *least);
    if (most && count > *most) return refuse("at most", *most);
    return {};
  }

  Status check_array(const SchemaNode& node, const JsonArray& array) {
    TRY(check_count(array.size(), node.items_min, node.items_max, "items"));
    std::uint64_t contained = 0;
    for (std::size_t i = 0; i < array.size(); ++i) {
      const std::string step = "[" + std::to_string(i) + "]";
      const auto* item = i < node.first_items.size() ? node.first_items[i] : node.other_items;
      if (item) TRY(check_at(step, *item, array[i]));
      if (node.contains && check_at(step, *node.contains, array[i])) ++contained;
    }
    if (node.contains)
      TRY(check_count(contained, node.contains_min, node.contains_max, "items of a certain form"));
    if (node.unique_items) TRY(check_unique(array));
    return {};
  }

  Status check_unique(const JsonArray& array) {
    for (std::size_t i = 0; i < array.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (++steps_ > kStepsMax) return wrong("has too many items to compare");
        if (equal(array[i], array[j]))
          return wrong("takes items that differ, but items " + std::to_string(j) + " and " +
                       std::to_string(i) + " are the same");
      }
    }
    return {};
  }

  Status check_object(const SchemaNode& node, const JsonObject& object) {
    // Before what is missing: a misspelt field is then named, not asked for.
    for (const auto& member : object) TRY(check_member(node, member.key(), member.value()));
    for (const auto& name : node.required)
      if (!object.contains(name))
        return wrong("needs the field \"" + name + "\", which is missing");
    for (const auto& [name, others] : node.required_with) {
      if (!object.contains(name)) continue;
      for (const auto& other : others)
        if (!object.contains(other))
          return wrong("needs the field \"" + other + "\" beside \"" + name + "\"");
    }
    for (const auto& [name, schema] : node.schema_with)
      if (object.contains(name)) TRY(check(*schema, object));
    return check_count(object.size(), node.properties_min, node.properties_max, "fields");
  }

  Status check_member(const SchemaNode& node, std::string_view key, const Json& value) {
    if (node.property_names) TRY(check(*node.property_names, Json(key)));
    bool known = false;
    const std::string step(key);
    for (const auto& [name, schema] : node.properties) {
      if (name != key) continue;
      known = true;
      TRY(check_at(step, *schema, value));
    }
    for (const auto& [pattern, schema] : node.pattern_properties) {
      if (!matches(*pattern, key)) continue;
      known = true;
      TRY(check_at(step, *schema, value));
    }
    if (known || !node.other_properties) return {};
    if (!node.other_properties->never) return check_at(step, *node.other_properties, value);
    return unknown_field(node, key);
  }

  std::unexpected<Error> unknown_field(const SchemaNode& node, std::string_view key) const {
    std::vector<std::string_view> names;
    std::string list;
    for (const auto& [name, schema] : node.properties) {
      names.push_back(name);
      list += (list.empty() ? "" : ", ") + name;
    }
    std::string what = "has no field \"" + base::one_line(key, 80) + "\"";
    const auto nearest = base::nearest_name(key, names);
    if (!nearest.empty()) what += "; did you mean \"" + std::string(nearest) + "\"?";
    if (list.empty()) return wrong(what + "; it takes no fields");
    return wrong(what + (nearest.empty() ? "; it" : " It") + " takes " + base::one_line(list, 400));
  }

  Status check_combinations(const SchemaNode& node, const Json& value) {
    if (node.reference) TRY(check(*node.reference, value));
    for (const auto* part : node.all_of) TRY(check(*part, value));
    if (!node.any_of.empty()) TRY(check_any(node.any_of, value));
    if (!node.exactly_one_of.empty()) {
      const auto fitting = std::ranges::count_if(
          node.exactly_one_of, [&](const auto* part) { return check(*part, value).has_value(); });
      if (fitting == 0) TRY(check_any(node.exactly_one_of, value));
      if (fitting > 1)
        return wrong("takes exactly one of several forms, but " + shown(value) + " fits " +
                     std::to_string(fitting));
    }
    if (node.not_this && check(*node.not_this, value))
      return wrong("does not take " + shown(value));
    if (node.condition) {
      const auto* branch = check(*node.condition, value) ? node.then : node.otherwise;
      if (branch) TRY(check(*branch, value));
    }
    return {};
  }

  Status check_any(const std::vector<const SchemaNode*>& parts, const Json& value) {
    Status first;
    for (const auto* part : parts) {
      auto status = check(*part, value);
      if (status) return {};
      if (first) first = std::move(status);
    }
    if (parts.size() == 1) return first;
    return wrong("fits none of the " + std::to_string(parts.size()) +
                 " forms it may have; of the first: " + first.error().message);
  }

  std::string path_;  // of the value being checked: "edits[2].path"
  std::size_t steps_ = 0;
  std::size_t depth_ = 0;
};

}  // namespace

struct JsonSchema::Impl {
  std::unique_ptr<CompiledSchema> compiled;
};

JsonSchema::JsonSchema(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
JsonSchema::JsonSchema(JsonSchema&&) noexcept = default;
JsonSchema& JsonSchema::operator=(JsonSchema&&) noexcept = default;
JsonSchema::~JsonSchema() = default;

Result<JsonSchema> JsonSchema::compile(const Json& schema) {
  return JsonSchema(std::make_unique<Impl>(TRY(compile_schema(schema))));
}

Status JsonSchema::check(const Json& value) const {
  return Checker().check(*impl_->compiled->root, value);
}

}  // namespace boxagnts::tools
