#include "models/openai_chat_codec.h"

#include <algorithm>
#include <boost/json.hpp>
#include <set>
#include <utility>

#include "base/guard.h"
#include "base/text.h"
#include "models/images.h"

namespace boxagnts::models {
namespace {

constexpr std::size_t kErrorTextMax = 500;
// Many times what any model can say in one answer; a server that goes on has gone wrong.
constexpr std::size_t kAnswerBytesMax = 16 << 20;
constexpr std::size_t kCallBytes = 256;  // what an empty call costs us

// Writes JSON straight into the body: a conversation has thousands of messages.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}
  // Text that is JSON already.
  Writer& raw(std::string_view json) {
    out_ += json;
    return *this;
  }
  Writer& text(std::string_view text) {
    base::append_quoted(text, out_);
    return *this;
  }
  // Behind the first one a comma comes first.
  Writer& item(bool& is_first) {
    if (!std::exchange(is_first, false)) out_ += ',';
    return *this;
  }

 private:
  std::string& out_;
};

void append_assistant(const core::Message& message, Writer& out, bool& is_first) {
  std::string text;
  bool has_calls = false;
  for (const auto& block : message.blocks) {
    if (const auto* said = std::get_if<core::TextBlock>(&block)) text += said->text;
    has_calls |= std::holds_alternative<core::ToolCall>(block);
  }
  out.item(is_first).raw(R"({"role":"assistant","content":)");
  if (text.empty() && has_calls)
    out.raw("null");
  else
    out.text(text);
  bool is_first_call = true;
  for (const auto& block : message.blocks) {
    const auto* call = std::get_if<core::ToolCall>(&block);
    if (!call) continue;
    if (is_first_call) out.raw(R"(,"tool_calls":[)");
    out.item(is_first_call)
        .raw(R"({"id":)")
        .text(call->id)
        .raw(R"(,"type":"function","function":{"name":)")
        .text(call->tool)
        .raw(R"(,"arguments":)")
        .text(call->arguments.empty() ? "{}" : call->arguments)
        .raw("}}");
  }
  out.raw(has_calls ? "]}" : "}");
}

std::string text_of(const core::ToolResult& result) {
  const bool ok = result.status == core::ResultStatus::ok;
  return ok ? result.text : "[" + std::string(core::name_of(result.status)) + "] " + result.text;
}

void put_image(const core::ImageBlock& image, std::string_view bytes, Writer& out) {
  out.raw(R"({"type":"image_url","image_url":{"url":)").text(data_url(image, bytes)).raw("}}");
}

// Results first: each must stand right behind the call's message. Then their images, then words,
// and a person's images where they stand among them.
void append_user(const core::Message& message, const Images& images, Writer& out, bool& is_first) {
  std::string words, parts;
  Writer part(parts);
  bool is_first_part = true;
  const auto say_words = [&] {
    if (!words.empty())
      part.item(is_first_part).raw(R"({"type":"text","text":)").text(words).raw("}");
    words.clear();
  };
  for (std::size_t i = 0; i < message.blocks.size(); ++i) {
    if (const auto* said = std::get_if<core::TextBlock>(&message.blocks[i]))
      words += (words.empty() ? "" : "\n\n") + said->text;
    if (const auto* image = std::get_if<core::ImageBlock>(&message.blocks[i])) {
      if (const auto shown = images.show(*image)) {
        say_words();
        put_image(*image, *shown, part.item(is_first_part));
      } else {
        words += "\n[" + shown.error() + "]";
      }
    }
    const auto* result = std::get_if<core::ToolResult>(&message.blocks[i]);
    if (!result) continue;
    std::string text = text_of(*result);
    for (; i + 1 < message.blocks.size(); ++i) {  // its images stand right behind it
      const auto* image = std::get_if<core::ImageBlock>(&message.blocks[i + 1]);
      if (!image) break;
      if (const auto shown = images.show(*image)) {
        part.item(is_first_part)
            .raw(R"({"type":"text","text":)")
            .text("The image in the result of tool call " + image->call_id + ":")
            .raw("},");
        put_image(*image, *shown, part);
      } else {
        text += "\n[" + shown.error() + "]";
      }
    }
    out.item(is_first)
        .raw(R"({"role":"tool","tool_call_id":)")
        .text(result->call_id)
        .raw(R"(,"content":)")
        .text(text)
        .raw("}");
  }
  if (parts.empty() && words.empty()) return;
  out.item(is_first).raw(R"({"role":"user","content":)");
  if (parts.empty()) {
    out.text(words);
  } else {
    say_words();
    out.raw("[").raw(parts).raw("]");
  }
  out.raw("}");
}

bool has_image(const core::Message& message) {
  return std::ranges::any_of(message.blocks, [](const core::Block& block) {
    return std::holds_alternative<core::ImageBlock>(block);
  });
}

// A request's body up to its messages.
std::string beginning_of(const std::string& model, const Request& request) {
  std::string body;
  Writer out(body);
  out.raw(R"({"model":)")
      .text(model)
      .raw(R"(,"stream":true,"stream_options":{"include_usage":true})");
  bool is_first = true;
  if (request.tools && !request.tools->empty()) {
    out.raw(R"(,"tools":[)");
    for (const auto& tool : *request.tools)
      out.item(is_first)
          .raw(R"({"type":"function","function":{"name":)")
          .text(tool.name)
          .raw(R"(,"description":)")
          .text(tool.description)
          .raw(R"(,"parameters":)")
          .raw(base::to_text(tool.input_schema))
          .raw("}}");
    out.raw("]");
  }
  out.raw(R"(,"messages":[)");
  if (!request.system.empty())
    out.raw(R"({"role":"system","content":)").text(request.system).raw("}");
  return body;
}

// The body up to the last message, which may still grow. It is kept only where encoding all anew
// would cost more than a turn should, and only while no image decides which others go along.
struct ChatBeginning final : Encoded {
  std::string text;
  std::size_t messages = 0;
};
constexpr std::size_t kKeptFromBytes = 128 << 10;

core::StopReason reason_of(std::string_view finish_reason, bool has_calls) {
  if (finish_reason == "length") return core::StopReason::max_tokens;
  if (finish_reason == "content_filter") return core::StopReason::content_filter;
  if (has_calls) return core::StopReason::tool_use;
  return finish_reason == "stop" || finish_reason.empty() ? core::StopReason::end_turn
                                                          : core::StopReason::other;
}

// A server that failed inside its stream says what an HTTP status would have said, if anything.
Code code_of_error(const Json& error) {
  if (const auto status = base::get_int(error, "code"); status && *status >= 400)
    return code_of_status(*status);
  const auto type = base::get_string(error, "type");
  return type && *type == "invalid_request_error" ? Code::invalid_argument : Code::unavailable;
}

}  // namespace

