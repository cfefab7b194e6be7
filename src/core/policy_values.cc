#include "core/policy_values.h"

#include <boost/json.hpp>

namespace boxagnts::core {

Json to_json(const CallFacts& facts) {
  JsonObject out;
  out["reads"] = boost::json::value_from(facts.reads);
  out["writes"] = boost::json::value_from(facts.writes);
  if (facts.opaque) out["opaque"] = true;
  return out;
}

Json to_json(const Decision& decision) {
  return {{"verdict", name_of(decision.verdict)},
          {"level", name_of(decision.level)},
          {"rule", decision.rule},
          {"reason", decision.reason},
          {"workspace", name_of(decision.workspace)}};
}

Result<Decision> decision_from_json(const Json& json) {
  Decision decision;
  decision.verdict = TRY(parse_enum<Verdict>(base::get_string(json, "verdict").value_or("")));
  decision.level = TRY(parse_enum<Level>(base::get_string(json, "level").value_or("")));
  decision.rule = base::get_string(json, "rule").value_or("");
  decision.reason = base::get_string(json, "reason").value_or("");
  decision.workspace = TRY(parse_enum<Access>(base::get_string(json, "workspace").value_or("ro")));
  return decision;
}

}  // namespace boxagnts::core
