#include "tests/wasi/matrix.h"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace boxagnts::wasi_test {
namespace {

bool matches(const std::string& pattern, const std::string& name) {
  if (pattern.ends_with('*')) return name.starts_with(pattern.substr(0, pattern.size() - 1));
  if (pattern.starts_with('*')) return name.ends_with(pattern.substr(1));
  return pattern == name;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

// The names that a comma-separated list of patterns stands for.
std::set<std::string> expanded(const std::string& list, const std::vector<std::string>& names,
                               const std::string& where, std::vector<std::string>& mistakes) {
  std::set<std::string> found;
  for (const auto& pattern : split(list, ',')) {
    const auto before = found.size();
    for (const auto& name : names)
      if (matches(pattern, name)) found.insert(name);
    if (found.size() == before) mistakes.push_back(where + ": " + pattern + " names nothing new");
  }
  return found;
}

}  // namespace

const std::vector<std::string>& functions() {
  static const std::vector<std::string> kNames = {
#define FUNCTION(name, parameters) #name,
#define FUNCTION_EXIT FUNCTION
#include "tests/wasi/functions.inc"
#undef FUNCTION
#undef FUNCTION_EXIT
  };
  return kNames;
}

const std::vector<std::string>& errnos() {
  static const std::vector<std::string> kNames = {
#define ERRNO(name) #name,
#include "tests/wasi/errno.inc"
#undef ERRNO
  };
  return kNames;
}

Matrix Matrix::read(const std::string& path, std::vector<std::string>& mistakes) {
  Matrix matrix;
  std::ifstream file(path);
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty() || line.starts_with('#')) continue;
    const std::string where = "matrix.txt:" + std::to_string(number);
    std::istringstream words(line);
    std::string kind, names, errors, colon, text;
    words >> kind >> names >> errors >> colon;
    std::getline(words >> std::ws, text);
    Row row{Row::Kind::provoked, text, number};
    if (kind == "never") row.kind = Row::Kind::never;
    if (kind == "host") row.kind = Row::Kind::host;
    if ((kind != "case" && kind != "never" && kind != "host") || colon != ":" || text.empty()) {
      mistakes.push_back(where + ": a line is KIND FUNCTIONS ERRNOS : TEXT");
      continue;
    }
    for (const auto& function : expanded(names, functions(), where, mistakes))
      for (const auto& error : expanded(errors, errnos(), where, mistakes)) {
        Row& cell = matrix.cells_.try_emplace({function, error}, row).first->second;
        const bool both_cases = cell.kind == row.kind && cell.line != number;
        if (row.kind == Row::Kind::provoked && both_cases)
          mistakes.push_back(where + ": " + function + " " + error + " stands twice");
        if (row.kind == Row::Kind::provoked) cell = row;
      }
  }
  if (number == 0) mistakes.push_back(path + " cannot be read");
  return matrix;
}

const Row* Matrix::find(const Cell& cell) const {
  const auto found = cells_.find(cell);
  return found == cells_.end() ? nullptr : &found->second;
}

std::vector<std::string> Matrix::holes(const std::set<Cell>& cases,
                                       const std::set<Cell>& met) const {
  std::vector<std::string> holes;
  for (const auto& function : functions())
    for (const auto& error : errnos()) {
      const Cell cell{function, error};
      const Row* row = find(cell);
      const std::string name = function + " " + error;
      if (!row) {
        holes.push_back(name + ": neither a case nor a reason");
        continue;
      }
      const bool provoked = row->kind == Row::Kind::provoked;
      if (provoked && !cases.contains(cell)) holes.push_back(name + ": the case is missing");
      if (!provoked && cases.contains(cell)) holes.push_back(name + ": a case, but no case row");
      if (!provoked && met.contains(cell))
        holes.push_back(name + ": was met, but line " + std::to_string(row->line) + " says " +
                        row->text);
    }
  return holes;
}

std::set<std::string> Matrix::host_errnos() const {
  std::set<std::string> found;
  for (const auto& [cell, row] : cells_)
    if (row.kind == Row::Kind::host) found.insert(cell.second);
  return found;
}

std::string Matrix::drawn() const {
  std::vector<std::string> columns;  // the errnos that some function answers
  for (const auto& error : errnos())
    if (std::ranges::any_of(functions(), [&](const auto& function) {
          const Row* row = find({function, error});
          return row && row->kind != Row::Kind::never;
        }))
      columns.push_back(error);
  constexpr std::size_t kNameWidth = 24;
  std::size_t height = 0;
  for (const auto& column : columns) height = std::max(height, column.size());
  std::string text;
  for (std::size_t y = 0; y < height; ++y) {
    text += "| " + std::string(kNameWidth, ' ');
    for (const auto& column : columns) {
      const std::size_t above = height - column.size();
      text += ' ';
      text += y < above ? ' ' : column[y - above];
    }
    text += '\n';
  }
  std::map<Row::Kind, int> counts;
  for (const auto& function : functions()) {
    text += "| " + function + std::string(kNameWidth - function.size(), ' ');
    for (const auto& error : columns) {
      const Row* row = find({function, error});
      text += ' ';
      text += !row                               ? '?'
              : row->kind == Row::Kind::provoked ? '#'
              : row->kind == Row::Kind::host     ? 'h'
                                                 : '.';
    }
    text += '\n';
    for (const auto& error : errnos())
      if (const Row* row = find({function, error})) ++counts[row->kind];
  }
  text += "| # provoked by a case: " + std::to_string(counts[Row::Kind::provoked]) +
          "   h only the host itself can: " + std::to_string(counts[Row::Kind::host]) +
          "   . or no column, never, with a reason: " + std::to_string(counts[Row::Kind::never]) +
          "\n";
  return text;
}

}  // namespace boxagnts::wasi_test
