// YAML front matter as a small tree that knows its lines: what skills need of YAML and no more.
//
// No anchors, aliases or tags (nothing can grow or lead in a circle), no key twice, at most
// kDepthMax levels and kNodesMax nodes; every scalar is text. Pure, thread-safe. The text comes
// from strangers; the caller bounds its size.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace boxagnts::workspace {

struct YamlMember;

struct YamlNode {
  enum class Kind : std::uint8_t { empty, scalar, list, map };
  static constexpr std::size_t kDepthMax = 16, kNodesMax = 4096;

  Kind kind = Kind::empty;
  int line = 1;  // of the file, from 1
  std::string text;
  std::vector<YamlNode> items;
  std::vector<YamlMember> members;  // in the order of the file

  const YamlNode* find(std::string_view key) const;
};

struct YamlMember {
  YamlNode key, value;
};

struct YamlProblem {
  int line;
  std::string sentence;
};

// `first_line` is where the text begins in its file.
std::expected<YamlNode, YamlProblem> parse_front_matter(std::string_view text, int first_line);

}  // namespace boxagnts::workspace
