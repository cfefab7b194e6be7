#include <deque>
#include <map>

#include "base/text.h"
#include "tools/json_schema_node.h"

namespace boxagnts::tools {
namespace {

constexpr std::size_t kNodesMax = 20'000;
constexpr std::size_t kPatternBytesMax = 4'096;

std::optional<JsonType> type_of_name(std::string_view name) {
  constexpr std::string_view kNames[] = {"null",   "boolean", "integer", "number",
                                         "string", "array",   "object"};
  for (std::size_t i = 0; i < std::size(kNames); ++i)
    if (kNames[i] == name) return static_cast<JsonType>(i);
  return std::nullopt;
}

// "%25" in a reference's fragment stands for "%".
std::string percent_decoded(std::string_view text) {
  std::string out;
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 &&
        digit(text[i + 2]) >= 0) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string pointer_escaped(std::string_view key) {
  std::string out;
  for (const char c : key) c == '~' ? out += "~0" : c == '/' ? out += "~1" : out += c;
  return out;
}

std::string pointer_unescaped(std::string_view part) {
  std::string out;
  for (std::size_t i = 0; i < part.size(); ++i) {
    const bool escape = part[i] == '~' && i + 1 < part.size();
    if (escape && part[i + 1] == '0')
      out += '~', ++i;
    else if (escape && part[i + 1] == '1')
      out += '/', ++i;
    else
      out += part[i];
  }
  return out;
}

class Compiler {
 public:
  explicit Compiler(const Json& schema) : compiled_(std::make_unique<CompiledSchema>()) {
    compiled_->document = schema;
  }

  // Nodes are made breadth first from a queue, so that no document can exhaust the stack.
  Result<std::unique_ptr<CompiledSchema>> compile() {
    find_anchors(compiled_->document, 0);
    compiled_->root = node_of(compiled_->document, "#");
    while (!pending_.empty()) {
      if (compiled_->nodes.size() > kNodesMax)
        return fail(Code::invalid_argument,
                    "the schema has more than " + std::to_string(kNodesMax) + " parts");
      auto [node, json, place] = std::move(pending_.front());
      pending_.pop_front();
      place_ = std::move(place);
      TRY(fill(*node, *json));
    }
    return std::move(compiled_);
  }

 private:
  struct Pending {
    SchemaNode* node;
    const Json* json;
    std::string place;
  };

  std::unexpected<Error> wrong(std::string_view keyword, std::string_view why) const {
    return fail(Code::invalid_argument,
                "the schema at " + place_ + ": " + std::string(keyword) + " " + std::string(why));
  }

  const SchemaNode* node_of(const Json& json, std::string place) {
    const auto found = known_.find(&json);
    if (found != known_.end()) return found->second;
    auto* node = compiled_->nodes.emplace_back(std::make_unique<SchemaNode>()).get();
    known_.emplace(&json, node);
    pending_.push_back({node, &json, std::move(place)});
    return node;
  }

  // `key` is a JSON pointer below the schema being read.
  const SchemaNode* child(const Json& json, std::string_view key) {
    return node_of(json, place_ + "/" + std::string(key));
  }

  // Names that `$ref` may use besides pointers: "$anchor", and "$id" or "id" of a fragment.
  void find_anchors(const Json& json, std::size_t depth) {
    if (depth > base::kJsonDepthMax) return;
    if (const auto* object = json.if_object()) {
      if (const auto anchor = base::get_string(json, "$anchor"))
        anchors_.emplace("#" + std::string(*anchor), &json);
      for (const auto key : {"$id", "id"})
        if (const auto id = base::get_string(json, key)) anchors_.emplace(std::string(*id), &json);
      for (const auto& member : *object)
        if (member.key() != "enum" && member.key() != "const")
          find_anchors(member.value(), depth + 1);
    } else if (const auto* array = json.if_array()) {
      for (const auto& item : *array) find_anchors(item, depth + 1);
    }
  }

  Result<const Json*> resolve(std::string_view reference) {
    const auto anchor = anchors_.find(std::string(reference));
    if (anchor != anchors_.end()) return anchor->second;
    if (!reference.starts_with('#'))
      return wrong("$ref", "\"" + std::string(reference.substr(0, 200)) +
                               "\" leads out of the document; only \"#…\" can be followed");
    const std::string pointer = percent_decoded(reference.substr(1));
    const Json* at = &compiled_->document;
    if (pointer.empty()) return at;
    const auto missing = [&] {
      return wrong("$ref", "\"" + std::string(reference.substr(0, 200)) + "\" leads to nothing");
    };
    if (!pointer.starts_with('/')) return missing();
    for (const auto part : base::split(std::string_view(pointer).substr(1), '/')) {
      const std::string key = pointer_unescaped(part);
      if (const auto* array = at->if_array()) {
        std::size_t index = 0;
        for (const char c : key) {
          if (c < '0' || c > '9' || index > array->size()) return missing();
          index = index * 10 + static_cast<std::size_t>(c - '0');
        }
        if (key.empty() || index >= array->size()) return missing();
        at = &(*array)[index];
      } else {
        at = base::find(*at, key);
        if (!at) return missing();
      }
    }
    return at;
  }

