// A conversation's images on their way to a model: which go along, and what is said of the others.
// Belongs to one request. Limits: the newest 20 images and 20 MB go along.
#pragma once

#include <expected>
#include <set>
#include <string>

#include "models/model.h"

namespace boxagnts::models {

class Images {
 public:
  // `request` outlives it.
  Images(Sight sight, const Request& request);

  // The bytes of an image of the request's messages, or what a model is told instead.
  std::expected<std::string, std::string> show(const core::ImageBlock& image) const;

 private:
  const Sight sight_;
  const Request& request_;
  std::set<const core::ImageBlock*> along_;
};

// "data:image/png;base64,..."
std::string data_url(const core::ImageBlock& image, std::string_view bytes);

}  // namespace boxagnts::models
