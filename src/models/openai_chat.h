// A model behind a Chat Completions server.
#pragma once

#include <memory>
#include <string>

#include "models/model.h"

namespace boxagnts::models {

struct ChatServer {
  std::string name;      // "openai/x", for people
  std::string model;     // "x", for the server
  std::string base_url;  // "https://api.example.com/v1"
  std::string api_key;   // "" = none
  Sight sight = Sight::blind;
};

// It connects to the host and port of its base URL and nowhere else; `network` is what holds of
// every connection (offline, blocked networks). Errors: what parse_url says of the base URL. `http`
// outlives the model.
Result<std::unique_ptr<Model>> make_chat_model(ChatServer server, core::NetworkGrant network,
                                               net::HttpClient& http, net::Timeouts timeouts);

}  // namespace boxagnts::models
