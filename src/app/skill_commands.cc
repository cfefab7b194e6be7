#include <sys/stat.h>

#include <algorithm>
#include <boost/json.hpp>

#include "app/commands.h"
#include "app/program.h"
#include "base/text.h"
#include "workspace/skills.h"

namespace boxagnts::app {
namespace {

using workspace::Skill;
using workspace::SkillEntry;
using workspace::SkillFinding;

struct Catalogue {
  base::SystemClock clock;
  workspace::Workspace workspace;
  std::unique_ptr<workspace::Skills> skills;
  std::shared_ptr<const workspace::SkillCatalogue> catalogue;
};

Result<std::unique_ptr<Catalogue>> open_catalogue(const cli::Common& common) {
  auto opened = std::make_unique<Catalogue>();
  opened->workspace = TRY(workspace::open(common.workspace_directory, environment_variable));
  opened->skills = open_skills(opened->workspace, opened->clock);
  opened->catalogue = opened->skills->catalogue(
      TRY(workspace::trust_of(environment_variable, opened->workspace.root))
          .value_or(workspace::Trust::untrusted));
  return opened;
}

Json json_of(const SkillEntry& entry) {
  const Skill& skill = entry.skill;
  return JsonObject{{"name", skill.name},
                    {"description", skill.description},
                    {"when_to_use", skill.when_to_use},
                    {"origin", workspace::name_of(skill.origin)},
                    {"used", entry.used()},
                    {"shadowed_by", entry.shadowed_by},
                    {"problem", entry.problem},
                    {"folder", skill.folder},
                    {"args", workspace::to_json(skill.arguments)},
                    {"allowed_tools", boost::json::value_from(skill.allowed_tools)},
                    {"files", boost::json::value_from(skill.files)}};
}

std::string padded(std::string_view text, std::size_t columns) {
  std::string out(text);
  out.resize(std::max(out.size() + 1, columns), ' ');
  return out;
}

std::string line_of(const SkillEntry& entry) {
  constexpr std::size_t kNameColumns = 28, kOriginColumns = 11, kTextColumns = 90;
  std::string text = entry.skill.description;
  if (!entry.shadowed_by.empty()) text = "not used: " + entry.shadowed_by;
  if (!entry.problem.empty()) text = "not used: " + entry.skill.folder + "/" + entry.problem;
  return padded(base::one_line(entry.skill.name, 64), kNameColumns) +
         padded(workspace::name_of(entry.skill.origin), kOriginColumns) +
         (entry.used() ? base::one_line(text, kTextColumns) : base::terminal_safe(text)) + "\n";
}

std::string text_of(const Skill& skill) {
  std::string text = skill.name + " (" + std::string(workspace::name_of(skill.origin)) + ")\n\n" +
                     skill.description + "\n";
  const auto add = [&](std::string_view title, const std::string& what) {
    if (!what.empty()) text += std::string(title) + ": " + what + "\n";
  };
  const auto joined = [](const std::vector<std::string>& words) {
    std::string all;
    for (const auto& word : words) all += (all.empty() ? "" : ", ") + word;
    return all;
  };
  add("When to use", skill.when_to_use);
  add("Tools", joined(skill.allowed_tools));
  add("Compatibility", skill.compatibility);
  add("License", skill.license);
  add("Folder", skill.folder);
  add("Files", joined(skill.files));
  for (const auto& argument : skill.arguments)
    text += "Argument " + argument.name + (argument.required ? " (required)" : "") +
            (argument.fallback ? " (default: " + *argument.fallback + ")" : "") +
            (argument.description.empty() ? "" : ": " + argument.description) + "\n";
  return base::terminal_safe(text + "\n" + skill.body) + "\n";
}

// --- check ---------------------------------------------------------------------------------------

// Whether there are errors among them.
Result<bool> print_findings(const std::vector<SkillFinding>& findings, const std::string& folder) {
  bool wrong = false;
  for (const auto& finding : findings) {
    TRY(print(base::terminal_safe(to_text(finding, folder)) + "\n"));
    wrong |= finding.weight == SkillFinding::Weight::error;
  }
  if (findings.empty()) TRY(print(base::terminal_safe(folder) + ": good\n"));
  return wrong;
}

// What a skill may name: the tools of this program.
class KnownTools {
 public:
  static Result<std::unique_ptr<KnownTools>> make(workspace::Skills& skills) {
    auto known = std::make_unique<KnownTools>();
    known->tools_ = TRY(Tools::make({.clock = known->clock_,
                                     .http = *known->http_,
                                     .skills = skills,
                                     .workspace = {},
                                     .trust = [] { return workspace::Trust::untrusted; }}));
    known->toolset_ = known->tools_->current();
    known->names_ = known->toolset_->registry->names();
    return known;
  }
  std::span<const std::string_view> names() const { return names_; }

