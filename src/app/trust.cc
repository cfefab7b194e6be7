#include "app/trust.h"

#include "app/program.h"
#include "base/text.h"
#include "terminal/prompter.h"
#include "toolbox/tool_folders.h"
#include "workspace/own_files.h"
#include "workspace/skills.h"

namespace boxagnts::app {
namespace {

// In words; "" for nothing.
Result<std::string> what_it_brings(const workspace::Workspace& workspace) {
  std::string text;
  const auto config = TRY(workspace::read_config(workspace, environment_variable));
  const auto* policy = TRY(config.workspace->table("policy"));
  for (const auto& rule : TRY(policy->strings("allow")))
    text += (text.empty() ? "" : ", ") + ("the rule \"allow " + rule + "\"");
  base::SystemClock clock;
  const auto skills = open_skills(workspace, clock);
  for (const auto& entry : skills->catalogue(workspace::Trust::untrusted)->entries)
    if (entry.skill.origin == workspace::SkillOrigin::workspace && !entry.shadowed_by.empty())
      text += (text.empty() ? "" : ", ") + ("the skill " + entry.skill.name);
  const auto folder = toolbox::tool_places(workspace, environment_variable).workspace_folder;
  for (const auto& file : toolbox::tool_files_of(folder))
    text += (text.empty() ? "" : ", ") + ("the tool " + base::one_line(file, 60));
  return text;
}

}  // namespace

Status ask_for_trust(const workspace::Workspace& workspace, terminal::Console* console,
                     const std::stop_token& stop) {
  if (!console) return {};
  if (TRY(workspace::trust_of(environment_variable, workspace.root))) return {};
  const auto brings = TRY(what_it_brings(workspace));
  if (brings.empty()) return {};
  terminal::Prompter prompter(*console, {.blob = {}, .open = [](const auto&) { return true; }});
  const auto reply = TRY(prompter.ask(
      {.kind = core::QuestionKind::call,
       .question = "Do you trust " + workspace.root + "? It brings " + brings +
                   ", which count only then. You are asked once (boxagnts trust changes it)."},
      stop));
  return workspace::set_trust(
      environment_variable, workspace.root,
      reply.answer == core::Answer::no ? workspace::Trust::untrusted : workspace::Trust::trusted);
}

}  // namespace boxagnts::app
