// What becomes of what a call changed: applied, asked about with the diff, or dropped, in every
// mode; what an answer covers; what somebody else did meanwhile.
#include "tools/effects.h"

#include "tools/pipeline_fixture.h"

namespace boxagnts::tools {
namespace {

using core::Access;
using core::Answer;
using core::ChangesAct;
using core::FileChangeKind;
using core::FileOutcome;
using core::Mode;
using core::ResultStatus;
using core::Verdict;

constexpr Mode kWritingModes[] = {Mode::ask, Mode::edits, Mode::autonomous, Mode::unattended};

class EffectsTest : public PipelineTest {
 protected:
  FakeTool::Act writes(const std::string& path, const std::string& text) {
    return doing([=](const Execution& execution) { return write_file(execution, path, text); });
  }
  // The state before the call is the state after it.
  void expect_untouched() {
    EXPECT_EQ(get(w_ + "/a.txt"), "one\ntwo\nthree\nfour\nfive\n");
    EXPECT_EQ(get(w_ + "/src/b.txt"), "b\n");
    EXPECT_FALSE(fs::exists(w_ + "/new.txt"));
    EXPECT_TRUE(nothing_staged());
  }
};

// --- nothing changed
// ------------------------------------------------------------------------------

TEST_F(EffectsTest, WhereNothingChangedNobodyIsAskedInAnyMode) {
  const FakeTool::Act acts[] = {
      FakeTool::done,
      doing([this](const Execution& execution) {  // written, but the same again
        return write_file(execution, w_ + "/src/b.txt", "b\n");
      }),
      doing([this](const Execution& execution) {  // made, and gone before the end
        return write_file(execution, w_ + "/new.txt", "x") +
               remove_file(execution, w_ + "/new.txt");
      }),
      doing([](const Execution& execution) { return write_file(execution, "/tmp/x", "x"); }),
  };
  for (const auto mode : kWritingModes) {
    policy.mode = mode;
    for (const auto& act : acts) {
      exec->act = act;
      const auto result = run("exec");
      EXPECT_EQ(result.status, ResultStatus::ok) << name_of(mode);
      EXPECT_EQ(result.text, "done");
    }
  }
  EXPECT_TRUE(control.questions.empty());
  EXPECT_TRUE(control.notes.empty());
  EXPECT_TRUE(kept_sets().empty());
  expect_untouched();
}

// --- mode x kind of change
// ------------------------------------------------------------------------

struct Kind {
  const char* name;
  std::function<int(const Execution&, const std::string&)> act;
  std::function<bool(const std::string&)> happened;
};
const Kind kKinds[] = {
    {"a new file",
     [](const Execution& e, const std::string& w) {
       return write_file(e, w + "/new.txt", "new\n");
     },
     [](const std::string& w) { return get(w + "/new.txt") == "new\n"; }},
    {"a changed file",
     [](const Execution& e, const std::string& w) { return write_file(e, w + "/a.txt", "x\n"); },
     [](const std::string& w) { return get(w + "/a.txt") == "x\n"; }},
    {"a folder",
     [](const Execution& e, const std::string& w) { return make_folder(e, w + "/dir"); },
     [](const std::string& w) { return fs::is_directory(w + "/dir"); }},
    {"a link",
     [](const Execution& e, const std::string& w) { return make_link(e, w + "/link", "a.txt"); },
     [](const std::string& w) {
       return fs::is_symlink(w + "/link") && fs::read_symlink(w + "/link") == "a.txt";
     }},
    {"a rename",
     [](const Execution& e, const std::string& w) { return move(e, w + "/a.txt", w + "/z.txt"); },
     [](const std::string& w) { return !fs::exists(w + "/a.txt") && fs::exists(w + "/z.txt"); }},
    {"a folder's rename",
     [](const Execution& e, const std::string& w) { return move(e, w + "/src", w + "/lib"); },
     [](const std::string& w) {
       return !fs::exists(w + "/src") && get(w + "/lib/b.txt") == "b\n" &&
              fs::is_directory(w + "/lib/deep");
     }},
    {"a removal",
     [](const Execution& e, const std::string& w) { return remove_file(e, w + "/src/b.txt"); },
     [](const std::string& w) { return !fs::exists(w + "/src/b.txt"); }},
    {"an executable file, changed",
     [](const Execution& e, const std::string& w) { return write_file(e, w + "/run.sh", "b\n"); },
     [](const std::string& w) {
       struct stat status{};
       ::stat((w + "/run.sh").c_str(), &status);
       return get(w + "/run.sh") == "b\n" && (status.st_mode & 07777) == 0751;
     }},
};

class Kinds : public EffectsTest, public testing::WithParamInterface<std::size_t> {
 protected:
  Kinds() {
    put(w_ + "/run.sh", "a\n");
    ::chmod((w_ + "/run.sh").c_str(), 0751);
  }
  const Kind& kind() const { return kKinds[GetParam()]; }
  ResultStatus run_it(FakeTool* tool) {
    tool->act = doing([this](const Execution& e) { return kind().act(e, w_); });
    return run(tool->spec().name).status;
  }
};

TEST_P(Kinds, InAskAYesAppliesItAndANoDropsIt) {
  for (auto* tool : {write, exec}) {
    policy.mode = Mode::ask;
    control.meanwhile = [&](const core::Approval&) {
      EXPECT_FALSE(kind().happened(w_)) << "before the answer: " << kind().name;
    };
    control.answer(Answer::no);
    EXPECT_EQ(run_it(tool), ResultStatus::denied) << kind().name;
    EXPECT_FALSE(kind().happened(w_)) << kind().name;
    EXPECT_TRUE(kept_sets().empty());
    EXPECT_EQ(control.settled().back().act, ChangesAct::dropped);
    EXPECT_EQ(control.questions.back().kind, core::QuestionKind::changes);
    EXPECT_FALSE(control.questions.back().files.empty());
  }
  EXPECT_EQ(run_it(exec), ResultStatus::ok) << kind().name;
  EXPECT_TRUE(kind().happened(w_)) << kind().name;
  EXPECT_EQ(control.questions.size(), 3u);
  EXPECT_EQ(control.settled().back().act, ChangesAct::applied);
  EXPECT_EQ(control.settled().back().by, "answer");
  EXPECT_EQ(kept_sets(), std::set<std::string>{control.settled().back().id.text}) << "its undo";
}

TEST_P(Kinds, InEditsAWriteIsAppliedAtOnce) {
  policy.mode = Mode::edits;
  EXPECT_EQ(run_it(write), ResultStatus::ok);
  EXPECT_TRUE(kind().happened(w_)) << kind().name;
  EXPECT_TRUE(control.questions.empty());
  EXPECT_EQ(control.settled().back().by, "table:edits/write");
}

TEST_P(Kinds, InEditsAProgramIsAskedAbout) {
  policy.mode = Mode::edits;
  control.answer(Answer::no);
  EXPECT_EQ(run_it(exec), ResultStatus::denied);
  EXPECT_FALSE(kind().happened(w_)) << kind().name;
}

TEST_P(Kinds, InAutonomousItIsAppliedAtOnce) {
  policy.mode = Mode::autonomous;
  EXPECT_EQ(run_it(exec), ResultStatus::ok);
  EXPECT_TRUE(kind().happened(w_)) << kind().name;
  EXPECT_TRUE(control.questions.empty());
}

TEST_P(Kinds, InUnattendedItIsAppliedAtOnce) {
  policy.mode = Mode::unattended;
  EXPECT_EQ(run_it(exec), ResultStatus::ok);
  EXPECT_TRUE(kind().happened(w_)) << kind().name;
  EXPECT_TRUE(control.questions.empty());
}

TEST_P(Kinds, InPlanItCannotBeDone) {
  policy.mode = Mode::plan;
  exec->act = [this](const Json&, const Execution& e) -> Result<ToolOutput> {
    EXPECT_EQ(kind().act(e, w_), EROFS) << kind().name;
    return ToolOutput{ResultStatus::ok, "done"};
  };
  EXPECT_EQ(run("exec").status, ResultStatus::ok);
  EXPECT_FALSE(kind().happened(w_)) << kind().name;
  EXPECT_TRUE(control.notes.empty());
  write->act = exec->act;
  EXPECT_EQ(run("write").status, ResultStatus::denied);
  EXPECT_EQ(write->runs, 0);
}

TEST_P(Kinds, OfACallThatWasCutShortNothingIsApplied) {
  policy.mode = Mode::autonomous;
  exec->act = [this](const Json&, const Execution& e) -> Result<ToolOutput> {
    EXPECT_EQ(kind().act(e, w_), 0);
    return ToolOutput{.status = ResultStatus::failed, .text = "out of time", .cut_short = true};
  };
  const auto result = run("exec");
  EXPECT_EQ(result.status, ResultStatus::failed);
  EXPECT_TRUE(result.text.contains("nothing of what it had changed was applied")) << result.text;
  EXPECT_FALSE(kind().happened(w_)) << kind().name;
  EXPECT_TRUE(kept_sets().empty());
  EXPECT_TRUE(nothing_staged());
}

INSTANTIATE_TEST_SUITE_P(Effects, Kinds, testing::Range<std::size_t>(0, std::size(kKinds)));

TEST_F(EffectsTest, OfACancelledCallNothingIsApplied) {
  policy.mode = Mode::autonomous;
  exec->act = [this](const Json&, const Execution& e) -> Result<ToolOutput> {
    EXPECT_EQ(write_file(e, w_ + "/new.txt", "x"), 0);
    return fail(Code::cancelled, "stop");
  };
  EXPECT_EQ(run("exec").status, ResultStatus::cancelled);
  expect_untouched();
}

TEST_F(EffectsTest, ACallThatFailsByItselfHasItsEffectsJudgedAllTheSame) {
  policy.mode = Mode::autonomous;
  exec->act = [this](const Json&, const Execution& e) -> Result<ToolOutput> {
    EXPECT_EQ(write_file(e, w_ + "/new.txt", "x"), 0);
    return ToolOutput{ResultStatus::failed, "exit 1"};
  };
  EXPECT_EQ(run("exec").status, ResultStatus::failed);
  EXPECT_EQ(get(w_ + "/new.txt"), "x");
}

TEST_F(EffectsTest, WithoutAPlaceToHoldBackNothingRuns) {
  context.changes = nullptr;
  EXPECT_EQ(run("exec").status, ResultStatus::failed);
  EXPECT_EQ(exec->runs, 0);
}

// --- the question
// ---------------------------------------------------------------------------------

TEST_F(EffectsTest, TheQuestionIsTheDiff) {
  exec->act = doing([this](const Execution& e) {
    return write_file(e, w_ + "/a.txt", "one\n2\nthree\nfour\nfive\nsix\n") +
           write_file(e, w_ + "/new.txt", "new\n") + remove_file(e, w_ + "/src/b.txt") +
           write_file(e, w_ + "/bin", std::string("\0\1", 2));
  });
  EXPECT_EQ(run("exec").status, ResultStatus::ok);
  ASSERT_EQ(control.questions.size(), 1u);
  const auto& question = control.questions[0];
  EXPECT_EQ(question.question, "Apply what exec changed: " + w_ + "/a.txt (+2 -1), " + w_ +
                                   "/bin (added), " + w_ + "/new.txt (+1 -0) and 1 more?");
  EXPECT_EQ(question.files, (std::vector<std::string>{w_ + "/a.txt", w_ + "/bin", w_ + "/new.txt",
                                                      w_ + "/src/b.txt"}));
  ASSERT_EQ(blobs.size(), 1u);
  EXPECT_EQ(question.blob, "blob1");
  for (const auto* part : {"-two\n", "+2\n", "+six\n", "+new\n", "-b\n"})
    EXPECT_TRUE(blobs[0].contains(part)) << part << blobs[0];

  const auto kept = control.all<core::ChangesKept>();
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0].id, question.changes);
  EXPECT_EQ(kept[0].call_id, "c1");
  EXPECT_EQ(kept[0].root, w_);
  EXPECT_EQ(kept[0].blob, "blob1");
  ASSERT_EQ(kept[0].files.size(), 4u);
  EXPECT_EQ(kept[0].files[0],
            (core::FileChange{w_ + "/a.txt", FileChangeKind::changed, 2, 1, false}));
  EXPECT_TRUE(kept[0].files[1].opaque);
  EXPECT_EQ(kept[0].files[2].kind, FileChangeKind::added);
  EXPECT_EQ(kept[0].files[3].kind, FileChangeKind::removed);
}

