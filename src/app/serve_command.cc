// `serve`: listens first, so that who waits for the port need not wait for the rest, then makes the
// program, and serves until a signal.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "app/commands.h"
#include "app/interrupts.h"
#include "app/models_desk.h"
#include "app/policy_desk.h"
#include "app/program.h"
#include "app/secret.h"
#include "app/settings_desk.h"
#include "app/skills_desk.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "gateway/gateway.h"
#include "net/http_server.h"
#include "net/peer_user.h"
#include "workspace/files.h"

namespace boxagnts::app {
namespace {

constexpr std::size_t kPasswordBytesMax = 4'096;
constexpr unsigned kWorkers = 8;  // calls of tools and passwords hold five of them at most
constexpr std::chrono::seconds kRunsEndWithin{5};

Result<std::optional<gateway::Administrator>> administrator_of(const cli::ServeCommand& command) {
  if (!command.admin_user) return std::nullopt;
  std::string password = environment_variable("BOXAGNTS_ADMIN_PASSWORD");
  ::unsetenv("BOXAGNTS_ADMIN_PASSWORD");  // no child inherits it
  if (command.admin_password_file) {
    auto read = base::read_file(*command.admin_password_file, kPasswordBytesMax);
    if (!read) return std::unexpected(std::move(read.error()).in("--admin-password-file"));
    password = std::move(*read);
  } else if (password.empty()) {
    auto typed = TRY(ask_secret("password of " + *command.admin_user));
    if (!typed)
      return fail(Code::invalid_argument,
                  "--admin-user needs a password: write it into a file for --admin-password-file, "
                  "or set BOXAGNTS_ADMIN_PASSWORD");
    password = *std::move(typed);
  }
  return TRY(gateway::make_administrator(*command.admin_user, password));
}

Result<net::IpAddress> address_of(const std::string& host) {
  if (const auto address = net::parse_ip(host == "localhost" ? "127.0.0.1" : host)) return *address;
  return fail(
      Code::invalid_argument,
      "--host takes an address of this machine, as 127.0.0.1, 0.0.0.0 or ::, not \"" + host + "\"");
}

Result<gateway::Options> options_of(const cli::ServeCommand& command,
                                    const net::IpAddress& address) {
  gateway::Options options{
      .host_names = command.host_names,
      .proxy = command.behind_proxy ? gateway::Proxy::in_front : gateway::Proxy::none,
      .own_user = ::geteuid()};
  TRY(gateway::check_exposure({.beyond_loopback = !gateway::is_loopback(address),
                               .has_administrator = command.admin_user.has_value(),
                               .has_certificate = !command.tls_certificate.empty(),
                               .behind_proxy = command.behind_proxy}));
  options.administrator = TRY(administrator_of(command));
  options.peer_user = [](const net::ServerRequest& request) {
    return net::peer_user({.client = request.peer,
                           .client_port = request.peer_port,
                           .server = request.local,
                           .server_port = request.local_port});
  };
  return options;
}

// Where a person finds it.
std::string page_of(const cli::ServeCommand& command, const net::IpAddress& address,
                    std::uint16_t port, const std::string& token) {
  std::string host = address.v4 ? address.text() : "[" + address.text() + "]";
  if (!command.host_names.empty()) host = command.host_names.front();
  const bool secure = !command.tls_certificate.empty();
  return (secure ? "https://" : "http://") + host + ":" + std::to_string(port) + "/" +
         (token.empty() ? "" : "#token=" + token);
}

// Tells the pages of a server when its tools change, for as long as it is there.
class ToolNews {
 public:
  ToolNews(Tools& tools, gateway::Gateway& door) : tools_(tools) {
    const auto watched = tools_.watch([&door] { door.announce("tools", JsonObject{}); });
    if (!watched)
      base::log(base::LogLevel::warning, "app",
                "changes of the tools folders are seen by new runs, and told nobody: " +
                    watched.error().message);
    tools_.current();  // what is to be compiled is, before it is called
  }
  ToolNews(const ToolNews&) = delete;
  ToolNews& operator=(const ToolNews&) = delete;
  ~ToolNews() { tools_.unwatch(); }

