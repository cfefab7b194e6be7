#include "app/skills_desk.h"

#include <sys/stat.h>

#include <boost/json.hpp>
#include <mutex>

#include "app/policy_desk.h"
#include "base/text.h"
#include "workspace/text_store.h"

namespace boxagnts::app {
namespace {

using workspace::SkillEntry;
using workspace::SkillFinding;
using workspace::SkillOrigin;

constexpr const char* kInstructions = "AGENTS.md";

JsonArray json_of(const std::vector<SkillFinding>& findings) {
  JsonArray problems;
  for (const auto& finding : findings)
    problems.push_back(JsonObject{
        {"where", finding.file + ":" + std::to_string(finding.line)},
        {"message", finding.sentence},
        {"severity", finding.weight == SkillFinding::Weight::error ? "error" : "warning"}});
  return problems;
}

JsonObject json_of(const SkillEntry& entry) {
  const auto& skill = entry.skill;
  JsonObject out{{"name", skill.name},
                 {"description", skill.description},
                 {"origin", workspace::name_of(skill.origin)},
                 {"state", !entry.problem.empty()       ? "broken"
                           : !entry.shadowed_by.empty() ? "hidden"
                                                        : "ready"},
                 {"arguments", workspace::to_json(skill.arguments)},
                 {"allowed_tools", boost::json::value_from(skill.allowed_tools)}};
  if (!skill.when_to_use.empty()) out["when_to_use"] = skill.when_to_use;
  if (!skill.folder.empty()) out["path"] = skill.folder;
  if (!entry.problem.empty()) out["reason"] = entry.problem;
  if (entry.problem.empty() && !entry.shadowed_by.empty())
    out["reason"] = entry.shadowed_by + " is used instead";
  return out;
}

JsonArray files_of(const workspace::Skill& skill) {
  JsonArray files;
  for (const auto& file : skill.files) {
    struct stat status;
    const bool known = ::stat((skill.folder + "/" + file).c_str(), &status) == 0;
    files.push_back(JsonObject{{"path", file}, {"bytes", known ? status.st_size : 0}});
  }
  return files;
}

std::optional<std::string> text_at(const Json& object, std::string_view key) {
  const auto text = base::get_string(object, key);
  return text ? std::optional(std::string(*text)) : std::nullopt;
}

class ProgramSkills final : public gateway::SkillsDesk {
 public:
  ProgramSkills(Program& program, workspace::Files& files) : program_(program), files_(files) {}

  Result<Json> list() override {
    const auto catalogue = catalogue_now();
    JsonArray skills;
    for (const auto& entry : catalogue->entries) skills.push_back(json_of(entry));
    const auto trust = TRY(workspace::trust_of(environment_variable, program_.workspace.root));
    return JsonObject{{"skills", std::move(skills)},
                      {"problems", boost::json::value_from(catalogue->problems)},
                      {"trust", word_of(trust)}};
  }

  Result<Json> show(const std::string& name, const std::string& origin) override {
    const auto catalogue = catalogue_now();
    const auto& entry = *TRY(find(*catalogue, name, origin));
    auto out = json_of(entry);
    const auto text = text_of(entry.skill);
    out["text"] = text.value_or("");
    out["version"] = workspace::version_of_text(text.value_or(""));
    out["files"] = files_of(entry.skill);
    out["problems"] = json_of(problems_of(entry, text.value_or("")));
    return out;
  }

  Result<Json> write(const std::string& name, const Json& wanted) override {
    const auto text = text_at(wanted, "text").value_or("");
    TRY(workspace::check_skill_name(name));
    const auto parsed = workspace::parse_skill(text, name);
    if (const auto* error = parsed.error())
      return fail(Code::invalid_argument, workspace::to_text(*error));
    const std::lock_guard lock(mutex_);
    const auto version = text_at(wanted, "version");
    if (text_at(wanted, "origin") == "user")
      return written(workspace::configuration_folder(environment_variable) + "/",
                     "skills/" + name + "/SKILL.md", [&](const std::string& path) {
                       return workspace::write_own_text(environment_variable, path, text, version);
                     });
    const auto path = TRY(workspace::skill_path(program_.workspace, *catalogue_now(), name));
    return written(program_.workspace.root + "/", path, [&](const std::string& relative) {
      return workspace::write_text(files_, relative, text, version);
    });
  }

  Result<Json> check(const std::string& name, const std::string& text) override {
    const auto toolset = program_.tools->current();
    const auto problems = workspace::check_skill_text(text, name, toolset->registry->names());
    return JsonObject{{"problems", json_of(problems)}};
  }