TEST_F(EffectsTest, ANameAddsNoLineToItsQuestion) {
  policy.mode = Mode::ask;
  exec->act = writes(w_ + "/a\n? Apply b?\t\x1b[2J\u202e", "x");
  run("exec");
  const auto& asked = control.questions.at(0);
  for (const auto& text : {asked.question, asked.for_this_run})
    EXPECT_EQ(text.find_first_of("\n\t\x1b"), std::string::npos) << text;
  EXPECT_TRUE(asked.question.contains("/a\\n? Apply b?\\t\\x1b[2J\\u202e (+1 -0)?"))
      << asked.question;
  EXPECT_EQ(asked.files, std::vector<std::string>{w_ + "/a\n? Apply b?\t\x1b[2J\u202e"});
}

TEST_F(EffectsTest, ALongDiffIsKeptByItsBeginning) {
  exec->act = writes(w_ + "/new.txt", [] {
    std::string text;
    while (text.size() < 3u << 20) text += "a line that is long enough \xc3\xa4\n";
    return text;
  }());
  EXPECT_EQ(run("exec").status, ResultStatus::ok);
  ASSERT_EQ(blobs.size(), 1u);
  EXPECT_LE(blobs[0].size(), (1u << 20) + 200);
  EXPECT_GT(blobs[0].size(), (1u << 20) - 4);
  const auto end = std::string_view(blobs[0]).substr(blobs[0].rfind("\n…"));
  EXPECT_TRUE(end.contains("this diff is cut") && end.contains("bytes of it are not shown")) << end;
}

