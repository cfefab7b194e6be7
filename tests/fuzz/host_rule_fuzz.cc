// Entries of allowed_outbound_hosts and block_networks against a URL, "ENTRY\0BLOCKED\0URL": the
// gate never admits what is blocked, nor a special address for a pattern.
#include "net/address.h"
#include "net/egress.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace boxagnts;

std::string_view take(std::string_view& rest) {
  const auto taken = rest.substr(0, rest.find('\0'));
  rest.remove_prefix(std::min(taken.size() + 1, rest.size()));
  return taken;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto rest = as_text(data, size);
  const auto entry = take(rest), blocked_text = take(rest);
  const auto rule = net::parse_host_rule(entry);
  const auto blocked = net::parse_blocked_network(blocked_text);
  if (!rule) FUZZ_CHECK(!rule.error().message.empty());
  const auto url = net::parse_url(rest);
  if (!rule || !url) return 0;
  core::NetworkGrant grant{.allowed = {{std::string(entry), ""}}};
  if (blocked) grant.blocked.push_back({std::string(blocked_text), ""});
  const auto gate = net::make_gate(grant);
  FUZZ_CHECK(gate);
  const auto destination = net::destination_of("GET", *url);
  const auto verdict = (*gate)->decide(destination, {});
  FUZZ_CHECK(!verdict.rule.empty() && !verdict.reason.empty());
  if (verdict.allowed) FUZZ_CHECK(rule->match(destination) != net::HostRule::Match::no);
  for (const auto* text : {"8.8.8.8", "10.0.0.1", "127.0.0.1", "::1", "::ffff:10.0.0.1", "2001::1",
                           "64:ff9b::a00:1", "2606:4700::1", "169.254.169.254"}) {
    const auto address = *net::parse_ip(text);
    if (!(*gate)->admit(destination, verdict, address)) continue;
    FUZZ_CHECK(verdict.allowed);
    FUZZ_CHECK(!blocked || !blocked->blocks(address));
    FUZZ_CHECK(net::class_of(address) == net::AddressClass::global || verdict.admits_private);
  }
  return 0;
}