Code code_of_status(std::int64_t status) {
  switch (status) {
    case 400:
    case 413:
    case 422: return Code::invalid_argument;
    case 401:
    case 402:
    case 403: return Code::permission_denied;
    case 404: return Code::not_found;
    case 408: return Code::timeout;
    case 409:
    case 425:
    case 429:
    case 503:
    case 529: return Code::busy;
    default: return status >= 500 ? Code::unavailable : Code::invalid_argument;
  }
}

std::string encode_chat_request(const std::string& model, Sight sight, const Request& request) {
  auto* kept = request.encoded ? dynamic_cast<ChatBeginning*>(request.encoded->get()) : nullptr;
  if (kept && kept->messages > request.messages.size()) kept = nullptr;
  std::string body;
  const std::size_t known = kept ? kept->messages : 0;
  if (kept) body.reserve(kept->text.size() + kept->text.size() / 8);
  body += kept ? kept->text : beginning_of(model, request);
  Request fresh = request;
  fresh.messages = request.messages.subspan(known);
  const Images images(sight, fresh);
  Writer out(body);
  bool is_first = body.ends_with('['), has_images = false;
  std::size_t settled_bytes = body.size();
  for (const auto& message : fresh.messages) {
    settled_bytes = body.size();
    if (message.role == core::Role::assistant)
      append_assistant(message, out, is_first);
    else
      append_user(message, images, out, is_first);
    has_images |= has_image(message);
  }
  out.raw("]}");
  if (!request.encoded || fresh.messages.empty()) return body;
  if (has_images || settled_bytes < kKeptFromBytes) {
    request.encoded->reset();
    return body;
  }
  if (!kept) {
    auto made = std::make_unique<ChatBeginning>();
    kept = made.get();
    *request.encoded = std::move(made);
  }
  kept->text.append(body, kept->text.size(), settled_bytes - kept->text.size());
  kept->messages = request.messages.size() - 1;
  return body;
}

