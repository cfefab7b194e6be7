#include "agent/runs.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>

#include "agent/approvals.h"
#include "agent/frames.h"
#include "agent/late_answer.h"
#include "agent/loop.h"
#include "agent/tail.h"
#include "base/log.h"
#include "base/text.h"
#include "base/thread.h"

namespace boxagnts::agent {
namespace {

constexpr std::size_t kTitleColumns = 60;

// One run from its acquisition to its end. Members outlive the thread that works on them.
struct ActiveRun {
  RunRequest request;
  std::shared_ptr<const Settings> settings;
  core::SessionId session;
  std::unique_ptr<models::Model> model;
  std::unique_ptr<store::RunLease> lease;
  std::stop_source stop;
  std::unique_ptr<Loop> loop;
  enum class State : std::uint8_t { running, ending, finished };
  State state = State::running;  // under RunsImpl::mutex_
  std::mutex ending;             // who holds it keeps the loop from going
  base::Thread thread;           // last: joined before the rest goes
};

// The first ones are shown with their schemas, and those that find and call the others.
ToolList list_tools(std::shared_ptr<const tools::Toolset> set, core::AgentAccess access,
                    std::size_t shown_max) {
  constexpr std::string_view kFinders[]{"tool_search", "call_tool"};
  auto specs = set->registry->specs(access);
  const bool all = specs.size() <= shown_max;
  ToolList list{.set = std::move(set), .shown = {}, .more = {}};
  for (auto& spec : specs) {
    const bool finder = std::ranges::find(kFinders, spec.name) != std::end(kFinders);
    if (finder ? !all : (all || list.shown.size() < shown_max))
      list.shown.push_back(std::move(spec));
    else if (!finder)
      list.more += (list.more.empty() ? "" : ", ") + spec.name;
  }
  return list;
}

class RunsImpl final : public Runs {
 public:
  RunsImpl(Dependencies dependencies, SettingsNow settings)
      : dependencies_(std::move(dependencies)), settings_(std::move(settings)) {}

  ~RunsImpl() override {
    std::map<core::RunId, std::unique_ptr<ActiveRun>> last;
    {
      const std::lock_guard lock(mutex_);
      for (auto& [id, run] : active_) run->stop.request_stop();
      last.swap(active_);
    }
  }

  Result<Started> start(const RunRequest& request) override {
    reap();
    TRY(judge_attachments(request.attachments));
    auto run = std::make_unique<ActiveRun>();
    run->settings = settings_();
    const auto place = TRY(take_place(run->settings->runs_max));
    run->request = request;
    run->model = TRY(dependencies_.open_model(request.model));
    const bool made = !request.session;
    const core::SessionId session =
        made ? TRY(dependencies_.store.create_session(base::one_line(
                   request.prompt.substr(0, request.prompt.find('\n')), kTitleColumns)))
             : *request.session;
    let_end(session);
    auto acquired = TRY(dependencies_.store.acquire(session));
    run->session = session;
    run->lease = std::move(acquired.lease);
    run->loop = std::make_unique<Loop>(
        Loop::Parts{dependencies_, *run->settings, run->request, *run->model, *run->lease,
                    tools_for(request.access, run->settings->tools_max), hub_, approvals_,
                    run->stop.get_token()});
    const auto after = TRY(run->loop->open());
    Started started{session, run->lease->run(), after};
    TRY(run->loop->begin());
    run->request.attachments = {};
    if (auto launched = launch(started.run, run); !launched) {
      TRY(run->loop->finish({.outcome = core::Outcome::failed, .error = launched.error()}));
      return std::unexpected(std::move(launched.error()));
    }
    return started;
  }

  Status cancel(const core::RunId& id) override {
    const std::lock_guard lock(mutex_);
    const auto found = active_.find(id);
    // One that has logged its end, or is about to, is not stopped any more.
    if (found == active_.end() || found->second->state != ActiveRun::State::running)
      return fail(Code::not_found, "no run " + id.text + " is running here");
    found->second->stop.request_stop();
    return {};
  }

  Status answer(const core::ApprovalId& approval, core::Reply reply, std::string by) override {
    const auto taken = approvals_.answer(approval, reply, by);
    if (taken == Approvals::Taken::yes) return {};
    if (taken == Approvals::Taken::too_late)
      return fail(Code::not_found, "question " + approval.text + " has its answer");
    auto question = dependencies_.store.open_question(approval);
    if (!question && question.error().code == Code::not_found)
      return fail(Code::not_found, "no question " + approval.text + " waits for an answer");
    if (!question) return std::unexpected(std::move(question.error()));
    return answer_now({*std::move(question), std::move(reply), std::move(by)});
  }

  Result<std::unique_ptr<Tail>> tail(const core::SessionId& session, std::int64_t after) override {
    TRY(dependencies_.store.session(session));
    return make_tail(dependencies_.store, hub_, session, after);
  }