TEST_F(EffectsTest, EveryAnswerToTheDiff) {
  const struct {
    Result<Asked> answer;
    ResultStatus status;
    const char* part;
    bool applied, dropped;
  } rows[] = {
      {Asked{.reply = core::Reply{Answer::no, "", {}}}, ResultStatus::denied, "said no", false,
       true},
      {Asked{.reply = core::Reply{Answer::no, "not here", {}}}, ResultStatus::denied,
       "They say: not here", false, true},
      {Asked{.why = "nobody answered in time"}, ResultStatus::denied, "nobody answered in time",
       false, true},
      {Asked{.why = "queued as a1", .queued = true}, ResultStatus::denied, "queued as a1", false,
       false},
      {fail(Code::cancelled, "stop"), ResultStatus::cancelled, "nothing of it was applied", false,
       true},
      {Asked{.reply = core::Reply{Answer::yes, "", {}}}, ResultStatus::ok, "done", true, false},
  };
  exec->act = writes(w_ + "/new.txt", "x");
  for (const auto& row : rows) {
    control.answers.push_back(row.answer);
    const auto settled = control.settled().size();
    const auto sets = kept_sets().size();
    const auto result = run("exec");
    EXPECT_EQ(result.status, row.status) << row.part;
    EXPECT_TRUE(result.text.contains(row.part)) << result.text;
    EXPECT_EQ(fs::exists(w_ + "/new.txt"), row.applied) << row.part;
    EXPECT_EQ(kept_sets().size() - sets, row.dropped ? 0u : 1u) << row.part;
    EXPECT_EQ(control.settled().size() - settled, row.applied || row.dropped ? 1u : 0u) << row.part;
    EXPECT_TRUE(policy.approved_folders.empty());
  }
  control.answers.push_back(fail(Code::conflict, "fenced"));
  exec->act = writes(w_ + "/other.txt", "x");
  EXPECT_EQ(try_run("exec", "").error().code, Code::conflict);
  EXPECT_FALSE(fs::exists(w_ + "/other.txt"));
}

