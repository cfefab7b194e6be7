#include "core/event.h"

#include <boost/json.hpp>

#include "core/json_fields.h"

namespace boxagnts::core {
namespace {

Json error_to_json(const Error& error) {
  JsonObject out{{"code", base::info(error.code).name}, {"message", error.message}};
  if (!error.context.empty()) out["context"] = error.context;
  if (error.retry_after_ms > 0) out["retry_after_ms"] = error.retry_after_ms;
  return out;
}

Error error_from_json(const Json* json) {
  if (!json) return {};
  return {.code = base::code_from_name(text_of(*json, "code")).value_or(Code::internal),
          .message = text_of(*json, "message"),
          .context = text_of(*json, "context"),
          .retry_after_ms = base::get_int(*json, "retry_after_ms").value_or(0)};
}

template <class Number>
Number number_of(const Json& json, std::string_view key) {
  return static_cast<Number>(base::get_int(json, key).value_or(0));
}

// Each body knows its kind, how to write its fields and how to read them.
template <class Body>
struct Codec;

template <>
struct Codec<RunStarted> {
  static constexpr std::string_view kKind = "run_started";
  static void write(const RunStarted& body, JsonObject& out) {
    out["model"] = body.model;
    out["mode"] = name_of(body.mode);
    out["turns_max"] = body.turns_max;
  }
  static Result<EventBody> read(const Json& json) {
    return RunStarted{text_of(json, "model"), TRY(parse_enum<Mode>(text_of(json, "mode"))),
                      base::get_int(json, "turns_max").value_or(0)};
  }
};

template <>
struct Codec<UserMessage> {
  static constexpr std::string_view kKind = "user_message";
  static void write(const UserMessage& body, JsonObject& out) {
    out["text"] = body.text;
    if (body.attachments.empty()) return;
    JsonArray attachments;
    for (const auto& file : body.attachments) {
      JsonObject entry{{"name", file.name},
                       {"media_type", file.media_type},
                       {"bytes", file.bytes},
                       {"blob", file.blob}};
      if (!file.path.empty()) entry["path"] = file.path;
      if (file.is_image()) {
        entry["width"] = file.width;
        entry["height"] = file.height;
      }
      attachments.push_back(std::move(entry));
    }
    out["attachments"] = std::move(attachments);
  }
  static Result<EventBody> read(const Json& json) {
    UserMessage body{text_of(json, "text")};
    if (const auto* list = base::get_array(json, "attachments"))
      for (const auto& entry : *list)
        body.attachments.push_back({.name = text_of(entry, "name"),
                                    .path = text_of(entry, "path"),
                                    .media_type = text_of(entry, "media_type"),
                                    .bytes = number_of<std::uint64_t>(entry, "bytes"),
                                    .blob = text_of(entry, "blob"),
                                    .width = number_of<std::uint32_t>(entry, "width"),
                                    .height = number_of<std::uint32_t>(entry, "height")});
    return body;
  }
};

template <>
struct Codec<AssistantBlock> {
  static constexpr std::string_view kKind = "assistant_block";
  static void write(const AssistantBlock& body, JsonObject& out) {
    out["block"] = to_json(body.block);
  }
  static Result<EventBody> read(const Json& json) {
    const auto* block = base::find(json, "block");
    return AssistantBlock{TRY(block_from_json(block ? *block : Json()))};
  }
};

template <>
struct Codec<TurnEnded> {
  static constexpr std::string_view kKind = "turn_ended";
  static void write(const TurnEnded& body, JsonObject& out) {
    out["reason"] = name_of(body.reason);
    out["usage"] = to_json(body.usage);
    out["duration_us"] = body.duration_us;
  }
  static Result<EventBody> read(const Json& json) {
    const auto* usage = base::find(json, "usage");
    return TurnEnded{TRY(parse_enum<StopReason>(text_of(json, "reason"))),
                     usage ? usage_from_json(*usage) : Usage{},
                     base::get_int(json, "duration_us").value_or(0)};
  }
};

template <>
struct Codec<CallDecided> {
  static constexpr std::string_view kKind = "call_decided";
  static void write(const CallDecided& body, JsonObject& out) {
    out["call_id"] = body.call_id;
    out["decision"] = to_json(body.decision);
  }
  static Result<EventBody> read(const Json& json) {
    const auto* decision = base::find(json, "decision");
    return CallDecided{text_of(json, "call_id"),
                       TRY(decision_from_json(decision ? *decision : Json()))};
  }
};

template <>
struct Codec<ApprovalAsked> {
  static constexpr std::string_view kKind = "approval_asked";
  static void write(const ApprovalAsked& body, JsonObject& out) { core::write(body.approval, out); }
  static Result<EventBody> read(const Json& json) {
    return ApprovalAsked{TRY(approval_from_json(json))};
  }
};

template <>
struct Codec<ApprovalAnswered> {
  static constexpr std::string_view kKind = "approval_answered";
  static void write(const ApprovalAnswered& body, JsonObject& out) {
    out["approval"] = body.id.text;
    core::write(body.reply, out);
    out["by"] = body.by;
  }
  static Result<EventBody> read(const Json& json) {
    return ApprovalAnswered{
        {text_of(json, "approval")}, TRY(reply_from_json(json)), text_of(json, "by")};
  }
};

template <>
struct Codec<ToolFinished> {
  static constexpr std::string_view kKind = "tool_finished";
  static void write(const ToolFinished& body, JsonObject& out) {
    out["result"] = to_json(Block(body.result));
    if (body.images.empty()) return;
    JsonArray images;
    for (const auto& image : body.images) images.push_back(to_json(Block(image)));
    out["images"] = std::move(images);
  }
  static Result<EventBody> read(const Json& json) {
    const auto* result = base::find(json, "result");
    auto block = TRY(block_from_json(result ? *result : Json()));
    auto* found = std::get_if<ToolResult>(&block);
    if (!found) return fail(Code::corrupt, "a tool_finished event without a result");
    ToolFinished body{std::move(*found)};
    if (const auto* images = base::get_array(json, "images"))
      for (const auto& entry : *images) {
        auto read = TRY(block_from_json(entry));
        auto* image = std::get_if<ImageBlock>(&read);
        if (!image) return fail(Code::corrupt, "a tool_finished event with an image that is none");
        body.images.push_back(std::move(*image));
      }
    return body;
  }
};

template <>
struct Codec<TurnRetried> {
  static constexpr std::string_view kKind = "turn_retried";
  static void write(const TurnRetried& body, JsonObject& out) {
    out["attempt"] = body.attempt;
    out["delay_ms"] = body.delay_ms;
    out["error"] = error_to_json(body.error);
  }
  static Result<EventBody> read(const Json& json) {
    return TurnRetried{base::get_int(json, "attempt").value_or(0),
                       base::get_int(json, "delay_ms").value_or(0),
                       error_from_json(base::find(json, "error"))};
  }
};

template <>
struct Codec<RunEnded> {
  static constexpr std::string_view kKind = "run_ended";
  static void write(const RunEnded& body, JsonObject& out) {
    out["outcome"] = name_of(body.outcome);
    out["turns"] = body.turns;
    out["usage"] = to_json(body.usage);
    if (body.outcome != Outcome::finished) out["error"] = error_to_json(body.error);
    if (!body.of.empty()) out["of"] = body.of.text;
  }
  static Result<EventBody> read(const Json& json) {
    const auto* usage = base::find(json, "usage");
    return RunEnded{TRY(parse_enum<Outcome>(text_of(json, "outcome"))),
                    base::get_int(json, "turns").value_or(0),
                    usage ? usage_from_json(*usage) : Usage{},
                    error_from_json(base::find(json, "error")),
                    {text_of(json, "of")}};
  }
};

// A list of values that write themselves.
template <class Values>
JsonArray array_of(const Values& values) {
  JsonArray array;
  for (const auto& value : values) array.push_back(to_json(value));
  return array;
}

template <class Value, class Read>
Result<std::vector<Value>> list_of(const Json& json, std::string_view key, const Read& read) {
  std::vector<Value> values;
  if (const auto* list = base::get_array(json, key))
    for (const auto& entry : *list) values.push_back(TRY(read(entry)));
  return values;
}

template <>
struct Codec<ChangesKept> {
  static constexpr std::string_view kKind = "changes_kept";
  static void write(const ChangesKept& body, JsonObject& out) {
    out["changes"] = body.id.text;
    out["call_id"] = body.call_id;
    out["root"] = body.root;
    out["files"] = array_of(body.files);
    out["blob"] = body.blob;
  }
  static Result<EventBody> read(const Json& json) {
    return ChangesKept{{text_of(json, "changes")},
                       text_of(json, "call_id"),
                       text_of(json, "root"),
                       TRY(list_of<FileChange>(json, "files", file_change_from_json)),
                       text_of(json, "blob")};
  }
};

template <>
struct Codec<ChangesSettled> {
  static constexpr std::string_view kKind = "changes_settled";
  static void write(const ChangesSettled& body, JsonObject& out) {
    out["changes"] = body.id.text;
    out["act"] = name_of(body.act);
    out["files"] = array_of(body.files);
    out["by"] = body.by;
  }
  static Result<EventBody> read(const Json& json) {
    return ChangesSettled{{text_of(json, "changes")},
                          TRY(parse_enum<ChangesAct>(text_of(json, "act"))),
                          TRY(list_of<SettledFile>(json, "files", settled_file_from_json)),
                          text_of(json, "by")};
  }
};

template <>
struct Codec<RuleAdded> {
  static constexpr std::string_view kKind = "rule_added";
  static void write(const RuleAdded& body, JsonObject& out) {
    out["rule"] = body.rule;
    out["where"] = body.where;
  }
  static Result<EventBody> read(const Json& json) {
    return RuleAdded{text_of(json, "rule"), text_of(json, "where")};
  }
};

template <>
struct Codec<ModeChanged> {
  static constexpr std::string_view kKind = "mode_changed";
  static void write(const ModeChanged& body, JsonObject& out) {
    out["mode"] = name_of(body.mode);
    out["by"] = body.by;
    out["reason"] = body.reason;
  }
  static Result<EventBody> read(const Json& json) {
    return ModeChanged{TRY(parse_enum<Mode>(text_of(json, "mode"))), text_of(json, "by"),
                       text_of(json, "reason")};
  }
};

template <>
struct Codec<InstructionsLoaded> {
  static constexpr std::string_view kKind = "instructions_loaded";
  static void write(const InstructionsLoaded& body, JsonObject& out) {
    out["path"] = body.path;
    out["origin"] = body.origin;
    out["text"] = body.text;
  }
  static Result<EventBody> read(const Json& json) {
    return InstructionsLoaded{text_of(json, "path"), text_of(json, "origin"),
                              text_of(json, "text")};
  }
};

template <>
struct Codec<SkillUsed> {
  static constexpr std::string_view kKind = "skill_used";
  static void write(const SkillUsed& body, JsonObject& out) {
    out["name"] = body.name;
    out["origin"] = body.origin;
    out["allowed_tools"] = boost::json::value_from(body.allowed_tools);
  }
  static Result<EventBody> read(const Json& json) {
    return SkillUsed{text_of(json, "name"), text_of(json, "origin"),
                     texts_of(json, "allowed_tools")};
  }
};

template <>
struct Codec<TodosSet> {
  static constexpr std::string_view kKind = "todos_set";
  static void write(const TodosSet& body, JsonObject& out) {
    JsonArray items;
    for (const auto& item : body.items)
      items.push_back({{"text", item.text}, {"status", name_of(item.status)}});
    out["items"] = std::move(items);
  }
  static Result<EventBody> read(const Json& json) {
    return TodosSet{TRY(list_of<Todo>(json, "items", [](const Json& item) -> Result<Todo> {
      return Todo{text_of(item, "text"), TRY(parse_enum<TodoStatus>(text_of(item, "status")))};
    }))};
  }
};

template <>
struct Codec<BriefSent> {
  static constexpr std::string_view kKind = "brief_sent";
  static void write(const BriefSent& body, JsonObject& out) {
    out["text"] = body.text;
    out["status"] = body.status;
    JsonArray attachments;
    for (const auto& file : body.attachments)
      attachments.push_back({{"path", file.path}, {"bytes", file.bytes}, {"blob", file.blob}});
    out["attachments"] = std::move(attachments);
  }
  static Result<EventBody> read(const Json& json) {
    const auto attachment = [](const Json& item) -> Result<Attachment> {
      return Attachment{text_of(item, "path"),
                        static_cast<std::uint64_t>(base::get_int(item, "bytes").value_or(0)),
                        text_of(item, "blob")};
    };
    return BriefSent{text_of(json, "text"), text_of(json, "status"),
                     TRY(list_of<Attachment>(json, "attachments", attachment))};
  }
};

template <>
struct Codec<SessionForked> {
  static constexpr std::string_view kKind = "session_forked";
  static void write(const SessionForked& body, JsonObject& out) {
    out["from"] = body.from.text;
    out["last"] = body.number;
  }
  static Result<EventBody> read(const Json& json) {
    return SessionForked{{text_of(json, "from")}, base::get_int(json, "last").value_or(0)};
  }
};

template <std::size_t I = 0>
Result<EventBody> read_kind(std::string_view kind, const Json& json) {
  if constexpr (I == std::variant_size_v<EventBody>) {
    return fail(Code::corrupt, "unknown event kind \"" + std::string(kind.substr(0, 80)) + "\"");
  } else {
    using Body = std::variant_alternative_t<I, EventBody>;
    if (kind == Codec<Body>::kKind) return Codec<Body>::read(json);
    return read_kind<I + 1>(kind, json);
  }
}

void write_body(const EventBody& body, JsonObject& out) {
  std::visit(
      [&]<class Body>(const Body& alternative) {
        out["kind"] = Codec<Body>::kKind;
        Codec<Body>::write(alternative, out);
      },
      body);
}

}  // namespace

std::string_view kind_of(const EventBody& body) {
  return std::visit([]<class Body>(const Body&) { return Codec<Body>::kKind; }, body);
}

Json body_to_json(const EventBody& body) {
  JsonObject out{{"v", kEventVersion}};
  write_body(body, out);
  return out;
}

Result<EventBody> body_from_json(const Json& json) {
  const auto version = base::get_int(json, "v").value_or(0);
  if (version < 1 || version > kEventVersion)
    return fail(Code::unsupported, "an event of version " + std::to_string(version) +
                                       " was written by a newer BoxAgnts; use that one");
  return read_kind(base::get_string(json, "kind").value_or(""), json);
}

Json to_json(const Event& event) {
  JsonObject out{{"position", event.position},
                 {"session", event.session.text},
                 {"number", event.number},
                 {"run", event.run.text},
                 {"time", base::iso8601(event.time)}};
  write_body(event.body, out);
  return out;
}

Json to_json(const Frame& frame) {
  JsonObject out{{"frame", true},
                 {"session", frame.session.text},
                 {"run", frame.run.text},
                 {"after", frame.after}};
  if (const auto* text = std::get_if<TextDelta>(&frame.body)) {
    out["kind"] = "text_delta";
    out["text"] = text->text;
  } else if (const auto* thinking = std::get_if<ThinkingDelta>(&frame.body)) {
    out["kind"] = "thinking_delta";
    out["text"] = thinking->text;
  } else if (const auto* call = std::get_if<CallBegun>(&frame.body)) {
    out["kind"] = "call_begun";
    out["tool"] = call->tool;
  } else if (const auto* tool = std::get_if<ToolBegun>(&frame.body)) {
    out["kind"] = "tool_begun";
    out["call"] = to_json(Block(tool->call));
  } else if (const auto* output = std::get_if<OutputDelta>(&frame.body)) {
    out["kind"] = "tool_output";
    out["call_id"] = output->call_id;
    out["text"] = output->text;
    if (output->skipped > 0) out["skipped"] = output->skipped;
  }
  return out;
}

}  // namespace boxagnts::core
