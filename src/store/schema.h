// The tables of state.db and how a file of an older version becomes one of this version.
//
// `application_id` says that a file is ours, `user_version` which tables it has. A migration is
// never changed once it has shipped; a new version appends one.
#pragma once

#include <cstdint>
#include <span>

#include "base/error.h"
#include "store/sqlite.h"

namespace boxagnts::store {

constexpr std::uint32_t kApplicationId = 0x42784167;  // "BxAg"

// All of this program's, in order: the first makes version 1 of an empty file.
std::span<const Sql> migrations();
std::int64_t schema_version();

// Brings the file up to the last of `steps`, each in its own transaction. Errors: corrupt (another
// program's database), unsupported (made by a newer version); then nothing was changed.
Status migrate(Connection& connection, const Health& health, std::span<const Sql> steps);

// The two refusals, for whoever meets such a file first.
std::unexpected<Error> refuse_foreign(const std::string& file);
std::unexpected<Error> refuse_newer(const std::string& file, std::int64_t version);

}  // namespace boxagnts::store
