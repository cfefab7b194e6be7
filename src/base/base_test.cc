// Values and functions of `base`, each with the inputs that break naive versions.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <limits>
#include <thread>

#include "base/channel.h"
#include "base/compression.h"
#include "base/config.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/id.h"
#include "base/json.h"
#include "base/text.h"
#include "base/thread.h"
#include "base/time.h"

namespace boxagnts::base {
namespace {

using namespace std::string_literals;

TEST(Text, FoldingComparesInAnyLetterCase) {
  EXPECT_EQ(fold_case("Gr\xc3\xbc\xc3\x9f\x45 A"), "gr\xc3\xbcsse a");
  EXPECT_EQ(fold_case("\xc3\x84"), fold_case("a\xcc\x88")) << "composed or not";
  EXPECT_EQ(fold_case("A\xff"), "a\xff");
  EXPECT_EQ(fold_case(""), "");
}

TEST(Text, Base64ComesBackAndWhatIsNoneIsRefused) {
  for (const std::string bytes : {std::string(), std::string("a"), std::string("ab"),
                                  std::string("abc"), std::string("\0\xff\0", 3)})
    EXPECT_EQ(from_base64(base64(bytes)).value(), bytes);
  for (const auto* wrong : {"YQ", "YQ=", "YQ==\n", "Y Q=", "Y===", "YR==", "_-==", "YQ==YQ=="})
    EXPECT_EQ(from_base64(wrong).error().code, Code::invalid_argument) << wrong;
}

TEST(Error, EveryCodeHasARowAndANameThatFindsItAgain) {
  for (int i = 0; i <= static_cast<int>(Code::internal); ++i) {
    const auto code = static_cast<Code>(i);
    EXPECT_EQ(info(code).code, code);
    EXPECT_EQ(code_from_name(info(code).name), code);
    EXPECT_GT(info(code).exit_code, 0) << info(code).name;
  }
  EXPECT_EQ(code_from_name("nonsense"), std::nullopt);
}

TEST(Error, TryReturnsTheErrorAndUnwrapsTheValue) {
  const auto twice = [](Result<int> number) -> Result<int> { return 2 * TRY(std::move(number)); };
  EXPECT_EQ(twice(21).value(), 42);
  EXPECT_EQ(twice(fail(Code::busy, "later")).error().message, "later");
}

TEST(Error, ErrnoTextIsPartOfTheSentence) {
  const Status status = fail_errno(ENOENT, "cannot open x");
  EXPECT_EQ(status.error().code, Code::not_found);
  EXPECT_EQ(status.error().message, "cannot open x: No such file or directory");
}

TEST(Compression, ComesBackAsItWas) {
  for (const std::string& bytes : {std::string(), std::string("x"), std::string(1 << 20, 'a')}) {
    const std::string small = compress(bytes);
    EXPECT_TRUE(is_compressed(small));
    EXPECT_EQ(expand(small).value(), bytes);
  }
  EXPECT_LT(compress(std::string(1 << 20, 'a')).size(), 1000u);
}

TEST(Compression, DamageIsFound) {
  std::string small = compress("some bytes, and some bytes, and some bytes");
  EXPECT_EQ(expand(small.substr(0, small.size() - 3)).error().code, Code::corrupt);
  EXPECT_EQ(expand("").error().code, Code::corrupt);
  EXPECT_FALSE(
      is_compressed("\x7f"
                    "ELF"));
}

TEST(Json, EveryByteIsWrittenRightAtEveryPlace) {
  for (int byte = 0; byte < 256; ++byte)
    for (std::size_t at = 0; at < 17; ++at) {
      std::string text = "plain text of 17b";
      text[at] = static_cast<char>(byte);
      std::string quoted;
      append_quoted(text, quoted);
      for (const char c : quoted) ASSERT_GE(static_cast<unsigned char>(c), 0x20) << byte;
      ASSERT_EQ(parse_json(quoted).value().as_string(), repair_utf8(text)) << byte << " " << at;
    }
}

TEST(Json, WritesWhatJsonAllows) {
  EXPECT_EQ(to_text({{"a", 0.7}, {"b", {1, -2, true, nullptr}}}),
            R"({"a":0.7,"b":[1,-2,true,null]})");
  EXPECT_EQ(to_text(Json(std::numeric_limits<double>::infinity())), "null");
  EXPECT_EQ(to_text(Json("q\"\\\n\x01\x7f")), "\"q\\\"\\\\\\n\\u0001\\u007f\"");
  EXPECT_EQ(to_text(Json("a\xff"
                         "b")),
            "\"a\xef\xbf\xbd"
            "b\"");
}

TEST(Json, RoundTripsNumbersExactly) {
  for (const auto* text : {"0.1", "1e+300", "123456789012345678", "18446744073709551615", "-0.5"})
    EXPECT_EQ(to_text(*parse_json(to_text(*parse_json(text)))), to_text(*parse_json(text))) << text;
}

TEST(Json, RefusesWithThePlace) {
  for (const auto& text : {""s, "{"s, "[1,]"s, "{\"a\":1} x"s, "\"\xff\""s, "nul"s, "01"s})
    EXPECT_EQ(parse_json(text).error().code, Code::invalid_argument) << text;
  EXPECT_FALSE(parse_json(std::string(100'000, '[')));
  EXPECT_TRUE(parse_json(" {\"a\": [1]} \n"));
}

TEST(Text, Utf8IsCheckedByTheStandardsTable) {
  EXPECT_TRUE(is_utf8("aé€😀"));
  for (const auto& bad : {"\x80"s, "\xc0\xaf"s, "\xe0\x80\x80"s, "\xed\xa0\x80"s,
                          "\xf4\x90\x80\x80"s, "\xe2\x82"s, "\xff"s}) {
    EXPECT_FALSE(is_utf8(bad));
    EXPECT_TRUE(is_utf8(repair_utf8(bad)));
  }
}

TEST(Text, CutsNeverPartACharacter) {
  const std::string text = "a€b😀c";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    EXPECT_TRUE(is_utf8(prefix_at_character(text, size))) << size;
    EXPECT_TRUE(is_utf8(suffix_at_character(text, size))) << size;
    EXPECT_LE(prefix_at_character(text, size).size(), size);
    EXPECT_LE(suffix_at_character(text, size).size(), size);
  }
}

TEST(Text, TerminalSafeLeavesNothingThatSteers) {
  EXPECT_EQ(terminal_safe("a\x1b[31mb\r\b\x7f"), "a\\x1b[31mb\\x0d\\x08\\x7f");
  EXPECT_EQ(terminal_safe("\u009b2J\u202e"), "\\x9b2J\\u202e");
  EXPECT_EQ(terminal_safe("\xff"), "\\xff");
  EXPECT_EQ(terminal_safe("tab\tline\né"), "tab\tline\né");
}

TEST(Text, OneLineKeepsToItsColumns) {
  EXPECT_EQ(one_line("short", 10), "short");
  EXPECT_EQ(one_line("a\nb\tc", 10), "a b c");
  EXPECT_EQ(one_line("日本語日本語", 7), "日本語…");
  EXPECT_LE(display_width(one_line(std::string(1000, 'x'), 20)), 20u);
}

TEST(Text, NearestNameOffersOnlyWhatWasMeant) {
  const std::vector<std::string_view> names{"file_path", "offset", "limit"};
  EXPECT_EQ(nearest_name("filepath", names), "file_path");
  EXPECT_EQ(nearest_name("ofset", names), "offset");
  EXPECT_EQ(nearest_name("rnu", std::vector<std::string_view>{"list", "run"}), "run");
  EXPECT_EQ(nearest_name("zzzzzz", names), "");
}

TEST(Text, HumanNumbers) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64(std::string_view("\0\xff\x10", 3)), "AP8Q");
  EXPECT_EQ(human_bytes(999), "999 bytes");
  EXPECT_EQ(human_bytes(1500), "1.5 KB");
  EXPECT_EQ(human_bytes(999'999), "1.0 MB");
  EXPECT_EQ(human_duration_ms(999), "999 ms");
  EXPECT_EQ(human_duration_ms(12'340), "12.3 s");
  EXPECT_EQ(human_duration_ms(245'000), "4 min 05 s");
}

TEST(Time, ManualClockWakesWaitersAtTheirDeadline) {
  ManualClock clock;
  const Steady deadline = clock.steady() + Milliseconds(100);
  std::jthread mover([&] { clock.advance(Milliseconds(100)); });
  EXPECT_TRUE(clock.sleep_until(deadline, {}));
}

TEST(Time, StopEndsAWait) {
  SystemClock clock;
  std::stop_source source;
  std::jthread stopper([&] { source.request_stop(); });
  EXPECT_FALSE(clock.sleep_until(clock.steady() + std::chrono::hours(1), source.get_token()));
}

TEST(Time, Iso8601) { EXPECT_EQ(iso8601(1'700'000'000'123'456), "2023-11-14T22:13:20.123Z"); }

TEST(Id, UlidsSortByTimeAndPassTheirOwnCheck) {
  const auto early = new_ulid(1'000'000'000'000'000), late = new_ulid(1'000'000'000'001'000);
  EXPECT_EQ(early.size(), 26u);
  EXPECT_LT(early, late);
  EXPECT_TRUE(is_id_text(early));
  EXPECT_NE(new_ulid(1), new_ulid(1));
}

TEST(Id, OutsideTextIsRefusedUnlessItIsSafeAsAFileName) {
  using AnyId = Id<struct AnyTag>;
  for (const auto& bad : {""s, "../x"s, "a/b"s, "a\0b"s, ".hidden"s, std::string(65, 'a'), "ü"s})
    EXPECT_FALSE(AnyId::parse(bad)) << bad;
  EXPECT_TRUE(AnyId::parse("Ab-9_"));
}

TEST(Hash, Blake2b256) {  // RFC 7693 gives no 256-bit vector; this is b2sum -l 256 of "abc"
  EXPECT_EQ(blake2b_hex("abc"), "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

TEST(Channel, BoundedAndInOrder) {
  Channel<int> channel(2);
  std::jthread sender([&](std::stop_token stop) {
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(channel.send(i, stop));
    channel.close();
  });
  for (int i = 0; i < 100; ++i) EXPECT_EQ(channel.receive({}), i);
  EXPECT_EQ(channel.receive({}), std::nullopt);
  EXPECT_FALSE(channel.send(1, {}));
}

TEST(Thread, RunsWithTheStackItWasGiven) {
  std::size_t size = 0;
  {
    auto thread = Thread::start("a-name-that-is-too-long", 3 << 20, [&] {
      pthread_attr_t attributes;
      pthread_getattr_np(pthread_self(), &attributes);
      pthread_attr_getstacksize(&attributes, &size);
      pthread_attr_destroy(&attributes);
    });
    ASSERT_TRUE(thread);
  }
  EXPECT_GE(size, std::size_t{3} << 20);
}

TEST(File, AtomicWriteReplacesWholeAndReadSaysWhatIsWrong) {
  char folder[] = "/tmp/base_test.XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string path = std::string(folder) + "/f";
  ASSERT_TRUE(write_file_atomically(path, "one"));
  ASSERT_TRUE(write_file_atomically(path, "two", 0640));
  EXPECT_EQ(read_file(path).value(), "two");
  struct stat status;
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
  EXPECT_EQ(read_file(path, 2).error().code, Code::limit_exceeded);
  EXPECT_EQ(read_file(folder).error().code, Code::invalid_argument);
  EXPECT_EQ(read_file(path + "x").error().code, Code::not_found);
  EXPECT_FALSE(write_file_atomically(std::string(folder) + "/no/f", "x"));
  ::unlink(path.c_str());
  EXPECT_EQ(::rmdir(folder), 0) << "a temporary file was left";
}

std::unique_ptr<ConfigNode> node(std::string path, int line, ConfigNode::Value value) {
  return std::make_unique<ConfigNode>(std::move(path), "config.toml", line, std::move(value));
}

TEST(Config, UnknownKeysAreNamedWithFileLineAndTheNearestKnownOne) {
  ConfigNode::Table agent;
  agent["turn_max"] = node("agent.turn_max", 3, std::int64_t{5});
  ConfigNode::Table root;
  root["agent"] = node("agent", 2, std::move(agent));
  const ConfigNode config("", "config.toml", 1, std::move(root));
  const auto* section = config.table("agent").value();
  EXPECT_EQ(section->integer("turns_max", 1, 100).value(), std::nullopt);
  EXPECT_EQ(config.check_all_used().error().message,
            "config.toml:3: unknown key \"agent.turn_max\"; did you mean \"turns_max\"?");
}

TEST(Config, WrongTypesAndRangesAreSentences) {
  ConfigNode::Table root;
  root["n"] = node("n", 7, "text"s);
  root["big"] = node("big", 8, std::int64_t{1000});
  const ConfigNode config("", "config.toml", 1, std::move(root));
  EXPECT_EQ(config.integer("n", 0, 9).error().message,
            "config.toml:7: n takes a whole number from 0 to 9; correct the value");
  EXPECT_FALSE(config.integer("big", 0, 9));
  EXPECT_FALSE(config.boolean("n"));
  EXPECT_FALSE(config.strings("n"));
  EXPECT_FALSE(config.table("n"));
  EXPECT_EQ(config.string("n").value(), "text");
  EXPECT_TRUE(config.check_all_used());
}

TEST(Config, OneTreeLiesOverAnotherKeyByKey) {
  const auto tree = [](int line, std::int64_t shared, const char* own) {
    ConfigNode::Table agent, root;
    agent["shared"] = node("agent.shared", line, shared);
    agent[own] = node(std::string("agent.") + own, line + 1, true);
    root["agent"] = node("agent", line, std::move(agent));
    root[own] = node(own, line + 2, "text"s);
    return node("", 1, std::move(root));
  };
  auto below = tree(10, 1, "below");
  below->lay_over(tree(20, 2, "above"));
  EXPECT_EQ(to_text(below->to_json()),
            R"({"above":"text","agent":{"above":true,"below":true,"shared":2},"below":"text"})");
  EXPECT_EQ(below->at("agent.shared")->where(), "config.toml:20");
  EXPECT_EQ(below->at("agent.below")->where(), "config.toml:11");
  EXPECT_EQ(below->at("agent.none"), nullptr);
  EXPECT_EQ(below->at("below.none"), nullptr);
  EXPECT_EQ(below->at(""), below.get());
  EXPECT_FALSE(below->check_all_used()) << "looking is not reading";
  ConfigNode::Table other;
  other["agent"] = node("agent", 30, std::int64_t{1});
  below->lay_over(node("", 1, std::move(other)));
  EXPECT_EQ(below->at("agent")->where(), "config.toml:30") << "a value in place of a table";
  EXPECT_NE(below->take("agent"), nullptr);
  EXPECT_EQ(below->take("agent"), nullptr);
}

}  // namespace
}  // namespace boxagnts::base