TEST_F(EffectsTest, ForThisRunCoversTheMountAsTheQuestionSays) {
  policy.envelope.mounts.push_back({other_, other_, Access::read_write});
  control.answer(Answer::for_this_run);
  exec->act = writes(w_ + "/src/c.txt", "x");
  EXPECT_EQ(run("exec").status, ResultStatus::ok);
  EXPECT_EQ(control.questions[0].for_this_run, "all changes below " + w_);
  EXPECT_EQ(control.questions[0].always, "write " + w_ + "/src") << "that lasts, and is less";
  EXPECT_EQ(policy.approved_folders, std::vector<std::string>{w_});
  exec->act = writes(w_ + "/e.txt", "x");
  EXPECT_EQ(run("exec").status, ResultStatus::ok);
  write->act = writes(w_ + "/src/b.txt", "x");
  EXPECT_EQ(run("write").status, ResultStatus::ok);
  EXPECT_EQ(control.questions.size(), 1u) << "it was covered";
  EXPECT_EQ(control.settled().back().by, "approved-folder");

  control.answer(Answer::no);
  exec->act = writes(other_ + "/e.txt", "x");
  EXPECT_EQ(run("exec").status, ResultStatus::denied) << "it was not";
  policy.approved_folders = {w_ + "/src"};
  control.answer(Answer::no);
  exec->act = doing([this](const Execution& e) {
    return write_file(e, w_ + "/src/f.txt", "x") + write_file(e, w_ + "/f.txt", "x");
  });
  EXPECT_EQ(run("exec").status, ResultStatus::denied);
  EXPECT_FALSE(fs::exists(w_ + "/src/f.txt")) << "one call, one answer";
  policy.mode = Mode::plan;
  EXPECT_EQ(run("write", path_arguments(w_ + "/src/g.txt")).status, ResultStatus::denied);
}

