// Tells the pages that look at a folder when something in it changed: "files" events in the stream
// that a page follows anyway.
//
// One thread, made with the first watch. Changes of one folder are told at most every kTellEvery,
// and never lost: a stream without room is told later. Thread-safe. `files` outlives it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "net/http_server.h"
#include "workspace/files.h"

namespace boxagnts::gateway {

class FileChanges {
 public:
  static constexpr std::size_t kFoldersMax = 256;  // of one stream
  static constexpr std::chrono::milliseconds kTellEvery{100};

  // Folders as the files API names them, with where each stands. Made before a stream is.
  struct Wish {
    struct Folder {
      std::string path, host_folder;
    };
    std::vector<Folder> folders;
  };

  explicit FileChanges(workspace::Files& files);
  ~FileChanges();

  // `folders`: a JSON array of paths. Errors: invalid_argument, not_found.
  Result<Wish> wish_of(std::string_view folders);
  // Until the stream is gone. Errors: busy (too many folders are watched).
  Status watch(const Wish& wish, std::shared_ptr<net::ServerStream> stream);

 private:
  class Teller;
  workspace::Files& files_;
  const std::unique_ptr<Teller> teller_;
};

}  // namespace boxagnts::gateway
