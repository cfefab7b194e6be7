// Times repeated calls and prints one row each; rivals run in the same program, interleaved in
// rounds, so that the ratio holds on a machine whose speed drifts.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace boxagnts::bench {

struct Row {
  std::string name;
  std::function<void()> once;
  std::vector<double> microseconds{};

  double percentile(double share) const {
    std::vector<double> sorted = microseconds;
    std::ranges::sort(sorted);
    return sorted.at(static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1)));
  }
};

inline double time_us(const std::function<void()>& once) {
  const auto begun = std::chrono::steady_clock::now();
  once();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begun)
      .count();
}

// Every row `per_round` times a round, rows in turn; the first round warms up and is not counted.
inline void measure(std::vector<Row>& rows, int rounds, int per_round) {
  for (int round = 0; round <= rounds; ++round)
    for (auto& row : rows)
      for (int i = 0; i < per_round; ++i) {
        const double us = time_us(row.once);
        if (round > 0) row.microseconds.push_back(us);
      }
}

inline void print_header(const char* title) {
  std::printf("\n%s\n%-58s %10s %10s %10s\n", title, "", "min us", "p50 us", "p99 us");
}

inline void print(const Row& row) {
  std::printf("%-58s %10.1f %10.1f %10.1f\n", row.name.c_str(), row.percentile(0),
              row.percentile(0.5), row.percentile(0.99));
}

inline void target(const std::string& what, double value, double bound) {
  std::printf("  %-56s %10.2f  target <= %-8.6g %s\n", what.c_str(), value, bound,
              value <= bound ? "met" : "MISSED");
}

}  // namespace boxagnts::bench
