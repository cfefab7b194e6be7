// Tags and the search for words: what is found, in which order, where it stops, and what files of
// version 2 become.
#include "base/json.h"
#include "store/schema.h"
#include "store/test_folder.h"

namespace boxagnts::store {
namespace {

using core::EventBody;

class StoreSessions : public testing::Test {
 protected:
  // Sessions change one after the other, so that the newest comes first.
  core::SessionId make(const std::string& title, std::vector<EventBody> said = {}) {
    clock_.advance(base::Milliseconds(1000));
    const auto id = store_->create_session(title).value();
    if (!said.empty()) {
      const auto lease = std::move(store_->acquire(id).value().lease);
      EXPECT_TRUE(store_->append(*lease, said));
    }
    return id;
  }
  static EventBody asks(const std::string& text) { return core::UserMessage{text}; }
  static EventBody says(const std::string& text) {
    return core::AssistantBlock{core::TextBlock{text}};
  }
  static EventBody reads(const std::string& text) {
    return core::ToolFinished{{.call_id = "c", .text = text}};
  }
  SessionPage find(const std::string& words, const std::string& tag = "") {
    return store_->find_sessions({words, tag}, 100, {}).value();
  }
  std::vector<std::string> titles(const SessionPage& page) {
    std::vector<std::string> titles;
    for (const auto& one : page.sessions) titles.push_back(one.info.title);
    return titles;
  }
  using Titles = std::vector<std::string>;

