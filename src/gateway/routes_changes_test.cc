// What a session changed, through the door: told, shown, undone, redone, and gone with its session.
#include <fstream>

#include "agent/undo_fixture.h"
#include "gateway/gateway_fixture.h"

namespace boxagnts::gateway {
namespace {

class ChangeRoutesTest : public GatewayTest {
 protected:
  ChangeRoutesTest() { session_ = store_->create_session("made").value(); }

  std::string path(const std::string& rest) const {
    return "/api/v1/sessions/" + session_.text + rest;
  }
  std::string file(const std::string& name) const { return root_ + "/ws/" + name; }

  // A call that writes a file, applied.
  core::ChangeSetId write(const std::string& name, const std::string& text) {
    const std::string root = root_ + "/ws";
    auto staging = changes_->stage(root).value();
    const auto id = staging.id();
    auto lower = vfs::open_host_filesystem(root, core::Access::read_only, {}).value();
    const auto overlay = vfs::Overlay::open(std::move(lower), {}, staging.folder()).value();
    agent::Hands(overlay->filesystem()->root()).write(name, text);
    const auto set = changes_->keep(std::move(staging), overlay->changes().value()).value();
    const auto told = workspace::file_changes(root, set->diff(vfs::Part::proposed).value());
    const auto applied = set->apply({}).value();
    const core::EventBody bodies[]{
        core::ChangesKept{id, "call", root, told, ""},
        workspace::settled_event(id, root, core::ChangesAct::applied, applied, "mode")};
    EXPECT_TRUE(store_->append(*store_->acquire(session_).value().lease, bodies));
    return id;
  }
  Json get(const std::string& rest) {
    const auto response = call("GET", path(rest));
    EXPECT_EQ(response.status, 200) << response.body;
    return json_of(response);
  }
  Json post(const std::string& rest, const std::string& body = "{}") {
    const auto response = call("POST", path(rest), body);
    EXPECT_EQ(response.status, 200) << response.body;
    return json_of(response);
  }

  core::SessionId session_;
};

TEST_F(ChangeRoutesTest, ToldShownUndoneAndRedone) {
  std::filesystem::create_directory(root_ + "/ws");
  const auto id = write("a.txt", "one\n");
  write("a.txt", "two\n");

  Json told = get("/changes");
  EXPECT_EQ(told.at("can_undo"), 2);
  EXPECT_EQ(told.at("can_redo"), 0);
  const Json& first = told.at("changes").at(0);
  EXPECT_EQ(first.at("changes").as_string(), id.text);
  EXPECT_EQ(first.at("state"), "applied");
  EXPECT_EQ(first.at("files").at(0).at("path").as_string(), file("a.txt"));
  EXPECT_EQ(first.at("files").at(0).at("kind"), "added");
  EXPECT_EQ(first.at("files").at(0).at("applied"), true);
  EXPECT_NE(get("/diff").at("diff").as_string().find("+two\n"), std::string::npos);

  const Json undone = post("/undo");
  EXPECT_EQ(undone.at("conflicts"), false);
  EXPECT_EQ(undone.at("settled").at(0).at("act"), "undone");
  EXPECT_EQ(undone.at("settled").at(0).at("files").at(0).at("outcome"), "applied");
  EXPECT_EQ(vfs::slurp(file("a.txt")), "one\n");
  EXPECT_EQ(get("/changes").at("can_redo"), 1);

  EXPECT_EQ(post("/redo", R"({"count": 5})").at("settled").as_array().size(), 1u);
  EXPECT_EQ(vfs::slurp(file("a.txt")), "two\n");
  EXPECT_EQ(post("/undo", R"({"count": 2})").at("settled").as_array().size(), 2u);
  EXPECT_FALSE(std::filesystem::exists(file("a.txt")));
  EXPECT_EQ(post("/undo").at("settled").as_array().size(), 0u) << "there is nothing to do";
  EXPECT_EQ(get("/diff").at("diff"), "");
}

TEST_F(ChangeRoutesTest, AConflictIsAnAnswer) {
  write("a.txt", "agent\n");
  vfs::spill(file("a.txt"), "person\n");
  const Json undone = post("/undo");
  EXPECT_EQ(undone.at("conflicts"), true);
  const Json& one = undone.at("settled").at(0).at("files").at(0);
  EXPECT_EQ(one.at("outcome"), "conflict");
  EXPECT_FALSE(one.at("reason").as_string().empty());
  EXPECT_EQ(vfs::slurp(file("a.txt")), "person\n");
}

TEST_F(ChangeRoutesTest, WhatCannotBe) {
  EXPECT_EQ(call("GET", "/api/v1/sessions/none/changes").status, 404);
  EXPECT_EQ(call("GET", "/api/v1/sessions/none/diff").status, 404);
  EXPECT_EQ(call("POST", "/api/v1/sessions/none/undo", "{}").status, 404);
  EXPECT_EQ(call("POST", path("/undo"), R"({"count": 0})").status, 400);
  EXPECT_EQ(call("POST", path("/undo"), R"({"many": 1})").status, 400);
  write("a.txt", "one\n");
  const auto lease = std::move(store_->acquire(session_).value().lease);
  EXPECT_EQ(call("POST", path("/undo"), "{}").status, 409) << "a run owns it";
  EXPECT_EQ(call("DELETE", path("")).status, 409);
}

TEST_F(ChangeRoutesTest, ADeletedSessionTakesItsUndoAlong) {
  const auto id = write("a.txt", "one\n");
  EXPECT_EQ(call("DELETE", path("")).status, 200);
  EXPECT_EQ(changes_->open_set(id, root_ + "/ws").error().code, Code::not_found);
  EXPECT_TRUE(std::filesystem::exists(file("a.txt")));
}

}  // namespace
}  // namespace boxagnts::gateway