TEST_F(EffectsTest, AlwaysOfANewFolderIsNotTheFolderAroundIt) {
  control.answer(Answer::always);
  exec->act = doing([this](const Execution& e) {
    return make_folder(e, w_ + "/new") + make_folder(e, w_ + "/new/sub") +
           write_file(e, w_ + "/new/sub/c.txt", "x");
  });
  EXPECT_EQ(run("exec").status, ResultStatus::ok);
  EXPECT_EQ(control.questions[0].always, "write " + w_ + "/new/sub");
  EXPECT_EQ(policy.approved_folders, std::vector<std::string>{w_ + "/new/sub"});
  control.answer(Answer::no);
  exec->act = writes(w_ + "/a.txt", "x");
  EXPECT_EQ(run("exec").status, ResultStatus::denied);
}

TEST_F(EffectsTest, ForThisRunIsNotOfferedWhereItWouldCoverMoreThanIsShown) {
  use_rules({});
  const auto in_folders = [this](int count) {
    return doing([this, count](const Execution& e) {
      int failed = 0;
      for (int i = 0; i < count; ++i) {
        const auto folder = w_ + "/d" + std::to_string(count) + std::to_string(i);
        failed += make_folder(e, folder) + write_file(e, folder + "/AGENTS.md", "x");
      }
      return failed;
    });
  };
  for (const auto answer : {Answer::for_this_run, Answer::always}) {
    control.answer(answer);
    exec->act = in_folders(answer == Answer::always ? 4 : 5);
    EXPECT_EQ(run("exec").status, ResultStatus::ok) << "it is a yes";
    EXPECT_EQ(control.questions.back().for_this_run, "");
    EXPECT_EQ(control.questions.back().always, "");
    EXPECT_TRUE(policy.approved_folders.empty());
    EXPECT_TRUE(control.rules.empty());
  }
  control.answer(Answer::for_this_run);
  exec->act = in_folders(3);
  EXPECT_EQ(run("exec").status, ResultStatus::ok);
  EXPECT_EQ(control.questions.back().for_this_run, "all changes below " + w_ + "/d30/AGENTS.md, " +
                                                       w_ + "/d31/AGENTS.md, " + w_ +
                                                       "/d32/AGENTS.md");
  EXPECT_EQ(policy.approved_folders.size(), 3u);
}

TEST_F(EffectsTest, AQuestionIsAboutFilesNotAboutTheFoldersMadeForThem) {
  use_rules({});
  const auto makes = [this](const std::vector<std::string>& folders, const std::string& file) {
    return doing([this, folders, file](const Execution& e) {
      int failed = 0;
      for (const auto& folder : folders) failed += make_folder(e, w_ + folder);
      return failed + (file.empty() ? 0 : write_file(e, w_ + file, "x"));
    });
  };
  exec->act = makes({"/a", "/a/b", "/a/b/c", "/a/b/c/d"}, "/a/b/c/d/new.txt");
  control.answer(Answer::no);
  EXPECT_EQ(run("exec").status, ResultStatus::denied);
  EXPECT_EQ(control.questions[0].question,
            "Apply what exec changed: " + w_ + "/a/b/c/d/new.txt (+1 -0)?");
  EXPECT_EQ(control.questions[0].always, "write " + w_ + "/a/b/c/d");

  exec->act = makes({"/.github", "/.github/workflows"}, "/.github/workflows/ci.yml");
  control.answer(Answer::for_this_run);
  EXPECT_EQ(run("exec").status, ResultStatus::ok);
  EXPECT_EQ(control.questions[1].for_this_run, "all changes below " + w_ + "/.github/workflows");
  EXPECT_EQ(policy.approved_folders, std::vector<std::string>{w_ + "/.github/workflows"});

  exec->act = makes({"/empty", "/empty/inner"}, "");
  control.answer(Answer::no);
  EXPECT_EQ(run("exec").status, ResultStatus::denied);
  EXPECT_EQ(control.questions[2].question,
            "Apply what exec changed: " + w_ + "/empty/inner (added)?");
}

TEST_F(EffectsTest, WhatARuleAsksAboutIsCoveredByItsOwnNameAlone) {
  use_rules({});
  policy.mode = Mode::autonomous;
  control.answer(Answer::for_this_run);
  exec->act = writes(w_ + "/AGENTS.md", "x");
  EXPECT_EQ(run("exec").status, ResultStatus::ok);
  EXPECT_EQ(control.questions[0].for_this_run, "all changes below " + w_ + "/AGENTS.md");
  EXPECT_TRUE(
      control.questions[0].question.ends_with(" The rule ask write AGENTS.md (built in) asks."))
      << control.questions[0].question;
  EXPECT_EQ(policy.approved_folders, std::vector<std::string>{w_ + "/AGENTS.md"});
  exec->act = writes(w_ + "/AGENTS.md", "y");
  EXPECT_EQ(run("exec").status, ResultStatus::ok);
  EXPECT_EQ(control.questions.size(), 1u);
  control.answer(Answer::no);
  exec->act = writes(w_ + "/src/AGENTS.md", "x");
  EXPECT_EQ(run("exec").status, ResultStatus::denied);
  policy.approved_folders = {w_};
  control.answer(Answer::no);
  EXPECT_EQ(run("exec").status, ResultStatus::denied) << "a yes to the folder is none to that";
}

