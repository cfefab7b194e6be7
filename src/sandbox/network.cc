#include "sandbox/network.h"

namespace boxagnts::sandbox {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

void note(vfs::Tape& tape, const Headers& headers) {
  tape.note(static_cast<std::uint32_t>(headers.size()));
  for (const auto& [name, value] : headers) {
    tape.note_text(name);
    tape.note_text(value);
  }
}

Headers recall_headers(vfs::Tape& tape) {
  Headers headers;
  for (auto left = tape.recall<std::uint32_t>(); left > 0 && !tape.diverged(); --left) {
    std::string name = tape.recall_text();
    headers.emplace_back(std::move(name), tape.recall_text());
  }
  return headers;
}

// Lengths stand before what varies, so that no two requests read the same.
std::string question_of(const NetworkRequest& request) {
  std::string text = "http_open";
  const auto add = [&text](const std::string& part) {
    text += " " + std::to_string(part.size()) + ":" + part;
  };
  add(request.method);
  add(request.url);
  for (const auto& [name, value] : request.headers) {
    add(name);
    add(value);
  }
  add(request.body);
  return text;
}

class RecordedNetwork final : public Network {
 public:
  RecordedNetwork(Network* inner, vfs::Tape& tape) : inner_(inner), tape_(tape) {}

  Result<NetworkAnswer> open(const NetworkRequest& request, base::Steady deadline,
                             std::stop_token stop) override {
    if (!tape_.ask(question_of(request)))
      return fail(Code::unavailable, "the replay asks something else than was recorded");
    return tape_.recording() ? record(request, deadline, std::move(stop)) : replay();
  }

 private:
  Result<NetworkAnswer> record(const NetworkRequest& request, base::Steady deadline,
                               std::stop_token stop) {
    auto answer = inner_->open(request, deadline, std::move(stop));
    tape_.note(static_cast<std::uint8_t>(answer ? 1 : 0));
    if (!answer) {
      tape_.note(answer.error().code);
      tape_.note_text(answer.error().message);
      tape_.note_text(answer.error().context);
      return answer;
    }
    tape_.note(answer->status);
    tape_.note_text(answer->url);
    tape_.note_text(answer->protocol);
    note(tape_, answer->headers);
    answer->body = vfs::make_recorded(std::move(answer->body), tape_);
    return answer;
  }

  Result<NetworkAnswer> replay() {
    if (tape_.recall<std::uint8_t>() == 0) {
      const auto code = tape_.recall<Code>();
      std::string message = tape_.recall_text();
      return fail(code, std::move(message), tape_.recall_text());
    }
    NetworkAnswer answer;
    answer.status = tape_.recall<int>();
    answer.url = tape_.recall_text();
    answer.protocol = tape_.recall_text();
    answer.headers = recall_headers(tape_);
    answer.body = vfs::make_recorded(std::shared_ptr<vfs::File>(), tape_);
    if (tape_.diverged())
      return fail(Code::unavailable, "the replay came to the end of what was recorded");
    return answer;
  }

  Network* const inner_;
  vfs::Tape& tape_;
};

}  // namespace

std::unique_ptr<Network> make_recorded_network(Network* inner, vfs::Tape& tape) {
  return std::make_unique<RecordedNetwork>(inner, tape);
}

}  // namespace boxagnts::sandbox
