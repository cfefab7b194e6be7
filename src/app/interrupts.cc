#include "app/interrupts.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <memory>

namespace boxagnts::app {

Result<std::unique_ptr<Interrupts>> Interrupts::watch(std::function<void()> on_first) {
  constexpr int kExitCancelled = 130;
  constexpr int kSignals[]{SIGINT, SIGTERM, SIGHUP};
  return watch_each(kSignals, [on_first = std::move(on_first), seen = 0](int) mutable {
    if (seen++ > 0) ::_exit(kExitCancelled);
    on_first();
  });
}

Result<std::unique_ptr<Interrupts>> Interrupts::watch_each(std::span<const int> numbers,
                                                           std::function<void(int)> on_each) {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int number : numbers) {
    // Ignored by whoever started us (nohup, a shell's background job): it stays so. A blocked
    // signal would reach the signalfd all the same.
    struct sigaction action{};
    if (::sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) continue;
    sigaddset(&wanted, number);
  }
  sigprocmask(SIG_BLOCK, &wanted, nullptr);
  base::UniqueFd signals(::signalfd(-1, &wanted, SFD_CLOEXEC));
  base::UniqueFd quit(::eventfd(0, EFD_CLOEXEC));
  if (!signals || !quit) return fail_errno(errno, "cannot watch for signals");
  std::unique_ptr<Interrupts> interrupts(
      new Interrupts(std::move(signals), std::move(quit), std::move(on_each)));
  interrupts->thread_ = TRY(
      base::Thread::start("signals", 128 << 10, [watched = interrupts.get()] { watched->wait(); }));
  return interrupts;
}

Interrupts::~Interrupts() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto put = ::write(quit_.get(), &one, sizeof one);
}

void Interrupts::wait() {
  while (true) {
    pollfd wanted[]{{signals_.get(), POLLIN, 0}, {quit_.get(), POLLIN, 0}};
    if (::poll(wanted, 2, -1) < 0) continue;
    if (wanted[1].revents != 0) return;
    signalfd_siginfo info;
    if (::read(signals_.get(), &info, sizeof info) != sizeof info) continue;
    on_each_(static_cast<int>(info.ssi_signo));
  }
}

}  // namespace boxagnts::app
