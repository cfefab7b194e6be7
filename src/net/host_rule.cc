// Entries of allowed_outbound_hosts and block_networks: parsed and matched.
#include <algorithm>
#include <array>
#include <charconv>

#include "base/guard.h"
#include "base/text.h"
#include "net/egress.h"

namespace boxagnts::net {
namespace {

std::unexpected<Error> bad(std::string why) { return fail(Code::invalid_argument, std::move(why)); }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes what stands before the first of these characters.
std::string_view take_until(std::string_view& rest, std::string_view ends) {
  const auto taken = rest.substr(0, rest.find_first_of(ends));
  rest.remove_prefix(taken.size());
  return taken;
}

Result<std::vector<std::string>> parse_methods(std::string_view text) {
  std::vector<std::string> methods;
  for (const auto method : base::split(text, ',')) {
    const bool word = !method.empty() && std::ranges::all_of(method, [](char c) {
      return (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
    });
    if (!word)
      return bad("\"" + std::string(method) +
                 "\" is no method; write methods in capitals, as in \"GET,HEAD https://…\"");
    methods.emplace_back(method);
  }
  return methods;
}

Result<std::string> parse_scheme(std::string_view text) {
  if (text == "*") return "";
  if (text == "http" || text == "https") return std::string(text);
  return bad("the scheme \"" + std::string(text) + "\" is not spoken here; http, https and * are");
}

// "/24" behind an address, up to the end, a port or a path.
std::string_view take_prefix_bits(std::string_view& rest) {
  if (rest.size() < 2 || rest[0] != '/' || !is_digit(rest[1])) return {};
  const auto end = std::min(rest.find_first_not_of("0123456789", 1), rest.size());
  if (end < rest.size() && rest[end] != ':' && rest[end] != '/') return {};
  const auto taken = rest.substr(0, end);
  rest.remove_prefix(end);
  return taken;
}

struct Ports {
  std::uint32_t first = 0, last = 0;
};

std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t high) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1 || number > high)
    return std::nullopt;
  return number;
}

Result<Ports> parse_ports(std::string_view text) {
  constexpr std::uint32_t kPortMax = 65'535;
  if (text == "*") return Ports{1, kPortMax};
  if (const auto one = parse_number(text, kPortMax)) return Ports{*one, *one};
  const auto dots = text.find(".."), dash = text.find('-');
  const bool half_open = dots != text.npos;
  if (half_open || dash != text.npos) {
    const auto first = parse_number(text.substr(0, half_open ? dots : dash), kPortMax);
    const auto end = half_open ? parse_number(text.substr(dots + 2), kPortMax + 1)
                               : parse_number(text.substr(dash + 1), kPortMax);
    const auto last = half_open && end ? *end - 1 : end.value_or(0);
    if (first && end && *first <= last) return Ports{*first, last};
  }
  return bad("\"" + std::string(text) +
             "\" is no port; write a number from 1 to 65535, *, 8000..8100 (without the last) or "
             "8000-8099 (with it)");
}

// A path as requests have it, after the URL Standard's rules.
std::optional<std::string> settled_path(std::string_view path) {
  const auto url = parse_url("http://h" + std::string(path));
  if (!url || url->host != "h") return std::nullopt;
  return url->target;
}

