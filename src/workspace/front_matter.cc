#include "workspace/front_matter.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "base/guard.h"
#include "base/text.h"

namespace boxagnts::workspace {
namespace {

// Builds the tree; throws YamlProblem, which parse_front_matter catches.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(YamlNode& root, int first_line) : root_(root), first_line_(first_line) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(mark, "", anchor, YamlNode::Kind::empty);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse(mark, "aliases (*name) are not taken here; write the value out");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    add(mark, tag, anchor, YamlNode::Kind::scalar).text = value;
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, YamlNode::Kind::list);
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, YamlNode::Kind::map);
  }
  void OnMapEnd() override { open_.pop_back(); }

  int line_of(const YAML::Mark& mark) const { return first_line_ + std::max(mark.line, 0); }

 private:
  struct Open {
    YamlNode* node;
    bool key_is_next = true;  // of a map
  };

  [[noreturn]] void refuse(const YAML::Mark& mark, std::string sentence) const {
    throw YamlProblem{line_of(mark), std::move(sentence)};
  }

  YamlNode& add(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                YamlNode::Kind kind) {
    if (anchor != YAML::NullAnchor)
      refuse(mark, "anchors (&name) are not taken here; write the value out");
    if (!tag.empty() && tag != "?" && tag != "!")
      refuse(mark, "tags (!name) are not taken here; write the value without");
    if (GUARD("workspace.yaml-nodes", ++nodes_ > YamlNode::kNodesMax))
      refuse(mark,
             "the front matter holds more than " + std::to_string(YamlNode::kNodesMax) + " values");
    YamlNode made{.kind = kind, .line = line_of(mark)};
    if (open_.empty()) return root_ = std::move(made);
    Open& in = open_.back();
    if (in.node->kind == YamlNode::Kind::list) return in.node->items.emplace_back(std::move(made));
    if (std::exchange(in.key_is_next, !in.key_is_next))
      return in.node->members.emplace_back(std::move(made), YamlNode()).key;
    YamlMember& member = in.node->members.back();
    if (kind == YamlNode::Kind::empty) made.line = member.key.line;  // it has no place of its own
    return member.value = std::move(made);
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YamlNode::Kind kind) {
    if (GUARD("workspace.yaml-depth", open_.size() >= YamlNode::kDepthMax))
      refuse(mark, "the front matter is nested more than " + std::to_string(YamlNode::kDepthMax) +
                       " levels deep");
    // What is added to below stays where it is while it is open.
    open_.push_back({&add(mark, tag, anchor, kind)});
  }

  YamlNode& root_;
  const int first_line_;
  std::vector<Open> open_;
  std::size_t nodes_ = 0;
};

// Keys are texts, each once, with a colon: yaml-cpp takes a word alone for a key.
void check_keys(const YamlNode& node, const std::vector<std::string_view>& lines, int first_line) {
  for (const auto& item : node.items) check_keys(item, lines, first_line);
  std::vector<std::string_view> seen;
  for (const auto& [key, value] : node.members) {
    if (key.kind != YamlNode::Kind::scalar) throw YamlProblem{key.line, "a key must be a text"};
    if (std::ranges::find(seen, key.text) != seen.end())
      throw YamlProblem{key.line, "the key \"" + key.text + "\" stands here a second time"};
    const auto at = static_cast<std::size_t>(key.line - first_line);
    if (value.kind == YamlNode::Kind::empty && at < lines.size() && !lines[at].contains(':'))
      throw YamlProblem{key.line, "behind \"" + key.text + "\" stands no colon"};
    seen.push_back(key.text);
    check_keys(value, lines, first_line);
  }
}

// yaml-cpp's sentence for the mistake people make most says nothing of its cure.
std::string sentence_of(const YAML::Exception& error) {
  if (error.msg == YAML::ErrorMsg::MAP_VALUE)
    return "a colon and a blank inside a value end it: put the value in quotes";
  return "no YAML: " + base::repair_utf8(error.msg);  // it may quote a part of a character
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  for (const auto& [name, value] : members)
    if (name.text == key) return &value;
  return nullptr;
}

std::expected<YamlNode, YamlProblem> parse_front_matter(std::string_view text, int first_line) {
  // yaml-cpp takes the end of a line at the end of the text for the end of a quotation.
  text = text.substr(0, text.find_last_not_of(" \t\n") + 1);
  YamlNode root{.line = first_line};
  TreeBuilder builder(root, first_line);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    check_keys(root, base::split(text, '\n'), first_line);
    YamlNode second;
    TreeBuilder rest(second, first_line);
    if (parser.HandleNextDocument(rest))
      return std::unexpected(
          YamlProblem{second.line, "the front matter is more than one document"});
  } catch (const YamlProblem& problem) {
    return std::unexpected(problem);
  } catch (const YAML::Exception& error) {
    return std::unexpected(YamlProblem{builder.line_of(error.mark), sentence_of(error)});
  }
  return root;
}

}  // namespace boxagnts::workspace
