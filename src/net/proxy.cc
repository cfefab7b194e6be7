#include "net/proxy.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/text.h"
#include "net/address.h"
#include "net/resolver.h"

namespace boxagnts::net {
namespace {

constexpr std::size_t kAnswerMax = 16 << 10;

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr ==
            text.data() + i + 3) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

struct Scheme {
  std::string_view name;
  Proxy::Kind kind;
  std::uint16_t port;
};
constexpr Scheme kSchemes[] = {{"http", Proxy::Kind::http, 80},
                               {"https", Proxy::Kind::https, 443},
                               {"socks5", Proxy::Kind::socks5, 1080},
                               {"socks5h", Proxy::Kind::socks5h, 1080}};

struct NoProxyEntry {
  std::string_view host;
  std::optional<int> port;
};

// "[::1]:80", "host:80", "::1", "10.0.0.0/8", ".name".
NoProxyEntry no_proxy_entry(std::string_view text) {
  NoProxyEntry entry{text, {}};
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return {{}, {}};
    entry.host = text.substr(1, end - 1);
    if (end + 1 < text.size() && text[end + 1] == ':') port = text.substr(end + 2);
  } else if (std::ranges::count(text, ':') == 1) {
    entry.host = text.substr(0, text.find(':'));
    port = text.substr(text.find(':') + 1);
  }
  if (port.empty()) return entry;
  int value = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), value);
  if (error != std::errc() || end != port.data() + port.size()) return {{}, {}};
  entry.port = value;
  return entry;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

bool covers(std::string_view text, const Url& url) {
  if (text == "*") return true;
  const auto entry = no_proxy_entry(text);
  if (entry.host.empty() || (entry.port && *entry.port != url.port)) return false;
  const auto target = parse_ip(url.host);
  if (const auto address = parse_ip(entry.host)) return target == address;
  if (const auto network = parse_network(entry.host)) return target && network->holds(*target);
  if (target) return false;
  std::string name = lower(entry.host);
  if (name.starts_with("*.")) name.erase(0, 1);
  const bool below_only = name.starts_with('.');
  if (below_only) name.erase(0, 1);
  std::string_view host = url.host;
  if (host.ends_with('.')) host.remove_suffix(1);
  return host == name || (host.size() > name.size() && host.ends_with(name) &&
                          host[host.size() - name.size() - 1] == '.');
}

bool is_of_this_machine_by_name(const std::string& host) {
  if (is_local_name(host)) return true;
  const auto literal = parse_ip(host);
  return literal && class_of(*literal) == AddressClass::loopback;
}

// Status code of "HTTP/1.1 200 …", or 0.
int status_of(std::string_view head) {
  int status = 0;
  if (head.starts_with("HTTP/1.") && head.size() > 12 && head[8] == ' ')
    std::from_chars(head.data() + 9, head.data() + 12, status);
  return status;
}

std::string_view socks_reason(unsigned char reply) {
  constexpr std::string_view kReasons[] = {"",
                                           "it failed",
                                           "its rules forbid it",
                                           "the network cannot be reached",
                                           "the host cannot be reached",
                                           "the connection was refused",
                                           "it took too long",
                                           "it does not know the command",
                                           "it does not know that kind of address"};
  return reply < std::size(kReasons) ? kReasons[reply] : "for a reason of its own";
}

}  // namespace

