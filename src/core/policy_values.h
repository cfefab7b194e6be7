// The values of "facts, then a decision, then a grant": what a call would touch, what was decided
// and by which rule, what the guest may therefore touch. Values only; the decision is in `policy`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "core/enum_names.h"
#include "core/limits.h"

namespace boxagnts::core {

// What a call does to the world, from least to most. A tool's declared level is a claim; the
// effective one is the higher of the claim and what the call's facts imply.
enum class Level : std::uint8_t { none, read_only, write, execute, dangerous, forbidden };
BOXAGNTS_ENUM_NAMES(Level, "none", "read-only", "write", "execute", "dangerous", "forbidden");

// How a run treats effects (DESIGN section 5's columns). `unattended` is chosen, never assumed: in
// the other modes a question that nobody can answer is a no.
enum class Mode : std::uint8_t { plan, ask, edits, autonomous, unattended };
BOXAGNTS_ENUM_NAMES(Mode, "plan", "ask", "edits", "autonomous", "unattended");

// Which tools the model is shown at all; checked again at each call.
enum class AgentAccess : std::uint8_t { full, read_only, search_only };
BOXAGNTS_ENUM_NAMES(AgentAccess, "full", "read-only", "search-only");

// What a call would touch, worked out from its arguments before it runs. Paths are absolute and
// lexically normal (no "." or ".."); links are the resolver's business when the call runs.
struct CallFacts {
  std::vector<std::string> reads;
  std::vector<std::string> writes;
  std::vector<std::string> connects;  // absolute URLs that it would get; where it goes from there,
                                      // and everything else, is judged when it connects
  bool opaque = false;  // the arguments do not tell: all that the tool's manifest wants
};

enum class Access : std::uint8_t { read_only, read_write };
BOXAGNTS_ENUM_NAMES(Access, "ro", "rw");

// A host folder (or a memory file system when host_path is empty) in a guest's name space.
struct MountGrant {
  std::string host_path;
  std::string guest_path;  // absolute; as parsed perhaps relative, or "": the same as host_path
  Access access = Access::read_only;
};
// "HOST", "HOST::GUEST", either with ":ro" or ":rw" behind it. Errors: invalid_argument.
Result<MountGrant> parse_mount(std::string_view text);
// "NAME=value" as it is. Errors: invalid_argument.
Result<std::string> parse_variable(std::string_view text);

// An entry of allowed_outbound_hosts or block_networks as written (its grammar: net/egress.h), and
// where: a file and line for people.
struct NetworkEntry {
  std::string text;
  std::string where;
  // By a name it admits global addresses alone, although it may name host and port: a person who
  // is asked about a name does not see where it leads. An address, and localhost, is what it is.
  bool global_only = false;
};
// Which hosts may be reached; as it is, none.
struct NetworkGrant {
  std::vector<NetworkEntry> allowed;
  std::vector<NetworkEntry> denied;    // of the same grammar; beat every allowed one
  std::vector<NetworkEntry> asked;     // a person is asked, whatever is allowed
  std::vector<NetworkEntry> answered;  // what a person who was asked said yes to
  std::vector<NetworkEntry> blocked;   // beats every allowed one
  bool offline = false;
  std::vector<std::uint16_t> own_ports;  // this server's: closed on every address of this machine
};

// Exactly what one guest process may touch.
struct Grant {
  std::vector<MountGrant> mounts;
  // Lists of globs on absolute guest paths: what matches does not exist, with all below it; behind
  // a "!", what is there all the same. In a list the last one that matches decides; what any list
  // hides is hidden.
  std::vector<std::vector<std::string>> masks;
  std::string working_directory;         // a guest path, also "."
  std::vector<std::string> environment;  // NAME=value
  NetworkGrant network;
  Limits limits;
};

enum class Verdict : std::uint8_t { allow, ask, deny };
BOXAGNTS_ENUM_NAMES(Verdict, "allow", "ask", "deny");

struct Decision {
  Verdict verdict = Verdict::deny;       // whether the call runs; ask: a person is asked before
  Level level = Level::forbidden;        // the effective one
  std::string rule;                      // the rule that decided, e.g. "table:edits/write"
  std::string reason;                    // one sentence a model or person can act on
  Access workspace = Access::read_only;  // the most the grant may give on lasting files
  // What it changes there is held back, and then applied, asked about with the diff, or dropped.
  Verdict effects = Verdict::deny;
};

Json to_json(const CallFacts& facts);
Json to_json(const Decision& decision);
Result<Decision> decision_from_json(const Json& json);

}  // namespace boxagnts::core