  void let_end(const core::SessionId& session) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
      return std::ranges::none_of(active_, [&](const auto& entry) {
        return entry.second->state == ActiveRun::State::ending && entry.second->session == session;
      });
    });
  }

  std::vector<LiveRun> live() override {
    const std::lock_guard lock(mutex_);
    std::vector<LiveRun> runs;
    for (const auto& [id, run] : active_)
      if (run->state == ActiveRun::State::running)
        runs.push_back({id, run->session, run->request.model, run->request.mode});
    return runs;
  }

  std::shared_ptr<FrameQueue> frames() override { return hub_.subscribe_all(); }
  void collect_output() override { hub_.collect_output(std::chrono::steady_clock::now()); }

 private:
  // Where its session's run is here, in that run's log; else as a run of its own.
  Status answer_now(const LateAnswer& answer) {
    LateParts parts{.store = dependencies_.store,
                    .changes = dependencies_.changes,
                    .rules = dependencies_.rules,
                    .clock = dependencies_.clock,
                    .log = {}};
    const auto& session = answer.question.session;
    let_end(session);
    std::unique_lock lock(mutex_);
    const auto running = std::ranges::find_if(active_, [&](const auto& entry) {
      return entry.second->state == ActiveRun::State::running && entry.second->session == session;
    });
    if (running != active_.end()) {
      ActiveRun& run = *running->second;
      const std::lock_guard held(run.ending);
      lock.unlock();
      if (!run.loop) return fail(Code::busy, "the session's run is just ending; try again");
      parts.log = [&run](std::span<const core::EventBody> bodies) { return run.loop->log(bodies); };
      const auto approval = TRY(answer_late(parts, answer));
      run.loop->answered_late(approval, answer.reply);
      return {};
    }
    lock.unlock();
    const auto acquired = TRY(dependencies_.store.acquire(session));
    parts.log = [&](std::span<const core::EventBody> bodies) -> Status {
      TRY(dependencies_.store.append(*acquired.lease, bodies));
      hub_.ring(session);
      return {};
    };
    TRY(answer_late(parts, answer));
    return {};
  }

  // One list for all runs of an access, as long as the tools are the same: schemas are large.
  std::shared_ptr<const ToolList> tools_for(core::AgentAccess access, std::size_t shown_max) {
    auto set = dependencies_.tools();
    const std::lock_guard lock(mutex_);
    if (std::exchange(tools_shown_max_, shown_max) != shown_max) tools_.clear();
    auto& tools = tools_[access];
    if (!tools || tools->set != set)
      tools = std::make_shared<const ToolList>(list_tools(std::move(set), access, shown_max));
    return tools;
  }

  // Joins threads whose run has ended.
  void reap() {
    std::vector<std::unique_ptr<ActiveRun>> ended;
    const std::lock_guard lock(mutex_);
    for (auto entry = active_.begin(); entry != active_.end();) {
      if (entry->second->state == ActiveRun::State::finished) {
        ended.push_back(std::move(entry->second));
        entry = active_.erase(entry);
      } else {
        ++entry;
      }
    }
  }

  // Room for a run that is being started: taken before anything of it is stored.
  class Place {
   public:
    explicit Place(RunsImpl& home) : home_(&home) {}
    Place(Place&& other) noexcept : home_(std::exchange(other.home_, nullptr)) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (!home_) return;
      const std::lock_guard lock(home_->mutex_);
      --home_->starting_;
    }

   private:
    RunsImpl* home_;
  };
  Result<Place> take_place(std::uint32_t runs_max) {
    const std::lock_guard lock(mutex_);
    // One that has logged its end takes no more room: who saw that may start the next at once.
    const auto running = std::ranges::count_if(active_, [](const auto& entry) {
      return entry.second->state == ActiveRun::State::running;
    });
    if (static_cast<std::size_t>(running) + starting_ >= runs_max)
      return fail(Code::busy, "all " + std::to_string(runs_max) +
                                  " runs of this process are busy; try again later");
    ++starting_;
    return Place(*this);
  }

  // Takes the run over, unless no thread can be made for it.
  Status launch(const core::RunId& id, std::unique_ptr<ActiveRun>& run) {
    const std::lock_guard lock(mutex_);
    ActiveRun& target = *run;
    target.thread =
        TRY(base::Thread::start("run", core::calling_thread_bytes(target.settings->limits),
                                [this, &target] { work(target); }));
    active_.emplace(id, std::move(run));
    return {};
  }

  void work(ActiveRun& run) {
    auto ended = run.loop->run();
    set_state(run, ActiveRun::State::ending);
    const Status logged = ended ? run.loop->finish(std::move(*ended))
                                : Status(std::unexpected(std::move(ended.error())));
    if (!logged)
      base::log(base::LogLevel::error, "agent",
                "run " + run.lease->run().text + " was lost: " + logged.error().message);
    {
      const std::lock_guard last_word(run.ending);
      run.loop.reset();
      run.lease.reset();  // the session is free again
    }
    hub_.ring(run.session);
    if (!logged) hub_.lose(run.session, logged.error());
    set_state(run, ActiveRun::State::finished);
  }

  void set_state(ActiveRun& run, ActiveRun::State state) {
    const std::lock_guard lock(mutex_);
    run.state = state;
    changed_.notify_all();
  }

  Dependencies dependencies_;
  const SettingsNow settings_;
  FrameHub hub_;
  Approvals approvals_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<core::RunId, std::unique_ptr<ActiveRun>> active_;
  std::map<core::AgentAccess, std::shared_ptr<const ToolList>> tools_;
  std::size_t tools_shown_max_ = 0;
  std::size_t starting_ = 0;  // places taken by runs that are not yet in active_
};

}  // namespace

std::unique_ptr<Runs> Runs::make(Dependencies dependencies, SettingsNow settings) {
  return std::make_unique<RunsImpl>(std::move(dependencies), std::move(settings));
}

std::unique_ptr<Runs> Runs::make(Dependencies dependencies, Settings settings) {
  auto fixed = std::make_shared<const Settings>(std::move(settings));
  return make(std::move(dependencies), [fixed = std::move(fixed)] { return fixed; });
}

}  // namespace boxagnts::agent
