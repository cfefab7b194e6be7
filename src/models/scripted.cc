#include "models/scripted.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <functional>
#include <map>
#include <mutex>
#include <optional>

#include "base/file.h"
#include "base/text.h"
#include "models/images.h"

namespace boxagnts::models {
namespace {

struct Fault {
  enum class Kind : std::uint8_t { cut, stall, status } kind = Kind::cut;
  std::int64_t status = 0;
  std::int64_t retry_after_ms = 0;
};

struct ScriptedCall {
  std::string id;
  std::string tool;
  Json arguments;  // a string is taken as it is
};

struct Turn {
  std::string think;
  std::string say;
  // In place of `say`: by how this call ended ("ok", "denied"), or "otherwise".
  std::string said_of;
  std::map<std::string, std::string, std::less<>> say_by;
  std::vector<ScriptedCall> calls;
  core::Usage usage;
  std::optional<core::StopReason> stop;
  std::int64_t pace_ms = 0;
  std::vector<Fault> faults;
};
using Conversation = std::vector<Turn>;

// --- reading the file
// ------------------------------------------------------------------------------

// Where and what is wrong; caught in open_scripted.
struct ScriptError {
  int line;
  std::string what;
};

[[noreturn]] void wrong(const YAML::Node& node, std::string what) {
  throw ScriptError{std::max(node.Mark().line, 0) + 1, std::move(what)};
}

void allow_keys(const YAML::Node& node, std::initializer_list<std::string_view> known) {
  if (!node.IsMap()) wrong(node, "a mapping is wanted here");
  for (const auto& entry : node) {
    const auto key = entry.first.as<std::string>();
    if (std::ranges::find(known, key) != known.end()) continue;
    const auto nearest = base::nearest_name(key, std::vector<std::string_view>(known));
    wrong(entry.first,
          "unknown key \"" + key + "\"" +
              (nearest.empty() ? "" : "; did you mean \"" + std::string(nearest) + "\"?"));
  }
}

Json to_json(const YAML::Node& node) {
  if (node.IsNull()) return nullptr;
  if (node.IsMap()) {
    JsonObject object;
    for (const auto& entry : node) object[entry.first.as<std::string>()] = to_json(entry.second);
    return object;
  }
  if (node.IsSequence()) {
    JsonArray array;
    for (const auto& item : node) array.push_back(to_json(item));
    return array;
  }
  const bool quoted = node.Tag() == "!";
  if (!quoted) {
    if (std::int64_t number; YAML::convert<std::int64_t>::decode(node, number)) return number;
    if (double number; YAML::convert<double>::decode(node, number)) return number;
    if (node.Scalar() == "true") return true;
    if (node.Scalar() == "false") return false;
  }
  return Json(node.Scalar());
}

std::int64_t integer(const YAML::Node& node) {
  std::int64_t number = 0;
  if (!node.IsScalar() || !YAML::convert<std::int64_t>::decode(node, number) || number < 0)
    wrong(node, "a whole number is wanted here");
  return number;
}

Fault read_fault(const YAML::Node& node) {
  if (node.IsScalar() && node.Scalar() == "cut") return {Fault::Kind::cut};
  if (node.IsScalar() && node.Scalar() == "stall") return {Fault::Kind::stall};
  if (!node.IsMap()) wrong(node, "a fault is cut, stall or {status: NUMBER}");
  allow_keys(node, {"status", "retry_after_ms"});
  if (!node["status"]) wrong(node, "the fault's status is missing");
  return {Fault::Kind::status, integer(node["status"]),
          node["retry_after_ms"] ? integer(node["retry_after_ms"]) : 0};
}

Turn read_turn(const YAML::Node& node) {
  allow_keys(node, {"think", "say", "calls", "usage", "stop", "pace_ms", "faults"});
  Turn turn;
  if (node["think"]) turn.think = node["think"].as<std::string>();
  if (node["say"] && node["say"].IsMap()) {
    allow_keys(node["say"], {"of", "ok", "failed", "denied", "cancelled", "invalid", "otherwise"});
    for (const auto& entry : node["say"])
      turn.say_by[entry.first.as<std::string>()] = entry.second.as<std::string>();
    turn.said_of = turn.say_by["of"];
    if (turn.said_of.empty()) wrong(node["say"], "say needs the call that it is about: of: ID");
  } else if (node["say"]) {
    turn.say = node["say"].as<std::string>();
  }
  for (const auto* list : {"calls", "faults"})
    if (node[list] && !node[list].IsSequence())
      wrong(node[list], std::string(list) + " takes a list");
  for (const auto& call : node["calls"]) {
    allow_keys(call, {"tool", "arguments", "id"});
    if (!call["tool"]) wrong(call, "the call's tool is missing");
    ScriptedCall scripted{
        .id = call["id"] ? call["id"].as<std::string>() : "",
        .tool = call["tool"].as<std::string>(),
        .arguments = call["arguments"] ? to_json(call["arguments"]) : JsonObject()};
    turn.calls.push_back(std::move(scripted));
  }
  if (const auto usage = node["usage"]) {
    allow_keys(usage, {"input_tokens", "output_tokens"});
    if (usage["input_tokens"]) turn.usage.input_tokens = integer(usage["input_tokens"]);
    if (usage["output_tokens"]) turn.usage.output_tokens = integer(usage["output_tokens"]);
  }
  if (node["stop"]) {
    const auto stop = core::parse_enum<core::StopReason>(node["stop"].as<std::string>());
    if (!stop) wrong(node["stop"], stop.error().message);
    turn.stop = *stop;
  }
  if (node["pace_ms"]) turn.pace_ms = integer(node["pace_ms"]);
  for (const auto& fault : node["faults"]) turn.faults.push_back(read_fault(fault));
  return turn;
}

Conversation read_turns(const YAML::Node& node) {
  Conversation turns;
  if (!node.IsSequence()) wrong(node, "turns takes a list");
  for (const auto& turn : node) turns.push_back(read_turn(turn));
  return turns;
}

std::vector<Conversation> read_script(const std::string& text) {
  const YAML::Node root = YAML::Load(text);
  allow_keys(root, {"turns", "conversations"});
  if (root["turns"].IsDefined() == root["conversations"].IsDefined())
    wrong(root, "a script has either turns or conversations");
  if (root["turns"]) return {read_turns(root["turns"])};
  std::vector<Conversation> conversations;
  for (const auto& conversation : root["conversations"]) {
    allow_keys(conversation, {"turns"});
    conversations.push_back(read_turns(conversation["turns"]));
  }
  if (conversations.empty()) wrong(root, "conversations takes a list");
  return conversations;
}

// --- playing it
// ---------------------------------------------------------------------------------------

// Where a request stands in the script.
struct Standing {
  std::size_t prompt = 0;  // which of the user's prompts, from 0
  std::size_t turn = 0;    // answers since it
};

Standing standing_of(const Request& request) {
  Standing standing;
  std::size_t prompts = 0;
  for (const auto& message : request.messages) {
    if (message.role == core::Role::assistant) {
      ++standing.turn;
      continue;
    }
    const auto said = std::ranges::count_if(message.blocks, [](const auto& block) {
      return std::holds_alternative<core::TextBlock>(block);
    });
    prompts += static_cast<std::size_t>(said);  // two in a row: the first one had no answer
    if (said > 0) standing = {prompts - 1, 0};
  }
  return standing;
}

std::string first_lines(const std::string& text, std::size_t lines) {
  std::size_t end = 0;
  for (; lines > 0 && end != std::string::npos; --lines) end = text.find('\n', end + (end > 0));
  return text.substr(0, end);
}

// {{result}}, {{result:CALL_ID}}, {{result:CALL_ID:LINES}}. What is filled in stays as it is.
std::string fill(const std::string& text, const Request& request) {
  std::string out;
  std::size_t from = 0;
  while (true) {
    const auto open = text.find("{{result", from);
    const auto close = text.find("}}", open);
    if (open == std::string::npos || close == std::string::npos) return out + text.substr(from);
    const auto parts = base::split(std::string_view(text).substr(open + 2, close - open - 2), ':');
    const core::ToolResult* wanted = nullptr;
    for (const auto& message : request.messages)
      for (const auto& block : message.blocks)
        if (const auto* result = std::get_if<core::ToolResult>(&block))
          if (parts.size() < 2 || result->call_id == parts[1]) wanted = result;
    std::string found = wanted ? wanted->text : "(no result)";
    std::size_t lines = 0;
    if (parts.size() > 2 &&
        std::from_chars(parts[2].data(), parts[2].data() + parts[2].size(), lines).ec ==
            std::errc())
      found = first_lines(found, lines);
    out += text.substr(from, open - from) + found;
    from = close + 2;
  }
}

const core::ToolResult* result_of(std::string_view call_id, const Request& request) {
  const core::ToolResult* wanted = nullptr;
  for (const auto& message : request.messages)
    for (const auto& block : message.blocks)
      if (const auto* result = std::get_if<core::ToolResult>(&block))
        if (result->call_id == call_id) wanted = result;
  return wanted;
}

const std::string& words_of(const Turn& turn, const Request& request) {
  if (turn.said_of.empty()) return turn.say;
  const auto* result = result_of(turn.said_of, request);
  auto found = turn.say_by.find(result ? core::name_of(result->status) : "otherwise");
  if (found == turn.say_by.end()) found = turn.say_by.find("otherwise");
  return found == turn.say_by.end() ? turn.say : found->second;
}

// {{images}}: every image of the conversation, as it came here.
std::string fill_images(std::string text, const Request& request, Sight sight) {
  constexpr std::string_view kMark = "{{images}}";
  const auto at = text.find(kMark);
  if (at == std::string::npos) return text;
  const Images images(sight, request);
  std::string list;
  for (const auto& message : request.messages)
    for (const auto& block : message.blocks)
      if (const auto* image = std::get_if<core::ImageBlock>(&block)) {
        const auto bytes = images.show(*image);
        list +=
            (list.empty() ? "" : "\n") + (image->call_id.empty() ? "attached" : image->call_id) +
            ": " +
            (bytes ? core::describe(*image) + ", " + std::to_string(bytes->size()) + " bytes came"
                   : bytes.error());
      }
  return text.replace(at, kMark.size(), list.empty() ? "no images" : list);
}

Json fill(const Json& value, const Request& request) {
  if (value.is_string()) return Json(fill(std::string(value.get_string()), request));
  if (const auto* object = value.if_object()) {
    JsonObject out;
    for (const auto& member : *object) out[member.key()] = fill(member.value(), request);
    return out;
  }
  if (const auto* array = value.if_array()) {
    JsonArray out;
    for (const auto& item : *array) out.push_back(fill(item, request));
    return out;
  }
  return value;
}

class ScriptedModel final : public Model {
 public:
  ScriptedModel(std::string name, std::vector<Conversation> script, base::Clock& clock,
                net::Timeouts timeouts, Sight sight)
      : name_(std::move(name)),
        script_(std::move(script)),
        clock_(clock),
        timeouts_(timeouts),
        sight_(sight) {}

