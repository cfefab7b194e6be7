// Who may call: names, origins, tokens, tickets, passwords. Each way in, and each that is none.
#include <gtest/gtest.h>

#include "base/secret.h"
#include "gateway/access.h"
#include "gateway/sign_in.h"
#include "gateway/test_exchange.h"
#include "gateway/throttle.h"
#include "gateway/tokens.h"

namespace boxagnts::gateway {
namespace {

using net::ServerRequest;

// --- names ---------------------------------------------------------------------------------------

struct HostCase {
  const char* host;
  const char* local;
  bool good;
};
class AccessHost : public testing::TestWithParam<HostCase> {};

TEST_P(AccessHost, OnlyOurOwnNamesAreAnsweredTo) {
  const Access access({"box.example"}, Proxy::none);
  auto request = own_request();
  request.host = GetParam().host;
  request.local = ip(GetParam().local);
  EXPECT_EQ(access.check_host(request).has_value(), GetParam().good);
}

INSTANTIATE_TEST_SUITE_P(
    Names, AccessHost,
    testing::Values(
        HostCase{"127.0.0.1:30001", "127.0.0.1", true},
        HostCase{"localhost:30001", "127.0.0.1", true}, HostCase{"localhost:30001", "::1", true},
        HostCase{"[::1]:30001", "::1", true}, HostCase{"127.0.0.1:30001", "::ffff:127.0.0.1", true},
        HostCase{"box.example", "127.0.0.1", true}, HostCase{"box.example:443", "10.0.0.1", true},
        HostCase{"10.0.0.1:30001", "10.0.0.1", true},
        // A name that was rebound to this address, however it looks.
        HostCase{"evil.example:30001", "127.0.0.1", false},
        HostCase{"127.0.0.1.evil.example:30001", "127.0.0.1", false},
        HostCase{"localhost.evil.example:30001", "127.0.0.1", false},
        HostCase{"localhost.:30001", "127.0.0.1", false},
        HostCase{"xbox.example", "127.0.0.1", false}, HostCase{"box.example.", "127.0.0.1", false},
        // Another port, no port, no name at all.
        HostCase{"127.0.0.1:30002", "127.0.0.1", false}, HostCase{"127.0.0.1", "127.0.0.1", false},
        HostCase{"localhost", "127.0.0.1", false}, HostCase{"", "127.0.0.1", false},
        HostCase{":30001", "127.0.0.1", false}, HostCase{"[::1", "::1", false},
        HostCase{"127.0.0.1:30001x", "127.0.0.1", false},
        // Other spellings and other addresses.
        HostCase{"2130706433:30001", "127.0.0.1", false},
        HostCase{"127.1:30001", "127.0.0.1", false}, HostCase{"10.0.0.2:30001", "10.0.0.1", false},
        HostCase{"localhost:30001", "10.0.0.1", false}));

struct OriginCase {
  const char* origin;
  const char* site;
  bool good;
};
class AccessOrigin : public testing::TestWithParam<OriginCase> {};

TEST_P(AccessOrigin, OnlyPagesOfOurOwnMayCall) {
  const Access access({}, Proxy::none);
  auto request = own_request("POST", "/api/v1/runs");
  if (*GetParam().origin) request.headers.emplace_back("Origin", GetParam().origin);
  if (*GetParam().site) request.headers.emplace_back("Sec-Fetch-Site", GetParam().site);
  EXPECT_EQ(access.check_origin(request).has_value(), GetParam().good);
}

INSTANTIATE_TEST_SUITE_P(
    Pages, AccessOrigin,
    testing::Values(
        OriginCase{"", "", true}, OriginCase{"", "none", true},
        OriginCase{"http://127.0.0.1:30001", "same-origin", true},
        OriginCase{"http://127.0.0.1:30001", "", true}, OriginCase{"null", "", false},
        OriginCase{"http://evil.example", "cross-site", false},
        OriginCase{"http://127.0.0.1:8080", "same-site", false},
        OriginCase{"http://127.0.0.1", "", false}, OriginCase{"http://localhost:30001", "", false},
        OriginCase{"https://127.0.0.1:30001", "", false},
        OriginCase{"http://127.0.0.1:30001.evil.example", "", false},
        OriginCase{"http://evil@127.0.0.1:30001", "", false}, OriginCase{"file://", "", false},
        OriginCase{"chrome-extension://abc", "", false}, OriginCase{"", "cross-site", false},
        OriginCase{"", "same-site", false}, OriginCase{"", "SAME-ORIGIN", false}));

TEST(Access, TwoOriginsAreJudgedEach) {
  const Access access({}, Proxy::none);
  auto request = own_request();
  request.headers = {{"Origin", "http://127.0.0.1:30001"}, {"origin", "http://evil.example"}};
  EXPECT_FALSE(access.check_origin(request));
}

TEST(Access, ALinkMayLeadToAPageAndToNothingElse) {
  const Access access({}, Proxy::none);
  auto request = own_request();
  request.headers = {{"Sec-Fetch-Site", "cross-site"},
                     {"Sec-Fetch-Mode", "navigate"},
                     {"Sec-Fetch-Dest", "document"}};
  EXPECT_TRUE(access.check_navigation(request));
  EXPECT_FALSE(access.check_origin(request));
  request.headers[2].second = "iframe";
  EXPECT_FALSE(access.check_navigation(request));
  request.headers[2].second = "document";
  request.headers.emplace_back("Origin", "http://evil.example");
  EXPECT_FALSE(access.check_navigation(request));
}

TEST(Access, BehindAProxyThePageIsOfHttps) {
  auto request = own_request();
  request.host = "box.example";
  request.headers = {{"Origin", "https://box.example"}};
  EXPECT_TRUE(Access({"box.example"}, Proxy::in_front).check_origin(request));
  EXPECT_FALSE(Access({"box.example"}, Proxy::none).check_origin(request));
}

// --- tokens and tickets --------------------------------------------------------------------------

TEST(Tokens, TheStartTokenIsGoodAndCannotBeGivenBack) {
  base::ManualClock clock;
  Tokens tokens(clock, Tokens::Start::made), others(clock, Tokens::Start::made);
  EXPECT_EQ(tokens.start().size(), 43u);
  EXPECT_NE(tokens.start(), others.start());
  EXPECT_TRUE(tokens.good(tokens.start()));
  EXPECT_FALSE(tokens.good(others.start()));
  EXPECT_FALSE(tokens.good(""));
  EXPECT_FALSE(tokens.good(tokens.start().substr(1)));
  EXPECT_FALSE(tokens.log_out(tokens.start()));
  EXPECT_TRUE(tokens.good(tokens.start()));
}

TEST(Tokens, WithoutAStartTokenNothingIsGood) {
  base::ManualClock clock;
  Tokens tokens(clock, Tokens::Start::none);
  EXPECT_FALSE(tokens.good(""));
  EXPECT_EQ(tokens.start(), "");
}

TEST(Tokens, ALoginEndsByItselfOrWhenItIsGivenBack) {
  base::ManualClock clock;
  Tokens tokens(clock, Tokens::Start::none);
  const auto one = tokens.log_in(), two = tokens.log_in();
  EXPECT_TRUE(tokens.good(one) && tokens.good(two));
  EXPECT_TRUE(tokens.log_out(one));
  EXPECT_FALSE(tokens.good(one));
  clock.advance(Tokens::kLoginLasts);
  EXPECT_FALSE(tokens.good(two));
}

TEST(Tokens, TheOldestLoginMakesRoom) {
  base::ManualClock clock;
  Tokens tokens(clock, Tokens::Start::none);
  const auto first = tokens.log_in(), second = tokens.log_in();
  for (std::size_t i = 2; i <= Tokens::kLoginsMax; ++i) (void)tokens.log_in();
  EXPECT_FALSE(tokens.good(first));
  EXPECT_TRUE(tokens.good(second));
}

TEST(Tickets, WorkOnceForTheirPath) {
  base::ManualClock clock;
  Tickets tickets(clock);
  const auto ticket = tickets.issue("/api/v1/blobs/a");
  EXPECT_TRUE(tickets.use(ticket, "/api/v1/blobs/a"));
  EXPECT_FALSE(tickets.use(ticket, "/api/v1/blobs/a")) << "used";
  EXPECT_FALSE(tickets.use(tickets.issue("/api/v1/blobs/a"), "/api/v1/blobs/b"));
  EXPECT_FALSE(tickets.use(tickets.issue("/api/v1/blobs/a"), "/api/v1/blobs/a?x=1"));
  EXPECT_FALSE(tickets.use("", ""));
  const auto late = tickets.issue("/x");
  clock.advance(Tickets::kTicketLasts);
  EXPECT_FALSE(tickets.use(late, "/x"));
}

TEST(Tickets, ATicketTriedElsewhereIsSpent) {
  base::ManualClock clock;
  Tickets tickets(clock);
  const auto ticket = tickets.issue("/a");
  EXPECT_FALSE(tickets.use(ticket, "/b"));
  EXPECT_FALSE(tickets.use(ticket, "/a"));
}

TEST(Tickets, TheOldestMakesRoom) {
  base::ManualClock clock;
  Tickets tickets(clock);
  const auto first = tickets.issue("/a"), second = tickets.issue("/a");
  for (std::size_t i = 2; i <= Tickets::kTicketsMax; ++i) (void)tickets.issue("/a");
  EXPECT_FALSE(tickets.use(first, "/a"));
  EXPECT_TRUE(tickets.use(second, "/a"));
}

// --- throttle ------------------------------------------------------------------------------------

TEST(Throttle, WaitsGrowAndEndBySuccessOrTime) {
  base::ManualClock clock;
  Throttle throttle(clock);
  for (int i = 0; i < Throttle::kFreeTries; ++i) EXPECT_TRUE(throttle.admit("a")) << i;
  base::Milliseconds wait = Throttle::kFirstWait;
  for (int i = 0; i < 10; ++i) {
    const auto refused = throttle.admit("a");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::busy);
    EXPECT_LE(refused.error().retry_after_ms, Throttle::kLongestWait.count() + 1);
    clock.advance(wait - base::Milliseconds(1));
    EXPECT_FALSE(throttle.admit("a")) << "not a moment earlier";
    clock.advance(base::Milliseconds(1));
    EXPECT_TRUE(throttle.admit("a")) << i;
    wait = std::min(wait * 2, Throttle::kLongestWait);
  }
  EXPECT_TRUE(throttle.admit("b")) << "others are free";
  throttle.succeeded("a");
  EXPECT_TRUE(throttle.admit("a"));
}

TEST(Throttle, IsForgottenAfterAWhileAndBounded) {
  base::ManualClock clock;
  Throttle throttle(clock);
  for (int i = 0; i < Throttle::kFreeTries; ++i) (void)throttle.admit("a");
  clock.advance(std::chrono::duration_cast<base::Milliseconds>(Throttle::kForgottenAfter));
  for (int i = 0; i < Throttle::kFreeTries; ++i) EXPECT_TRUE(throttle.admit("a"));
  EXPECT_FALSE(throttle.admit("a"));
  for (std::size_t i = 0; i < Throttle::kKeysMax + 10; ++i)
    EXPECT_TRUE(throttle.admit(std::to_string(i)));
  EXPECT_FALSE(throttle.admit("a")) << "who may try soonest is forgotten first";
}

// --- signing in ----------------------------------------------------------------------------------

class SignInTest : public testing::Test {
 protected:
  static constexpr uid_t kOwn = 1000;
  SignIn make(std::optional<Administrator> administrator = {}, Proxy proxy = Proxy::none) {
    access_.emplace(std::vector<std::string>{}, proxy);
    return SignIn({*access_, tokens_, clock_, std::move(administrator),
                   [this](const ServerRequest&) { return peer_; }, kOwn});
  }
  static std::optional<Code> code(const Result<std::string>& result) {
    return result ? std::nullopt : std::optional(result.error().code);
  }

