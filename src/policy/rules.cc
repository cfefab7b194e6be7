#include "policy/rules.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "base/guard.h"
#include "base/text.h"
#include "net/egress.h"
#include "policy/builtin_rules.h"

namespace boxagnts::policy {
namespace {

using core::Verdict;

constexpr std::string_view kWildcards = "*?[{";
constexpr auto kVerbs = std::to_array<std::string_view>({"tool", "read", "write", "connect"});

std::string_view without_slash(std::string_view path) {
  return path.substr(path.starts_with('/') ? 1 : 0);
}

// How much of a glob stands before its first wildcard; what is quoted is none.
std::size_t literal_bytes(std::string_view glob) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < glob.size() && !kWildcards.contains(glob[i]); ++i, ++bytes)
    if (glob[i] == '\\') ++i;
  return bytes;
}

std::string_view last_component(std::string_view glob) { return glob.substr(glob.rfind('/') + 1); }

std::unexpected<Error> wrong(std::string_view text, const std::string& where,
                             const std::string& why) {
  return fail(Code::invalid_argument,
              where + ": \"" + base::one_line(text, 80) + "\" is no rule: " + why);
}

}  // namespace

Rules::Rules(Places places) : places_(std::move(places)) {
  for (const auto& rule : kBuiltinRules)
    (void)add(Layer::builtin, rule.verdict, rule.text, "built in");
  if (places_.configuration.empty()) return;
  for (const auto& [verdict, text] : configuration_rules(base::glob_quoted(places_.configuration)))
    (void)add(Layer::builtin, verdict, text, "built in");
}

Result<std::string> Rules::absolute_glob(std::string_view glob) const {
  while (glob.ends_with('/')) glob.remove_suffix(1);
  const bool here = glob.starts_with("./");
  if (here) glob.remove_prefix(2);
  if (glob.empty()) return fail(Code::invalid_argument, "a path is missing");
  for (const auto part : base::split(here ? glob : without_slash(glob), '/'))
    if (part.empty() || part == "." || part == "..")
      return fail(Code::invalid_argument, "its path holds \"" + std::string(part) + "\"");
  if (!here && glob.starts_with('/')) return std::string(glob);
  if (!here && glob.starts_with("~/")) {
    if (places_.home.empty()) return fail(Code::invalid_argument, "there is no home folder for ~/");
    return base::glob_quoted(places_.home) + std::string(glob.substr(1));
  }
  if (!here && !glob.contains('/')) return "/**/" + std::string(glob);
  return base::glob_quoted(places_.workspace) + "/" + std::string(glob);
}

Status Rules::add(Layer layer, Verdict verdict, std::string_view text, std::string where) {
  const auto space = text.find(' ');
  const auto word = text.substr(0, space);
  const auto verb = std::ranges::find(kVerbs, word);
  if (verb == kVerbs.end() || space == text.npos)
    return wrong(text, where,
                 "it takes \"tool NAME\", \"read GLOB\", \"write GLOB\" or \"connect HOST\"");
  Rule rule{.verb = static_cast<Verb>(verb - kVerbs.begin()),
            .verdict = verdict,
            .layer = layer,
            .text = std::string(text.substr(space + 1))};
  rule.name = std::string(core::name_of(verdict)) + " " + std::string(text) + " (" + where + ")";
  if (rule.verb == Verb::connect) {
    if (auto host = net::parse_host_rule(rule.text); !host)
      return wrong(text, where, host.error().message);
    rules_.push_back(std::move(rule));
    return {};
  }
  rule.glob = rule.text;
  if (rule.verb != Verb::tool) {
    auto absolute = absolute_glob(rule.text);
    if (!absolute) return wrong(text, where, absolute.error().message);
    rule.glob = *std::move(absolute);
  }
  const auto pattern = without_slash(rule.glob);
  auto parsed = base::PathPattern::parse(
      pattern, verdict == Verdict::allow ? base::LetterCase::counts : base::LetterCase::ignored);
  if (!parsed) return wrong(text, where, parsed.error().message);
  rule.pattern = *std::move(parsed);
  rule.literal = literal_bytes(pattern);
  rule.names_file = last_component(pattern).find_first_not_of('*') != std::string_view::npos;
  rules_.push_back(std::move(rule));
  return {};
}

Status Rules::read(const base::ConfigNode& root, Layer layer) {
  const auto* section = TRY(root.table("policy"));
  for (const auto verdict : {Verdict::allow, Verdict::ask, Verdict::deny})
    for (const auto& entry : TRY(section->texts(core::name_of(verdict))))
      TRY(add(layer, verdict, entry.text, entry.where));
  return {};
}

// Of two that match. The order in which they are written counts in nothing.
bool Rules::outweighs(const Rule& one, const Rule& other) {
  const auto weight = [](const Rule& rule) {
    return std::tuple(GUARD("policy.rule_deny", rule.verdict == Verdict::deny), rule.literal,
                      rule.verdict, std::string_view(rule.name));
  };
  return weight(one) > weight(other);
}

Rules::Spoken Rules::ask_layer(Layer layer, Verb verb, const base::PathSubject& subject) const {
  Spoken spoken;
  for (const auto& rule : rules_) {
    if (rule.layer != layer || rule.verb != verb || !rule.pattern.matches(subject)) continue;
    if (rule.verdict == Verdict::allow) spoken.names_file |= rule.names_file;
    if (layer == Layer::builtin || !spoken.rule || outweighs(rule, *spoken.rule)) {
      spoken.verdict = rule.verdict;
      spoken.rule = &rule;
    }
  }
  return spoken;
}

