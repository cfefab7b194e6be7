// The files API without a network: reading with ranges and versions, writing with what is expected,
// and names that a browser must not take for something else.
#include <fstream>

#include "gateway/gateway_fixture.h"
#include "gateway/media_type.h"

namespace boxagnts::gateway {
namespace {

class FilesApiTest : public GatewayTest {
 protected:
  FilesApiTest() {
    std::filesystem::create_directory(root_ + "/ws/docs");
    put("a.txt", "0123456789");
  }
  void put(const std::string& path, const std::string& text) {
    std::ofstream(root_ + "/ws/" + path) << text;
  }
  std::string get(const std::string& path) {
    std::ifstream in(root_ + "/ws/" + path);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  using Query = std::vector<std::pair<std::string, std::string>>;
  ServerResponse ask(std::string method, std::string path, Query query, net::Headers headers = {},
                     std::string body = {}) {
    auto request = signed_request(std::move(method), std::move(path));
    request.query = std::move(query);
    for (auto& header : headers) request.headers.push_back(std::move(header));
    return send(std::move(request), std::move(body));
  }
  ServerResponse read(const std::string& path, net::Headers headers = {}) {
    return ask("GET", "/api/v1/files/content", {{"path", path}}, std::move(headers));
  }
  ServerResponse write(const std::string& path, const std::string& text,
                       net::Headers headers = {}) {
    auto request = own_request("PUT", "/api/v1/files/content");
    request.query = {{"path", path}};
    request.headers = {{"Authorization", "Bearer " + gateway_->start_token()},
                       {"Content-Type", "application/octet-stream"}};
    for (auto& one : headers) request.headers.push_back(std::move(one));
    return send(std::move(request), text);
  }
};

TEST_F(FilesApiTest, AFolderIsListedWithItsVersions) {
  const auto response = ask("GET", "/api/v1/files", {});
  ASSERT_EQ(response.status, 200) << response.body;
  const auto json = json_of(response);
  const auto& entries = *base::get_array(json, "entries");
  ASSERT_EQ(entries.size(), 2u) << "the state folder is not there";
  EXPECT_EQ(base::get_string(entries[0], "kind"), "folder");
  EXPECT_EQ(base::get_string(entries[1], "name"), "a.txt");
  EXPECT_EQ(base::get_int(entries[1], "size"), 10);
  const auto one = ask("GET", "/api/v1/files/entry", {{"path", "a.txt"}});
  EXPECT_EQ(json_of(one).at("version"), entries[1].at("version"));
  EXPECT_EQ(ask("GET", "/api/v1/files", {{"path", "none"}}).status, 404);
  EXPECT_EQ(ask("GET", "/api/v1/files", {{"path", "../x"}}).status, 400);
  EXPECT_EQ(ask("GET", "/api/v1/files/entry", {}).status, 400) << "a path is required";
}

struct RangeCase {
  const char* header;
  int status;
  const char* body;
  const char* content_range;
};
class FileRanges : public FilesApiTest, public testing::WithParamInterface<RangeCase> {};
TEST_P(FileRanges, AreAnsweredAsHttpSays) {
  const auto response = read("a.txt", {{"Range", GetParam().header}});
  EXPECT_EQ(response.status, GetParam().status);
  if (GetParam().status != 416) EXPECT_EQ(response.body, GetParam().body);
  EXPECT_EQ(header(response, "Content-Range"), GetParam().content_range);
}
INSTANTIATE_TEST_SUITE_P(Table, FileRanges,
                         testing::Values(RangeCase{"bytes=0-3", 206, "0123", "bytes 0-3/10"},
                                         RangeCase{"bytes=8-", 206, "89", "bytes 8-9/10"},
                                         RangeCase{"bytes=-3", 206, "789", "bytes 7-9/10"},
                                         RangeCase{"bytes=-30", 206, "0123456789", "bytes 0-9/10"},
                                         RangeCase{"bytes=5-99", 206, "56789", "bytes 5-9/10"},
                                         RangeCase{"bytes=9-9", 206, "9", "bytes 9-9/10"},
                                         RangeCase{"bytes=10-", 416, "", "bytes */10"},
                                         RangeCase{"bytes=99-100", 416, "", "bytes */10"},
                                         RangeCase{"bytes=-0", 416, "", "bytes */10"},
                                         RangeCase{"bytes=3-1", 200, "0123456789", ""},
                                         RangeCase{"bytes=0-1,3-4", 200, "0123456789", ""},
                                         RangeCase{"bytes=x-", 200, "0123456789", ""},
                                         RangeCase{"bytes=", 200, "0123456789", ""},
                                         RangeCase{"bytes=-", 200, "0123456789", ""},
                                         RangeCase{"bytes=1-x", 200, "0123456789", ""},
                                         RangeCase{"bytes=18446744073709551616-", 200, "0123456789",
                                                   ""},
                                         RangeCase{"lines=0-3", 200, "0123456789", ""}));

TEST_F(FilesApiTest, VersionsSaveReadingAgain) {
  const auto first = read("a.txt");
  const std::string tag = header(first, "ETag");
  ASSERT_GT(tag.size(), 2u);
  EXPECT_EQ(read("a.txt", {{"If-None-Match", "\"x\", W/" + tag}}).status, 304);
  EXPECT_EQ(read("a.txt", {{"If-None-Match", "\"x\""}}).status, 200);
  EXPECT_EQ(read("a.txt", {{"Range", "bytes=0-0"}, {"If-Range", tag}}).status, 206);
  EXPECT_EQ(read("a.txt", {{"Range", "bytes=0-0"}, {"If-Range", "\"x\""}}).status, 200);
}

TEST_F(FilesApiTest, NothingIsCalledAPageOrAScript) {
  put("page.html", "<script>alert(1)</script>");
  put("drawing.svg", "<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>");
  put("data.bin", std::string("\0\1\2", 3));
  put("image.png", "\x89PNG\r\n\x1a\n");
  put("empty", "");
  EXPECT_EQ(header(read("page.html"), "Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(header(read("drawing.svg"), "Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(header(read("image.png"), "Content-Type"), "image/png");
  EXPECT_EQ(header(read("empty"), "Content-Type"), "text/plain; charset=utf-8");
  const auto data = read("data.bin");
  EXPECT_EQ(header(data, "Content-Type"), "application/octet-stream");
  EXPECT_TRUE(header(data, "Content-Disposition").starts_with("attachment"));
  EXPECT_EQ(header(data, "X-Content-Type-Options"), "nosniff");
}

TEST_F(FilesApiTest, ADownloadHasItsName) {
  put("docs/\xc3\xa4 \"b\".txt", "x");
  const auto response = ask("GET", "/api/v1/files/content",
                            {{"path", "docs/\xc3\xa4 \"b\".txt"}, {"download", "true"}});
  EXPECT_EQ(header(response, "Content-Disposition"),
            "attachment; filename=\"____b_.txt\"; filename*=UTF-8''%C3%A4%20%22b%22.txt");
  EXPECT_EQ(response.body, "x");
}

TEST_F(FilesApiTest, TextThatIsCutInACharacterIsText) {
  EXPECT_EQ(media_type_of("a\xe2\x82"), "text/plain; charset=utf-8");
  EXPECT_EQ(media_type_of("a\xff\x82 and more"), "application/octet-stream");
}

TEST_F(FilesApiTest, AWriteSaysWhatItExpects) {
  const auto made = write("new.txt", "one", {{"If-None-Match", "*"}});
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(write("new.txt", "two", {{"If-None-Match", "*"}}).status, 409);
  const std::string version(json_of(made).at("version").as_string());
  EXPECT_EQ(write("new.txt", "two", {{"If-Match", "\"" + version + "\""}}).status, 200);
  EXPECT_EQ(write("new.txt", "three", {{"If-Match", "\"" + version + "\""}}).status, 409);
  EXPECT_EQ(get("new.txt"), "two");
  EXPECT_EQ(write("new.txt", "three").status, 200) << "unless nothing is expected";
  for (const net::Headers& wrong :
       {net::Headers{{"If-Match", "*"}}, net::Headers{{"If-None-Match", "\"x\""}}})
    EXPECT_EQ(write("new.txt", "four", wrong).status, 400);
  EXPECT_EQ(write("new.txt", "four", {{"If-Match", "\"x\""}, {"If-None-Match", "*"}}).status, 409);
  EXPECT_EQ(write(std::string(300, 'x'), "x").status, 400);
  EXPECT_EQ(write(std::string(4 * 70, '\xff'), "x").status, 400);
  EXPECT_EQ(write("docs", "x").status, 409) << "a folder stands there";
  EXPECT_EQ(write("none/x", "x").status, 404);
  EXPECT_EQ(write("", "x").status, 400);
  EXPECT_EQ(get("new.txt"), "three");
}

TEST_F(FilesApiTest, FoldersMovesAndTheBin) {
  EXPECT_EQ(call("POST", "/api/v1/files/folders", R"({"path":"docs/in"})").status, 200);
  EXPECT_EQ(call("POST", "/api/v1/files/folders", R"({"path":"docs/in"})").status, 409);
  EXPECT_EQ(call("POST", "/api/v1/files/move", R"({"from":"a.txt","to":"docs/b.txt"})").status,
            200);
  put("c.txt", "c");
  EXPECT_EQ(call("POST", "/api/v1/files/move", R"({"from":"c.txt","to":"docs/b.txt"})").status,
            409);
  const auto there = json_of(ask("GET", "/api/v1/files/entry", {{"path", "docs/b.txt"}}));
  EXPECT_EQ(call("POST", "/api/v1/files/move",
                 base::to_text(JsonObject{
                     {"from", "c.txt"}, {"to", "docs/b.txt"}, {"replaces", there.at("version")}}))
                .status,
            200);
  EXPECT_EQ(get("docs/b.txt"), "c");
  const auto deleted = ask("DELETE", "/api/v1/files", {{"path", "docs"}});
  ASSERT_EQ(deleted.status, 200) << deleted.body;
  const std::string id(json_of(deleted).at("id").as_string());
  EXPECT_EQ(json_of(call("GET", "/api/v1/files/bin")).at("entries").as_array().size(), 1u);
  EXPECT_EQ(call("POST", "/api/v1/files/bin/" + id + "/restore", "{}").status, 200);
  EXPECT_EQ(get("docs/b.txt"), "c");
  EXPECT_EQ(call("POST", "/api/v1/files/bin/" + id + "/restore", "{}").status, 404);
  const auto again = json_of(ask("DELETE", "/api/v1/files", {{"path", "docs"}}));
  const std::string second(again.at("id").as_string());
  EXPECT_EQ(call("DELETE", "/api/v1/files/bin/" + second).status, 200);
  EXPECT_EQ(call("DELETE", "/api/v1/files/bin/" + second).status, 404);
  EXPECT_EQ(call("DELETE", "/api/v1/files/bin/..%2f..").status, 400);
}

// --- changes told in the event stream ------------------------------------------------------------

TEST_F(FilesApiTest, AChangeIsToldInTheStreamOfWhoLooks) {
  auto request = signed_request("GET", "/api/v1/events");
  request.query = {{"watch", R"(["","docs"])"}};
  TestExchange exchange(std::move(request));
  gateway_->handle(exchange);
  ASSERT_TRUE(exchange.stream);
  put("docs/x", "1");
  std::string told;
  while (!told.contains("event: files")) {
    const auto piece = exchange.stream->next();
    ASSERT_TRUE(piece);
    told += *piece;
  }
  EXPECT_TRUE(told.contains(R"(data: {"folder":"docs"})")) << told;
  exchange.stream->hang_up();
}

TEST_F(FilesApiTest, WhatCannotBeWatchedIsSaid) {
  const auto watch = [&](const std::string& folders) {
    return ask("GET", "/api/v1/events", {{"watch", folders}}).status;
  };
  EXPECT_EQ(watch("docs"), 400);
  EXPECT_EQ(watch("[1]"), 400);
  EXPECT_EQ(watch(R"(["none"])"), 404);
  EXPECT_EQ(watch(R"(["a.txt"])"), 409);
  EXPECT_EQ(watch(R"(["../.."])"), 400);
  std::string many = "[\"\"";
  for (std::size_t i = 0; i < FileChanges::kFoldersMax; ++i) many += ",\"\"";
  EXPECT_EQ(watch(many + "]"), 400);
}

}  // namespace
}  // namespace boxagnts::gateway
