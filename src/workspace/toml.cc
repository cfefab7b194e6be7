#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "base/file.h"
#include "workspace/workspace.h"

namespace boxagnts::workspace {
namespace {

using base::ConfigNode;

std::unique_ptr<ConfigNode> convert(const toml::node& node, const std::string& path,
                                    const std::string& file) {
  const int line = static_cast<int>(node.source().begin.line);
  const auto made = [&](ConfigNode::Value value) {
    return std::make_unique<ConfigNode>(path, file, line, std::move(value));
  };
  if (const auto* table = node.as_table()) {
    ConfigNode::Table children;
    for (const auto& [key, child] : *table) {
      const std::string name(key.str());
      children[name] = convert(child, path.empty() ? name : path + "." + name, file);
    }
    return made(std::move(children));
  }
  if (const auto* array = node.as_array()) {
    ConfigNode::List items;
    for (const auto& item : *array) items.push_back(convert(item, path, file));
    return made(std::move(items));
  }
  if (const auto* text = node.as_string()) return made(text->get());
  if (const auto* number = node.as_integer()) return made(number->get());
  if (const auto* number = node.as_floating_point()) return made(number->get());
  if (const auto* truth = node.as_boolean()) return made(truth->get());
  return made(std::string("(a date or time)"));  // no key takes one: its reader says what it takes
}

}  // namespace

Result<std::unique_ptr<ConfigNode>> read_toml(const std::string& path) {
  constexpr std::size_t kBytesMax = 1 << 20;
  auto text = base::read_file(path, kBytesMax);
  if (!text && text.error().code == Code::not_found)
    return std::make_unique<ConfigNode>("", path, 1, ConfigNode::Table{});
  if (!text) return std::unexpected(std::move(text.error()));
  return parse_toml(*text, path);
}

Result<std::unique_ptr<ConfigNode>> parse_toml(std::string_view text, const std::string& file) {
  const auto parsed = toml::parse(text);
  if (!parsed)
    return fail(Code::invalid_argument, file + ":" +
                                            std::to_string(parsed.error().source().begin.line) +
                                            ": " + std::string(parsed.error().description()));
  return convert(parsed.table(), "", file);
}

}  // namespace boxagnts::workspace