std::string describe_chat_error(std::string_view body) {
  if (const auto json = base::parse_json(body)) {
    const auto* error = base::find(*json, "error");
    if (const auto text = base::get_string(error ? *error : *json, "message"))
      return base::one_line(*text, kErrorTextMax);
    if (error && error->is_string()) return base::one_line(error->get_string(), kErrorTextMax);
  }
  const auto start = body.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return "nothing more";
  if (body[start] == '<') return "an HTML page instead of an answer";
  return base::one_line(body.substr(start), 200);
}

Status ChatDecoder::feed(std::string_view data, const OnPiece& on_piece) {
  if (data == "[DONE]") {
    done_ = true;
    return {};
  }
  const auto json = base::parse_json(data);
  if (!json)
    return fail(Code::unavailable,
                "the model's server sent something that is no JSON in its stream",
                std::string(data.substr(0, 200)));
  // Some servers send "error": null with every chunk.
  if (const auto* error = base::find(*json, "error"); error && !error->is_null())
    return fail(code_of_error(*error), "the model's server reported an error inside its answer: " +
                                           describe_chat_error(data));
  if (const auto* usage = base::find(*json, "usage"); usage && usage->is_object())
    feed_usage(*usage);
  const auto* choices = base::get_array(*json, "choices");
  if (!choices || choices->empty()) return {};
  const Json& choice = choices->front();
  if (const auto* delta = base::find(choice, "delta")) feed_delta(*delta, on_piece);
  if (GUARD("models.answer-bytes", bytes_ > kAnswerBytesMax))
    return fail(Code::limit_exceeded, "the model's answer is larger than " +
                                          base::human_bytes(kAnswerBytesMax) +
                                          "; it was not taken");
  if (const auto reason = base::get_string(choice, "finish_reason")) finish_reason_ = *reason;
  return {};
}

void ChatDecoder::feed_usage(const Json& usage) {
  core::Usage& into = answer_.usage;
  into.input_tokens = base::get_int(usage, "prompt_tokens").value_or(into.input_tokens);
  into.output_tokens = base::get_int(usage, "completion_tokens").value_or(into.output_tokens);
  if (const auto* details = base::find(usage, "prompt_tokens_details"))
    into.cached_input_tokens = base::get_int(*details, "cached_tokens").value_or(0);
  if (const auto* details = base::find(usage, "completion_tokens_details"))
    into.reasoning_tokens = base::get_int(*details, "reasoning_tokens").value_or(0);
}

void ChatDecoder::add_text(std::string_view text) {
  if (answer_.blocks.empty() || !std::holds_alternative<core::TextBlock>(answer_.blocks.back()))
    answer_.blocks.emplace_back(core::TextBlock{});
  std::get<core::TextBlock>(answer_.blocks.back()).text += text;
  bytes_ += text.size();
}

void ChatDecoder::add_thinking(std::string_view text) {
  if (answer_.blocks.empty() || !std::holds_alternative<core::ThinkingBlock>(answer_.blocks.back()))
    answer_.blocks.emplace_back(core::ThinkingBlock{});
  std::get<core::ThinkingBlock>(answer_.blocks.back()).text += text;
  bytes_ += text.size();
}

