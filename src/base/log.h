// The program's own log, on standard error: one line an entry, for its operator. What agents do is
// not logged here but is in the event log. Thread-safe; a line is one write.
#pragma once

#include <string_view>

namespace boxagnts::base {

enum class LogLevel : unsigned char { error, warning, info, debug };

// Threshold from BOXAGNTS_LOG (error, warning, info, debug); warning by default.
void log(LogLevel level, std::string_view room, std::string_view message);
bool log_enabled(LogLevel level);

}  // namespace boxagnts::base