  const std::string& name() const override { return name_; }

  Result<Answer> answer(const Request& request, const OnPiece& on_piece,
                        std::stop_token stop) override {
    const Standing standing = standing_of(request);
    const std::size_t conversation = std::min(standing.prompt, script_.size() - 1);
    if (standing.turn >= script_[conversation].size()) {
      constexpr std::string_view kOver = "The script has no further turn.";
      on_piece(TextPiece{kOver});
      return Answer{{core::TextBlock{std::string(kOver)}}, core::StopReason::end_turn, {}};
    }
    const Turn& turn = script_[conversation][standing.turn];
    const auto fault = next_fault(turn, conversation, standing.turn);
    if (fault && fault->kind != Fault::Kind::cut) return suffer(*fault, stop);
    return play(turn, request, on_piece, stop, fault.has_value());
  }

 private:
  // Each fault happens once a process, in order, before the turn plays.
  std::optional<Fault> next_fault(const Turn& turn, std::size_t conversation, std::size_t index) {
    const std::lock_guard lock(mutex_);
    std::size_t& used = faults_used_[{conversation, index}];
    if (used >= turn.faults.size()) return std::nullopt;
    return turn.faults[used++];
  }

  Result<Answer> suffer(const Fault& fault, std::stop_token stop) {
    if (fault.kind == Fault::Kind::stall) {
      if (!clock_.sleep_until(clock_.steady() + timeouts_.stall, stop))
        return fail(Code::cancelled, "the answer was cancelled");
      return fail(Code::timeout, "model " + name_ + ": the answer stalled");
    }
    Error error{fault.status == 429   ? Code::busy
                : fault.status >= 500 ? Code::unavailable
                                      : Code::invalid_argument,
                "model " + name_ + ": the server answered " + std::to_string(fault.status)};
    error.retry_after_ms = fault.retry_after_ms;
    return std::unexpected(std::move(error));
  }

