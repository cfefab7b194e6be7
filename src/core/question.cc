#include "core/question.h"

#include <boost/json.hpp>

#include "core/json_fields.h"

namespace boxagnts::core {

void write(const Approval& approval, JsonObject& out) {
  out["approval"] = approval.id.text;
  out["call_id"] = approval.call_id;
  out["tool"] = approval.tool;
  out["level"] = name_of(approval.level);
  out["question_kind"] = name_of(approval.kind);
  out["question"] = approval.question;
  out["text"] = approval.text;
  out["files"] = boost::json::value_from(approval.files);
  out["blob"] = approval.blob;
  out["changes"] = approval.changes.text;
  out["connection"] = approval.connection;
  out["connected"] = boost::json::value_from(approval.connected);
  JsonArray choices;
  for (const auto& choice : approval.choices)
    choices.push_back({{"label", choice.label}, {"description", choice.description}});
  out["choices"] = std::move(choices);
  out["several"] = approval.several;
  out["for_this_run"] = approval.for_this_run;
  out["always"] = approval.always;
  out["expires_us"] = approval.expires;
  out["waits"] = approval.waits;
}

Result<Approval> approval_from_json(const Json& json) {
  Approval approval{.id = {text_of(json, "approval")},
                    .call_id = text_of(json, "call_id"),
                    .tool = text_of(json, "tool"),
                    .level = TRY(parse_enum<Level>(text_of(json, "level"))),
                    .question = text_of(json, "question"),
                    .text = text_of(json, "text"),
                    .files = texts_of(json, "files"),
                    .blob = text_of(json, "blob"),
                    .changes = {text_of(json, "changes")},
                    .connection = text_of(json, "connection"),
                    .connected = texts_of(json, "connected"),
                    .several = base::get_bool(json, "several").value_or(false),
                    .for_this_run = text_of(json, "for_this_run"),
                    .always = text_of(json, "always"),
                    .expires = base::get_int(json, "expires_us").value_or(0),
                    .waits = base::get_bool(json, "waits").value_or(true)};
  if (base::find(json, "question_kind"))
    approval.kind = TRY(parse_enum<QuestionKind>(text_of(json, "question_kind")));
  if (const auto* choices = base::get_array(json, "choices"))
    for (const auto& choice : *choices)
      approval.choices.push_back({text_of(choice, "label"), text_of(choice, "description")});
  return approval;
}

void write(const Reply& reply, JsonObject& out) {
  out["answer"] = name_of(reply.answer);
  if (!reply.text.empty()) out["text"] = reply.text;
  if (!reply.chosen.empty()) out["chosen"] = boost::json::value_from(reply.chosen);
}

Result<Reply> reply_from_json(const Json& json) {
  return Reply{TRY(parse_enum<Answer>(text_of(json, "answer"))), text_of(json, "text"),
               texts_of(json, "chosen")};
}

}  // namespace boxagnts::core
