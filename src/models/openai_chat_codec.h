// The Chat Completions dialect (OpenAI API reference, "Chat", streaming), as most local servers
// speak it: bytes <-> values, nothing else. Pure; a decoder belongs to one stream.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "models/model.h"

namespace boxagnts::models {

// The request's body. Tool calls go back as they came, each followed by its result; thinking does
// not go back. Tool messages hold text alone in this dialect: images follow in a user message, the
// newest ones (images.h); the others are told in words, as all are to a blind model.
//
// Of a long conversation without images Request::encoded keeps all but the last message.
std::string encode_chat_request(const std::string& model, Sight sight, const Request& request);

// What a status other than 200 means for who asked.
Code code_of_status(std::int64_t status);

// What an error body says: its message, or what it is instead ("an HTML page"). One line.
std::string describe_chat_error(std::string_view body);

class ChatDecoder {
 public:
  // Calls that come without an id get this one and a number: another prefix for each turn keeps
  // them apart in a conversation.
  explicit ChatDecoder(std::string id_prefix = "call_") : id_prefix_(std::move(id_prefix)) {}

  // One `data` payload of the stream. Errors: what the server reports inside the stream, a payload
  // that is no JSON (unavailable), more than any answer can hold (limit_exceeded).
  Status feed(std::string_view data, const OnPiece& on_piece);
  // The whole answer. Errors: unavailable when the stream ended before the answer did.
  Result<Answer> finish();
  bool done() const { return done_; }

 private:
  struct PartialCall {
    std::string id;
    std::string name;
    std::string arguments;
    bool announced = false;
  };
  void feed_delta(const Json& delta, const OnPiece& on_piece);
  void feed_call(const Json& fragment, std::size_t position, const OnPiece& on_piece);
  PartialCall& call_of(const Json& fragment, std::size_t position);
  void feed_usage(const Json& usage);
  void add_text(std::string_view text);
  void add_thinking(std::string_view text);

  Answer answer_;
  const std::string id_prefix_;
  std::map<std::int64_t, PartialCall> calls_;   // by the wire's index, where that is unique
  std::map<std::int64_t, std::int64_t> homes_;  // the wire's index -> key of the call it means now
  std::string finish_reason_;
  std::size_t bytes_ = 0;  // of all that was kept
  bool done_ = false;
};

}  // namespace boxagnts::models
