#include "app/policy_desk.h"

#include <boost/json.hpp>
#include <mutex>

#include "app/explain.h"
#include "app/settings_desk.h"
#include "base/text.h"
#include "policy/builtin_rules.h"

namespace boxagnts::app {
namespace {

using core::Verdict;

constexpr Verdict kEffects[]{Verdict::allow, Verdict::ask, Verdict::deny};
constexpr const char* kUntrusted =
    "in a workspace that you do not trust its rules may ask and deny, not allow";

JsonObject rule_of(Verdict effect, std::string_view rule, std::string_view where) {
  return {{"effect", core::name_of(effect)}, {"rule", rule}, {"where", where}};
}

enum class Deletable : bool { no, yes };

// Section [policy] of a file.
Status add_rules(const base::ConfigNode& file, Deletable deletable, JsonArray& into) {
  const auto* section = TRY(file.table("policy"));
  for (const auto effect : kEffects)
    for (const auto& entry : TRY(section->texts(core::name_of(effect)))) {
      auto rule = rule_of(effect, entry.text, entry.where);
      rule["own"] = deletable == Deletable::yes;
      into.push_back(std::move(rule));
    }
  return {};
}

JsonArray builtin_rules() {
  JsonArray rules;
  for (const auto& rule : policy::kBuiltinRules)
    rules.push_back(rule_of(rule.verdict, rule.text, "built in"));
  const auto folder = workspace::configuration_folder(environment_variable);
  if (!folder.empty())
    for (const auto& [verdict, text] : policy::configuration_rules(folder))
      rules.push_back(rule_of(verdict, text, "built in"));
  return rules;
}

JsonArray flag_rules(const cli::Common& common) {
  JsonArray rules;
  for (const auto& [effect, entries] : {std::pair{Verdict::allow, &common.allow},
                                        {Verdict::ask, &common.ask},
                                        {Verdict::deny, &common.deny}})
    for (const auto& entry : *entries) rules.push_back(rule_of(effect, entry, "flag"));
  return rules;
}

// "deny write secrets/** (config.toml:3)", as a decision names its rule; else nothing: no rule
// decided.
std::optional<JsonObject> parse_rule(std::string_view name) {
  for (const auto effect : kEffects) {
    const auto word = std::string(core::name_of(effect)) + " ";
    const auto where = name.rfind(" (");
    if (!name.starts_with(word) || where == name.npos || !name.ends_with(')')) continue;
    auto place = name.substr(where + 2, name.size() - where - 3);
    if (place.starts_with("--")) place = "flag";
    return rule_of(effect, name.substr(word.size(), where - word.size()), place);
  }
  return std::nullopt;
}

class ProgramPolicy final : public gateway::PolicyDesk {
 public:
  explicit ProgramPolicy(Program& program) : program_(program) {}

  Result<Json> rules() override {
    TRY(by_hand(program_.reload()));
    const auto layers =
        TRY(by_hand(workspace::read_layers(program_.workspace, environment_variable)));
    const auto own = TRY(by_hand(workspace::read_own_rules(environment_variable)));
    JsonArray user, workspace;
    TRY(add_rules(*layers.config, Deletable::no, user));
    TRY(add_rules(*own, Deletable::yes, user));
    TRY(add_rules(*layers.workspace, Deletable::no, workspace));
    const bool trusted = program_.preferences->now()->trust == workspace::Trust::trusted;
    for (auto& rule : workspace)
      if (!trusted && rule.at("effect") == "allow") rule.get_object()["why"] = kUntrusted;
    JsonObject of_workspace{
        {"layer", "workspace"}, {"counts", trusted}, {"rules", std::move(workspace)}};
    if (!trusted) of_workspace["why"] = kUntrusted;
    const auto layer = [](std::string_view name, JsonArray rules) {
      return JsonObject{{"layer", name}, {"counts", true}, {"rules", std::move(rules)}};
    };
    return JsonObject{
        {"layers", JsonArray{layer("builtin", builtin_rules()), layer("user", std::move(user)),
                             std::move(of_workspace),
                             layer("flags", flag_rules(program_.preferences->given().common))}}};
  }

  Result<Json> add(const std::string& effect, const std::string& rule) override {
    const auto verdict = TRY(core::parse_enum<Verdict>(effect));
    const std::lock_guard lock(mutex_);
    TRY(by_hand(program_.reload()));  // said before anything is written
    policy::Rules with_it = *program_.rules->rules();
    TRY(with_it.add(policy::Layer::user, verdict, rule, "the rule"));
    const auto wrote = TRY(workspace::add_rule(environment_variable, verdict, rule));
    TRY(program_.reload());
    auto added = rule_of(verdict, rule, wrote);
    added["own"] = true;
    return JsonObject{{"wrote", wrote}, {"rule", std::move(added)}};
  }

  Result<Json> remove(const std::string& effect, const std::string& rule) override {
    const auto verdict = TRY(core::parse_enum<Verdict>(effect));
    const std::lock_guard lock(mutex_);
    TRY(by_hand(program_.reload()));
    const auto wrote = TRY(workspace::remove_rule(environment_variable, verdict, rule));
    TRY(program_.reload());
    return JsonObject{{"wrote", wrote}};
  }

  Result<Json> explain(const Json& what) override {
    const auto now = program_.preferences->now();
    const auto rules = program_.rules->rules();
    auto mode = now->run_mode();
    if (const auto wanted = base::get_string(what, "mode"))
      mode = TRY(core::parse_enum<core::Mode>(*wanted));
    const auto text = [&](std::string_view key, const char* otherwise) {
      return std::string(base::get_string(what, key).value_or(otherwise));
    };
    const auto* arguments = base::find(what, "arguments");
    const auto toolset = program_.tools->current();
    const auto explained =
        TRY(base::find(what, "url")
                ? explain_connection(text("url", ""), text("method", "GET"), mode, *now, *rules)
                : explain_call(text("tool", ""), arguments ? *arguments : JsonObject(), mode,
                               *toolset->registry, *now, *rules));
    JsonArray grant;
    for (const auto& sentence : explained.grant) grant.push_back(Json(sentence));
    JsonObject out{{"decision", core::name_of(explained.verdict)},
                   {"why", explained.reason},
                   {"grant", std::move(grant)},
                   {"text", explained.text}};
    if (auto rule = parse_rule(explained.rule)) out["rule"] = *std::move(rule);
    return out;
  }

  Result<Json> trust() override {
    return JsonObject{
        {"trust", word_of(TRY(workspace::trust_of(environment_variable, program_.workspace.root)))},
        {"workspace", program_.workspace.root}};
  }

  Result<Json> set_trust(const std::string& word) override {
    std::optional<workspace::Trust> trust;
    if (word == "trusted") trust = workspace::Trust::trusted;
    if (word == "untrusted") trust = workspace::Trust::untrusted;
    const std::lock_guard lock(mutex_);
    TRY(by_hand(program_.reload()));
    TRY(workspace::set_trust(environment_variable, program_.workspace.root, trust));
    TRY(program_.reload());
    return JsonObject{
        {"wrote", workspace::config_files(program_.workspace, environment_variable).own}};
  }

 private:
  Program& program_;
  std::mutex mutex_;
};

}  // namespace

std::string_view word_of(std::optional<workspace::Trust> trust) {
  if (!trust) return "unasked";
  return *trust == workspace::Trust::trusted ? "trusted" : "untrusted";
}

std::unique_ptr<gateway::PolicyDesk> make_policy_desk(Program& program) {
  return std::make_unique<ProgramPolicy>(program);
}

}  // namespace boxagnts::app
