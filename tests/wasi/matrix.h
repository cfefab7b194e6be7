// The matrix of preview1: 46 functions by 77 errno values, one table as data (matrix.txt), no hole.
//
// A line of the table says for some functions and some errnos either how they are provoked
//   case FUNCTIONS ERRNOS : how
// or why this kernel never answers them
//   never FUNCTIONS ERRNOS : why
// or that only the host's hardware or administrator can (the mapping of its errno has a test)
//   host FUNCTIONS ERRNOS : why
// Names are separated by commas; "*" at an end of a function's name matches any ending or
// beginning. A `case` wins over the others, so that those may speak of many functions at once.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace boxagnts::wasi_test {

using Cell = std::pair<std::string, std::string>;  // function, errno

struct Row {
  enum class Kind { provoked, never, host } kind;
  std::string text;  // how or why
  int line;
};

const std::vector<std::string>& functions();
const std::vector<std::string>& errnos();

class Matrix {
 public:
  // Reads matrix.txt; `mistakes` tells what is wrong with the file itself.
  static Matrix read(const std::string& path, std::vector<std::string>& mistakes);
  // One sentence for every cell that has no row, a `case` row without a case, a case without a
  // `case` row, and an errno that was met although its row says never.
  std::vector<std::string> holes(const std::set<Cell>& cases, const std::set<Cell>& met) const;
  // The errnos of all `host` rows.
  std::set<std::string> host_errnos() const;
  // The table for a person: functions down, errnos across; every line begins with "| ", which
  // scripts/unit_tests shows.
  std::string drawn() const;

 private:
  const Row* find(const Cell& cell) const;
  std::map<Cell, Row> cells_;
};

}  // namespace boxagnts::wasi_test