std::string Proxy::named() const {
  return "the proxy " + (host.contains(':') ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string Proxy::key() const {
  return std::to_string(static_cast<int>(kind)) + " " + host + " " + std::to_string(port) + " " +
         base::base64(user) + ":" + base::base64(password);
}

std::string Proxy::authorization() const {
  return user.empty() && password.empty() ? "" : "Basic " + base::base64(user + ":" + password);
}

Result<Proxy> parse_proxy(std::string_view text, const std::string& where) {
  const auto bad = [&](std::string_view why) {
    return fail(Code::invalid_argument, where + " names no proxy: " + std::string(why) +
                                            "; write http://, https://, socks5:// or "
                                            "socks5h://HOST:PORT");
  };
  const auto scheme_end = text.find("://");
  const std::string scheme =
      scheme_end == std::string_view::npos ? "http" : lower(text.substr(0, scheme_end));
  if (scheme_end != std::string_view::npos) text.remove_prefix(scheme_end + 3);
  const auto* known = std::ranges::find(kSchemes, scheme, &Scheme::name);
  if (known == std::end(kSchemes)) return bad("its scheme is not known");
  text = text.substr(0, text.find_first_of("/?#"));
  Proxy proxy{.kind = known->kind};
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    const auto user = text.substr(0, at);
    const auto colon = std::min(user.find(':'), user.size());
    proxy.user = percent_decoded(user.substr(0, colon));
    proxy.password = percent_decoded(user.substr(std::min(colon + 1, user.size())));
    text.remove_prefix(at + 1);
  }
  if (proxy.user.size() > 255 || proxy.password.size() > 255)
    return bad("its user or password has more than 255 bytes");
  const bool has_port = text.find(':', std::min(text.rfind(']'), text.size())) != text.npos ||
                        (!text.starts_with('[') && text.contains(':'));
  const auto url = parse_url("http://" + std::string(text));
  if (!url || !is_usable_host(url->host)) return bad("its host or port cannot be read");
  proxy.host = url->host;
  proxy.port = has_port ? url->port : known->port;
  return proxy;
}

bool is_direct(std::string_view no_proxy, const Url& url) {
  while (!no_proxy.empty()) {
    const auto end = std::min(no_proxy.find_first_of(", \t"), no_proxy.size());
    if (end > 0 && covers(no_proxy.substr(0, end), url)) return true;
    no_proxy.remove_prefix(std::min(end + 1, no_proxy.size()));
  }
  return false;
}

ProxyRules::ProxyRules(Environment environment, std::optional<std::string> setting)
    : environment_(std::move(environment)), setting_(std::move(setting)) {}

Result<std::optional<Proxy>> ProxyRules::proxy_for(const Url& url) const {
  if (is_of_this_machine_by_name(url.host)) return std::nullopt;
  const auto variable =
      [&](std::initializer_list<const char*> names) -> std::pair<std::string, std::string> {
    for (const char* name : names)
      if (auto value = environment_ ? environment_(name) : std::string(); !value.empty())
        return {name, value};
    return {};
  };
  if (is_direct(variable({"no_proxy", "NO_PROXY"}).second, url)) return std::nullopt;
  if (setting_) {
    if (*setting_ == "none" || setting_->empty()) return std::nullopt;
    return TRY(parse_proxy(*setting_, "the setting proxy"));
  }
  const auto [name, value] =
      url.scheme == "http" ? variable({"http_proxy", "all_proxy", "ALL_PROXY"})
                           : variable({"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"});
  if (value.empty()) return std::nullopt;
  return TRY(parse_proxy(value, "the variable " + name));
}

Status connect_by_http(ClientTransport& proxy_connection, const Proxy& proxy, const Url& url,
                       const Deadline& deadline, Waiter& waiter) {
  const std::string target =
      (url.host.contains(':') ? "[" + url.host + "]" : url.host) + ":" + std::to_string(url.port);
  std::string request = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n";
  if (const auto authorization = proxy.authorization(); !authorization.empty())
    request += "Proxy-Authorization: " + authorization + "\r\n";
  TRY(write_all(proxy_connection, request + "\r\n", deadline, waiter));
  std::string answer;
  std::size_t end = std::string::npos;
  while ((end = answer.find("\r\n\r\n")) == std::string::npos) {
    if (answer.size() > kAnswerMax)
      return fail(Code::unavailable, proxy.named() + " answers with more than 16 KiB");
    char bytes[4096];
    const auto got = TRY(read_some(proxy_connection, bytes, deadline, waiter));
    answer.append(bytes, got);
  }
  const int status = status_of(answer);
  if (status == 407)
    return fail(Code::permission_denied,
                proxy.named() + " wants a user and a password, or others than it was given");
  if (status < 200 || status > 299)
    return fail(Code::unavailable, proxy.named() + " does not connect to " + target + ": " +
                                       (status == 0 ? "it is no HTTP proxy"
                                                    : "it answered " + std::to_string(status)));
  if (end + 4 != answer.size())
    return fail(Code::unavailable, proxy.named() + " says more than it was asked");
  return {};
}

namespace {

Status read_exactly(ClientTransport& transport, std::string& into, std::size_t size,
                    const Deadline& deadline, Waiter& waiter) {
  into.resize(size);
  for (std::size_t at = 0; at < size;)
    at += TRY(read_some(transport, std::span(into).subspan(at), deadline, waiter));
  return {};
}

Status log_in_to_socks5(ClientTransport& transport, const Proxy& proxy, const Deadline& deadline,
                        Waiter& waiter) {
  const bool has_user = !proxy.user.empty();
  TRY(write_all(transport,
                has_user ? std::string("\x05\x02\x00\x02", 4) : std::string("\x05\x01\x00", 3),
                deadline, waiter));
  std::string answer;
  TRY(read_exactly(transport, answer, 2, deadline, waiter));
  if (answer[0] != 5) return fail(Code::unavailable, proxy.named() + " does not speak SOCKS 5");
  if (answer[1] == 0) return {};
  if (answer[1] != 2 || !has_user)
    return fail(Code::permission_denied, proxy.named() + " wants a user and a password");
  TRY(write_all(transport,
                std::string("\x01") + static_cast<char>(proxy.user.size()) + proxy.user +
                    static_cast<char>(proxy.password.size()) + proxy.password,
                deadline, waiter));
  TRY(read_exactly(transport, answer, 2, deadline, waiter));
  if (answer[1] != 0)
    return fail(Code::permission_denied, proxy.named() + " does not take this user and password");
  return {};
}

}  // namespace

Status connect_by_socks5(ClientTransport& proxy_connection, const Proxy& proxy,
                         const std::string& host, std::uint16_t port, const Deadline& deadline,
                         Waiter& waiter) {
  TRY(log_in_to_socks5(proxy_connection, proxy, deadline, waiter));
  std::string request("\x05\x01\x00", 3);
  if (const auto address = parse_ip(host)) {
    request += address->v4 ? '\x01' : '\x04';
    request.append(reinterpret_cast<const char*>(address->bytes.data()), address->v4 ? 4 : 16);
  } else if (host.size() <= 255) {
    request += '\x03';
    request += static_cast<char>(host.size());
    request += host;
  } else {
    return fail(Code::invalid_argument, "the host's name is longer than SOCKS 5 can say");
  }
  request += static_cast<char>(port >> 8);
  request += static_cast<char>(port & 0xff);
  TRY(write_all(proxy_connection, request, deadline, waiter));
  std::string answer;
  TRY(read_exactly(proxy_connection, answer, 4, deadline, waiter));
  if (answer[0] != 5 || answer[1] != 0)
    return fail(Code::unavailable,
                proxy.named() + " does not connect to " + host + ":" + std::to_string(port) + ": " +
                    std::string(socks_reason(static_cast<unsigned char>(answer[1]))));
  // The address it connects from, which nobody needs.
  std::string rest;
  std::size_t size = answer[3] == 1 ? 4 : 16;
  if (answer[3] == 3) {
    TRY(read_exactly(proxy_connection, rest, 1, deadline, waiter));
    size = static_cast<unsigned char>(rest[0]);
  }
  return read_exactly(proxy_connection, rest, size + 2, deadline, waiter);
}

}  // namespace boxagnts::net
