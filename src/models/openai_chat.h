// A model behind a Chat Completions server.
#pragma once

#include <memory>
#include <string>

#include "models/model.h"

namespace boxagnts::models {

struct ChatServer {
  std::string name;      // "openai/x", for people
  std::string model;     // "x", for the server
  std::string base_url;  // "http://localhost:11434/v1"
  std::string api_key;   // "" = none
  Sight sight = Sight::blind;
};

// Errors: what parse_url says of the base URL. `http` outlives the model.
Result<std::unique_ptr<Model>> make_chat_model(ChatServer server, net::HttpClient& http,
                                               net::Timeouts timeouts);

}  // namespace boxagnts::models
