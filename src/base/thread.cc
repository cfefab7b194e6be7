#include "base/thread.h"

#include <csignal>
#include <memory>

namespace boxagnts::base {
namespace {

struct Start {
  std::string name;
  std::move_only_function<void()> body;
};

void* enter(void* argument) {
  const std::unique_ptr<Start> start(static_cast<Start*>(argument));
  pthread_setname_np(pthread_self(), start->name.substr(0, 15).c_str());
  start->body();
  return nullptr;
}

}  // namespace

Result<Thread> Thread::start(const std::string& name, std::size_t stack_bytes,
                             std::move_only_function<void()> body) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack_bytes);
  auto start = std::make_unique<Start>(name, std::move(body));
  // Signals belong to the main thread, but for those that a thread raises itself: the sandbox turns
  // a guest's faults into traps, and a blocked one would end the program.
  sigset_t asynchronous, before;
  sigfillset(&asynchronous);
  for (const int own : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT})
    sigdelset(&asynchronous, own);
  pthread_sigmask(SIG_SETMASK, &asynchronous, &before);
  Thread thread;
  const int error_number = pthread_create(&thread.handle_, &attributes, enter, start.get());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (error_number != 0) {
    thread.handle_ = 0;
    return fail(Code::busy, "the system has no thread left for " + name, errno_text(error_number));
  }
  (void)start.release();  // the thread owns it
  return thread;
}

Thread& Thread::operator=(Thread&& other) noexcept {
  join();
  handle_ = std::exchange(other.handle_, 0);
  return *this;
}

void Thread::join() {
  if (handle_ != 0) pthread_join(std::exchange(handle_, 0), nullptr);
}

}  // namespace boxagnts::base