  // Text in pieces of a few words, each behind its pace.
  Status stream(std::string_view text, const Turn& turn, std::stop_token stop,
                const std::function<void(std::string_view)>& give) {
    constexpr std::size_t kPieceBytes = 24;
    while (!text.empty()) {
      auto piece = base::prefix_at_character(text, kPieceBytes);
      if (piece.empty()) piece = text.substr(0, 1);
      const auto until = clock_.steady() + base::Milliseconds(turn.pace_ms);
      if (turn.pace_ms > 0 && !clock_.sleep_until(until, stop))
        return fail(Code::cancelled, "the answer was cancelled");
      if (stop.stop_requested()) return fail(Code::cancelled, "the answer was cancelled");
      give(piece);
      text.remove_prefix(piece.size());
    }
    return {};
  }

  Result<Answer> play(const Turn& turn, const Request& request, const OnPiece& on_piece,
                      std::stop_token stop, bool is_cut) {
    Answer answer;
    const std::string think = fill(turn.think, request);
    TRY(stream(think, turn, stop, [&](std::string_view piece) { on_piece(ThinkingPiece{piece}); }));
    if (!think.empty()) answer.blocks.emplace_back(core::ThinkingBlock{think, ""});
    const std::string say = fill(fill_images(words_of(turn, request), request, sight_), request);
    const auto said = base::prefix_at_character(say, is_cut ? say.size() / 2 : say.size());
    TRY(stream(said, turn, stop, [&](std::string_view piece) { on_piece(TextPiece{piece}); }));
    if (is_cut)
      return fail(Code::unavailable, "model " + name_ + ": the answer was cut off before its end");
    if (!say.empty()) answer.blocks.emplace_back(core::TextBlock{say});
    for (std::size_t i = 0; i < turn.calls.size(); ++i) {
      const ScriptedCall& call = turn.calls[i];
      on_piece(CallPiece{call.tool});
      const Json arguments = fill(call.arguments, request);
      answer.blocks.emplace_back(core::ToolCall{
          call.id.empty()
              ? "call_" + std::to_string(request.messages.size()) + "_" + std::to_string(i + 1)
              : call.id,
          call.tool,
          arguments.is_string() ? std::string(arguments.get_string()) : base::to_text(arguments)});
    }
    answer.reason = turn.stop.value_or(turn.calls.empty() ? core::StopReason::end_turn
                                                          : core::StopReason::tool_use);
    answer.usage = turn.usage;
    return answer;
  }

