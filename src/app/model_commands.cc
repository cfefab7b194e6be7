// `model`: which there are, which is the default, whether one answers, and keys of providers.
#include <unistd.h>

#include <boost/json.hpp>

#include "app/commands.h"
#include "app/interrupts.h"
#include "app/model_servers.h"
#include "app/models_desk.h"
#include "app/program.h"
#include "app/secret.h"
#include "app/settings_desk.h"
#include "base/text.h"
#include "workspace/own_keys.h"

namespace boxagnts::app {
namespace {

// What models need, without a store or tools.
struct Bench {
  static Result<Bench> open(const cli::Common& common) {
    Bench bench;
    bench.given.common = common;
    bench.workspace = TRY(workspace::open(common.workspace_directory, environment_variable));
    bench.preferences = TRY(read_preferences(bench.workspace, bench.given));
    bench.http = make_http(bench.preferences.network);
    return bench;
  }
  models::Settings settings() const { return model_settings_of(preferences, *preferences.rules); }

  Given given;
  workspace::Workspace workspace;
  Preferences preferences;
  std::unique_ptr<net::HttpClient> http;
};

std::string text_of(const ServerLook& look, const std::string& chosen) {
  const std::string id(look.family->id);
  std::string text = id + " (" + std::string(look.family->title) + ") at " +
                     (look.endpoint ? look.endpoint->base_url : "?") + ": " +
                     std::string(name_of(look.state)) + ", key: " + std::string(key_word(look)) +
                     "\n";
  if (!look.error.empty()) text += "  " + look.error + "\n";
  for (const auto& name : look.names)
    text += (id + "/" + name == chosen ? "* " : "  ") + id + "/" + name + "\n";
  return base::terminal_safe(text);
}

// The key, from standard input or typed.
Result<std::string> read_key(const std::string& provider) {
  std::string key;
  if (::isatty(STDIN_FILENO) == 1) {
    auto typed = TRY(ask_secret("key of " + provider));
    if (!typed) return fail(Code::invalid_argument, "there is no terminal to type the key on");
    key = *std::move(typed);
  } else {
    key = TRY(read_input(workspace::kKeyBytesMax + 2, {}));
  }
  while (key.ends_with('\n') || key.ends_with('\r')) key.pop_back();
  return key;
}

}  // namespace

Result<int> execute(const cli::ModelListCommand& command) {
  std::stop_source stop;
  const auto interrupts = TRY(Interrupts::watch([&] { stop.request_stop(); }));
  const auto bench = TRY(Bench::open(command.common));
  const auto& chosen = bench.preferences.model;
  for (const auto& look :
       look_at_servers(bench.settings(), *bench.http, Probe::asked, stop.get_token()))
    TRY(print(text_of(look, chosen)));
  TRY(print(
      "default: " +
      (chosen.empty() ? "none; boxagnts model default NAME sets it" : base::terminal_safe(chosen)) +
      "\n"));
  return 0;
}

Result<int> execute(const cli::ModelTestCommand& command) {
  std::stop_source stop;
  const auto interrupts = TRY(Interrupts::watch([&] { stop.request_stop(); }));
  const auto bench = TRY(Bench::open(command.common));
  const auto name = command.model.value_or(bench.preferences.model);
  if (name.empty())
    return fail(Code::invalid_argument, "no model is set: name one, as in ollama/NAME");
  const auto tried = TRY(try_model(name, bench.settings(), *bench.http, stop.get_token()));
  if (!tried.error.empty()) return fail(Code::unavailable, tried.error);
  TRY(print(base::terminal_safe(name + " answered in " +
                                base::human_duration_ms(tried.duration_ms) + ": " +
                                base::one_line(tried.text, 200)) +
            "\n"));
  return 0;
}

Result<int> execute(const cli::ModelDefaultCommand& command) {
  const auto bench = TRY(Bench::open(command.common));
  const auto wrote =
      TRY(write_settings(bench.workspace, bench.given, {{"model.default", command.model}}));
  TRY(print("wrote " + wrote + "\n"));
  return 0;
}

Result<int> execute(const cli::ModelKeyCommand& command) {
  const auto bench = TRY(Bench::open(command.common));
  std::string wrote;
  if (command.forget) {
    wrote = TRY(workspace::forget_key(environment_variable, command.provider));
  } else {
    const auto* family = TRY(models::find_family(command.provider));
    const std::string id(family->id);
    wrote = TRY(change_provider(bench.workspace, bench.given, bench.settings(), id,
                                command.base_url, TRY(read_key(id))));
  }
  TRY(print("wrote " + wrote + "\n"));
  return 0;
}

}  // namespace boxagnts::app
