#include "tools/tool_listing.h"

#include <algorithm>

#include "base/text.h"
#include "policy/policy.h"
#include "tools/own_call.h"

namespace boxagnts::tools {
namespace {

using Sentences = std::vector<std::string>;

constexpr std::size_t kShownMax = 12;  // of what a sentence lists

std::string list_of(const std::vector<std::string>& parts) {
  std::string list;
  for (std::size_t i = 0; i < parts.size() && i < kShownMax; ++i)
    list += (i == 0 ? "" : ", ") + parts[i];
  if (parts.size() > kShownMax)
    list += " and " + std::to_string(parts.size() - kShownMax) + " more";
  return list;
}

void add_files(const core::Grant& grant, const Standing& standing, Sentences& sentences) {
  std::vector<std::string> reads, writes, scratch;
  for (const auto& mount : grant.mounts) {
    const bool is_workspace = mount.guest_path == standing.envelope.working_directory;
    const std::string name = mount.guest_path + (is_workspace ? " (the workspace)" : "");
    if (mount.host_path.empty())
      scratch.push_back(mount.guest_path);
    else
      (mount.access == core::Access::read_write ? writes : reads).push_back(name);
  }
  if (reads.empty() && writes.empty()) sentences.emplace_back("It sees no file of yours.");
  if (!reads.empty()) sentences.push_back("It reads files in " + list_of(reads) + ".");
  if (!writes.empty())
    sentences.push_back(
        "It reads and writes files in " + list_of(writes) +
        "; what it writes is held back until it is judged, asked about or applied.");
  if (!scratch.empty())
    sentences.push_back("It may keep files in " + list_of(scratch) +
                        ", in memory, until the run ends.");
  std::vector<std::string> hidden;
  for (const auto& list : grant.masks)
    for (const auto& mask : list)
      // Anywhere, as most are.
      if (!mask.starts_with('!'))
        hidden.push_back(mask.starts_with("/**/") ? mask.substr(4) : mask);
  if (!hidden.empty() && !(reads.empty() && writes.empty()))
    sentences.push_back("It does not see what rules keep from it: " + list_of(hidden) + ".");
}

void add_network(const core::Grant& grant, Sentences& sentences) {
  if (grant.network.offline) {
    sentences.emplace_back("It has no network.");
    return;
  }
  std::vector<std::string> hosts;
  for (const auto& entry : grant.network.allowed) hosts.push_back(entry.text);
  if (hosts.empty())
    sentences.emplace_back("It connects to no host without a question.");
  else
    sentences.push_back("It may connect to " + list_of(hosts) + "; any other host is asked about.");
}

void add_environment(const core::Grant& grant, Sentences& sentences) {
  std::vector<std::string> names;
  for (const auto& variable : grant.environment)
    names.push_back(variable.substr(0, variable.find('=')));
  sentences.push_back(names.empty() ? "It is given no environment variable."
                                    : "It is given the environment variables " + list_of(names) +
                                          ", and no other.");
}

JsonArray array_of(const std::vector<std::string>& texts) {
  JsonArray array;
  for (const auto& text : texts) array.emplace_back(text);
  return array;
}

}  // namespace

core::Grant most_granted(const Tool& tool, const Standing& standing) {
  const auto level = tool.spec().level;
  policy::Input input{.tool = tool.spec().name,
                      .claimed = level,
                      .facts = {},
                      .mode = core::Mode::autonomous,
                      .envelope = standing.envelope,
                      .rules = standing.rules};
  core::Decision decision;
  decision.level = level;
  decision.workspace =
      level >= core::Level::write ? core::Access::read_write : core::Access::read_only;
  auto grant = policy::grant_of(input, decision);
  tool.narrow(grant);
  return grant;
}

std::vector<std::string> grant_sentences(const Tool& tool, const Standing& standing) {
  if (tool.about().kind == Kind::native && tool.spec().level == core::Level::none)
    return {
        "It works inside the program, with the run and its person: it changes no file, and "
        "has no network and no environment."};
  const auto grant = most_granted(tool, standing);
  Sentences sentences;
  add_files(grant, standing, sentences);
  if (tool.about().kind == Kind::native) {
    sentences.emplace_back("It has no network and no environment.");
  } else {
    add_network(grant, sentences);
    add_environment(grant, sentences);
  }
  sentences.emplace_back(
      "The program's own folders (.boxagnts), with its log and settings, are never visible.");
  return sentences;
}

std::vector<std::pair<std::string, std::string>> limit_texts(const core::Limits& limits) {
  std::vector<std::pair<std::string, std::string>> texts{
      {"time", base::human_duration_ms(limits.wall_time.count())},
      {"memory", base::human_bytes(limits.memory_bytes)},
      {"stack", base::human_bytes(limits.stack_bytes)},
      {"output", base::human_bytes(limits.output_bytes)},
      {"open files", std::to_string(limits.open_files)},
      {"growth of files", base::human_bytes(limits.disk_bytes)},
      {"new files", std::to_string(limits.disk_entries)}};
  if (limits.fuel > 0) texts.emplace_back("instructions", std::to_string(limits.fuel));
  return texts;
}

std::vector<Listed> list_all(const Toolset& toolset) {
  std::vector<Listed> all;
  for (const auto& tool : toolset.registry->all()) {
    const auto& spec = tool->spec();
    if (!policy::visible(spec.level, core::AgentAccess::full)) continue;
    const bool unchecked =
        std::ranges::find(toolset.unchecked, spec.name) != toolset.unchecked.end();
    all.push_back({&spec, tool->about(), unchecked ? "checking" : "ready", "", tool.get()});
  }
  for (const auto& broken : toolset.broken)
    all.push_back({&broken.spec, broken.about, "broken", broken.reason, nullptr});
  return all;
}

Result<Listed> find_listed(const Toolset& toolset, std::string_view name) {
  const auto* const tool = toolset.registry->find(name);
  for (auto& listed : list_all(toolset))
    if (tool ? listed.tool == tool : listed.spec->name == name) return std::move(listed);
  return std::unexpected(find_tool(*toolset.registry, name).error());
}

Json to_json(const Listed& listed, const Standing& standing) {
  Json json = core::to_json(*listed.spec);
  auto& object = json.as_object();
  object["origin"] = name_of(listed.about.origin);
  object["kind"] = name_of(listed.about.kind);
  if (!listed.about.version.empty()) object["version"] = listed.about.version;
  if (!listed.about.path.empty()) object["path"] = listed.about.path;
  object["keywords"] = array_of(listed.about.keywords);
  object["state"] = listed.state;
  if (!listed.reason.empty()) object["reason"] = listed.reason;
  if (!listed.tool) return json;
  object["grant"] = array_of(grant_sentences(*listed.tool, standing));
  JsonArray limits;
  if (listed.about.kind == Kind::guest)
    for (const auto& [name, value] : limit_texts(standing.envelope.limits))
      limits.push_back(JsonObject{{"name", name}, {"value", value}});
  object["limits"] = std::move(limits);
  return json;
}

}  // namespace boxagnts::tools
