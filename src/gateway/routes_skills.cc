#include "gateway/parts.h"
#include "gateway/routes.h"

namespace boxagnts::gateway {
namespace {

constexpr std::size_t kTextBodyMax = 4 << 20;  // 262,144 characters, escaped

constexpr Parameter kName{"name", In::path, Need::required,
                          R"({"$ref":"#/components/schemas/SkillName"})", "The skill."};
// One that is broken may be called as no skill may.
constexpr Parameter kFileName{"name", In::path, Need::required,
                              R"({"$ref":"#/components/schemas/SkillFileName"})", "The skill."};
constexpr Parameter kOrigin{"origin", In::path, Need::required,
                            R"({"$ref":"#/components/schemas/InstructionsOrigin"})", "Whose."};

std::string text_in(const Json& object, std::string_view key) {
  return std::string(base::get_string(object, key).value_or(""));
}

Result<Reply> list_skills(Call& call) {
  auto* desk = TRY(need(call.parts.services.desks.skills));
  return JsonReply{200, TRY(desk->list())};
}

Result<Reply> show_skill(Call& call) {
  auto* desk = TRY(need(call.parts.services.desks.skills));
  return JsonReply{200, TRY(desk->show(call.at("name"), text_in(call.query, "origin")))};
}

Result<Reply> write_skill(Call& call) {
  auto* desk = TRY(need(call.parts.services.desks.skills));
  auto wrote = TRY(desk->write(call.at("name"), call.body));
  call.parts.feed.announce("skills");
  return JsonReply{200, std::move(wrote)};
}

Result<Reply> check_skill(Call& call) {
  auto* desk = TRY(need(call.parts.services.desks.skills));
  return JsonReply{200, TRY(desk->check(text_in(call.body, "name"), text_in(call.body, "text")))};
}

Result<Reply> remove_skill(Call& call) {
  auto* desk = TRY(need(call.parts.services.desks.skills));
  auto wrote = TRY(desk->remove(call.at("name"), text_in(call.query, "origin")));
  call.parts.feed.announce("skills");
  return JsonReply{200, std::move(wrote)};
}

Result<Reply> list_instructions(Call& call) {
  auto* desk = TRY(need(call.parts.services.desks.skills));
  return JsonReply{200, TRY(desk->instructions())};
}

Result<Reply> write_instructions(Call& call) {
  auto* desk = TRY(need(call.parts.services.desks.skills));
  auto wrote = TRY(desk->write_instructions(call.at("origin"), call.body));
  call.parts.feed.announce("settings");
  return JsonReply{200, std::move(wrote)};
}

}  // namespace

std::vector<Route> skill_routes() {
  return {
      {.method = "GET",
       .path = "/api/v1/skills",
       .id = "listSkills",
       .tag = "skills",
       .summary = "The skills there are, broken and hidden ones too",
       .success = {.schema = "Skills", .description = "By name, the used one first."},
       .handler = list_skills},
      {.method = "POST",
       .path = "/api/v1/skills/check",
       .id = "checkSkill",
       .tag = "skills",
       .summary = "What is wrong with the text of a skill, by line",
       .body = {Body::Kind::json, "SkillDraft", kTextBodyMax},
       .success = {.schema = "SkillProblems", .description = "Empty: it is good."},
       .handler = check_skill},
      {.method = "GET",
       .path = "/api/v1/skills/{name}",
       .id = "showSkill",
       .tag = "skills",
       .summary = "One skill with its text, its files and what is wrong with it",
       .parameters = {kFileName,
                      {"origin", In::query, Need::optional,
                       R"({"$ref":"#/components/schemas/SkillOrigin"})", "Absent: the used one."}},
       .success = {.schema = "Skill", .description = "The skill."},
       .handler = show_skill},
      {.method = "PUT",
       .path = "/api/v1/skills/{name}",
       .id = "writeSkill",
       .tag = "skills",
       .summary = "Makes a skill, or changes one",
       .parameters = {kName},
       .body = {Body::Kind::json, "SkillWanted", kTextBodyMax},
       .success = {.schema = "WroteVersion", .description = "Runs find it from now on."},
       .handler = write_skill},
      {.method = "DELETE",
       .path = "/api/v1/skills/{name}",
       .id = "removeSkill",
       .tag = "skills",
       .summary = "Moves a skill of the workspace or of the person to a bin",
       .parameters = {kFileName,
                      {"origin", In::query, Need::required, R"({"enum":["workspace","user"]})",
                       "Whose."}},
       .success = {.schema = "Wrote", .description = "Where it is now."},
       .handler = remove_skill},
      {.method = "GET",
       .path = "/api/v1/instructions",
       .id = "listInstructions",
       .tag = "skills",
       .summary = "AGENTS.md: the person's own and the workspace's",
       .success = {.schema = "Instructions", .description = "Both, there or not."},
       .handler = list_instructions},
      {.method = "PUT",
       .path = "/api/v1/instructions/{origin}",
       .id = "writeInstructions",
       .tag = "skills",
       .summary = "Writes one AGENTS.md",
       .parameters = {kOrigin},
       .body = {Body::Kind::json, "TextWanted", kTextBodyMax},
       .success = {.schema = "WroteVersion", .description = "Runs that begin now are told."},
       .handler = write_instructions},
  };
}

}  // namespace boxagnts::gateway
