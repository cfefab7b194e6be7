#include "base/log.h"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>

#include "base/text.h"
#include "base/time.h"

namespace boxagnts::base {
namespace {

constexpr std::array<std::string_view, 4> kNames{"error", "warning", "info", "debug"};

LogLevel threshold_from_environment() {
  const char* wanted = std::getenv("BOXAGNTS_LOG");
  for (std::size_t i = 0; wanted && i < kNames.size(); ++i)
    if (kNames[i] == wanted) return static_cast<LogLevel>(i);
  return LogLevel::warning;
}

}  // namespace

bool log_enabled(LogLevel level) {
  static const LogLevel kThreshold = threshold_from_environment();
  return level <= kThreshold;
}

void log(LogLevel level, std::string_view room, std::string_view message) {
  if (!log_enabled(level)) return;
  std::string line = iso8601(SystemClock().now());
  line.append(" ").append(kNames[static_cast<std::size_t>(level)]).append(" ").append(room);
  line.append(": ").append(terminal_safe(message)).append("\n");
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace boxagnts::base
