// Talking to a model: one blocking call an answer, deltas as they come.
//
// A codec for each wire dialect is a pure function between bytes and these values; the client moves
// bytes. Thread-safe: any number of answers side by side.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "core/message.h"
#include "core/policy_values.h"
#include "models/providers.h"
#include "net/http_client.h"

namespace boxagnts::models {

// What a codec keeps of a conversation between two turns.
class Encoded {
 public:
  virtual ~Encoded() = default;
};

// All of it outlives the call.
struct Request {
  std::string_view system;
  std::span<const core::Message> messages;
  const std::vector<core::ToolSpec>* tools = nullptr;  // fixed for a run; outlives the call
  // The bytes of a blob that an image in `messages` names.
  std::function<Result<std::string>(const std::string& id)> blob = {};
  // Of this conversation, so that a turn costs what is new; null at first. Between two requests
  // with the same one, messages are only added, and only the last one grows.
  std::unique_ptr<Encoded>* encoded = nullptr;
};

// Whether a model can be shown images. One that cannot is told in words what they are.
enum class Sight : std::uint8_t { blind, sees };

struct Answer {
  std::vector<core::Block> blocks;  // text, thinking, calls, in the order they were begun
  core::StopReason reason = core::StopReason::other;
  core::Usage usage;
};

struct TextPiece {
  std::string_view text;
};
struct ThinkingPiece {
  std::string_view text;
};
struct CallPiece {  // a call was begun
  std::string_view tool;
};
using Piece = std::variant<TextPiece, ThinkingPiece, CallPiece>;
// Called on the calling thread; views are valid during the call only.
using OnPiece = std::function<void(const Piece&)>;

class Model {
 public:
  virtual ~Model() = default;
  virtual const std::string& name() const = 0;  // "openai/gpt-x"
  // A cut stream, a stall, a refusal are errors, never a short answer. Errors by what to do:
  // unavailable, busy (429, 5xx, overload; retry_after_ms when told), timeout = may be retried;
  // invalid_argument, permission_denied, not_found, unsupported = will not get better;
  // cancelled. The message names the model and what the server said.
  virtual Result<Answer> answer(const Request& request, const OnPiece& on_piece,
                                std::stop_token stop) = 0;
};

// Environment and settings that models need, handed in.
struct Settings {
  std::function<std::string(const std::string& name)> environment;  // "" when unset
  net::Timeouts timeouts;
  std::optional<Sight> sight = {};  // absent: told by the model's name (sight.h)
  // What holds of every connection: offline, blocked networks, this server's own ports. A model's
  // server itself needs no entry: the person named it.
  core::NetworkGrant network = {};
  Providers providers = {};  // what configuration says of them
};

// Whether a name is one of a model, whether or not it is there. Errors: invalid_argument, with what
// to write.
Status check_name(const std::string& name);

// "openai/NAME", "ollama/NAME" and "llamacpp/NAME" (providers.h says where and with which key),
// "scripted/FILE.yaml", and "demo/tour", a script within the program. `http` and `clock` outlive
// the model.
// Errors: invalid_argument for an unknown family or a missing name, with the known ones.
Result<std::unique_ptr<Model>> open_model(const std::string& name, const Settings& settings,
                                          net::HttpClient& http, base::Clock& clock);

}  // namespace boxagnts::models
