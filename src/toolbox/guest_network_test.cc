// A guest's requests through the real client and gate, to a server on loopback.
#include "toolbox/guest_network.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <functional>
#include <optional>
#include <thread>

#include "base/file.h"

namespace boxagnts::toolbox {
namespace {

// Takes one connection, reads a request's head, and says what the test wants.
class Server {
 public:
  Server() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_.get(), generic, size), 0);
    EXPECT_EQ(::listen(listener_.get(), 4), 0);
    EXPECT_EQ(::getsockname(listener_.get(), generic, &size), 0);
    port_ = ntohs(address.sin_port);
  }
  std::string origin() const { return "http://127.0.0.1:" + std::to_string(port_); }

  void take() {
    head_.clear();
    connection_.reset(::accept(listener_.get(), nullptr, nullptr));
    std::array<char, 4096> buffer;
    while (!head_.contains("\r\n\r\n")) {
      const ssize_t got = ::read(connection_.get(), buffer.data(), buffer.size());
      if (got <= 0) return;
      head_.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }
  void say(std::string_view text) {
    EXPECT_EQ(::send(connection_.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  void hang_up() { connection_.reset(); }
  const std::string& head() const { return head_; }
  bool was_asked() const {
    pollfd one{listener_.get(), POLLIN, 0};
    return ::poll(&one, 1, 0) > 0;
  }

 private:
  base::UniqueFd listener_, connection_;
  std::uint16_t port_ = 0;
  std::string head_;
};

// A person who answers what the test says.
class TestAsker final : public tools::ConnectionAsker {
 public:
  Result<core::NetworkEntry> ask(const net::Destination& destination) override {
    asked.push_back(destination.text());
    if (meanwhile) meanwhile();
    if (error) return std::unexpected(*error);
    return core::NetworkEntry{.text = destination.text(), .where = "a yes", .global_only = true};
  }
  void made(const net::Destination& destination) override {
    connected.push_back(destination.text());
  }

  std::vector<std::string> asked, connected;
  std::optional<Error> error;
  std::function<void()> meanwhile;
};

class GuestNetworkTest : public testing::Test {
 protected:
  GuestNetworkTest() { asker_.error = Error{Code::permission_denied, "nobody is there", "answer"}; }
  Result<sandbox::NetworkAnswer> open(const std::string& url, std::stop_token stop = {},
                                      base::Steady deadline = base::kNever) {
    return network()->open({.method = "GET", .url = url}, deadline, stop);
  }
  std::unique_ptr<sandbox::Network> network() {
    return make_guest_network(*client_, grant_, asker_, stopped_);
  }
  void allow(const Server& server) { grant_.allowed = {{server.origin(), "here"}}; }

  // To the end, waiting where there is nothing; the errno that ended it is appended.
  static std::string all_of(vfs::File& body) {
    std::string text;
    std::array<std::byte, 3> buffer;
    while (true) {
      const auto got = body.read_at(buffer, 0);
      if (got && *got == 0) return text;
      if (got) {
        text.append(reinterpret_cast<const char*>(buffer.data()), *got);
      } else if (got.error() == EAGAIN) {
        pollfd one{body.poll_descriptor(), POLLIN, 0};
        EXPECT_GE(one.fd, 0);
        ::poll(&one, 1, -1);
      } else {
        return text + " errno " + std::to_string(got.error());
      }
    }
  }

  Server server_;
  core::NetworkGrant grant_;
  TestAsker asker_;
  base::StoppedTime stopped_;
  std::unique_ptr<net::HttpClient> client_ = net::HttpClient::make();
};

TEST_F(GuestNetworkTest, AnAnswerComesAsItIsSent) {
  allow(server_);
  std::jthread serving([&] {
    server_.take();
    server_.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\nX: y\r\n\r\n01234");
    server_.say("56789");
  });
  const auto answer = open(server_.origin() + "/a?b#c");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->url, server_.origin() + "/a?b");
  EXPECT_EQ(answer->protocol, "http/1.1");
  EXPECT_EQ(all_of(*answer->body), "0123456789");
  EXPECT_EQ(answer->body->poll_descriptor(), -1) << "at its end nobody waits for it";
  EXPECT_TRUE(server_.head().starts_with("GET /a?b HTTP/1.1\r\n")) << server_.head();
  EXPECT_TRUE(server_.head().contains("Accept-Encoding: gzip")) << server_.head();
}

TEST_F(GuestNetworkTest, ABodyThatWasCutIsNoEnd) {
  allow(server_);
  std::jthread serving([&] {
    server_.take();
    server_.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234");
    server_.hang_up();
  });
  const auto answer = open(server_.origin());
  ASSERT_TRUE(answer);
  EXPECT_EQ(all_of(*answer->body), "01234 errno " + std::to_string(EIO));
}

TEST_F(GuestNetworkTest, WhatTheGrantDoesNotAllowIsNotReached) {
  grant_.denied = {{server_.origin(), "there"}};
  auto answer = open(server_.origin());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::permission_denied);
  EXPECT_EQ(answer.error().context, "\"" + server_.origin() + "\" (there)");
  allow(server_);
  grant_.offline = true;
  answer = open(server_.origin());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().context, "offline");
  EXPECT_FALSE(server_.was_asked());
  EXPECT_TRUE(asker_.asked.empty()) << "nobody is asked about what is denied";
}

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";