  const std::string name_;
  const std::vector<Conversation> script_;
  base::Clock& clock_;
  const net::Timeouts timeouts_;
  const Sight sight_;
  std::mutex mutex_;
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> faults_used_;
};

}  // namespace

namespace {

Result<std::unique_ptr<Model>> make_scripted(std::string name, const std::string& text,
                                             const std::string& path, base::Clock& clock,
                                             net::Timeouts timeouts, Sight sight) {
  const auto malformed = [&](int line, const std::string& what) {
    return fail(Code::invalid_argument, path + ":" + std::to_string(line) + ": " + what);
  };
  try {
    return std::make_unique<ScriptedModel>(std::move(name), read_script(text), clock, timeouts,
                                           sight);
  } catch (const ScriptError& error) {
    return malformed(error.line, error.what);
  } catch (const YAML::Exception& error) {
    return malformed(std::max(error.mark.line, 0) + 1, error.msg);
  }
}

}  // namespace

Result<std::unique_ptr<Model>> open_scripted(const std::string& path, base::Clock& clock,
                                             net::Timeouts timeouts, Sight sight) {
  const std::string text = TRY(base::read_file(path, 16u << 20));
  return make_scripted("scripted/" + path, text, path, clock, timeouts, sight);
}

Result<std::unique_ptr<Model>> open_demo(base::Clock& clock, net::Timeouts timeouts) {
  return make_scripted(kDemo, std::string(demo_script()), kDemo, clock, timeouts, Sight::blind);
}

}  // namespace boxagnts::models