TEST_F(EffectsTest, AlwaysWritesTheRuleThatTheQuestionShowsAndHoldsForThisRun) {
  control.answer(Answer::always);
  exec->act = writes(w_ + "/src/c.txt", "x");
  EXPECT_EQ(run("exec").status, ResultStatus::ok);
  EXPECT_EQ(control.questions[0].always, "write " + w_ + "/src");
  EXPECT_EQ(control.rules, std::vector<std::string>{"write " + w_ + "/src"});
  ASSERT_EQ(control.all<core::RuleAdded>().size(), 1u);
  EXPECT_EQ(control.all<core::RuleAdded>()[0].where, "rules.toml:4");
  EXPECT_EQ(policy.approved_folders, std::vector<std::string>{w_ + "/src"}) << "no more than it";
  exec->act = writes(w_ + "/src/d.txt", "x");
  EXPECT_EQ(run("exec").status, ResultStatus::ok);
  EXPECT_EQ(control.questions.size(), 1u);

  control.rules_can_be_added = false;
  control.answer(Answer::always);
  exec->act = writes(w_ + "/e.txt", "x");
  EXPECT_EQ(run("exec").status, ResultStatus::ok) << "it is a yes all the same";
  EXPECT_EQ(control.all<core::RuleAdded>().size(), 1u);
}

TEST_F(EffectsTest, ARuleThatAllowsSparesTheQuestion) {
  use_rules({{Verdict::allow, "write src/**"}});
  exec->act = writes(w_ + "/src/c.txt", "x");
  EXPECT_EQ(run("exec").status, ResultStatus::ok);
  EXPECT_TRUE(control.questions.empty());
  EXPECT_EQ(control.settled().back().by, "allow write src/** (config.toml:3)");
  use_rules({{Verdict::allow, "tool exec"}});
  exec->act = writes(w_ + "/c.txt", "x");
  EXPECT_EQ(run("exec").status, ResultStatus::ok);
  EXPECT_TRUE(control.questions.empty());
}

// --- refused
// --------------------------------------------------------------------------------------

TEST_F(EffectsTest, OneDeniedPathDropsAllOfTheCall) {
  use_rules({{Verdict::deny, "write locked/**"}});
  fs::create_directories(w_ + "/locked");
  for (const auto mode : kWritingModes) {
    policy.mode = mode;
    exec->act = doing([this](const Execution& e) {
      return write_file(e, w_ + "/new.txt", "x") + write_file(e, w_ + "/locked/x", "x");
    });
    const auto result = run("exec");
    EXPECT_EQ(result.status, ResultStatus::denied) << name_of(mode);
    EXPECT_TRUE(result.text.contains("rule deny write locked/**")) << result.text;
  }
  EXPECT_TRUE(control.questions.empty());
  EXPECT_TRUE(control.notes.empty());
  EXPECT_TRUE(kept_sets().empty());
  EXPECT_FALSE(fs::exists(w_ + "/locked/x"));
  expect_untouched();
}

TEST_F(EffectsTest, ALinkLeadsToThePathThatIsJudged) {
  use_rules({{Verdict::deny, "write locked/**"}});
  policy.mode = Mode::autonomous;
  fs::create_directories(w_ + "/locked");
  put(w_ + "/locked/x", "old");
  fs::create_symlink("locked/x", w_ + "/innocent");
  exec->act = writes(w_ + "/innocent", "new");
  EXPECT_EQ(run("exec").status, ResultStatus::denied);
  EXPECT_EQ(get(w_ + "/locked/x"), "old");
}

TEST_F(EffectsTest, WhatIsHiddenCannotBeMadeNorSeenByAProgram) {
  put(w_ + "/.env", "KEY=1");
  use_rules({});
  policy.mode = Mode::autonomous;
  exec->act = [this](const Json&, const Execution& e) -> Result<ToolOutput> {
    const auto seen = e.files->stat(e.files->root(), w_ + "/.env", vfs::Follow::yes);
    EXPECT_TRUE(!seen && seen.error() == ENOENT);
    EXPECT_NE(write_file(e, w_ + "/.env", "KEY=2"), 0);
    EXPECT_NE(write_file(e, w_ + "/src/.env", "KEY=2"), 0);
    EXPECT_NE(write_file(e, w_ + "/.boxagnts/x", "x"), 0);
    return ToolOutput{ResultStatus::ok, "done"};
  };
  EXPECT_EQ(run("exec").status, ResultStatus::ok);
  EXPECT_EQ(get(w_ + "/.env"), "KEY=1");
  EXPECT_FALSE(fs::exists(w_ + "/src/.env"));
}

