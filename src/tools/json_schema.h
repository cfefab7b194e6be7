// Checks tool arguments against JSON Schema, before anything runs.
//
// Drafts 4 to 2020-12 as far as tool schemas use them: type, enum, const, properties, required,
// additionalProperties, patternProperties, propertyNames, items, prefixItems, contains, numeric,
// length and count bounds, uniqueItems, pattern (RE2), allOf, anyOf, oneOf, not, if/then/else, $ref
// and $defs inside the document. Unknown keywords are ignored, as the standard says. Untrusted
// schemas are safe: depth-capped, RE2 only. Immutable: thread-safe.
#pragma once

#include <memory>

#include "base/error.h"
#include "base/json.h"

namespace boxagnts::tools {

class JsonSchema {
 public:
  // Errors: invalid_argument naming the place in the schema.
  static Result<JsonSchema> compile(const Json& schema);

  // Errors: invalid_argument, one sentence that names the field, what was wanted and what came,
  // with the nearest known name for an unknown field.
  Status check(const Json& value) const;

  JsonSchema(JsonSchema&&) noexcept;
  JsonSchema& operator=(JsonSchema&&) noexcept;
  ~JsonSchema();

 private:
  struct Impl;
  explicit JsonSchema(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace boxagnts::tools
