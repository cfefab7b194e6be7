#include "gateway/parts.h"
#include "gateway/routes.h"

namespace boxagnts::gateway {
namespace {

Result<Reply> list_questions(Call& call) {
  JsonArray questions;
  auto& store = call.parts.services.store;
  for (const auto& open : TRY(store.open_questions())) {
    const auto events = store.read(open.session, open.number - 1, 1);
    if (!events || events->empty()) continue;  // its session was deleted meanwhile
    questions.push_back(core::to_json(events->front()));
  }
  return JsonReply{200, JsonObject{{"questions", std::move(questions)}}};
}

Result<Reply> answer_question(Call& call) {
  const auto id = TRY(core::ApprovalId::parse(call.at("question")));
  TRY(call.parts.services.runs.answer(id, TRY(core::reply_from_json(call.body)), "http"));
  return JsonReply{202, JsonObject{}};
}

constexpr Parameter kQuestion{"question", In::path, Need::required, kIdSchema, "The question."};

}  // namespace

std::vector<Route> question_routes() {
  return {
      {.method = "GET",
       .path = "/api/v1/questions",
       .id = "listQuestions",
       .tag = "questions",
       .summary = "What a person is asked, and has not answered, in all sessions",
       .success = {.schema = "Questions",
                   .description = "The approval_asked events, oldest first. Where `waits` is false "
                                  "the call was refused meanwhile, and a yes still counts."},
       .handler = list_questions},
      {.method = "POST",
       .path = "/api/v1/questions/{question}/answer",
       .id = "answerQuestion",
       .tag = "questions",
       .summary = "Answers a question, also of a run that has ended",
       .parameters = {kQuestion},
       .body = {Body::Kind::json, "QuestionAnswer", 128 << 10},
       .success = {.status = 202,
                   .schema = "Empty",
                   .description = "Its approval_answered follows in its session."},
       .handler = answer_question},
  };
}

}  // namespace boxagnts::gateway
