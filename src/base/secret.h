// Secrets: random ones, comparing them, and passwords as argon2id hashes (libsodium). Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace boxagnts::base {

// 256 random bits in 43 characters of A-Z a-z 0-9 _ -.
std::string random_secret();

// Takes the same time wherever two texts of one length differ.
bool equal_secrets(std::string_view a, std::string_view b);

// "$argon2id$…", with libsodium's interactive cost: 64 MiB and a few hundred milliseconds.
// Errors: busy (no memory for it).
Result<std::string> hash_password(std::string_view password);
bool is_password_hash(std::string_view text);
// Costs as much as making the hash did.
bool password_matches(const std::string& hash, std::string_view password);

}  // namespace boxagnts::base
