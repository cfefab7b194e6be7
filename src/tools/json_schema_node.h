// A compiled schema: what JsonSchema's compiler writes and its checker reads. Private to the room.
#pragma once

#include <re2/re2.h>

#include <boost/json.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"

namespace boxagnts::tools {

enum class JsonType : std::uint8_t { null, boolean, integer, number, string, array, object };

// One (sub)schema. Pointers lead to nodes of the same schema, which own nothing of each other:
// `$ref` makes circles.
struct SchemaNode {
  bool never = false;  // the schema `false`

  std::vector<JsonType> types;  // empty = any
  const JsonArray* one_of_values = nullptr;
  const Json* exact_value = nullptr;

  std::optional<Json> minimum, maximum, above, below, multiple_of;
  std::optional<std::uint64_t> length_min, length_max;  // characters
  std::shared_ptr<re2::RE2> pattern;

  std::vector<const SchemaNode*> first_items;
  const SchemaNode* other_items = nullptr;
  const SchemaNode* contains = nullptr;
  std::uint64_t contains_min = 1;
  std::optional<std::uint64_t> contains_max, items_min, items_max;
  bool unique_items = false;

  std::vector<std::pair<std::string, const SchemaNode*>> properties;
  std::vector<std::pair<std::shared_ptr<re2::RE2>, const SchemaNode*>> pattern_properties;
  const SchemaNode* other_properties = nullptr;
  const SchemaNode* property_names = nullptr;
  std::vector<std::string> required;
  std::vector<std::pair<std::string, std::vector<std::string>>> required_with;
  std::vector<std::pair<std::string, const SchemaNode*>> schema_with;
  std::optional<std::uint64_t> properties_min, properties_max;

  std::vector<const SchemaNode*> all_of, any_of, exactly_one_of;
  const SchemaNode* not_this = nullptr;
  const SchemaNode *condition = nullptr, *then = nullptr, *otherwise = nullptr;
  const SchemaNode* reference = nullptr;
};

struct CompiledSchema {
  Json document;  // nodes point into it
  std::vector<std::unique_ptr<SchemaNode>> nodes;
  const SchemaNode* root = nullptr;
};

// Errors: invalid_argument naming the place in the schema.
Result<std::unique_ptr<CompiledSchema>> compile_schema(const Json& schema);

}  // namespace boxagnts::tools
