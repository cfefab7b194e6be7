#include "core/policy_values.h"

#include <boost/json.hpp>

namespace boxagnts::core {

Result<MountGrant> parse_mount(std::string_view text) {
  const auto wrong = [&](const char* why) {
    return fail(Code::invalid_argument, "\"" + std::string(text) + "\": " + why +
                                            "; write it as HOST or HOST::GUEST, with :ro behind it "
                                            "for reading only");
  };
  std::string_view rest = text;
  auto access = Access::read_write;
  if (rest.ends_with(":ro") || rest.ends_with(":rw")) {
    if (rest.ends_with("o")) access = Access::read_only;
    rest.remove_suffix(3);
  }
  const auto separator = rest.find("::");
  MountGrant mount{std::string(rest.substr(0, separator)), "", access};
  if (mount.host_path.empty()) return wrong("the host's folder is missing");
  if (separator == std::string_view::npos) return mount;
  mount.guest_path = rest.substr(separator + 2);
  if (mount.guest_path.empty()) return wrong("the guest's path is missing");
  if (mount.guest_path.contains(':')) return wrong("the guest's path may hold no colon");
  return mount;
}

Result<std::string> parse_variable(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0)
    return fail(Code::invalid_argument,
                "\"" + std::string(text) + "\" is no variable; write it as NAME=value");
  return std::string(text);
}

Json to_json(const CallFacts& facts) {
  JsonObject out;
  out["reads"] = boost::json::value_from(facts.reads);
  out["writes"] = boost::json::value_from(facts.writes);
  if (!facts.connects.empty()) out["connects"] = boost::json::value_from(facts.connects);
  if (facts.opaque) out["opaque"] = true;
  return out;
}

Json to_json(const Decision& decision) {
  return {{"verdict", name_of(decision.verdict)},
          {"level", name_of(decision.level)},
          {"rule", decision.rule},
          {"reason", decision.reason},
          {"workspace", name_of(decision.workspace)},
          {"effects", name_of(decision.effects)}};
}

Result<Decision> decision_from_json(const Json& json) {
  Decision decision;
  decision.verdict = TRY(parse_enum<Verdict>(base::get_string(json, "verdict").value_or("")));
  decision.level = TRY(parse_enum<Level>(base::get_string(json, "level").value_or("")));
  decision.rule = base::get_string(json, "rule").value_or("");
  decision.reason = base::get_string(json, "reason").value_or("");
  decision.workspace = TRY(parse_enum<Access>(base::get_string(json, "workspace").value_or("ro")));
  decision.effects = TRY(parse_enum<Verdict>(base::get_string(json, "effects").value_or("deny")));
  return decision;
}

}  // namespace boxagnts::core