// --- somebody else
// --------------------------------------------------------------------------------

TEST_F(EffectsTest, AFileThatChangedSinceTheRunReadItIsNotReplaced) {
  policy.mode = Mode::autonomous;
  EXPECT_EQ(run("read", path_arguments(w_ + "/a.txt")).status, ResultStatus::ok);
  put(w_ + "/a.txt", "somebody else\n");
  exec->act = writes(w_ + "/a.txt", "x\n");
  const auto result = run("exec");
  EXPECT_EQ(result.status, ResultStatus::failed);
  EXPECT_TRUE(result.text.starts_with(w_ + "/a.txt changed since this run read it")) << result.text;
  EXPECT_EQ(get(w_ + "/a.txt"), "somebody else\n");
  EXPECT_TRUE(control.notes.empty());

  EXPECT_EQ(run("read", path_arguments(w_ + "/a.txt")).status, ResultStatus::ok);
  EXPECT_EQ(run("exec").status, ResultStatus::ok) << "it has read it again";
  EXPECT_EQ(run("exec").status, ResultStatus::ok) << "and knows what it wrote itself";
  EXPECT_EQ(get(w_ + "/a.txt"), "x\n");
}

TEST_F(EffectsTest, ACallThatReadsItsFileItselfNeedsNoEarlierReading) {
  policy.mode = Mode::autonomous;
  EXPECT_EQ(run("read", path_arguments(w_ + "/a.txt")).status, ResultStatus::ok);
  put(w_ + "/a.txt", "somebody else\n");
  write->reads_what_it_writes = true;
  write->act = writes(w_ + "/a.txt", "x\n");
  EXPECT_EQ(run("write", path_arguments(w_ + "/a.txt")).status, ResultStatus::ok);
  EXPECT_EQ(get(w_ + "/a.txt"), "x\n");
}

TEST_F(EffectsTest, WhatSomebodyChangesBeforeTheAnswerIsMergedWhereItMayBe) {
  exec->act = writes(w_ + "/a.txt", "one\ntwo\nthree\nfour\n5\n");
  control.meanwhile = [this](const core::Approval&) {
    put(w_ + "/a.txt", "1\ntwo\nthree\nfour\nfive\n");
  };
  const auto result = run("exec");
  EXPECT_EQ(result.status, ResultStatus::ok) << result.text;
  EXPECT_EQ(get(w_ + "/a.txt"), "1\ntwo\nthree\nfour\n5\n");
  ASSERT_EQ(control.settled().size(), 1u);
  ASSERT_EQ(control.settled()[0].files.size(), 1u);
  EXPECT_EQ(control.settled()[0].files[0].outcome, FileOutcome::merged);
}

TEST_F(EffectsTest, WhatCannotBeMergedIsAConflictAndNeverOverwritten) {
  exec->act = doing([this](const Execution& e) {
    return write_file(e, w_ + "/a.txt", "one\n2\nthree\nfour\nfive\n") +
           write_file(e, w_ + "/new.txt", "x");
  });
  control.meanwhile = [this](const core::Approval&) {
    put(w_ + "/a.txt", "one\nzwei\nthree\nfour\nfive\n");
  };
  const auto result = run("exec");
  EXPECT_EQ(result.status, ResultStatus::failed);
  EXPECT_TRUE(result.text.contains("not written: " + w_ + "/a.txt: ")) << result.text;
  EXPECT_EQ(get(w_ + "/a.txt"), "one\nzwei\nthree\nfour\nfive\n");
  EXPECT_EQ(get(w_ + "/new.txt"), "x") << "the others are applied all the same";
  ASSERT_EQ(control.settled().size(), 1u);
  EXPECT_EQ(control.settled()[0].files[0].outcome, FileOutcome::conflict);
  EXPECT_FALSE(control.settled()[0].files[0].reason.empty());
  EXPECT_EQ(control.settled()[0].files[1].outcome, FileOutcome::applied);
}

TEST_F(EffectsTest, AFolderThatBecameALinkMeanwhileIsNotFollowed) {
  exec->act = writes(w_ + "/src/b.txt", "x");
  put(other_ + "/b.txt", "b\n");
  control.meanwhile = [this](const core::Approval&) {
    fs::rename(w_ + "/src", w_ + "/moved");
    fs::create_directory_symlink(other_, w_ + "/src");
  };
  EXPECT_EQ(run("exec").status, ResultStatus::failed);
  EXPECT_EQ(get(other_ + "/b.txt"), "b\n");
}

