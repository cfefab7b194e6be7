// What kind of network an address belongs to, in every form an IPv4 address can take.
#include "net/address.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace boxagnts::net {
namespace {

using enum AddressClass;

struct Known {
  const char* text;
  AddressClass kind;
};
std::ostream& operator<<(std::ostream& out, const Known& known) { return out << known.text; }

class AddressClasses : public testing::TestWithParam<Known> {};
TEST_P(AddressClasses, Are) {
  const auto address = parse_ip(GetParam().text);
  ASSERT_TRUE(address);
  EXPECT_EQ(name_of(class_of(*address)), name_of(GetParam().kind));
}
// First and last of each range, and its neighbours outside.
INSTANTIATE_TEST_SUITE_P(
    V4, AddressClasses,
    testing::Values(Known{"0.0.0.0", unspecified}, Known{"0.0.0.1", reserved},
                    Known{"0.255.255.255", reserved}, Known{"1.0.0.0", global},
                    Known{"9.255.255.255", global}, Known{"10.0.0.0", private_use},
                    Known{"10.255.255.255", private_use}, Known{"11.0.0.0", global},
                    Known{"100.63.255.255", global}, Known{"100.64.0.0", shared},
                    Known{"100.127.255.255", shared}, Known{"100.128.0.0", global},
                    Known{"126.255.255.255", global}, Known{"127.0.0.0", loopback},
                    Known{"127.255.255.255", loopback}, Known{"128.0.0.0", global},
                    Known{"169.253.255.255", global}, Known{"169.254.0.0", link_local},
                    Known{"169.254.169.254", link_local}, Known{"169.255.0.0", global},
                    Known{"172.15.255.255", global}, Known{"172.16.0.0", private_use},
                    Known{"172.31.255.255", private_use}, Known{"172.32.0.0", global},
                    Known{"192.0.0.0", reserved}, Known{"192.0.0.255", reserved},
                    Known{"192.0.1.0", global}, Known{"192.0.2.1", reserved},
                    Known{"192.0.3.0", global}, Known{"192.88.99.1", reserved},
                    Known{"192.167.255.255", global}, Known{"192.168.0.0", private_use},
                    Known{"192.168.255.255", private_use}, Known{"192.169.0.0", global},
                    Known{"198.17.255.255", global}, Known{"198.18.0.0", reserved},
                    Known{"198.19.255.255", reserved}, Known{"198.20.0.0", global},
                    Known{"198.51.100.7", reserved}, Known{"203.0.113.7", reserved},
                    Known{"223.255.255.255", global}, Known{"224.0.0.0", multicast},
                    Known{"239.255.255.255", multicast}, Known{"240.0.0.0", reserved},
                    Known{"255.255.255.255", reserved}));
INSTANTIATE_TEST_SUITE_P(
    V6, AddressClasses,
    testing::Values(
        Known{"::", unspecified}, Known{"::1", loopback}, Known{"::2", reserved},
        Known{"::8.8.8.8", reserved}, Known{"::ffff:0:8.8.8.8", reserved},
        Known{"::ffff:8.8.8.8", global}, Known{"::ffff:127.0.0.1", loopback},
        Known{"::ffff:10.1.2.3", private_use}, Known{"::ffff:0.0.0.0", unspecified},
        Known{"64:ff9b::8.8.8.8", global}, Known{"64:ff9b::127.0.0.1", loopback},
        Known{"64:ff9b::169.254.169.254", link_local}, Known{"64:ff9b:0:0:0:1::", reserved},
        Known{"64:ff9b:1::8.8.8.8", reserved}, Known{"64:ff9b:2::", reserved},
        Known{"100::1", reserved}, Known{"1fff::1", reserved}, Known{"2000::1", global},
        Known{"2001::1", tunnel}, Known{"2001:0:ffff::1", tunnel}, Known{"2001:1::1", reserved},
        Known{"2001:1ff::1", reserved}, Known{"2001:200::1", global}, Known{"2001:db7::1", global},
        Known{"2001:db8::1", reserved}, Known{"2001:db9::1", global},
        Known{"2002:0808:0808::1", global}, Known{"2002:7f00:1::1", loopback},
        Known{"2002:c0a8:101::", private_use}, Known{"2002:e000:1::", multicast},
        Known{"2606:4700::1111", global}, Known{"3ffe::1", global}, Known{"3fff::1", reserved},
        Known{"3fff:fff::1", reserved}, Known{"3fff:1000::1", global}, Known{"4000::1", reserved},
        Known{"5f00::1", reserved}, Known{"fbff::1", reserved}, Known{"fc00::1", private_use},
        Known{"fdff::1", private_use}, Known{"fe00::1", reserved}, Known{"fe80::1", link_local},
        Known{"febf::1", link_local}, Known{"fec0::1", private_use}, Known{"ff02::1", multicast}));

TEST(ParseIp, TakesItToTheLetter) {
  for (const auto* text : {"", "1.2.3", "1.2.3.4.", "1.2.3.04", "0x7f.1", "2130706433", "1.2.3.256",
                           "[::1]", "::1%lo", "::1%25lo", " ::1", "1.2.3.4 ", ":::", "1::2::3"})
    EXPECT_FALSE(parse_ip(text)) << text;
  EXPECT_FALSE(parse_ip(std::string_view("1.2.3.4\0", 8)));
  EXPECT_EQ(parse_ip("1.2.3.4")->text(), "1.2.3.4");
  EXPECT_EQ(parse_ip("0:0:0:0:0:FFFF:7F00:1")->text(), "::ffff:127.0.0.1");
  EXPECT_FALSE(parse_ip("::ffff:1.2.3.4")->v4);
}

TEST(Network, HoldsToTheBit) {
  const auto network = parse_network("10.128.0.0/9").value();
  EXPECT_TRUE(network.holds(*parse_ip("10.128.0.0")));
  EXPECT_TRUE(network.holds(*parse_ip("10.255.255.255")));
  EXPECT_FALSE(network.holds(*parse_ip("10.127.255.255")));
  EXPECT_FALSE(network.holds(*parse_ip("::ffff:10.128.0.1")));
  EXPECT_TRUE(parse_network("0.0.0.0/0")->holds(*parse_ip("255.1.1.1")));
  EXPECT_TRUE(parse_network("fd00::/8")->holds(*parse_ip("fd12::1")));
  EXPECT_TRUE(parse_network("10.0.0.0/8")->holds(network));
  EXPECT_FALSE(network.holds(*parse_network("10.0.0.0/8")));
  EXPECT_EQ(network.text(), "10.128.0.0/9");
}

TEST(Network, BadOnesAreToldWhy) {
  const std::pair<const char*, const char*> cases[]{
      {"10.0.0.0", "prefix"},       {"10.0.0.0/", "0 to 32"},   {"10.0.0.0/33", "0 to 32"},
      {"fd00::/129", "0 to 128"},   {"10.0.0.0/-1", "0 to 32"}, {"10.0.0.0/8x", "0 to 32"},
      {"10.0.0.1/8", "10.0.0.0/8"}, {"fd00::1/8", "fd00::/8"},  {"x/8", "no address"},
      {"10.0.0.0/0008", "0 to 32"}, {"/8", "no address"}};
  for (const auto& [text, said] : cases) {
    const auto network = parse_network(text);
    ASSERT_FALSE(network) << text;
    EXPECT_TRUE(network.error().message.contains(said)) << network.error().message;
  }
}

TEST(Network, OnesWithoutAGlobalAddress) {
  for (const auto* text : {"10.0.0.0/8", "10.1.0.0/16", "127.0.0.1/32", "0.0.0.0/8", "fd00::/8",
                           "::1/128", "::ffff:10.0.0.0/104", "2002:a00::/24", "64:ff9b::a00:0/104"})
    EXPECT_TRUE(has_no_global(*parse_network(text))) << text;
  for (const auto* text : {"0.0.0.0/0", "8.0.0.0/7", "8.8.8.0/24", "::/0", "fc00::/6", "2000::/3",
                           "::ffff:0:0/96", "2002::/16", "2002:a00::/20", "64:ff9b::/96"})
    EXPECT_FALSE(has_no_global(*parse_network(text))) << text;
}

TEST(EmbeddedIpv4, IsFoundInEveryForm) {
  const auto inside = *parse_ip("127.0.0.1");
  for (const auto* text : {"::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::127.0.0.1",
                           "64:ff9b:1::127.0.0.1", "64:ff9b:1:7f00:0:100::", "64:ff9b:1:7f:0:1::",
                           "64:ff9b:1:0:7f:0:100:0", "2002:7f00:1::1"}) {
    const auto found = embedded_ipv4(*parse_ip(text));
    EXPECT_NE(std::ranges::find(found, inside), found.end()) << text;
  }
  EXPECT_TRUE(embedded_ipv4(inside).empty());
  EXPECT_TRUE(embedded_ipv4(*parse_ip("2606:4700::1")).empty());
}

TEST(ThisMachine, IsKnownInEveryForm) {
  for (const auto* text : {"127.0.0.1", "127.9.9.9", "0.0.0.0", "::", "::1", "::ffff:127.0.0.1",
                           "64:ff9b::127.0.0.1", "2002:7f00:1::", "::127.0.0.1"})
    EXPECT_TRUE(is_of_this_machine(*parse_ip(text))) << text;
  for (const auto* text : {"192.0.2.77", "2001:db8::77", "::ffff:192.0.2.77"})
    EXPECT_FALSE(is_of_this_machine(*parse_ip(text))) << text;
}

}  // namespace
}  // namespace boxagnts::net
