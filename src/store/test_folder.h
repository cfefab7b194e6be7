// For this room's tests: a state folder of its own, and the file in it seen from outside.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "store/sqlite.h"
#include "store/store.h"

namespace boxagnts::store {

class TestFolder {
 public:
  TestFolder() {
    std::string made = (std::filesystem::temp_directory_path() / "store_test.XXXXXX").string();
    if (::mkdtemp(made.data())) root_ = made;
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  ~TestFolder() { std::filesystem::remove_all(root_); }

  const std::string& root() const { return root_; }
  std::string state() const { return root_ + "/state"; }
  std::string database() const { return state() + "/state.db"; }

  // Every file of the state folder with its bytes.
  std::map<std::string, std::string> content() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_)) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      files[entry.path().string()] = std::string(std::istreambuf_iterator<char>(file), {});
    }
    return files;
  }

 private:
  std::string root_;
};

// The same file through plain SQLite, as another program would use it.
struct Raw {
  explicit Raw(const std::string& path) : health{.name = path} {
    {
      std::ofstream touched(path, std::ios::app);
    }
    auto opened = Connection::open(path, Connection::Use::write, health);
    EXPECT_TRUE(opened);
    connection = std::move(*opened);
    connection->keep();
  }
  void execute(Sql sql) {
    const auto done = connection->execute(sql);
    EXPECT_TRUE(done) << (done ? "" : done.error().message);
  }

  Health health;
  std::unique_ptr<Connection> connection;
};

// The code of a failure; nothing where there is none.
template <class Outcome>
std::optional<Code> code_of(const Outcome& outcome) {
  if (outcome) return std::nullopt;
  return outcome.error().code;
}

inline Status append_text(Store& store, const RunLease& lease, const std::string& text) {
  const core::EventBody body = core::UserMessage{text};
  const auto appended = store.append(lease, std::span(&body, 1));
  if (!appended) return std::unexpected(appended.error());
  return {};
}

}  // namespace boxagnts::store
