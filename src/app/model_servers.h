// Asking model servers about themselves: which models they have, and whether one answers. Blocks on
// the network; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "models/model.h"

namespace boxagnts::app {

constexpr std::chrono::seconds kLookWithin{2}, kTestWithin{30};

// What is known of one provider.
struct ServerLook {
  const models::Family* family = nullptr;
  std::optional<models::Endpoint> endpoint;  // without: `error` says why there is none
  enum class State : std::uint8_t { unknown, reachable, unreachable, refused };
  State state = State::unknown;
  std::string error;
  std::vector<std::string> names;
};
std::string_view name_of(ServerLook::State state);
std::string_view key_word(const ServerLook& look);  // "none", "environment", "stored", "not needed"

enum class Probe : bool { none, asked };
// All of them; asked: side by side, within kLookWithin. One that nobody named and that is not local
// is not asked without a key.
std::vector<ServerLook> look_at_servers(const models::Settings& settings, net::HttpClient& http,
                                        Probe probe, std::stop_token stop);

struct ModelTried {
  std::string text, error;  // one of them
  std::int64_t duration_ms = 0;
  core::Usage usage;
};
// One small question, within kTestWithin. Errors: invalid_argument (no such name).
Result<ModelTried> try_model(const std::string& name, models::Settings settings,
                             net::HttpClient& http, std::stop_token stop);

}  // namespace boxagnts::app
