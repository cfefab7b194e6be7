// Configuration as a tree of nodes that know where they were written and whether anyone read them.
//
// Each room parses its own section; a key that no room read is an error with file, line and the
// nearest known key. The reader of a file format (TOML: room `workspace`) builds the tree.
// Not thread-safe: read once at start, by one thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace boxagnts::base {

class ConfigNode {
 public:
  using Table = std::map<std::string, std::unique_ptr<ConfigNode>, std::less<>>;
  using List = std::vector<std::unique_ptr<ConfigNode>>;
  using Value = std::variant<Table, List, std::string, std::int64_t, double, bool>;

  ConfigNode(std::string path, std::string file, int line, Value value)
      : path_(std::move(path)), file_(std::move(file)), line_(line), value_(std::move(value)) {}

  // The child table of that key, or an empty one. Errors: it is there but no table.
  Result<const ConfigNode*> table(std::string_view key) const;
  // nullopt when absent. Errors (invalid_argument): another type, out of [low, high].
  Result<std::optional<std::string>> string(std::string_view key) const;
  Result<std::optional<std::int64_t>> integer(std::string_view key, std::int64_t low,
                                              std::int64_t high) const;
  Result<std::optional<bool>> boolean(std::string_view key) const;
  Result<std::vector<std::string>> strings(std::string_view key) const;
  // The same, each with where it stands.
  struct Text {
    std::string text, where;
  };
  Result<std::vector<Text>> texts(std::string_view key) const;
  bool has(std::string_view key) const { return find(key) != nullptr; }

  // For showing what is written, whoever reads it: the node at a dotted path ("" is this one) or
  // null, and its value. Neither counts as reading.
  const ConfigNode* at(std::string_view path) const;
  Json to_json() const;

  // `top` laid over this table: its tables are merged, its other values take the place of these.
  void lay_over(std::unique_ptr<ConfigNode> top);
  // Takes a key of this table out; null where there is none.
  std::unique_ptr<ConfigNode> take(std::string_view key);

  // The first key below this node that nobody asked for, as an error sentence.
  Status check_all_used() const;

  // "config.toml:12": for error sentences; of a key of this table, or of the table without it.
  std::string where() const;
  std::string where(std::string_view key) const;

 private:
  const ConfigNode* find(std::string_view key) const;
  std::unexpected<Error> wrong_type(std::string_view wanted) const;

  std::string path_;  // dotted, "" for the root
  std::string file_;
  int line_;
  Value value_;
  mutable bool used_ = false;
  mutable std::vector<std::string> asked_;  // keys any room looked for: the known ones
};

}  // namespace boxagnts::base