  Status fill(SchemaNode& node, const Json& json) {
    if (json.is_bool()) {
      node.never = !json.get_bool();
      return {};
    }
    if (!json.is_object())
      return wrong("it", "takes an object, true or false, not " + base::describe_type(json));
    TRY(fill_values(node, json));
    TRY(fill_numbers(node, json));
    TRY(fill_array(node, json));
    TRY(fill_object(node, json));
    return fill_combinations(node, json);
  }

  Status fill_values(SchemaNode& node, const Json& json) {
    if (const auto* type = base::find(json, "type")) {
      const auto add = [&](const Json& name) -> Status {
        const auto known = name.is_string() ? type_of_name(name.get_string()) : std::nullopt;
        if (!known) return wrong("type", "takes the names of JSON types");
        node.types.push_back(*known);
        return {};
      };
      if (const auto* list = type->if_array()) {
        for (const auto& name : *list) TRY(add(name));
      } else {
        TRY(add(*type));
      }
    }
    if (const auto* values = base::find(json, "enum")) {
      node.one_of_values = values->if_array();
      if (!node.one_of_values) return wrong("enum", "takes an array");
    }
    node.exact_value = base::find(json, "const");
    if (const auto* pattern = base::find(json, "pattern")) {
      if (!pattern->is_string()) return wrong("pattern", "takes a string");
      node.pattern = TRY(pattern_of("pattern", pattern->get_string()));
    }
    return {};
  }

  Result<std::shared_ptr<re2::RE2>> pattern_of(std::string_view keyword, std::string_view text) {
    if (text.size() > kPatternBytesMax) return wrong(keyword, "is longer than 4,096 bytes");
    re2::RE2::Options options;
    options.set_log_errors(false);
    auto pattern = std::make_shared<re2::RE2>(re2::StringPiece(text.data(), text.size()), options);
    if (!pattern->ok())
      return wrong(keyword, "\"" + std::string(text.substr(0, 200)) +
                                "\" is not understood: " + pattern->error());
    return pattern;
  }

  Status fill_numbers(SchemaNode& node, const Json& json) {
    const auto bound = [&](std::string_view key, std::optional<Json>& into) -> Status {
      const auto* value = base::find(json, key);
      if (!value) return {};
      if (!value->is_number()) return wrong(key, "takes a number");
      into = *value;
      return {};
    };
    // Draft 4 writes "exclusiveMinimum": true beside "minimum"; later drafts write the number
    // itself.
    const auto exclusive = [&](std::string_view key, std::optional<Json>& inclusive,
                               std::optional<Json>& into) -> Status {
      const auto* value = base::find(json, key);
      if (!value || !value->is_bool()) return bound(key, into);
      if (value->get_bool()) into = std::exchange(inclusive, std::nullopt);
      return {};
    };
    TRY(bound("minimum", node.minimum));
    TRY(bound("maximum", node.maximum));
    TRY(exclusive("exclusiveMinimum", node.minimum, node.above));
    TRY(exclusive("exclusiveMaximum", node.maximum, node.below));
    TRY(bound("multipleOf", node.multiple_of));
    if (node.multiple_of && !(node.multiple_of->to_number<double>() > 0))
      return wrong("multipleOf", "takes a number above zero");
    TRY(count(json, "minLength", node.length_min));
    return count(json, "maxLength", node.length_max);
  }

  Status count(const Json& json, std::string_view key, std::optional<std::uint64_t>& into) {
    const auto* value = base::find(json, key);
    if (!value) return {};
    const auto number = base::get_int(json, key);
    if (!number || *number < 0) return wrong(key, "takes a whole number from 0");
    into = static_cast<std::uint64_t>(*number);
    return {};
  }

  Status schema_list(const Json& json, std::string_view key, std::vector<const SchemaNode*>& into) {
    const auto* value = base::find(json, key);
    if (!value) return {};
    const auto* list = value->if_array();
    if (!list) return wrong(key, "takes an array of schemas");
    for (std::size_t i = 0; i < list->size(); ++i)
      into.push_back(child((*list)[i], std::string(key) + "/" + std::to_string(i)));
    return {};
  }