// %25 and so on undone, once.
std::string percent_decoded(std::string_view text) {
  const auto digit = [](char c) {
    if (is_digit(c)) return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 &&
        digit(text[i + 2]) >= 0) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// Whether some server might read a way up out of it: "..", in segments of either slash, with
// parameters behind it, however often it is encoded.
bool may_climb(std::string path) {
  constexpr int kRoundsMax = 8;
  for (int round = 0; round < kRoundsMax; ++round) {
    for (std::string_view rest = path; !rest.empty();) {
      const auto segment = take_until(rest, "/\\");
      if (segment.substr(0, segment.find_first_of(std::string_view(";\0", 2))) == "..") return true;
      if (!rest.empty()) rest.remove_prefix(1);
    }
    auto next = percent_decoded(path);
    if (next == path) return false;
    path = std::move(next);
  }
  return true;
}

Result<std::string> parse_path(std::string_view text) {
  if (text.find_first_of("?#") != text.npos)
    return bad("a path ends before ? and #; leave the rest out");
  if (text.contains('*')) return bad("a path covers all that is below it; leave out the *");
  const auto path = settled_path(text);
  if (!path || may_climb(*path)) return bad("the path \"" + std::string(text) + "\" is not usable");
  return *path == "/" ? "" : *path;
}

std::string_view without_last_dot(std::string_view host) {
  if (host.size() > 1 && host.ends_with('.')) host.remove_suffix(1);
  return host;
}

// As requests have it: lower case, punycode, without the last dot.
Result<std::string> settled_host(std::string_view host) {
  const bool v6 = host.contains(':');
  const bool plain = std::ranges::all_of(host, [](char c) {
    return static_cast<unsigned char>(c) >= 0x80 || is_digit(c) || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.' || c == ':';
  });
  const auto url =
      parse_url("http://" + (v6 ? "[" + std::string(host) + "]" : std::string(host)) + "/");
  if (host.empty() || !plain || !url)
    return bad("\"" + std::string(host) + "\" is neither a host's name nor an address");
  if (!is_usable_host(url->host))
    return bad("\"" + std::string(host) + "\" is neither a host's name nor an address");
  std::string settled(without_last_dot(url->host));
  return settled;
}

Status check_words(std::string_view text) {
  if (text.contains("{{")) return bad("{{…}} stands for nothing here; write the host itself");
  if (text == "insecure:allow-all")
    return bad("insecure:allow-all is not known; to open every global address write *://*:*");
  if (!text.contains("://"))
    return bad("the scheme is missing; write it as \"https://api.example.com\"");
  return {};
}

}  // namespace

bool is_usable_host(std::string_view host) {
  if (parse_ip(host)) return true;
  host = without_last_dot(host);
  constexpr std::size_t kNameBytesMax = 253, kLabelBytesMax = 63;
  if (host.empty() || host.size() > kNameBytesMax) return false;
  const auto labels = base::split(host, '.');
  for (const auto label : labels) {
    const bool plain = std::ranges::all_of(label, [](char c) {
      return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
    });
    if (!plain || label.empty() || label.size() > kLabelBytesMax) return false;
  }
  // What inet_aton reads as a number is no name, and here it is no address either.
  const auto last = labels.back();
  return !std::ranges::all_of(last, is_digit) &&
         !(last.starts_with("0x") && last.find_first_not_of("0123456789abcdef", 2) == last.npos);
}

Result<HostRule> parse_host_rule(std::string_view text) {
  constexpr std::size_t kRuleBytesMax = 4096;
  if (text.size() > kRuleBytesMax) return bad("it is longer than 4096 bytes");
  TRY(check_words(text));
  HostRule rule;
  if (const auto space = text.find(' '); space < text.find("://")) {
    rule.methods_ = TRY(parse_methods(text.substr(0, space)));
    text.remove_prefix(std::min(text.find_first_not_of(' ', space), text.size()));
  }
  const auto scheme_end = text.find("://");
  rule.scheme_ = TRY(parse_scheme(text.substr(0, scheme_end)));
  std::string_view rest = text.substr(scheme_end + 3);

  const bool bracketed = rest.starts_with('[');
  if (bracketed) rest.remove_prefix(1);
  const auto host = take_until(rest, bracketed ? "]" : ":/");
  if (bracketed && (rest.empty() || !host.contains(':')))
    return bad("what stands in [ ] is no IPv6 address");
  if (bracketed) rest.remove_prefix(1);
  if (host.contains('@')) return bad("a user name or password in it is not supported");
  const auto bits = parse_ip(host) ? take_prefix_bits(rest) : std::string_view();
  if (host == "self" || host == "self.alt")
    return bad("\"self\" stands for no host here; write the host itself");

  if (host == "*") {
    rule.kind_ = HostRule::Kind::any;
  } else if (!bits.empty()) {
    rule.kind_ = HostRule::Kind::network;
    auto network = parse_network(std::string(host) + std::string(bits));
    if (!network)
      return bad(network.error().message + "; a path behind an address stands behind its port");
    rule.network_ = *network;
  } else {
    const bool below = host.starts_with("*.");
    if (host.substr(below ? 2 : 0).contains('*'))
      return bad("* stands for a whole host, or at the front as *.example.com");
    rule.name_ = TRY(settled_host(host.substr(below ? 2 : 0)));
    const auto address = parse_ip(rule.name_);
    if (below && address) return bad("an address has nothing below it; write it without *.");
    rule.kind_ = below     ? HostRule::Kind::below
                 : address ? HostRule::Kind::address
                           : HostRule::Kind::name;
    if (address) rule.network_ = {*address, address->v4 ? 32 : 128};
  }

  if (rest.starts_with(':')) {
    rest.remove_prefix(1);
    const auto ports = TRY(parse_ports(take_until(rest, "/")));
    rule.port_first_ = ports.first;
    rule.port_last_ = ports.last;
  }
  if (!rest.empty() && !rest.starts_with('/'))
    return bad("\"" + std::string(rest) + "\" stands where a port or a path is wanted");
  if (!rest.empty()) rule.path_ = TRY(parse_path(rest));
  return rule;
}