TEST_F(GuestNetworkTest, WhatNoRuleAllowsIsAskedAboutOnceAProcessBeforeAnythingIsSent) {
  asker_.error.reset();
  asker_.meanwhile = [this] { EXPECT_FALSE(server_.was_asked()) << "before the answer"; };
  const auto guest = network();
  for (int i = 0; i < 2; ++i) {
    std::jthread serving([&] {
      server_.take();
      server_.say(kOk);
    });
    const auto answer =
        guest->open({.method = "GET", .url = server_.origin() + "/x"}, base::kNever, {});
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(all_of(*answer->body), "ok");
  }
  EXPECT_EQ(asker_.asked, std::vector<std::string>{server_.origin()});
  EXPECT_EQ(asker_.connected, (std::vector<std::string>{server_.origin(), server_.origin()}));
}

TEST_F(GuestNetworkTest, ARefusalSaysWhatWouldAllowItAndNothingIsSent) {
  const auto answer = open(server_.origin());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::permission_denied);
  EXPECT_EQ(answer.error().context, "answer");
  EXPECT_TRUE(answer.error().message.starts_with("nobody is there; ")) << answer.error().message;
  EXPECT_TRUE(answer.error().message.contains("add \"" + server_.origin() + "\""));
  EXPECT_FALSE(server_.was_asked());
  EXPECT_TRUE(asker_.connected.empty());
  asker_.error = Error{Code::cancelled, "stop", ""};
  EXPECT_EQ(open(server_.origin()).error().code, Code::cancelled);
}

TEST_F(GuestNetworkTest, WhatIsAllowedIsNotAskedAboutUnlessARuleAsks) {
  allow(server_);
  asker_.error.reset();
  for (const bool asks : {false, true}) {
    if (asks) grant_.asked = {{"http://127.0.0.1:*", "there"}};
    std::jthread serving([&] {
      server_.take();
      server_.say(kOk);
    });
    ASSERT_TRUE(open(server_.origin()));
    EXPECT_EQ(asker_.asked.size(), asks ? 1u : 0u);
  }
}

TEST_F(GuestNetworkTest, TheTimeOfTheQuestionIsAddedToTheDeadline) {
  asker_.error.reset();
  // By the clock the deadline is long past; by the call's own it is an hour ahead.
  asker_.meanwhile = [this] { stopped_.add(std::chrono::hours(2)); };
  std::jthread serving([&] {
    server_.take();
    server_.say(kOk);
  });
  const auto past = base::Steady::clock::now() - std::chrono::hours(1);
  const auto answer = open(server_.origin(), {}, past);
  EXPECT_TRUE(answer) << answer.error().message;
  asker_.meanwhile = nullptr;
  const auto late = open(server_.origin(), {}, past);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::timeout);
}

TEST_F(GuestNetworkTest, NoDeadlineStaysNoneWhileAPersonIsAsked) {
  asker_.error.reset();
  asker_.meanwhile = [this] { stopped_.add(std::chrono::hours(2)); };
  std::jthread serving([&] {
    server_.take();
    server_.say(kOk);
  });
  const auto answer = open(server_.origin());
  EXPECT_TRUE(answer) << answer.error().message;
}

TEST_F(GuestNetworkTest, AnAddressThatIsNoneIsNamed) {
  for (const char* url : {"", "x", "ftp://a.test/", "http://u:p@a.test/", "http://"})
    EXPECT_FALSE(open(url)) << url;
}

TEST_F(GuestNetworkTest, AServerThatIsSilentIsLeftInTimeAndOnRequest) {
  allow(server_);
  const auto late =
      open(server_.origin(), {}, base::Steady::clock::now() + std::chrono::milliseconds(20));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::timeout);
  std::stop_source source;
  std::jthread stopper([&] { source.request_stop(); });
  const auto stopped = open(server_.origin(), source.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Code::cancelled);
}

}  // namespace
}  // namespace boxagnts::toolbox