  Result<Json> remove(const std::string& name, const std::string& origin) override {
    const std::lock_guard lock(mutex_);
    const auto catalogue = catalogue_now();
    const auto& entry = *TRY(find(*catalogue, name, origin));
    return JsonObject{{"wrote", TRY(workspace::remove_skill(files_, program_.workspace, entry.skill,
                                                            program_.clock))}};
  }

  Result<gateway::SkillStart> start(const std::string& name,
                                    const std::string& arguments) override {
    const auto catalogue = catalogue_now();
    const auto& skill = *TRY(catalogue->need(name));
    const auto input = TRY(workspace::input_of(skill, arguments));
    return gateway::SkillStart{
        workspace::introduce(skill, TRY(workspace::expand(skill, input))),
        {skill.name, std::string(workspace::name_of(skill.origin)), skill.allowed_tools}};
  }

  Result<Json> instructions() override {
    const auto own = workspace::read_own_text(environment_variable, kInstructions);
    const auto of_workspace = workspace::read_text(files_, kInstructions);
    return JsonObject{
        {"files",
         JsonArray{file_of("user", workspace::configuration_folder(environment_variable), own),
                   file_of("workspace", program_.workspace.root, of_workspace)}}};
  }

  Result<Json> write_instructions(const std::string& origin, const Json& wanted) override {
    const auto text = text_at(wanted, "text").value_or("");
    const auto version = text_at(wanted, "version");
    if (origin == "user")
      return written(workspace::configuration_folder(environment_variable) + "/", kInstructions,
                     [&](const std::string& path) {
                       return workspace::write_own_text(environment_variable, path, text, version);
                     });
    return written(program_.workspace.root + "/", kInstructions, [&](const std::string& path) {
      return workspace::write_text(files_, path, text, version);
    });
  }

 private:
  std::shared_ptr<const workspace::SkillCatalogue> catalogue_now() const {
    return program_.skills->catalogue(program_.preferences->now()->trust);
  }

  static Result<const SkillEntry*> find(const workspace::SkillCatalogue& catalogue,
                                        const std::string& name, const std::string& origin) {
    for (const auto& entry : catalogue.entries)
      if (entry.skill.name == name &&
          (origin.empty() || workspace::name_of(entry.skill.origin) == origin))
        return &entry;
    return fail(Code::not_found, "there is no " + origin + (origin.empty() ? "" : " ") +
                                     "skill \"" + base::one_line(name, 80) + "\"");
  }

  // One that cannot be read is there, and the other one is told of all the same.
  static JsonObject file_of(std::string_view origin, const std::string& folder,
                            const Result<workspace::StoredText>& stored) {
    JsonObject file{{"origin", origin},
                    {"path", folder + "/" + kInstructions},
                    {"exists", !stored || stored->exists},
                    {"text", stored ? stored->text : ""}};
    if (stored && stored->exists) file["version"] = stored->version;
    if (!stored) file["problem"] = stored.error().message;
    return file;
  }

  template <class Write>
  static Result<Json> written(const std::string& folder, const std::string& path, Write write) {
    const std::string version = TRY(write(path));
    return JsonObject{{"wrote", folder + path}, {"version", version}};
  }

  Result<std::string> text_of(const workspace::Skill& skill) const {
    if (!skill.folder.empty()) return program_.skills->read_file(skill, "SKILL.md", {});
    for (const auto& embedded : workspace::embedded_skills())
      if (embedded.name == skill.name) return std::string(embedded.text);
    return fail(Code::not_found, "there is no such skill");
  }

  std::vector<SkillFinding> problems_of(const SkillEntry& entry, const std::string& text) const {
    const auto toolset = program_.tools->current();
    const auto names = toolset->registry->names();
    if (!entry.skill.folder.empty())
      if (auto findings = workspace::check_skill(entry.skill.folder, names))
        return *std::move(findings);
    if (!entry.skill.folder.empty()) return {SkillFinding{.sentence = entry.problem}};
    return workspace::check_skill_text(text, entry.skill.name, names);
  }

  Program& program_;
  workspace::Files& files_;
  std::mutex mutex_;
};

}  // namespace

std::unique_ptr<gateway::SkillsDesk> make_skills_desk(Program& program, workspace::Files& files) {
  return std::make_unique<ProgramSkills>(program, files);
}

}  // namespace boxagnts::app