bool HostRule::matches_host(const Destination& destination) const {
  const auto address = parse_ip(destination.host);
  const auto name = without_last_dot(destination.host);
  switch (kind_) {
    case Kind::any: return true;
    case Kind::name: return name == name_;
    case Kind::below:
      return !address && name.size() > name_.size() + 1 && name.ends_with(name_) &&
             name[name.size() - name_.size() - 1] == '.';
    case Kind::address:
    case Kind::network: return address && network_.holds(*address);
  }
  return false;
}

bool HostRule::matches_path(const std::string& path) const {
  if (path_.empty()) return true;
  if (GUARD("net.path-climbs", may_climb(path))) return false;
  if (!path.starts_with(path_)) return false;
  return path_.ends_with('/') || path.size() == path_.size() || path[path_.size()] == '/';
}

HostRule::Match HostRule::match(const Destination& destination) const {
  if (!scheme_.empty() && scheme_ != destination.scheme) return Match::no;
  const bool port_fits = port_first_ == 0
                             ? destination.port == default_port(destination.scheme)
                             : destination.port >= port_first_ && destination.port <= port_last_;
  if (!port_fits || !matches_host(destination)) return Match::no;
  if (!methods_.empty() && std::ranges::find(methods_, destination.method) == methods_.end())
    return Match::no;
  if (!matches_path(destination.path)) return Match::no;
  const bool exact = (kind_ == Kind::name || kind_ == Kind::address) && port_first_ == port_last_;
  return exact ? Match::exact : Match::yes;
}

bool HostRule::admits_literal(const Destination& destination) const {
  if (kind_ == Kind::address) return match(destination) == Match::exact;
  return kind_ == Kind::network && has_no_global(network_) && match(destination) != Match::no;
}

bool BlockedNetwork::blocks(const IpAddress& address) const {
  if (!network_) return class_of(address) != AddressClass::global;
  return network_->holds(address) ||
         std::ranges::any_of(embedded_ipv4(address),
                             [&](const IpAddress& inside) { return network_->holds(inside); });
}

Result<BlockedNetwork> parse_blocked_network(std::string_view text) {
  BlockedNetwork blocked;
  if (text == "private") return blocked;
  std::string plain(text);
  std::erase_if(plain, [](char c) { return c == '[' || c == ']'; });
  if (const auto one = parse_ip(plain)) {
    blocked.network_ = {*one, one->v4 ? 32 : 128};
  } else if (!text.contains('/')) {
    return bad("\"" + std::string(text.substr(0, 100)) +
               "\" is neither an address, nor a network as 10.0.0.0/8, nor \"private\"");
  } else {
    blocked.network_ = TRY(parse_network(plain));
  }
  // IPv4 addresses are meant, in whatever form.
  static const Network kMapped = *parse_network("::ffff:0:0/96");
  if (kMapped.holds(*blocked.network_))
    blocked.network_ = {embedded_ipv4(blocked.network_->first).front(),
                        blocked.network_->prefix_bits - 96};
  return blocked;
}

}  // namespace boxagnts::net