 private:
  Tools& tools_;
};

// Every run ends with an event that readers of the stream can still see.
void end_runs(Program& program) {
  const auto bell = program.runs->frames();
  for (const auto& run : program.runs->live()) (void)program.runs->cancel(run.run);
  const auto deadline = std::chrono::steady_clock::now() + kRunsEndWithin;
  const auto some_live = [&] {
    const auto runs = program.store->live_runs();
    return runs &&
           std::ranges::any_of(*runs, [](const auto& run) { return run.owner_pid == ::getpid(); });
  };
  while (some_live() && std::chrono::steady_clock::now() < deadline) bell->wait({}, deadline);
}

struct ServerDesks {
  std::unique_ptr<gateway::SettingsDesk> settings;
  std::unique_ptr<gateway::ModelsDesk> models;
  std::unique_ptr<gateway::PolicyDesk> policy;
  std::unique_ptr<gateway::SkillsDesk> skills;
};

ServerDesks make_desks(Program& program, workspace::Files& files) {
  ServerDesks desks{.settings = make_settings_desk(program)};
  desks.models = make_models_desk(program, *desks.settings);
  desks.policy = make_policy_desk(program);
  desks.skills = make_skills_desk(program, files);
  return desks;
}

gateway::Services services_of(Program& program, workspace::Files& files, const ServerDesks& desks) {
  return {.store = *program.store,
          .runs = *program.runs,
          .tools = program.tools->source(),
          .files = files,
          .changes = *program.changes,
          .rules = *program.rules,
          .settings =
              [&program] {
                const auto now = program.preferences->now();
                return std::shared_ptr<const agent::Settings>(now, &now->settings);
              },
          .run_defaults =
              [&program] {
                const auto now = program.preferences->now();
                return gateway::RunDefaults{now->model, now->run_mode()};
              },
          .page = gateway::embedded_page(),
          .scratch_folder = program.workspace.state_folder,
          .desks = {.settings = desks.settings.get(),
                    .models = desks.models.get(),
                    .policy = desks.policy.get(),
                    .skills = desks.skills.get()}};
}

}  // namespace

Result<int> execute(const cli::ServeCommand& command) {
  std::stop_source stop;
  const auto interrupts = TRY(Interrupts::watch([&] { stop.request_stop(); }));
  auto workspace = TRY(workspace::open(command.common.workspace_directory, environment_variable));
  Given given{.common = command.common, .model = command.model};
  auto preferences = TRY(read_preferences(workspace, given));
  const auto address = TRY(address_of(command.host));
  auto options = TRY(options_of(command, address));

  // In the order in which they may go: the server, the gateway, the program.
  base::SystemClock clock;
  std::unique_ptr<Program> program;
  std::unique_ptr<workspace::Files> files;
  ServerDesks desks;
  gateway::Gateway door(std::move(options), clock);
  const auto server =
      TRY(net::HttpServer::start({.address = address,
                                  .port = command.port,
                                  .if_taken = net::ServerOptions::IfTaken::next_free,
                                  .certificate_file = command.tls_certificate,
                                  .key_file = command.tls_key,
                                  .workers = kWorkers,
                                  .refusal = gateway::refusal},
                                 [&door](net::Exchange& exchange) { door.handle(exchange); }));
  given.own_ports = {server->port()};
  for (auto* grant : {&preferences.settings.network, &preferences.network.grant})
    grant->own_ports = given.own_ports;
  const std::string root = workspace.root;
  program = TRY(Program::make(std::move(workspace), std::move(preferences), std::move(given)));
  files = TRY(workspace::Files::open(program->workspace, clock));
  desks = make_desks(*program, *files);
  TRY(door.open(services_of(*program, *files, desks)));
  if (command.port != 0 && server->port() != command.port)
    say("port " + std::to_string(command.port) + " is in use, so this server is at " +
        std::to_string(server->port()));
  TRY(print("BoxAgnts serves " + root + " at " +
            page_of(command, address, server->port(), door.start_token()) + "\n"));
  const ToolNews news(*program->tools, door);
  (void)clock.sleep_until(base::kNever, stop.get_token());
  end_runs(*program);
  return 0;
}

}  // namespace boxagnts::app
