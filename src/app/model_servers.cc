#include "app/model_servers.h"

#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/text.h"
#include "base/thread.h"
#include "base/time.h"

namespace boxagnts::app {
namespace {

constexpr std::size_t kThreadStackBytes = 512 << 10;
constexpr std::size_t kShownBytesMax = 2'000;  // of what a tried model says

// A stop token that fires at a time, or with another one.
class Deadline {
 public:
  static Result<std::unique_ptr<Deadline>> begin(std::chrono::seconds within,
                                                 std::stop_token other) {
    auto deadline = std::make_unique<Deadline>(std::move(other));
    Deadline& made = *deadline;
    made.until_ = std::chrono::steady_clock::now() + within;
    made.thread_ = TRY(base::Thread::start("deadline", 64 << 10, [&made] { made.wait(); }));
    return deadline;
  }
  explicit Deadline(std::stop_token other)
      : other_(std::move(other), [this] { stop_.request_stop(); }) {}
  ~Deadline() {
    stop_.request_stop();
    thread_.join();
  }
  std::stop_token token() const { return stop_.get_token(); }
  bool passed() const { return std::chrono::steady_clock::now() >= until_; }

 private:
  void wait() {
    std::mutex mutex;
    std::condition_variable_any nobody;
    std::unique_lock lock(mutex);
    nobody.wait_until(lock, stop_.get_token(), until_, [] { return false; });
    stop_.request_stop();
  }

  std::stop_source stop_;
  std::stop_callback<std::function<void()>> other_;
  std::chrono::steady_clock::time_point until_;
  base::Thread thread_;
};

net::Timeouts timeouts_within(std::chrono::seconds within) {
  return {.connect = within, .tls = within, .first_byte = within, .stall = within};
}

void judge(ServerLook& look, Result<std::vector<std::string>> names, const Deadline& deadline) {
  using State = ServerLook::State;
  if (names) {
    look.state = State::reachable;
    look.names = *std::move(names);
    return;
  }
  const bool late = names.error().code == Code::timeout ||
                    (names.error().code == Code::cancelled && deadline.passed());
  look.state = names.error().code == Code::unauthenticated ? State::refused : State::unreachable;
  look.error = late ? "it did not answer within " + std::to_string(kLookWithin.count()) + " s"
                    : names.error().message;
}

}  // namespace

std::string_view name_of(ServerLook::State state) {
  constexpr std::string_view kNames[]{"unknown", "reachable", "unreachable", "refused"};
  return kNames[static_cast<std::size_t>(state)];
}

std::string_view key_word(const ServerLook& look) {
  const auto from = look.endpoint ? look.endpoint->key_from : models::KeyFrom::none;
  if (from == models::KeyFrom::environment) return "environment";
  if (from == models::KeyFrom::stored) return "stored";
  return look.family->is_local ? "not needed" : "none";
}

std::vector<ServerLook> look_at_servers(const models::Settings& settings, net::HttpClient& http,
                                        Probe probe, std::stop_token stop) {
  std::vector<ServerLook> looks;
  for (const auto& family : models::families()) {
    ServerLook look{.family = &family};
    if (auto endpoint = models::endpoint_of(family, settings))
      look.endpoint = *std::move(endpoint);
    else
      look.error = endpoint.error().message;
    looks.push_back(std::move(look));
  }
  const auto deadline = Deadline::begin(kLookWithin, std::move(stop));
  if (probe == Probe::none || !deadline) return looks;
  std::vector<base::Thread> threads;
  for (auto& look : looks) {
    const bool named = look.endpoint && (look.family->is_local || !look.endpoint->is_default ||
                                         !look.endpoint->key.empty());
    if (!named) continue;
    auto thread = base::Thread::start("look", kThreadStackBytes, [&] {
      judge(look,
            models::list_models(*look.endpoint, settings.network, http,
                                timeouts_within(kLookWithin), (*deadline)->token()),
            **deadline);
    });
    if (thread)
      threads.push_back(*std::move(thread));
    else
      look.error = thread.error().message;
  }
  threads.clear();  // joins them
  return looks;
}

Result<ModelTried> try_model(const std::string& name, models::Settings settings,
                             net::HttpClient& http, std::stop_token stop) {
  TRY(models::check_name(name));
  base::SystemClock clock;
  settings.timeouts = timeouts_within(kTestWithin);
  const auto begun = clock.steady();
  const auto deadline = TRY(Deadline::begin(kTestWithin, std::move(stop)));
  ModelTried tried;
  const auto model = models::open_model(name, settings, http, clock);
  const core::Message question{core::Role::user,
                               {core::TextBlock{"Answer with the one word: ready"}}};
  const std::vector<core::ToolSpec> no_tools;
  const auto answer = model ? (*model)->answer(
                                  {.system = "You answer in one word.",
                                   .messages = std::span(&question, 1),
                                   .tools = &no_tools},
                                  [](const models::Piece&) {}, deadline->token())
                            : std::unexpected(model.error());
  tried.duration_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(clock.steady() - begun).count();
  if (!answer) {
    const bool late = answer.error().code == Code::timeout ||
                      (answer.error().code == Code::cancelled && deadline->passed());
    tried.error = late ? "it did not answer within " + std::to_string(kTestWithin.count()) + " s"
                       : answer.error().message;
    return tried;
  }
  for (const auto& block : answer->blocks)
    if (const auto* text = std::get_if<core::TextBlock>(&block)) tried.text += text->text;
  tried.text.resize(base::prefix_at_character(tried.text, kShownBytesMax).size());
  tried.usage = answer->usage;
  return tried;
}

}  // namespace boxagnts::app