// --- several mounts
// -------------------------------------------------------------------------------

class SeveralMounts : public EffectsTest {
 protected:
  SeveralMounts() {
    policy.envelope.mounts.push_back({other_, other_, Access::read_write});
    exec->act = doing([this](const Execution& e) {
      return write_file(e, w_ + "/new.txt", "x") + write_file(e, other_ + "/new.txt", "x");
    });
  }
};

TEST_F(SeveralMounts, EachIsAskedAboutAndApplied) {
  EXPECT_EQ(run("exec").status, ResultStatus::ok);
  EXPECT_EQ(control.questions.size(), 2u);
  EXPECT_EQ(get(w_ + "/new.txt"), "x");
  EXPECT_EQ(get(other_ + "/new.txt"), "x");
  EXPECT_EQ(control.all<core::ChangesKept>()[1].root, other_);
}

TEST_F(SeveralMounts, ADeniedPathInOneDropsBoth) {
  use_rules({{Verdict::deny, "write " + other_}});
  for (const auto mode : kWritingModes) {
    policy.mode = mode;
    EXPECT_EQ(run("exec").status, ResultStatus::denied) << name_of(mode);
    EXPECT_FALSE(fs::exists(w_ + "/new.txt")) << name_of(mode);
  }
  EXPECT_TRUE(control.questions.empty());
}

TEST_F(SeveralMounts, ANoToTheFirstDropsBothAndOneToTheSecondSaysWhatWasApplied) {
  control.answer(Answer::no);
  EXPECT_EQ(run("exec").status, ResultStatus::denied);
  EXPECT_EQ(control.questions.size(), 1u);
  expect_untouched();
  EXPECT_FALSE(fs::exists(other_ + "/new.txt"));

  control.answer(Answer::yes);
  control.answer(Answer::no);
  const auto result = run("exec");
  EXPECT_EQ(result.status, ResultStatus::denied);
  EXPECT_TRUE(result.text.ends_with("; but what it changed in " + w_ + " was applied"))
      << result.text;
  EXPECT_TRUE(fs::exists(w_ + "/new.txt"));
  EXPECT_FALSE(fs::exists(other_ + "/new.txt"));
}

TEST_F(SeveralMounts, AGuestPathOtherThanTheHostsIsJudgedAsTheGuestSeesIt) {
  policy.envelope.mounts.back().guest_path = "/data";
  policy.mode = Mode::autonomous;
  use_rules({{Verdict::deny, "write /data/locked"}});
  exec->act = writes("/data/locked", "x");
  EXPECT_EQ(run("exec").status, ResultStatus::denied);
  exec->act = writes("/data/open", "x");
  EXPECT_EQ(run("exec").status, ResultStatus::ok);
  EXPECT_EQ(get(other_ + "/open"), "x");
  EXPECT_EQ(control.settled().back().files[0].path, other_ + "/open");
}

TEST_F(EffectsTest, AMountOnAnotherFileSystemIsHeldBackAndAppliedThere) {
  struct stat here{}, there{};
  ::stat(w_.c_str(), &here);
  char folder[] = "/dev/shm/pipeline_test.XXXXXX";
  if (::stat("/dev/shm", &there) != 0 || here.st_dev == there.st_dev || !::mkdtemp(folder))
    GTEST_SKIP() << "there is no other file system in /dev/shm";
  const std::string elsewhere = folder;
  policy.envelope.mounts.push_back({elsewhere, elsewhere, Access::read_write});
  exec->act = writes(elsewhere + "/x", "x");
  control.answer(Answer::no);
  EXPECT_EQ(run("exec").status, ResultStatus::denied);
  EXPECT_FALSE(fs::exists(elsewhere + "/x"));
  EXPECT_EQ(run("exec").status, ResultStatus::ok);
  EXPECT_EQ(get(elsewhere + "/x"), "x");
  fs::remove_all(elsewhere);
}

// --- words
// ----------------------------------------------------------------------------------------

TEST(Effects, JoinedShowsSomeAndCountsTheRest) {
  EXPECT_EQ(joined({}, 3), "");
  EXPECT_EQ(joined({"a"}, 3), "a");
  EXPECT_EQ(joined({"a", "b", "c"}, 3), "a, b, c");
  EXPECT_EQ(joined({"a", "b", "c", "d", "e"}, 3), "a, b, c and 2 more");
}

}  // namespace
}  // namespace boxagnts::tools
