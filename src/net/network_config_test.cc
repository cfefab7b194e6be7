// Section [network]: what a person and what a workspace may say, and what becomes of bad entries.
#include "net/network_config.h"

#include <gtest/gtest.h>

namespace boxagnts::net {
namespace {

using base::ConfigNode;

// A [network] section: key, then its items or its value, a line each.
class NetworkSection : public testing::Test {
 protected:
  void list(const std::string& key, const std::vector<std::string>& items) {
    ConfigNode::List nodes;
    const int line = ++line_;
    for (const auto& item : items) nodes.push_back(node(key, ++line_, item));
    keys_[key] = node(key, line, std::move(nodes));
  }
  template <class Value>
  void value(const std::string& key, Value what) {
    keys_[key] = node(key, ++line_, std::move(what));
  }
  Status read(Author author) {
    ConfigNode::Table root;
    root["network"] = node("", 1, std::move(keys_));
    const ConfigNode node("", "config.toml", 1, std::move(root));
    TRY(read_network_config(node, author, config_));
    return node.check_all_used();
  }

  NetworkConfig config_;

 private:
  static std::unique_ptr<ConfigNode> node(const std::string& key, int line,
                                          ConfigNode::Value value) {
    return std::make_unique<ConfigNode>("network." + key, "config.toml", line, std::move(value));
  }

  ConfigNode::Table keys_;
  int line_ = 1;
};

TEST_F(NetworkSection, OfAPersonSetsEverything) {
  list("allowed_outbound_hosts", {"https://a.test", "http://b.test:8080"});
  list("block_networks", {"private"});
  value("proxy", std::string("http://proxy.test:3128"));
  value("ca_file", std::string("/etc/ca.pem"));
  value("offline", true);
  ASSERT_TRUE(read(Author::person));
  ASSERT_EQ(config_.grant.allowed.size(), 2u);
  EXPECT_EQ(config_.grant.allowed[1].text, "http://b.test:8080");
  EXPECT_EQ(config_.grant.allowed[1].where, "config.toml:4");
  EXPECT_EQ(config_.grant.blocked.at(0).where, "config.toml:6");
  EXPECT_EQ(config_.proxy, "http://proxy.test:3128");
  EXPECT_EQ(config_.ca_file, "/etc/ca.pem");
  EXPECT_TRUE(config_.grant.offline);
}

TEST_F(NetworkSection, NothingSaidOpensNothing) {
  ASSERT_TRUE(read(Author::person));
  EXPECT_TRUE(config_.grant.allowed.empty());
  EXPECT_EQ(config_.proxy, std::nullopt);
  EXPECT_FALSE(config_.grant.offline);
}

TEST_F(NetworkSection, ABadEntryHasItsOwnErrorAndTheOthersHold) {
  list("allowed_outbound_hosts", {"https://a.test", "b.test", "https://c.test", "ftp://d.test"});
  ASSERT_TRUE(read(Author::person));
  ASSERT_EQ(config_.grant.allowed.size(), 2u);
  EXPECT_EQ(config_.grant.allowed[1].text, "https://c.test");
  ASSERT_EQ(config_.left_out.size(), 2u);
  EXPECT_TRUE(config_.left_out[0].starts_with("config.toml:4: ")) << config_.left_out[0];
  EXPECT_TRUE(config_.left_out[0].contains("\"b.test\"")) << config_.left_out[0];
  EXPECT_TRUE(config_.left_out[1].starts_with("config.toml:6: ")) << config_.left_out[1];
}

TEST_F(NetworkSection, ABadBlockedNetworkIsAnErrorOfItsOwn) {
  list("block_networks", {"10.0.0.0/8", "10.0.0.1/8", "nonsense"});
  const auto status = read(Author::person);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::invalid_argument);
  EXPECT_TRUE(status.error().message.contains("config.toml:4: ")) << status.error().message;
  EXPECT_TRUE(status.error().message.contains("config.toml:5: ")) << status.error().message;
}

TEST_F(NetworkSection, AWorkspaceClosesMore) {
  list("block_networks", {"8.0.0.0/8"});
  value("offline", true);
  config_.grant.blocked.push_back({"private", "mine:1"});
  ASSERT_TRUE(read(Author::workspace));
  EXPECT_EQ(config_.grant.blocked.size(), 2u);
  EXPECT_TRUE(config_.grant.offline);
}

TEST_F(NetworkSection, AWorkspaceDoesNotOpenAgain) {
  config_.grant.offline = true;
  value("offline", false);
  ASSERT_TRUE(read(Author::workspace));
  EXPECT_TRUE(config_.grant.offline);
}

class WorkspaceWidens : public NetworkSection, public testing::WithParamInterface<const char*> {};
TEST_P(WorkspaceWidens, IsRefusedWithFileAndLine) {
  const std::string key = GetParam();
  if (key == "allowed_outbound_hosts")
    list(key, {"https://a.test"});
  else
    value(key, std::string("x"));
  const auto status = read(Author::workspace);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::permission_denied);
  EXPECT_TRUE(status.error().message.starts_with("config.toml:2: network." + key))
      << status.error().message;
}
INSTANTIATE_TEST_SUITE_P(Keys, WorkspaceWidens,
                         testing::Values("allowed_outbound_hosts", "proxy", "ca_file"));

TEST_F(NetworkSection, WrongTypesAndUnknownKeysAreTold) {
  value("offline", std::string("yes"));
  EXPECT_FALSE(read(Author::person));
  value("allowed_outbound_hosts", std::string("https://a.test"));
  EXPECT_FALSE(read(Author::person));
  value("allowed_hosts", true);
  const auto status = read(Author::person);
  ASSERT_FALSE(status);
  EXPECT_TRUE(status.error().message.contains("allowed_hosts")) << status.error().message;
}

}  // namespace
}  // namespace boxagnts::net