  Status fill_array(SchemaNode& node, const Json& json) {
    const auto* items = base::find(json, "items");
    if (items && items->is_array()) {  // up to 2019-09
      TRY(schema_list(json, "items", node.first_items));
      if (const auto* rest = base::find(json, "additionalItems"))
        node.other_items = child(*rest, "additionalItems");
    } else {
      TRY(schema_list(json, "prefixItems", node.first_items));
      if (items) node.other_items = child(*items, "items");
    }
    if (const auto* contains = base::find(json, "contains"))
      node.contains = child(*contains, "contains");
    std::optional<std::uint64_t> contains_min;
    TRY(count(json, "minContains", contains_min));
    node.contains_min = contains_min.value_or(1);
    TRY(count(json, "maxContains", node.contains_max));
    TRY(count(json, "minItems", node.items_min));
    TRY(count(json, "maxItems", node.items_max));
    node.unique_items = base::get_bool(json, "uniqueItems").value_or(false);
    return {};
  }

  Result<std::vector<std::string>> names(std::string_view key, const Json& value) {
    const auto* list = value.if_array();
    if (!list) return wrong(key, "takes an array of names");
    std::vector<std::string> out;
    for (const auto& name : *list) {
      if (!name.is_string()) return wrong(key, "takes an array of names");
      out.emplace_back(name.get_string());
    }
    return out;
  }

  Result<const JsonObject*> members(const Json& json, std::string_view key) {
    static const JsonObject kNone;
    const auto* value = base::find(json, key);
    if (!value) return &kNone;
    if (!value->is_object()) return wrong(key, "takes an object");
    return &value->get_object();
  }

  Status fill_object(SchemaNode& node, const Json& json) {
    const auto below = [](std::string_view key, std::string_view name) {
      return std::string(key) + "/" + pointer_escaped(name);
    };
    for (const auto& member : *TRY(members(json, "properties")))
      node.properties.emplace_back(std::string(member.key()),
                                   child(member.value(), below("properties", member.key())));
    for (const auto& member : *TRY(members(json, "patternProperties")))
      node.pattern_properties.emplace_back(
          TRY(pattern_of("patternProperties", member.key())),
          child(member.value(), below("patternProperties", member.key())));
    if (const auto* rest = base::find(json, "additionalProperties"))
      node.other_properties = child(*rest, "additionalProperties");
    if (const auto* name = base::find(json, "propertyNames"))
      node.property_names = child(*name, "propertyNames");
    // Draft 3 and OpenAPI write "required": true inside the property; that says nothing here.
    if (const auto* required = base::find(json, "required"); required && !required->is_bool())
      node.required = TRY(names("required", *required));
    for (const auto key : {"dependencies", "dependentRequired", "dependentSchemas"}) {
      for (const auto& member : *TRY(members(json, key))) {
        if (member.value().is_array())
          node.required_with.emplace_back(std::string(member.key()),
                                          TRY(names(key, member.value())));
        else
          node.schema_with.emplace_back(std::string(member.key()),
                                        child(member.value(), below(key, member.key())));
      }
    }
    TRY(count(json, "minProperties", node.properties_min));
    return count(json, "maxProperties", node.properties_max);
  }

  Status fill_combinations(SchemaNode& node, const Json& json) {
    TRY(schema_list(json, "allOf", node.all_of));
    TRY(schema_list(json, "anyOf", node.any_of));
    TRY(schema_list(json, "oneOf", node.exactly_one_of));
    const std::pair<const char*, const SchemaNode**> singles[] = {{"not", &node.not_this},
                                                                  {"if", &node.condition},
                                                                  {"then", &node.then},
                                                                  {"else", &node.otherwise}};
    for (const auto& [key, into] : singles)
      if (const auto* schema = base::find(json, key)) *into = child(*schema, key);
    if (const auto reference = base::get_string(json, "$ref"))
      node.reference = node_of(*TRY(resolve(*reference)), std::string(*reference));
    return {};
  }

  std::unique_ptr<CompiledSchema> compiled_;
  std::map<const Json*, SchemaNode*> known_;
  std::map<std::string, const Json*, std::less<>> anchors_;
  std::deque<Pending> pending_;
  std::string place_;  // of the schema being read, a JSON pointer
};

}  // namespace

Result<std::unique_ptr<CompiledSchema>> compile_schema(const Json& schema) {
  return Compiler(schema).compile();
}

}  // namespace boxagnts::tools
