// Lists of sessions: their pages, tags, and the search for words.
#include <algorithm>
#include <boost/json.hpp>

#include "base/guard.h"
#include "base/json.h"
#include "base/text.h"
#include "store/sqlite_store.h"

namespace boxagnts::store {
namespace {

constexpr std::int64_t kPage = 200;  // sessions looked through at once
constexpr std::int64_t kTextsAtOnce = 64;

// What one search may look at before it stops and says so.
struct Budget {
  std::int64_t texts = 50'000;  // a session counts as one
  std::int64_t bytes = 32 << 20;
  void spend(std::size_t size) {
    --texts;
    bytes -= static_cast<std::int64_t>(size);
  }
  bool is_spent() const { return texts <= 0 || bytes <= 0; }
};

std::vector<std::string> words_of(std::string_view query) {
  std::vector<std::string> words;
  const std::string folded = base::fold_case(query);
  for (std::size_t at = 0; at < folded.size();) {
    const auto begin = folded.find_first_not_of(" \t\r\n", at);
    if (begin == folded.npos) break;
    at = std::min(folded.find_first_of(" \t\r\n", begin), folded.size());
    auto word = folded.substr(begin, at - begin);
    if (std::ranges::find(words, word) == words.end()) words.push_back(std::move(word));
  }
  return words;
}

// The line that holds the word, cut to what a list shows.
std::string line_around(std::string_view text, const std::string& word) {
  constexpr std::size_t kColumns = 160, kBefore = 60;
  for (const auto line : base::split(text, '\n')) {
    const auto folded = base::fold_case(line);
    const auto at = folded.find(word);
    if (at == folded.npos) continue;
    // Where folding changed lengths the place is not known; then it is the line's beginning.
    if (at <= kBefore || folded.size() != line.size()) return base::one_line(line, kColumns);
    return "…" + base::one_line(base::suffix_at_character(line, line.size() - at + kBefore),
                                kColumns - 1);
  }
  return base::one_line(text, kColumns);
}

// What was said in an event of the index events_said; "" of one that makes no sense.
std::string said_in(std::string_view body) {
  const auto json = base::parse_json(body);
  if (!json) return {};
  const auto* block = base::find(*json, "block");
  return std::string(base::get_string(block ? *block : *json, "text").value_or(""));
}

bool is_control(unsigned char byte) { return byte < 0x20 || byte == 0x7f; }

Result<std::vector<std::string>> checked(std::vector<std::string> tags) {
  for (const auto& tag : tags) {
    const auto characters = std::ranges::count_if(tag, [](char c) { return (c & 0xc0) != 0x80; });
    if (characters < 1 || characters > kTagCharactersMax || !base::is_utf8(tag) ||
        tag.starts_with(' ') || tag.ends_with(' ') || std::ranges::any_of(tag, is_control))
      return fail(Code::invalid_argument, "\"" + base::one_line(tag, 60) +
                                              "\" is no tag: 1 to 40 characters on one line, "
                                              "without spaces around them");
  }
  std::ranges::sort(tags);
  tags.erase(std::ranges::unique(tags).begin(), tags.end());
  if (tags.size() > kTagsMax)
    return fail(Code::invalid_argument,
                "a session has at most " + std::to_string(kTagsMax) + " tags");
  return tags;
}

}  // namespace

JsonObject to_json(const SessionInfo& session) {
  return {{"id", session.id.text},
          {"title", session.title},
          {"created", base::iso8601(session.created)},
          {"updated", base::iso8601(session.updated)},
          {"events", session.events},
          {"model", session.model},
          {"tags", boost::json::value_from(session.tags)},
          {"waiting", session.waiting},
          {"running", session.running}};
}

JsonObject to_json(const FoundSession& one) {
  auto shown = to_json(one.info);
  if (one.found) shown["found"] = {{"number", one.found->number}, {"text", one.found->text}};
  return shown;
}

// The columns that info_from() reads, of sessions s.
#define BOXAGNTS_SESSION_INFO                                                      \
  "SELECT s.id, s.title, s.created, s.updated, s.last_number, s.model, "           \
  "(SELECT id FROM runs WHERE key = s.run AND state = 'running'), "                \
  "(SELECT group_concat(tag, char(10)) FROM session_tags WHERE session = s.key), " \
  "(SELECT count(*) FROM open_questions WHERE session = s.key), s.key "

Result<SessionInfo> SqliteStore::info_from(const Query& query) {
  SessionInfo info{.id = {std::string(query.text(0))},
                   .title = std::string(query.text(1)),
                   .created = query.integer(2),
                   .updated = query.integer(3),
                   .events = query.integer(4),
                   .model = std::string(query.text(5))};
  if (!query.is_null(6)) {
    core::RunId run{std::string(query.text(6))};
    info.running = TRY(locks_->held(run));
    if (info.running) info.run = std::move(run);
  }
  if (!query.is_null(7))
    for (const auto tag : base::split(query.text(7), '\n')) info.tags.emplace_back(tag);
  std::ranges::sort(info.tags);
  info.waiting = query.integer(8);
  return info;
}

Result<SessionInfo> SqliteStore::session(const core::SessionId& id) {
  const auto reader = TRY(connections_->reader());
  Query query = TRY(reader->query(BOXAGNTS_SESSION_INFO "FROM sessions s WHERE s.id = ?", id.text));
  if (!TRY(query.step())) return no_session(id);
  return info_from(query);
}

Result<std::vector<SqliteStore::Listed>> SqliteStore::list(
    std::int64_t limit, const std::string& tag, const std::optional<SessionCursor>& behind) {
  const auto reader = TRY(connections_->reader());
  const SessionCursor cursor = behind.value_or(SessionCursor{INT64_MAX, {}});
  Query query = TRY(
      reader->query(BOXAGNTS_SESSION_INFO
                    "FROM (SELECT * FROM sessions WHERE (updated, id) < (?1, ?2) AND "
                    "(?4 = '' OR key IN (SELECT session FROM session_tags WHERE tag = ?4)) "
                    "ORDER BY updated DESC, id DESC LIMIT ?3) s ORDER BY s.updated DESC, s.id DESC",
                    cursor.updated, cursor.id.text, limit, tag));
  std::vector<Listed> listed;
  while (TRY(query.step())) listed.push_back({TRY(info_from(query)), query.integer(9)});
  return listed;
}

#undef BOXAGNTS_SESSION_INFO

Result<std::vector<SessionInfo>> SqliteStore::sessions(std::size_t limit,
                                                       const std::optional<SessionCursor>& behind) {
  std::vector<SessionInfo> infos;
  const auto rows_max = static_cast<std::int64_t>(std::min<std::size_t>(limit, INT64_MAX));
  for (auto& one : TRY(list(rows_max, "", behind))) infos.push_back(std::move(one.info));
  return infos;
}

// What the texts of a session hold of `missing`, which loses what was found.
Status SqliteStore::search_texts(std::int64_t session, std::vector<std::string>& missing,
                                 std::optional<FoundAt>& found,
                                 const std::function<bool(std::size_t)>& goes_on) {
  for (std::int64_t after = 0;;) {
    struct Said {
      std::int64_t number;
      std::string body;
    };
    std::vector<Said> page;
    {
      const auto reader = TRY(connections_->reader());
      Query query = TRY(reader->query(
          "SELECT number, body FROM events WHERE session = ? AND number > ? AND "
          "(body GLOB '{\"v\":1,\"kind\":\"user_message\",*' OR "
          "body GLOB '{\"v\":1,\"kind\":\"assistant_block\",\"block\":{\"type\":\"text\",*' OR "
          "body GLOB '{\"v\":1,\"kind\":\"brief_sent\",*') ORDER BY number LIMIT ?",
          session, after, kTextsAtOnce));
      while (TRY(query.step())) page.push_back({query.integer(0), std::string(query.text(1))});
    }
    for (const auto& said : page) {
      if (!goes_on(said.body.size())) return {};
      const auto text = said_in(said.body);
      const auto folded = base::fold_case(text);
      std::erase_if(missing, [&](const std::string& word) {
        if (!folded.contains(word)) return false;
        if (!found) found = FoundAt{said.number, line_around(text, word)};
        return true;
      });
      if (missing.empty()) return {};
    }
    if (std::ssize(page) < kTextsAtOnce) return {};
    after = page.back().number;
  }
}

Result<SessionPage> SqliteStore::find_sessions(const SessionWish& wish, std::size_t limit,
                                               const std::optional<SessionCursor>& behind) {
  SessionPage page;
  const auto words = words_of(wish.words);
  Budget budget;
  auto at = behind;
  while (true) {
    const auto rows = words.empty() ? static_cast<std::int64_t>(limit) : kPage;
    const auto listed = TRY(list(rows, wish.tag, at));
    for (const auto& one : listed) {
      std::string name = one.info.title;
      for (const auto& tag : one.info.tags) name += "\n" + tag;
      auto missing = words;
      std::erase_if(missing, [folded = base::fold_case(name)](const std::string& word) {
        return folded.contains(word);
      });
      std::optional<FoundAt> found;
      budget.spend(0);
      if (!missing.empty() && !budget.is_spent())
        TRY(search_texts(one.key, missing, found, [&](std::size_t size) {
          budget.spend(size);
          return !budget.is_spent();
        }));
      if (missing.empty()) page.sessions.push_back({one.info, std::move(found)});
      // A session that takes all of a search for itself is passed over, else nothing would go on.
      const bool cut = !missing.empty() && budget.is_spent();
      if (!cut || !page.next) page.next = SessionCursor{one.info.updated, one.info.id};
      if (cut) {
        page.complete = false;
        return page;
      }
      if (page.sessions.size() == limit) return page;
      at = page.next;
    }
    if (std::ssize(listed) < rows) {
      page.next.reset();
      return page;
    }
  }
}

Status SqliteStore::change_session(const core::SessionId& id, const SessionChange& change) {
  const auto tags = change.tags ? TRY(checked(*change.tags)) : std::vector<std::string>();
  const auto writer = TRY(connections_->writer());
  auto transaction = TRY(Transaction::begin(*writer));
  const Row row = TRY(row_of(*writer, id));
  if (change.title)
    TRY(writer->run("UPDATE sessions SET title = ? WHERE key = ?", base::repair_utf8(*change.title),
                    row.key));
  if (change.tags) TRY(writer->run("DELETE FROM session_tags WHERE session = ?", row.key));
  for (const auto& tag : tags)
    TRY(writer->run("INSERT INTO session_tags (session, tag) VALUES (?, ?)", row.key, tag));
  return transaction.commit();
}

Result<std::vector<TagCount>> SqliteStore::tags() {
  const auto reader = TRY(connections_->reader());
  Query query =
      TRY(reader->query("SELECT tag, count(*) FROM session_tags GROUP BY tag ORDER BY tag"));
  std::vector<TagCount> counts;
  while (TRY(query.step())) counts.push_back({std::string(query.text(0)), query.integer(1)});
  return counts;
}

}  // namespace boxagnts::store