void ChatDecoder::feed_delta(const Json& delta, const OnPiece& on_piece) {
  for (const auto* key : {"reasoning_content", "reasoning"})
    if (const auto text = base::get_string(delta, key); text && !text->empty()) {
      add_thinking(*text);
      on_piece(ThinkingPiece{*text});
      break;  // a server that sends both sends the same
    }
  for (const auto* key : {"content", "refusal"})
    if (const auto text = base::get_string(delta, key); text && !text->empty()) {
      add_text(*text);
      on_piece(TextPiece{*text});
    }
  if (const auto* fragments = base::get_array(delta, "tool_calls"))
    for (std::size_t i = 0; i < fragments->size(); ++i) feed_call((*fragments)[i], i, on_piece);
}

// Some servers give every call index 0, or none at all: there another id is another call, and so is
// a name that comes after arguments. What follows without an id goes on with the newest of them.
ChatDecoder::PartialCall& ChatDecoder::call_of(const Json& fragment, std::size_t position) {
  const auto id = base::get_string(fragment, "id").value_or("");
  const auto wire_index = base::get_int(fragment, "index");
  const auto index = wire_index.value_or(static_cast<std::int64_t>(position));
  std::int64_t& home = homes_.try_emplace(index, index).first->second;
  if (const auto known = calls_.find(home); known != calls_.end()) {
    const PartialCall& call = known->second;
    const auto* function = base::find(fragment, "function");
    const bool names = function && !base::get_string(*function, "name").value_or("").empty();
    if (!id.empty() && !call.id.empty() && call.id != id) {
      const auto same =
          std::ranges::find_if(calls_, [&](const auto& entry) { return entry.second.id == id; });
      home = same != calls_.end() ? same->first : calls_.rbegin()->first + 1;
    } else if (!wire_index && id.empty() && names && !call.arguments.empty()) {
      home = calls_.rbegin()->first + 1;
    }
  }
  const auto [entry, is_new] = calls_.try_emplace(home);
  if (is_new) bytes_ += kCallBytes;
  PartialCall& call = entry->second;
  if (call.id.empty()) call.id = id;
  return call;
}

void ChatDecoder::feed_call(const Json& fragment, std::size_t position, const OnPiece& on_piece) {
  PartialCall& call = call_of(fragment, position);
  const auto* function = base::find(fragment, "function");
  if (!function) return;
  const std::size_t before = call.name.size() + call.arguments.size();
  // A name may come in parts, before the arguments; some servers repeat it whole instead.
  if (const auto name = base::get_string(*function, "name");
      name && *name != call.name && (call.name.empty() || call.arguments.empty()))
    call.name += *name;
  if (const auto* arguments = base::find(*function, "arguments")) {
    if (arguments->is_string())
      call.arguments += std::string_view(arguments->get_string());
    else if (!arguments->is_null())
      call.arguments += base::to_text(*arguments);
  }
  bytes_ += call.name.size() + call.arguments.size() - before;
  if (!call.announced && !call.name.empty()) {
    call.announced = true;
    on_piece(CallPiece{call.name});
  }
}

Result<Answer> ChatDecoder::finish() {
  if (finish_reason_.empty() && !done_)
    return fail(Code::unavailable, "the model's answer was cut off before its end");
  for (const auto* trouble : {"error", "abort", "insufficient_system_resource"})
    if (finish_reason_ == trouble)
      return fail(Code::unavailable,
                  "the model's server gave up inside its answer (" + finish_reason_ + ")");
  std::set<std::string> ids;
  for (auto& [index, call] : calls_) {
    if (call.id.empty()) call.id = id_prefix_ + std::to_string(index + 1);
    while (!ids.insert(call.id).second) call.id += "_" + std::to_string(index + 1);
    answer_.blocks.emplace_back(
        core::ToolCall{std::move(call.id), std::move(call.name), std::move(call.arguments)});
  }
  answer_.reason = reason_of(finish_reason_, !calls_.empty());
  return std::move(answer_);
}

}  // namespace boxagnts::models
