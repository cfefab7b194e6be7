#include "base/config.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/text.h"

namespace boxagnts::base {

const ConfigNode* ConfigNode::find(std::string_view key) const {
  if (std::ranges::find(asked_, key) == asked_.end()) asked_.emplace_back(key);
  const auto* table = std::get_if<Table>(&value_);
  if (!table) return nullptr;
  const auto found = table->find(key);
  if (found == table->end()) return nullptr;
  found->second->used_ = true;
  return found->second.get();
}

std::string ConfigNode::where() const { return file_ + ":" + std::to_string(line_); }

std::string ConfigNode::where(std::string_view key) const {
  const auto* node = find(key);
  return node ? node->where() : where();
}

std::unexpected<Error> ConfigNode::wrong_type(std::string_view wanted) const {
  return fail(Code::invalid_argument,
              where() + ": " + path_ + " takes " + std::string(wanted) + "; correct the value");
}

Result<const ConfigNode*> ConfigNode::table(std::string_view key) const {
  static const ConfigNode kEmpty("", "", 0, Table{});
  const auto* node = find(key);
  if (!node) return &kEmpty;
  if (!std::holds_alternative<Table>(node->value_)) return node->wrong_type("a table");
  return node;
}

Result<std::optional<std::string>> ConfigNode::string(std::string_view key) const {
  const auto* node = find(key);
  if (!node) return std::nullopt;
  const auto* text = std::get_if<std::string>(&node->value_);
  if (!text) return node->wrong_type("a string");
  return *text;
}

Result<std::optional<std::int64_t>> ConfigNode::integer(std::string_view key, std::int64_t low,
                                                        std::int64_t high) const {
  const auto* node = find(key);
  if (!node) return std::nullopt;
  const auto* number = std::get_if<std::int64_t>(&node->value_);
  if (!number || *number < low || *number > high)
    return node->wrong_type("a whole number from " + std::to_string(low) + " to " +
                            std::to_string(high));
  return *number;
}

Result<std::optional<bool>> ConfigNode::boolean(std::string_view key) const {
  const auto* node = find(key);
  if (!node) return std::nullopt;
  const auto* value = std::get_if<bool>(&node->value_);
  if (!value) return node->wrong_type("true or false");
  return *value;
}

Result<std::vector<ConfigNode::Text>> ConfigNode::texts(std::string_view key) const {
  std::vector<Text> out;
  const auto* node = find(key);
  if (!node) return out;
  const auto* list = std::get_if<List>(&node->value_);
  if (!list) return node->wrong_type("a list of strings");
  for (const auto& item : *list) {
    const auto* text = std::get_if<std::string>(&item->value_);
    if (!text) return item->wrong_type("strings");
    out.push_back({*text, item->where()});
  }
  return out;
}

Result<std::vector<std::string>> ConfigNode::strings(std::string_view key) const {
  std::vector<std::string> out;
  for (auto& item : TRY(texts(key))) out.push_back(std::move(item.text));
  return out;
}

const ConfigNode* ConfigNode::at(std::string_view path) const {
  if (path.empty()) return this;
  const auto dot = path.find('.');
  const auto* table = std::get_if<Table>(&value_);
  const auto found = table ? table->find(path.substr(0, dot)) : Table::const_iterator();
  if (!table || found == table->end()) return nullptr;
  return found->second->at(dot == path.npos ? "" : path.substr(dot + 1));
}

Json ConfigNode::to_json() const {
  if (const auto* table = std::get_if<Table>(&value_)) {
    JsonObject object;
    for (const auto& [key, child] : *table) object[key] = child->to_json();
    return object;
  }
  if (const auto* list = std::get_if<List>(&value_)) {
    JsonArray array;
    for (const auto& item : *list) array.push_back(item->to_json());
    return array;
  }
  if (const auto* text = std::get_if<std::string>(&value_)) return Json(*text);
  if (const auto* number = std::get_if<std::int64_t>(&value_)) return *number;
  if (const auto* number = std::get_if<double>(&value_)) return *number;
  return std::get<bool>(value_);
}

void ConfigNode::lay_over(std::unique_ptr<ConfigNode> top) {
  auto& table = std::get<Table>(value_);
  for (auto& [key, child] : std::get<Table>(top->value_)) {
    auto& here = table[key];
    if (here && std::holds_alternative<Table>(here->value_) &&
        std::holds_alternative<Table>(child->value_))
      here->lay_over(std::move(child));
    else
      here = std::move(child);
  }
}

std::unique_ptr<ConfigNode> ConfigNode::take(std::string_view key) {
  auto& table = std::get<Table>(value_);
  const auto found = table.find(key);
  if (found == table.end()) return nullptr;
  auto taken = std::move(found->second);
  table.erase(found);
  return taken;
}

Status ConfigNode::check_all_used() const {
  const auto* table = std::get_if<Table>(&value_);
  if (!table) return {};
  for (const auto& [key, child] : *table) {
    if (!child->used_) {
      const std::vector<std::string_view> known(asked_.begin(), asked_.end());
      const auto nearest = nearest_name(key, known);
      std::string sentence = child->where() + ": unknown key \"" + child->path_ + "\"";
      if (!nearest.empty()) sentence += "; did you mean \"" + std::string(nearest) + "\"?";
      return fail(Code::invalid_argument, std::move(sentence));
    }
    TRY(child->check_all_used());
  }
  return {};
}

}  // namespace boxagnts::base