std::optional<Ruling> Rules::judge(Verb verb, std::string_view text) const {
  const base::PathSubject subject(text);
  const Spoken user = ask_layer(Layer::user, verb, subject);
  const Spoken workspace = ask_layer(Layer::workspace, verb, subject);
  const bool user_allows = user.verdict == Verdict::allow;
  const bool foreign = GUARD("policy.workspace_allow", !trusted_);
  const bool workspace_allows = !foreign && workspace.verdict == Verdict::allow;
  std::array<Spoken, 4> spoken{user, workspace, ask_layer(Layer::run, verb, subject),
                               ask_layer(Layer::builtin, verb, subject)};
  if (user.lifts() || (workspace_allows && workspace.lifts())) spoken[3] = {};
  const Spoken* strictest = nullptr;
  for (const auto& one : spoken)
    if (one.verdict && (!strictest || *one.verdict > *strictest->verdict)) strictest = &one;
  if (!strictest) return std::nullopt;
  if (*strictest->verdict != Verdict::allow)
    return Ruling{*strictest->verdict, strictest->rule->name};
  if (user_allows) return Ruling{Verdict::allow, user.rule->name};
  if (workspace_allows) return Ruling{Verdict::allow, workspace.rule->name};
  return std::nullopt;
}

std::optional<Ruling> Rules::judge_tool(std::string_view name) const {
  return judge(Verb::tool, name);
}

std::optional<Ruling> Rules::judge_read(std::string_view path) const {
  return judge(Verb::read, without_slash(path));
}

std::optional<Ruling> Rules::judge_write(std::string_view path) const {
  return judge(Verb::write, without_slash(path));
}

bool Rules::asks_about_folder_of(std::string_view path, std::string_view folder) const {
  const base::PathSubject inside(without_slash(path)), above(without_slash(folder));
  return std::ranges::all_of(rules_, [&](const Rule& rule) {
    return rule.verb != Verb::write || rule.verdict != Verdict::ask ||
           !rule.pattern.matches(inside) || rule.pattern.matches(above);
  });
}

// The last that matches counts, as in judge(); an answer answers an ask and no deny.
std::vector<std::string> Rules::builtin_masks(const std::vector<std::string>& shown) const {
  std::vector<std::string> masks;
  const auto read_rules = [&](auto&& wanted, auto&& take) {
    for (const auto& rule : rules_)
      if (rule.verb == Verb::read && wanted(rule)) take(rule);
  };
  read_rules([](const Rule& rule) { return rule.layer == Layer::builtin; },
             [&](const Rule& rule) {
               masks.push_back((rule.verdict == Verdict::allow ? "!" : "") + rule.glob);
               if (rule.verdict == Verdict::ask)
                 masks.insert(masks.end(), shown.begin(), shown.end());
             });
  // Where the layer itself asks or denies, its own list hides.
  read_rules(
      [&](const Rule& rule) {
        return rule.verdict == Verdict::allow && rule.names_file && gives(rule.layer);
      },
      [&](const Rule& rule) { masks.push_back("!" + rule.glob); });
  return masks;
}

// What outweighs stands behind.
std::vector<std::string> Rules::layer_masks(Layer layer,
                                            const std::vector<std::string>& shown) const {
  std::vector<const Rule*> rules;
  for (const auto& rule : rules_)
    if (rule.layer == layer && rule.verb == Verb::read) rules.push_back(&rule);
  std::ranges::sort(rules, [](const Rule* a, const Rule* b) { return outweighs(*b, *a); });
  const auto denies = std::ranges::find(rules, Verdict::deny, &Rule::verdict);
  std::vector<std::string> masks;
  for (auto rule = rules.begin(); rule != rules.end(); ++rule) {
    if (rule == denies) masks.insert(masks.end(), shown.begin(), shown.end());
    masks.push_back(((*rule)->verdict == Verdict::allow ? "!" : "") + (*rule)->glob);
  }
  if (denies == rules.end() && !masks.empty())
    masks.insert(masks.end(), shown.begin(), shown.end());
  return masks;
}

std::vector<std::vector<std::string>> Rules::masks(const std::vector<std::string>& answered) const {
  std::vector<std::string> shown;
  for (const auto& path : answered) shown.push_back("!" + base::glob_quoted(path));
  std::vector<std::vector<std::string>> lists{builtin_masks(shown)};
  for (const auto layer : {Layer::user, Layer::workspace, Layer::run})
    if (auto list = layer_masks(layer, shown); !list.empty()) lists.push_back(std::move(list));
  return lists;
}

// As in a person's "always", who was shown a name, but not where it leads.
core::NetworkGrant Rules::connections(core::NetworkGrant grant) const {
  for (const auto& rule : rules_) {
    if (rule.verb != Verb::connect) continue;
    if (rule.verdict == Verdict::deny) grant.denied.push_back({rule.text, rule.name});
    if (rule.verdict == Verdict::ask) grant.asked.push_back({rule.text, rule.name});
    if (rule.verdict == Verdict::allow && gives(rule.layer))
      grant.allowed.push_back({rule.text, rule.name, true});
  }
  return grant;
}

}  // namespace boxagnts::policy