  TestFolder folder_;
  base::ManualClock clock_;
  std::unique_ptr<Store> store_ = Store::open(folder_.state(), clock_).value();
};

TEST_F(StoreSessions, TagsAreSortedOnceEachAndGoWithTheirSession) {
  const auto one = make("one"), two = make("two");
  ASSERT_TRUE(store_->change_session(one, {.title = {}, .tags = {{"b", "a", "b", "\xc3\xa4"}}}));
  ASSERT_TRUE(store_->change_session(two, {.title = "zwei", .tags = {{"b"}}}));
  EXPECT_EQ(store_->session(one)->tags, (Titles{"a", "b", "\xc3\xa4"}));
  EXPECT_EQ(store_->session(one)->title, "one");
  EXPECT_EQ(store_->session(two)->title, "zwei");
  EXPECT_EQ(store_->tags().value(), (std::vector<TagCount>{{"a", 1}, {"b", 2}, {"\xc3\xa4", 1}}));
  EXPECT_EQ(titles(find("", "b")), (Titles{"zwei", "one"}));
  EXPECT_EQ(titles(find("", "A")), Titles{}) << "exactly that tag";
  ASSERT_TRUE(store_->change_session(two, {.title = "2", .tags = {}}));
  EXPECT_EQ(store_->session(two)->tags, Titles{"b"}) << "what is not named stays";

  const auto fork = store_->fork_session(one, 0, "fork").value();
  EXPECT_EQ(store_->session(fork)->tags, (Titles{"a", "b", "\xc3\xa4"}));
  ASSERT_TRUE(store_->change_session(fork, {.title = {}, .tags = Titles{}}));
  ASSERT_TRUE(store_->delete_session(one));
  EXPECT_EQ(store_->tags().value(), (std::vector<TagCount>{{"b", 1}}));
}

TEST_F(StoreSessions, WhatIsNoTagIsRefusedWhole) {
  const auto one = make("one");
  std::string longest, too_long;
  for (int i = 0; i < 40; ++i) longest += "\xc3\xa4";
  too_long = longest + "x";
  Titles many;
  for (int i = 0; i < 21; ++i) many.push_back("t" + std::to_string(i));
  for (const auto& wrong :
       {Titles{""}, Titles{" "}, Titles{"ok", " a"}, Titles{"a "}, Titles{"a\nb"}, Titles{"a\tb"},
        Titles{"\xff"}, Titles{"a\x1b[2J"}, Titles{"\x7f"}, Titles{too_long}, many}) {
    const auto changed = store_->change_session(one, {.title = "two", .tags = wrong});
    EXPECT_EQ(code_of(changed), Code::invalid_argument) << wrong.back();
  }
  EXPECT_EQ(store_->session(one)->title, "one");
  EXPECT_TRUE(store_->change_session(one, {.title = {}, .tags = Titles{longest, "two words"}}));
  many.pop_back();
  EXPECT_TRUE(store_->change_session(one, {.title = {}, .tags = many}));
  EXPECT_EQ(code_of(store_->change_session({"none"}, {.title = {}, .tags = many})),
            Code::not_found);
}

TEST_F(StoreSessions, AllWordsAreFoundWhereverTheyWereSaidInAnyCase) {
  make("Parser", {asks("Fix the TOKENIZER\nin the middle"), says("stra\xc3\x9f"
                                                                 "e")});
  const auto tagged = make("Other", {reads("tokenizer of a tool's result")});
  ASSERT_TRUE(store_->change_session(tagged, {.title = {}, .tags = {{"Blue moon"}}}));
  make("quiet", {core::AssistantBlock{core::ThinkingBlock{"tokenizer", ""}},
                 core::BriefSent{"A brief word", "normal", {}}});
  const struct {
    const char* words;
    Titles titles;
    std::int64_t number;  // of what was found; 0: by its name
    const char* line;
  } rows[] = {
      {"", {"quiet", "Other", "Parser"}, 0, ""},
      {"  ", {"quiet", "Other", "Parser"}, 0, ""},
      {"parser", {"Parser"}, 0, ""},
      {"tokenizer", {"Parser"}, 1, "Fix the TOKENIZER"},
      {"MIDDLE parser", {"Parser"}, 1, "in the middle"},
      {"middle nowhere", {}, 0, ""},
      {"STRASSE",
       {"Parser"},
       2,
       "stra\xc3\x9f"
       "e"},
      {"moon BLUE other", {"Other"}, 0, ""},
      {"brief", {"quiet"}, 2, "A brief word"},
      {"result", {}, 0, ""},  // of a tool: not said by anybody
      {"kind", {}, 0, ""},    // of the stored form
      {"\\n", {}, 0, ""},
  };
  for (const auto& row : rows) {
    const auto page = find(row.words);
    EXPECT_EQ(titles(page), row.titles) << row.words;
    EXPECT_TRUE(page.complete);
    EXPECT_FALSE(page.next);
    if (page.sessions.size() != 1) continue;
    const auto& found = page.sessions[0].found;
    EXPECT_EQ(found ? found->number : 0, row.number) << row.words;
    EXPECT_EQ(found ? found->text : "", row.line) << row.words;
  }
  EXPECT_EQ(titles(find("moon", "Blue moon")), Titles{"Other"});
  EXPECT_EQ(titles(find("parser", "Blue moon")), Titles{});
}

TEST_F(StoreSessions, ALongLineIsShownAroundTheWord) {
  make("one", {says(std::string(500, 'a') + " needle " + std::string(500, 'b'))});
  const auto text = find("NEEDLE").sessions.at(0).found->text;
  EXPECT_TRUE(text.starts_with("\xe2\x80\xa6" + std::string(59, 'a') + " needle bbb")) << text;
  EXPECT_LT(text.size(), 200u);
}

TEST_F(StoreSessions, PagesGoOnWhereTheLastOneEnded) {
  for (int i = 0; i < 7; ++i) make("session " + std::to_string(i), {asks("word")});
  make("another");
  for (const char* words : {"word", "session"}) {
    Titles all;
    std::optional<SessionCursor> at;
    do {
      const auto page = store_->find_sessions({words, ""}, 2, at).value();
      EXPECT_LE(page.sessions.size(), 2u);
      for (auto& title : titles(page)) all.push_back(std::move(title));
      at = page.next;
    } while (at);
    EXPECT_EQ(all, (Titles{"session 6", "session 5", "session 4", "session 3", "session 2",
                           "session 1", "session 0"}));
  }
}

// One search looks at 32 MiB at most; what it has not looked at it does not call searched.
TEST_F(StoreSessions, ASearchThatIsCutSaysSoAndGoesOn) {
  make("oldest", {asks("needle")});
  const std::string large(12 << 20, 'x');
  make("too large for one search", {says(large), says(large), says(large), says("needle")});
  make("large", {says(large), says(large), says("needle")});
  make("newest", {asks("needle")});
  Titles all;
  std::vector<bool> complete;
  std::optional<SessionCursor> at;
  do {
    const auto page = store_->find_sessions({"needle", ""}, 100, at).value();
    for (auto& title : titles(page)) all.push_back(std::move(title));
    complete.push_back(page.complete);
    at = page.next;
  } while (at);
  EXPECT_EQ(all, (Titles{"newest", "large", "oldest"}));
  EXPECT_EQ(complete, (std::vector<bool>{false, false, true}));
}

TEST_F(StoreSessions, QuestionsAndTheLiveRunAreTold) {
  const auto id = make("one");
  EXPECT_EQ(store_->session(id)->waiting, 0);
  EXPECT_FALSE(store_->session(id)->run);
  const auto lease = std::move(store_->acquire(id).value().lease);
  const EventBody asked[]{core::ApprovalAsked{{.id = {"q1"}, .question = "?"}},
                          core::ApprovalAsked{{.id = {"q2"}, .question = "?"}}};
  ASSERT_TRUE(store_->append(*lease, asked));
  for (const auto& info : {store_->session(id).value(), store_->sessions(1, {})->at(0)}) {
    EXPECT_EQ(info.waiting, 2);
    EXPECT_EQ(info.run, lease->run());
    EXPECT_TRUE(info.running);
  }
}

// --- files of version 2 ------------------------------------------------------------------------

constexpr Sql kVersion2Rows = R"sql(
INSERT INTO sessions VALUES (1,'s1','a',1,5,2,1,1,''), (2,'s2','b',1,4,0,0,NULL,'');
INSERT INTO runs VALUES (1,'r1',1,1,'ended',7,1,2);
INSERT INTO events VALUES
 (1,1,1,1,1,'{"v":1,"kind":"user_message","text":"an old word"}'),
 (2,1,2,1,1,'{"v":1,"kind":"turn_retried","attempt":1}');
)sql";

TEST_F(StoreSessions, OfVersion2CanBeTaggedAndSearched) {
  const TestFolder old;
  std::filesystem::create_directory(old.state());
  {
    Raw raw(old.database());
    raw.execute("PRAGMA journal_mode=WAL");
    ASSERT_TRUE(migrate(*raw.connection, raw.health, migrations().first(2)));
    raw.execute(kVersion2Rows);
  }
  const auto store = Store::open(old.state(), clock_).value();
  EXPECT_EQ(Raw(old.database()).connection->number("PRAGMA user_version").value(), 3);
  const auto page = store->find_sessions({"OLD", ""}, 10, {}).value();
  ASSERT_EQ(page.sessions.size(), 1u);
  EXPECT_EQ(page.sessions[0].found->text, "an old word");
  ASSERT_TRUE(store->change_session({"s2"}, {.title = {}, .tags = {{"t"}}}));
  EXPECT_EQ(store->session({"s2"})->tags, Titles{"t"});
  EXPECT_EQ(store->read({"s1"}, 0, 10)->size(), 2u);
}

}  // namespace
}  // namespace boxagnts::store