 private:
  base::SystemClock clock_;
  const std::unique_ptr<net::HttpClient> http_ = make_http({});
  std::unique_ptr<Tools> tools_;
  std::shared_ptr<const tools::Toolset> toolset_;
  std::vector<std::string_view> names_;
};
using Names = std::span<const std::string_view>;

Result<bool> check_entry(const SkillEntry& entry, Names tools) {
  if (entry.skill.folder.empty()) {
    TRY(print(entry.skill.name + " (builtin): good\n"));
    return false;
  }
  struct stat status;
  const bool is_link = ::lstat(entry.skill.folder.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
  if (is_link && !entry.problem.empty()) {  // what it leads to is not the skill
    TRY(print(base::terminal_safe(entry.skill.folder + "/" + entry.problem) + "\n"));
    return true;
  }
  return print_findings(TRY(workspace::check_skill(entry.skill.folder, tools)), entry.skill.folder);
}

Result<bool> check_all(const workspace::SkillCatalogue& catalogue, Names tools) {
  bool wrong = false, any = false;
  for (const auto& problem : catalogue.problems) {
    TRY(print(base::terminal_safe(problem) + "\n"));
    wrong = any = true;
  }
  for (const auto& entry : catalogue.entries) {
    if (entry.skill.origin == workspace::SkillOrigin::builtin) continue;
    any = true;
    wrong |= TRY(check_entry(entry, tools));
  }
  if (!any)
    TRY(
        print("there are no skills but the built-in ones; make one with boxagnts skill new "
              "NAME\n"));
  return wrong;
}

Result<bool> check_one(const workspace::SkillCatalogue& catalogue, const std::string& what,
                       Names tools) {
  const bool is_path = what.contains('/') || what == "." || what == "..";
  const auto found = std::ranges::find_if(
      catalogue.entries, [&](const SkillEntry& entry) { return entry.skill.name == what; });
  if (!is_path && found != catalogue.entries.end()) {
    bool wrong = false;
    for (const auto& entry : catalogue.entries)
      if (entry.skill.name == what) wrong |= TRY(check_entry(entry, tools));
    return wrong;
  }
  struct stat status;
  if (!is_path && ::stat(what.c_str(), &status) != 0)
    return std::unexpected(catalogue.need(what).error());
  return print_findings(TRY(workspace::check_skill(what, tools)), what);
}

}  // namespace

Result<int> execute(const cli::SkillListCommand& command) {
  const auto opened = TRY(open_catalogue(command.common));
  for (const auto& entry : opened->catalogue->entries)
    TRY(print(command.json ? base::to_text(json_of(entry)) + "\n" : line_of(entry)));
  for (const auto& problem : opened->catalogue->problems) say(problem);
  return 0;
}

Result<int> execute(const cli::SkillShowCommand& command) {
  const auto opened = TRY(open_catalogue(command.common));
  const auto* skill = TRY(opened->catalogue->need(command.skill));
  TRY(print(text_of(*skill)));
  return 0;
}

Result<int> execute(const cli::SkillNewCommand& command) {
  const auto opened = TRY(open_catalogue(command.common));
  const auto path = TRY(workspace::make_skill(opened->workspace, command.skill));
  TRY(print("made " + base::terminal_safe(path) + "\n  look at it: boxagnts skill check " +
            command.skill + "\n  use it:     boxagnts skill run " + command.skill + " …\n"));
  return 0;
}

Result<int> execute(const cli::SkillCheckCommand& command) {
  const auto opened = TRY(open_catalogue(command.common));
  const auto known = TRY(KnownTools::make(*opened->skills));
  const bool wrong = TRY(command.what ? check_one(*opened->catalogue, *command.what, known->names())
                                      : check_all(*opened->catalogue, known->names()));
  return wrong ? base::info(Code::invalid_argument).exit_code : 0;
}

Result<int> execute(const cli::SkillRunCommand& command) {
  auto run = command.run;
  core::SkillUsed used;
  {
    const auto opened = TRY(open_catalogue(run.common));
    const auto* skill = TRY(opened->catalogue->need(command.skill));
    const auto input = TRY(workspace::input_of(*skill, command.arguments));
    run.prompt = workspace::introduce(*skill, TRY(workspace::expand(*skill, input)));
    used = {skill->name, std::string(workspace::name_of(skill->origin)), skill->allowed_tools};
  }
  return run_agent(run, std::move(used));
}

}  // namespace boxagnts::app
