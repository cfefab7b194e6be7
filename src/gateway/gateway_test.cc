// The door as a whole, without a network: every route's refusals, and that what the OpenAPI
// document says is what the table of routes does.
#include "gateway/gateway.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "gateway/gateway_fixture.h"
#include "gateway/reply.h"
#include "gateway/routes.h"
#include "tools/json_schema.h"

namespace boxagnts::gateway {
namespace {

// A path of the route with something in its parameters.
std::string example_of(const Route& route) {
  std::string path;
  for (std::string_view rest = route.path; !rest.empty();) {
    const auto open = rest.find('{');
    path += rest.substr(0, open);
    if (open == std::string_view::npos) break;
    path += "x";
    rest.remove_prefix(rest.find('}') + 1);
  }
  return path;
}

// --- the attacks of a page, on every route -------------------------------------------------------

TEST_F(GatewayTest, EveryRouteRefusesOtherPagesAndOtherNames) {
  using Spoil = void (*)(ServerRequest&);
  const std::pair<const char*, Spoil> attacks[]{
      {"another site",
       [](ServerRequest& r) { r.headers.push_back({"Origin", "http://a.example"}); }},
      {"another port",
       [](ServerRequest& r) { r.headers.push_back({"Origin", "http://127.0.0.1:8000"}); }},
      {"a sandboxed page", [](ServerRequest& r) { r.headers.push_back({"Origin", "null"}); }},
      {"an image of another site",
       [](ServerRequest& r) { r.headers.push_back({"Sec-Fetch-Site", "cross-site"}); }},
      {"a frame of another port",
       [](ServerRequest& r) { r.headers.push_back({"Sec-Fetch-Site", "same-site"}); }},
      {"a name that was rebound", [](ServerRequest& r) { r.host = "a.example:30001"; }},
  };
  for (const auto& route : all_routes())
    for (const auto& [name, spoil] : attacks) {
      auto request = signed_request(std::string(route.method), example_of(route));
      spoil(request);
      const auto response = send(request, "{}");
      EXPECT_EQ(response.status, 403) << name << " at " << route.path;
      EXPECT_EQ(code_of(json_of(response)), "permission_denied");
    }
}

TEST_F(GatewayTest, EveryRouteBehindTheTokenRefusesWithoutIt) {
  for (const auto& route : all_routes()) {
    if (route.door == Door::page || route.door == Door::open || route.door == Door::local) continue;
    for (const char* authorization :
         {"", "Bearer", "Bearer ", "Bearer wrong", "Basic YTpi", "bearer"}) {
      auto request = own_request(std::string(route.method), example_of(route));
      request.headers = {{"Content-Type", "application/json"}};
      if (*authorization) request.headers.emplace_back("Authorization", authorization);
      const auto response = send(request, "{}");
      EXPECT_EQ(response.status, 401) << authorization << " at " << route.path;
      EXPECT_EQ(header(response, "WWW-Authenticate"), "Bearer");
    }
  }
}

TEST_F(GatewayTest, NothingChangesByGet) {
  const std::set<std::string_view> reading{"GET"};
  for (const auto& route : all_routes()) {
    if (reading.contains(route.method)) {
      EXPECT_EQ(route.body.kind, Body::Kind::none) << route.path;
      continue;
    }
    const auto response = call("GET", example_of(route), "");
    if (response.status != 405) continue;
    EXPECT_TRUE(header(response, "Allow").contains(route.method)) << route.path;
  }
  const auto session = session_with_events(1);
  for (const auto* method : {"GET", "HEAD", "POST", "PUT", "OPTIONS", "TRACE"})
    (void)call(method, "/api/v1/sessions/" + session.text, R"({"title":"no"})");
  EXPECT_EQ(store_->session(session)->title, "made");
}

TEST_F(GatewayTest, AMethodThatAPathDoesNotTakeIsToldWhichItTakes) {
  const auto response = call("PUT", "/api/v1/sessions/x");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(header(response, "Allow"), "GET, HEAD, PATCH, DELETE");
  EXPECT_EQ(call("HEAD", "/api/v1/tools").status, 200);
  EXPECT_EQ(call("OPTIONS", "/api/v1/runs").status, 405) << "no other page is let in";
  EXPECT_EQ(call("GET", "/api/v1/nothing").status, 404);
  EXPECT_EQ(call("GET", "/api/v1/sessions/").status, 404);
}

TEST_F(GatewayTest, EveryAnswerCarriesTheSecurityHeaders) {
  for (const auto& response :
       {call("GET", "/healthz"), call("GET", "/nothing"), call("GET", "/api/v1/tools"),
        call("PUT", "/"), refusal(400, {Code::invalid_argument, "x"})}) {
    EXPECT_EQ(header(response, "X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(header(response, "X-Frame-Options"), "DENY");
    EXPECT_EQ(header(response, "Referrer-Policy"), "no-referrer");
    EXPECT_EQ(header(response, "Cache-Control"), "no-store");
    const auto policy = header(response, "Content-Security-Policy");
    EXPECT_TRUE(policy.contains("default-src 'none'") &&
                policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"))
        << policy;
    for (const auto& [name, value] : response.headers)
      EXPECT_FALSE(name.starts_with("Access-Control-")) << name;
  }
}

// --- what comes in is checked --------------------------------------------------------------------

TEST_F(GatewayTest, IdsThatAreNoneReachNothing) {
  for (const char* id : {"..", "a.json", "a b", "%2e%2e", "a%00", "\xc3\xa9",
                         "01234567890123456789012345678901234567890123456789012345678901234"}) {
    for (const char* method : {"GET", "PATCH", "DELETE"}) {
      const auto response = call(method, std::string("/api/v1/sessions/") + id, R"({"title":"x"})");
      EXPECT_EQ(response.status, 400) << method << " " << id;
    }
    EXPECT_EQ(call("POST", std::string("/api/v1/runs/") + id + "/cancel", "{}").status, 400) << id;
    EXPECT_EQ(call("GET", std::string("/api/v1/sessions/") + id + "/export").status, 400) << id;
    EXPECT_EQ(call("GET", std::string("/api/v1/blobs/") + id).status, 400) << id;
  }
}

TEST(Schemas, AnIdIsWhatTheOneTypeTakes) {
  const auto schema = tools::JsonSchema::compile(*base::find(component_schemas(), "Id")).value();
  for (int byte = 1; byte < 128; ++byte) {
    const std::string text(1, static_cast<char>(byte));
    EXPECT_EQ(schema.check(Json(text)).has_value(), core::SessionId::parse(text).has_value())
        << byte;
  }
  for (const std::size_t length : {0u, 1u, 64u, 65u}) {
    const std::string text(length, 'a');
    EXPECT_EQ(schema.check(Json(text)).has_value(), core::SessionId::parse(text).has_value());
  }
}

TEST_F(GatewayTest, BodiesAreJsonAndWhatIsDeclared) {
  auto request = signed_request("POST", "/api/v1/runs");
  for (const char* type : {"", "text/plain", "application/x-www-form-urlencoded",
                           "multipart/form-data", "application/jsonx", "application/json5"}) {
    request.headers[1].second = type;
    EXPECT_EQ(send(request, R"({"prompt":"x"})").status, 415) << type;
  }
  for (const char* body : {"", "{", "[]", "null", "{}", R"({"prompt":1})", R"({"prompt":""})",
                           R"({"prompt":"  "})", R"({"prompt":"x","mode":"fast"})",
                           R"({"prompt":"x","max_turns":0})", R"({"prompt":"x","more":1})",
                           R"({"prompt":"x","session":"../x"})", "{\"prompt\":\"\xff\"}"})
    EXPECT_EQ(call("POST", "/api/v1/runs", body).status, 400) << body;
  const auto large =
      call("POST", "/api/v1/runs", R"({"prompt":")" + std::string(33 << 20, 'x') + "\"}");
  EXPECT_EQ(large.status, 413);
}

TEST_F(GatewayTest, QueriesAreWhatIsDeclared) {
  const auto with = [&](std::vector<std::pair<std::string, std::string>> query) {
    auto request = signed_request("GET", "/api/v1/sessions");
    request.query = std::move(query);
    return send(request).status;
  };
  EXPECT_EQ(with({{"limit", "5"}}), 200);
  EXPECT_EQ(with({{"limit", "0"}}), 400);
  EXPECT_EQ(with({{"limit", "five"}}), 400);
  EXPECT_EQ(with({{"limit", " 5"}}), 400);
  EXPECT_EQ(with({{"limit", "5"}, {"limit", "5"}}), 400);
  EXPECT_EQ(with({{"offset", "5"}}), 400);
  EXPECT_EQ(with({{"cursor", "1"}}), 400);
  EXPECT_EQ(with({{"cursor", "1.x"}}), 200);
}

// --- routes --------------------------------------------------------------------------------------

TEST_F(GatewayTest, ATokenIsGivenToTheSameUserAndToNobodyWithAPassword) {
  auto request = own_request("POST", "/api/v1/auth/token");
  request.headers = {{"Content-Type", "application/json"}};
  EXPECT_EQ(base::get_string(json_of(send(request, "{}")), "token"), gateway_->start_token());
  EXPECT_EQ(send(request, R"({"user":"a","password":"b"})").status, 401);
  EXPECT_EQ(send(request, R"({"user":"a"})").status, 400);
}

TEST_F(GatewayTest, ATicketOpensOneDownloadOnce) {
  const auto session = session_with_events(2);
  const std::string path = "/api/v1/sessions/" + session.text + "/export";
  const auto ticket = json_of(call("POST", "/api/v1/auth/tickets", R"({"path":")" + path + "\"}"));
  const std::string url(base::get_string(ticket, "url").value());
  const auto secret = url.substr(url.rfind('=') + 1);
  const auto open = [&](std::string target, std::string of_path) {
    auto request = own_request("GET", std::move(of_path));
    request.target = std::move(target);
    request.query = {{"ticket", secret}};
    return send(request).status;
  };
  EXPECT_EQ(open(url, path), 200);
  EXPECT_EQ(open(url, path), 401) << "used";
  const auto other = json_of(call("POST", "/api/v1/auth/tickets", R"({"path":")" + path + "\"}"));
  const std::string second(base::get_string(other, "url").value());
  auto request = own_request("GET", "/api/v1/sessions/" + session.text);
  request.target = request.path + second.substr(second.find('?'));
  request.query = {{"ticket", second.substr(second.rfind('=') + 1)}};
  EXPECT_EQ(send(request).status, 401) << "tickets are for downloads";
}

TEST_F(GatewayTest, SessionsAreListedShownRenamedExportedAndDeleted) {
  std::set<std::string> made;
  for (int i = 0; i < 5; ++i) made.insert(session_with_events(3).text);
  std::set<std::string> seen;
  std::string cursor;
  for (int page = 0; page < 4; ++page) {
    auto request = signed_request("GET", "/api/v1/sessions");
    request.query = {{"limit", "2"}};
    if (!cursor.empty()) request.query.emplace_back("cursor", cursor);
    const auto listed = json_of(send(request));
    for (const auto& session : *base::get_array(listed, "sessions"))
      seen.emplace(base::get_string(session, "id").value());
    const auto next = base::get_string(listed, "next");
    if (!next) break;
    cursor = *next;
  }
  EXPECT_EQ(seen, made);

  const std::string path = "/api/v1/sessions/" + *made.begin();
  EXPECT_EQ(base::get_int(json_of(call("GET", path)), "events"), 3);
  EXPECT_EQ(base::get_string(json_of(call("PATCH", path, R"({"title":"new"})")), "title"), "new");
  auto request = signed_request("GET", path + "/events");
  request.query = {{"after", "1"}, {"limit", "1"}};
  const auto page = json_of(send(request));
  EXPECT_EQ(base::get_int(page, "last"), 3);
  EXPECT_EQ(base::get_int(base::get_array(page, "events")->at(0), "number"), 2);
  const auto exported = call("GET", path + "/export");
  EXPECT_EQ(std::ranges::count(exported.body, '\n'), 3);
  EXPECT_TRUE(header(exported, "Content-Disposition").starts_with("attachment"));
  EXPECT_EQ(call("DELETE", path).status, 200);
  EXPECT_EQ(call("GET", path).status, 404);
}

TEST_F(GatewayTest, ASessionIsForked) {
  const auto session = store_->create_session("the first").value();
  const auto acquired = store_->acquire(session).value();
  const std::vector<core::EventBody> turn{core::RunStarted{"m"}, core::UserMessage{"x"},
                                          core::TurnEnded{}};
  ASSERT_TRUE(store_->append(*acquired.lease, turn));
  const auto path = "/api/v1/sessions/" + session.text + "/fork";
  const auto whole = call("POST", path, "{}");
  EXPECT_EQ(whole.status, 201);
  EXPECT_EQ(base::get_string(json_of(whole), "title"), "the first");
  EXPECT_EQ(base::get_int(json_of(whole), "events"), 4);
  const auto part = json_of(call("POST", path, R"({"at":2,"title":"nothing yet"})"));
  EXPECT_EQ(base::get_string(part, "title"), "nothing yet");
  EXPECT_EQ(base::get_int(part, "events"), 1);
  EXPECT_EQ(call("POST", path, R"({"at":4})").status, 404);
  EXPECT_EQ(call("POST", path, R"({"at":0})").status, 400);
  EXPECT_EQ(call("POST", path, R"({"title":" "})").status, 400);
  EXPECT_EQ(call("POST", "/api/v1/sessions/none/fork", "{}").status, 404);
  ASSERT_TRUE(store_->append(*acquired.lease, std::span(turn).first(2)));
  EXPECT_EQ(call("POST", path, "{}").status, 409) << "its run is making a turn";
}

TEST_F(GatewayTest, ASessionThatARunOwnsStays) {
  const auto session = store_->create_session("s").value();
  const auto acquired = store_->acquire(session).value();
  EXPECT_EQ(call("DELETE", "/api/v1/sessions/" + session.text).status, 409);
  const auto path = "/api/v1/runs/" + acquired.lease->run().text;
  EXPECT_EQ(call("POST", path + "/cancel", "{}").status, 409) << "it runs elsewhere";
  EXPECT_EQ(call("POST", path + "/answer", R"({"approval":"a","answer":"yes"})").status, 409);
  EXPECT_EQ(call("POST", "/api/v1/runs/none/cancel", "{}").status, 404);
  const auto runs = json_of(call("GET", "/api/v1/runs"));
  EXPECT_EQ(base::get_bool(base::get_array(runs, "runs")->at(0), "here"), false);
}

TEST_F(GatewayTest, BlobsAreNeverPages) {
  const auto session = store_->create_session("s").value();
  const auto page = store_->put_blob(session, "<html><script>1</script>").value();
  const auto shown = call("GET", "/api/v1/blobs/" + page);
  EXPECT_EQ(shown.body, "<html><script>1</script>");
  EXPECT_EQ(header(shown, "Content-Type"), "application/octet-stream");
  EXPECT_EQ(header(shown, "Content-Disposition"), "attachment");
  const auto image = store_->put_blob(session, "\x89PNG\r\n\x1a\nrest").value();
  EXPECT_EQ(header(call("GET", "/api/v1/blobs/" + image), "Content-Type"), "image/png");
  EXPECT_EQ(call("GET", "/api/v1/blobs/" + std::string(64, 'a')).status, 404);
}

TEST_F(GatewayTest, ToolsAreListedShownAndRun) {
  EXPECT_EQ(base::get_array(json_of(call("GET", "/api/v1/tools")), "tools")->size(), 2u);
  EXPECT_EQ(base::get_string(json_of(call("GET", "/api/v1/tools/echo")), "name"), "echo");
  EXPECT_EQ(call("GET", "/api/v1/tools/ehco").status, 404);
  const auto ran = json_of(call("POST", "/api/v1/tools/echo/run", R"({"arguments":{"say":1}})"));
  EXPECT_EQ(base::get_string(ran, "status"), "ok");
  EXPECT_EQ(base::get_string(ran, "text"), R"({"say":1})");
  const auto bad = json_of(call("POST", "/api/v1/tools/echo/run", R"({"arguments":{}})"));
  EXPECT_EQ(base::get_string(bad, "status"), "invalid");
}

TEST_F(GatewayTest, BrokenToolsAreShownWithTheirReasonAndNotRun) {
  tools_ = std::make_shared<const tools::Toolset>(
      tools::Toolset{.registry = tools_->registry,
                     .pipeline = tools_->pipeline,
                     .broken = {{.spec = {"gone", "", JsonObject{}, core::Level::execute},
                                 .about = {.origin = tools::Origin::user,
                                           .kind = tools::Kind::guest,
                                           .path = "/c/tools/gone.wasm"},
                                 .reason = "it is a component"}}});
  const auto listed = json_of(call("GET", "/api/v1/tools"));
  ASSERT_EQ(base::get_array(listed, "tools")->size(), 3u);
  EXPECT_EQ(base::get_string((*base::get_array(listed, "tools"))[0], "state"), "ready");
  const auto gone = json_of(call("GET", "/api/v1/tools/gone"));
  EXPECT_EQ(base::get_string(gone, "state"), "broken");
  EXPECT_EQ(base::get_string(gone, "reason"), "it is a component");
  EXPECT_EQ(base::get_string(gone, "path"), "/c/tools/gone.wasm");
  const auto run = call("POST", "/api/v1/tools/gone/run", R"({"arguments":{}})");
  EXPECT_EQ(run.status, 409);
  EXPECT_TRUE(run.body.contains("it is a component"));
}

TEST_F(GatewayTest, SoManyCallsSideBySideAndNoMore) {
  const auto run = [this] {
    return call("POST", "/api/v1/tools/wait/run", R"({"arguments":{}})").status;
  };
  std::vector<std::jthread> callers;
  for (int i = 0; i < Waiting::kMost; ++i) callers.emplace_back([&] { EXPECT_EQ(run(), 200); });
  for (int seen = 0; (seen = waiting_.calls) < Waiting::kMost;) waiting_.calls.wait(seen);
  EXPECT_EQ(run(), 503);
  waiting_.release();
}

TEST_F(GatewayTest, TheStreamBeginsWhereItIsAsked) {
  const auto session = session_with_events(4);
  const auto open = [&](const char* after, const char* last_id) {
    auto request = signed_request("GET", "/api/v1/events");
    if (*after) request.query = {{"after", after}};
    if (*last_id) request.headers.emplace_back("Last-Event-ID", last_id);
    auto exchange = std::make_unique<TestExchange>(request);
    gateway_->handle(*exchange);
    return exchange;
  };
  const auto first_id = [](TestExchange& exchange) {
    (void)exchange.stream->next();  // attached
    return *exchange.stream->next();
  };
  EXPECT_TRUE(first_id(*open("2", "")).starts_with("id: 3\n"));
  EXPECT_TRUE(first_id(*open("0", "3")).starts_with("id: 4\n")) << "the header counts";
  for (const char* bad : {"x", "-1", "1x", "99999999999999999999"})
    EXPECT_EQ(open("", bad)->answer->status, 400) << bad;
  EXPECT_EQ(open("5", "")->answer->status, 409);
  auto request = signed_request("GET", "/api/v1/events");
  request.query = {{"session", "none"}};
  EXPECT_EQ(send(request).status, 404);
}

TEST_F(GatewayTest, MetricsAreForThisMachineAndForWhoHasTheToken) {
  auto request = own_request("GET", "/metrics");
  EXPECT_TRUE(send(request).body.contains("boxagnts_requests_total"));
  request.headers = {{"X-Forwarded-For", "10.0.0.1"}};
  EXPECT_EQ(send(request).status, 401);
  request.headers.emplace_back("Authorization", "Bearer " + gateway_->start_token());
  EXPECT_EQ(send(request).status, 200);
}

// --- the document --------------------------------------------------------------------------------

TEST_F(GatewayTest, TheDocumentNamesEveryRouteOnceAndNothingElse) {
  const auto document = json_of(send(own_request("GET", "/api/v1/openapi.json")));
  std::set<std::string> ids;
  std::size_t operations = 0;
  for (const auto& [path, item] : base::find(document, "paths")->as_object())
    for (const auto& [method, operation] : item.as_object()) {
      ++operations;
      EXPECT_TRUE(ids.emplace(base::get_string(operation, "operationId").value()).second) << path;
    }
  EXPECT_EQ(operations, all_routes().size());
  // Every component that is referred to is there.
  const std::string text = base::to_text(document);
  for (std::size_t at = 0; (at = text.find("#/components/schemas/", at)) != std::string::npos;) {
    at += std::string_view("#/components/schemas/").size();
    const auto name = text.substr(at, text.find('"', at) - at);
    EXPECT_TRUE(base::find(component_schemas(), name)) << name;
  }
}

TEST(Router, TheSameRouteTwiceIsADefect) {
  auto routes = all_routes();
  routes.push_back(routes.front());
  EXPECT_FALSE(Router::make(std::move(routes)));
}

// --- how far it may be open ----------------------------------------------------------------------

TEST(Exposure, BeyondLoopbackItTakesAPasswordAndTls) {
  EXPECT_TRUE(check_exposure({}));
  EXPECT_FALSE(check_exposure({.beyond_loopback = true}));
  EXPECT_FALSE(check_exposure({.beyond_loopback = true, .has_certificate = true}));
  EXPECT_FALSE(check_exposure({.beyond_loopback = true, .behind_proxy = true}));
  EXPECT_FALSE(check_exposure({.beyond_loopback = true, .has_administrator = true}));
  EXPECT_FALSE(check_exposure({.behind_proxy = true})) << "everybody comes from this machine then";
  EXPECT_TRUE(check_exposure(
      {.beyond_loopback = true, .has_administrator = true, .has_certificate = true}));
  EXPECT_TRUE(
      check_exposure({.beyond_loopback = true, .has_administrator = true, .behind_proxy = true}));
  EXPECT_TRUE(check_exposure({.has_administrator = true, .behind_proxy = true}));
}

}  // namespace
}  // namespace boxagnts::gateway