  base::ManualClock clock_;
  Tokens tokens_{clock_, Tokens::Start::made};
  std::optional<Access> access_;
  Result<uid_t> peer_ = kOwn;
};

TEST_F(SignInTest, TheSameUserOfThisMachineGetsTheToken) {
  const auto sign_in = make();
  EXPECT_EQ(sign_in.as_same_user(own_request()), tokens_.start());
  auto six = own_request();
  six.peer = six.local = ip("::1");
  EXPECT_TRUE(sign_in.as_same_user(six));
}

TEST_F(SignInTest, AnotherUserNobodyAndAnUnknownOneDoNot) {
  const auto sign_in = make();
  for (const Result<uid_t>& peer : {Result<uid_t>(kOwn + 1), Result<uid_t>(0),
                                    Result<uid_t>(fail(Code::permission_denied, "nobody's")),
                                    Result<uid_t>(fail(Code::unavailable, "no answer"))}) {
    peer_ = peer;
    EXPECT_EQ(code(sign_in.as_same_user(own_request())), Code::permission_denied);
  }
}

TEST_F(SignInTest, NeverThroughAProxy) {
  const auto sign_in = make();
  for (const char* name : {"Forwarded", "Via", "X-Forwarded-For", "x-forwarded-host", "X-Real-IP",
                           "X-FORWARDED-PROTO", "CF-Connecting-IP", "X-Client-IP"}) {
    auto request = own_request();
    request.headers = {{name, "10.0.0.1"}};
    EXPECT_EQ(code(sign_in.as_same_user(request)), Code::permission_denied) << name;
  }
  EXPECT_EQ(code(make({}, Proxy::in_front).as_same_user(own_request())), Code::permission_denied);
}

TEST_F(SignInTest, NeverBeyondLoopback) {
  const auto sign_in = make();
  auto request = own_request();
  request.peer = ip("10.0.0.9");
  EXPECT_EQ(code(sign_in.as_same_user(request)), Code::permission_denied);
  request = own_request();
  request.local = request.peer = ip("10.0.0.1");  // this machine, by its other address
  EXPECT_EQ(code(sign_in.as_same_user(request)), Code::permission_denied);
}

TEST_F(SignInTest, WithAnAdministratorOnlyThePasswordCounts) {
  auto sign_in = make(make_administrator("ada", "correct horse\n").value());
  EXPECT_EQ(code(sign_in.as_same_user(own_request())), Code::unauthenticated);
  const auto token = sign_in.by_password(own_request(), "ada", "correct horse");
  ASSERT_TRUE(token);
  EXPECT_TRUE(tokens_.good(*token));
  EXPECT_NE(*token, tokens_.start());
  EXPECT_EQ(code(sign_in.by_password(own_request(), "ada", "wrong horse")), Code::unauthenticated);
  EXPECT_EQ(code(sign_in.by_password(own_request(), "bob", "correct horse")),
            Code::unauthenticated);
}

TEST_F(SignInTest, GuessingIsSlowedDownForItsAddressAlone) {
  auto sign_in = make(make_administrator("ada", "correct horse").value());
  for (int i = 0; i < Throttle::kFreeTries; ++i)
    EXPECT_EQ(code(sign_in.by_password(own_request(), "ada", "no")), Code::unauthenticated);
  EXPECT_EQ(code(sign_in.by_password(own_request(), "ada", "correct horse")), Code::busy);
  auto elsewhere = own_request();
  elsewhere.peer = ip("10.0.0.9");
  EXPECT_TRUE(sign_in.by_password(elsewhere, "ada", "correct horse"));
}

TEST_F(SignInTest, AnIpv6NetworkIsOneGuesser) {
  auto sign_in = make(make_administrator("ada", "correct horse").value());
  for (int i = 0; i < Throttle::kFreeTries; ++i) {
    auto request = own_request();
    request.peer = ip("2001:db8:0:1::" + std::to_string(i + 1));
    EXPECT_EQ(code(sign_in.by_password(request, "ada", "no")), Code::unauthenticated);
  }
  auto request = own_request();
  request.peer = ip("2001:db8:0:1:ffff::1");
  EXPECT_EQ(code(sign_in.by_password(request, "ada", "correct horse")), Code::busy);
}

TEST_F(SignInTest, WithoutAnAdministratorNoPasswordHelps) {
  auto sign_in = make();
  EXPECT_EQ(code(sign_in.by_password(own_request(), "", "")), Code::unauthenticated);
}

TEST(Administrator, TakesAPasswordOrItsHashAndNoShortOne) {
  const auto hash = base::hash_password("correct horse").value();
  EXPECT_EQ(make_administrator("a", hash + "\n")->password_hash, hash);
  EXPECT_TRUE(
      base::password_matches(make_administrator("a", "12345678\r\n")->password_hash, "12345678"));
  for (const char* bad : {"", "1234567", "\n\n\n\n\n\n\n\n\n"})
    EXPECT_FALSE(make_administrator("a", bad)) << bad;
}

}  // namespace
}  // namespace boxagnts::gateway
