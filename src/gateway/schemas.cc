// The component schemas: the values of core as JSON, as doors show them, and the bodies of
// requests.
#include "base/json.h"
#include "gateway/routes.h"

namespace boxagnts::gateway {
namespace {

constexpr std::string_view kSchemas =
    R"json({
"Id": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$", "description": "A session, )json"
    R"json(run or question."},
"BlobId": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
"Time": {"type": "string", "description": "ISO 8601, UTC."},
"Error": {
  "type": "object", "required": ["error"], "additionalProperties": false,
  "properties": {"error": {
    "type": "object", "required": ["code", "message"], "additionalProperties": false,
    "properties": {
      "code": {"type": "string", "description": "For programs."},
      "message": {"type": "string", "description": "One sentence for a person: what, )json"
    R"json(where, what to do."},
      "retry_after_ms": {"type": "integer", "minimum": 1}}}}},
"Mode": {"enum": ["plan", "ask", "edits", "autonomous", "unattended"]},
"AgentAccess": {"enum": ["full", "read-only", "search-only"]},
"Empty": {"type": "object", "maxProperties": 0},
"Health": {
  "type": "object", "required": ["status"], "properties": {"status": {"const": "ok"}}},

"RunStart": {
  "type": "object", "anyOf": [{"required": ["prompt"]}, {"required": ["skill"]}],
  "dependentRequired": {"arguments": ["skill"]}, "additionalProperties": false,
  "properties": {
    "prompt": {"type": "string", "minLength": 1, "maxLength": 1000000, "pattern": "\\S",
      "description": "Behind a skill's instructions where there is a skill."},
    "skill": {"$ref": "#/components/schemas/SkillName", "description": "The run follows it, )json"
    R"json(and )json"
    R"json(keeps to its tools."},
    "arguments": {"type": "string", "maxLength": 100000, "description": "Of the skill: one )json"
    R"json(text, )json"
    R"json(the value of its first required argument; or name=value, apart by blanks, quoted )json"
    R"json(where )json"
    R"json(they hold some."},
    "session": {"$ref": "#/components/schemas/Id", "description": "Absent: a new one."},
    "model": {"type": "string", "maxLength": 500, "pattern": )json"
    R"json("^((openai|ollama|llamacpp|scripted)/.|demo/tour$)", "description": "Absent: the )json"
    R"json(configuration's."},
    "mode": {"$ref": "#/components/schemas/Mode"},
    "access": {"$ref": "#/components/schemas/AgentAccess"},
    "max_turns": {"type": "integer", "minimum": 1, "maximum": 10000},
    "attachments": {"type": "array", "maxItems": 20, "items": {"$ref": )json"
    R"json("#/components/schemas/Attachment"}, "description": "At most 20 MB in all."}}},
"Attachment": {
  "type": "object", "additionalProperties": false,
  "description": "A file of the workspace, or bytes: text (UTF-8), or an image (PNG, JPEG, )json"
    R"json(GIF, WebP; 5 MB, 8,000 pixels a side). What the rules deny models to read a person )json"
    R"json(may give them.",
  "oneOf": [{"required": ["path"], "maxProperties": 1},
            {"required": ["name", "data"], "maxProperties": 2}],
  "properties": {
    "path": {"$ref": "#/components/schemas/FilePath"},
    "name": {"type": "string", "pattern": "^[^/\\x00-\\x1f\\x7f]{1,255}$"},
    "data": {"type": "string", "maxLength": 26700000, "contentEncoding": "base64",
      "description": "RFC 4648, section 4."}}},
"RunStarted": {
  "type": "object", "required": ["run", "session", "after"],
  "properties": {
    "run": {"$ref": "#/components/schemas/Id"},
    "session": {"$ref": "#/components/schemas/Id"},
    "after": {"type": "integer", "minimum": 0, "description": "The number of the )json"
    R"json(session's last event before this run."}}},
"Run": {
  "type": "object", "required": ["run", "session", "process", "here", "started"],
  "properties": {
    "run": {"$ref": "#/components/schemas/Id"},
    "session": {"$ref": "#/components/schemas/Id"},
    "process": {"type": "integer"},
    "here": {"type": "boolean", "description": "Of this server: it can be cancelled and )json"
    R"json(answered here."},
    "started": {"$ref": "#/components/schemas/Time"},
    "model": {"type": "string"},
    "mode": {"$ref": "#/components/schemas/Mode"}}},
"Runs": {
  "type": "object", "required": ["runs"],
  "properties": {"runs": {"type": "array", "items": {"$ref": "#/components/schemas/Run"}}}},
"AnswerGiven": {
  "type": "object", "required": ["approval", "answer"], "additionalProperties": false,
  "properties": {
    "approval": {"$ref": "#/components/schemas/Id"},
    "answer": {"enum": ["yes", "no", "for-this-run", "always"]},
    "text": {"type": "string", "maxLength": 20000, "description": "A word to the model; the )json"
    R"json(answer to a question of its own."},
    "chosen": {"type": "array", "maxItems": 100, "items": {"type": "string", "maxLength": )json"
    R"json(1000}, "description": "Labels of the choices taken."}}},

"QuestionAnswer": {
  "type": "object", "required": ["answer"], "additionalProperties": false,
  "properties": {
    "answer": {"enum": ["yes", "no", "for-this-run", "always"]},
    "text": {"type": "string", "maxLength": 20000},
    "chosen": {"type": "array", "maxItems": 100, "items": {"type": "string", "maxLength": )json"
    R"json(1000}}}},
"Questions": {
  "type": "object", "required": ["questions"],
  "properties": {"questions": {"type": "array", "items": {"$ref": )json"
    R"json("#/components/schemas/Event"}}}},

"Session": {
  "type": "object", "required": ["id", "title", "created", "updated", "events", "model", )json"
    R"json("running", "tags", "waiting"],
  "properties": {
    "id": {"$ref": "#/components/schemas/Id"},
    "title": {"type": "string"},
    "created": {"$ref": "#/components/schemas/Time"},
    "updated": {"$ref": "#/components/schemas/Time"},
    "events": {"type": "integer", "minimum": 0},
    "model": {"type": "string", "description": "Of the last run."},
    "running": {"type": "boolean"},
    "run": {"$ref": "#/components/schemas/Id", "description": "Its live run; absent: none."},
    "tags": {"type": "array", "items": {"$ref": "#/components/schemas/Tag"}},
    "waiting": {"type": "integer", "minimum": 0, "description": "Its open questions."},
    "found": {
      "type": "object", "required": ["number", "text"],
      "description": "Of a search: where a word was said first. Absent: title and tags hold all.",
      "properties": {
        "number": {"type": "integer", "minimum": 1, "description": "Of the event."},
        "text": {"type": "string", "description": "The line."}}}}},
"Tag": {"type": "string", "minLength": 1, "maxLength": 40, "pattern": )json"
    R"json("^[^\\s\\x00-\\x1f\\x7f]([^\\x00-\\x1f\\x7f]*[^\\s\\x00-\\x1f\\x7f])?$"},
"Tags": {
  "type": "object", "required": ["tags"],
  "properties": {"tags": {"type": "array", "items": {
    "type": "object", "required": ["tag", "sessions"],
    "properties": {
      "tag": {"$ref": "#/components/schemas/Tag"},
      "sessions": {"type": "integer", "minimum": 1}}}}}},
"Sessions": {
  "type": "object", "required": ["sessions", "complete"],
  "properties": {
    "sessions": {"type": "array", "items": {"$ref": "#/components/schemas/Session"}},
    "next": {"type": "string", "description": "The cursor of the next page; absent on the )json"
    R"json(last one."},
    "complete": {"type": "boolean", "description": "false: a search looked at so much that it )json"
    R"json(stopped; it goes on behind `next`."}}},
"SessionChange": {
  "type": "object", "minProperties": 1, "additionalProperties": false,
  "properties": {
    "title": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "\\S"},
    "tags": {"type": "array", "maxItems": 20, "items": {"$ref": "#/components/schemas/Tag"},
      "description": "All of them."}}},
"SessionFork": {
  "type": "object", "additionalProperties": false,
  "properties": {
    "at": {"type": "integer", "minimum": 1, "maximum": 1000000000000, "description": "The )json"
    R"json(number of the last event to take over; absent: all. An unfinished turn is left out."},
    "title": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "\\S",
      "description": "Absent: the other's."}}},
"Event": {
  "type": "object", "required": ["position", "session", "number", "run", "time", "kind"],
  "properties": {
    "position": {"type": "integer", "minimum": 1, "description": "In the workspace, )json"
    R"json(rising; the id in the stream."},
    "session": {"$ref": "#/components/schemas/Id"},
    "number": {"type": "integer", "minimum": 1, "description": "In the session, without gaps."},
    "run": {"$ref": "#/components/schemas/Id"},
    "time": {"$ref": "#/components/schemas/Time"},
    "kind": {"enum": ["run_started", "user_message", "assistant_block", "turn_ended", )json"
    R"json("call_decided",
      "approval_asked", "approval_answered", "tool_finished", "turn_retried", "run_ended",
      "changes_kept", "changes_settled", "rule_added", "mode_changed", "instructions_loaded", )json"
    R"json("skill_used", "todos_set", "brief_sent", "session_forked"]}}},
"Events": {
  "type": "object", "required": ["events", "last"],
  "properties": {
    "events": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
    "last": {"type": "integer", "minimum": 0, "description": "The number of the session's )json"
    R"json(last event."}}},
"EventStream": {
  "type": "string",
  "description": "Server-sent events. `attached` comes first. An unnamed one is an Event, )json"
    R"json(its id is its position: to go on after a break, send the last id as )json"
    R"json(Last-Event-ID or `after`; nothing is missed or comes twice. `frame` is a piece )json"
    R"json(of what is being made, without an id: text_delta, thinking_delta, call_begun, )json"
    R"json(tool_begun, tool_output, or snapshot, which takes the place of all frames of its )json"
    R"json(session. A frame counts until an event of its session with a number higher than )json"
    R"json(its `after` comes; but tool_output, {call_id, text, skipped}, until the )json"
    R"json(tool_finished of its call: it is what a running tool writes, at most a frame in )json"
    R"json(50 ms of a call; in a snapshot its end, at most 16 KiB; `skipped` bytes before )json"
    R"json(it are not shown (absent: none). `session`, without an id, is a Session whose )json"
    R"json(title or tags were changed through this server, or {id, deleted: true}; `tools`, )json"
    R"json(`skills` and `settings`, without an id: that list is another one now."},

"ChangeSet": {
  "type": "object", "required": ["changes", "call_id", "root", "state", "files"],
  "properties": {
    "changes": {"$ref": "#/components/schemas/Id"},
    "call_id": {"type": "string"},
    "root": {"type": "string", "description": "The folder that they are about."},
    "state": {"enum": ["proposed", "applied", "partly", "undone", "dropped"]},
    "files": {"type": "array", "items": {
      "type": "object", "required": ["path", "kind", "lines_added", "lines_removed", "applied"],
      "properties": {
        "path": {"type": "string"},
        "kind": {"enum": ["added", "changed", "removed"]},
        "lines_added": {"type": "integer", "minimum": 0},
        "lines_removed": {"type": "integer", "minimum": 0},
        "opaque": {"type": "boolean", "description": "Binary, or too large to be shown."},
        "applied": {"type": "boolean", "description": "It is in the files."}}}}}},
"ChangeSets": {
  "type": "object", "required": ["changes", "can_undo", "can_redo"],
  "properties": {
    "changes": {"type": "array", "items": {"$ref": "#/components/schemas/ChangeSet"}},
    "can_undo": {"type": "integer", "minimum": 0, "description": "So many calls."},
    "can_redo": {"type": "integer", "minimum": 0}}},
"Diff": {
  "type": "object", "required": ["diff"], "properties": {"diff": {"type": "string"}}},
"UndoWanted": {
  "type": "object", "additionalProperties": false,
  "properties": {"count": {"type": "integer", "minimum": 1, "maximum": 1000000, "default": 1,
    "description": "So many calls, or as many as there are."}}},
"Settled": {
  "type": "object", "required": ["settled", "conflicts"],
  "properties": {
    "settled": {"type": "array", "description": "Empty: there was nothing to do.", "items": {
      "type": "object", "required": ["changes", "act", "files"],
      "properties": {
        "changes": {"$ref": "#/components/schemas/Id"},
        "act": {"enum": ["undone", "redone", "dropped"], "description": "dropped: they are no )json"
    R"json(longer kept."},
        "files": {"type": "array", "items": {
          "type": "object", "required": ["path", "outcome"],
          "properties": {
            "path": {"type": "string"},
            "outcome": {"enum": ["applied", "merged", "already", "conflict"]},
            "reason": {"type": "string"}}}}}}},
    "conflicts": {"type": "boolean", "description": "Some files were left as they are."}}},

"Tool": {
  "type": "object",
  "required": ["name", "description", "input_schema", "level", "origin", "kind", "keywords", )json"
    R"json("state"],
  "properties": {
    "name": {"type": "string", "description": "Of a broken one perhaps another's, too."},
    "description": {"type": "string"},
    "input_schema": {"type": "object"},
    "level": {"enum": ["none", "read-only", "write", "execute", "dangerous", "forbidden"]},
    "origin": {"enum": ["builtin", "user", "workspace"]},
    "kind": {"enum": ["guest", "native"]},
    "version": {"type": "string"},
    "path": {"type": "string", "description": "Of its file; absent: it is built in."},
    "keywords": {"type": "array", "items": {"type": "string"}},
    "state": {"enum": ["ready", "checking", "broken"], "description": "checking: its program )json"
    R"json(is being compiled for the first time, and may turn out to be broken. broken: runs )json"
    R"json(never see it."},
    "reason": {"type": "string", "description": "Why it is broken."},
    "grant": {"type": "array", "items": {"type": "string"}, "description": "What a call may )json"
    R"json(touch at most, a sentence each; absent where it is broken."},
    "limits": {"type": "array", "items": {
      "type": "object", "required": ["name", "value"],
      "properties": {"name": {"type": "string"}, "value": {"type": "string"}}}}}},
"Tools": {
  "type": "object", "required": ["tools"],
  "properties": {"tools": {"type": "array", "items": {"$ref": "#/components/schemas/Tool"}}}},
"ToolCall": {
  "type": "object", "required": ["arguments"], "additionalProperties": false,
  "properties": {
    "arguments": {"type": "object"},
    "timeout_ms": {"type": "integer", "minimum": 1, "maximum": 600000, "description": "No )json"
    R"json(more than the configuration's limit."}}},
"ToolResult": {
  "type": "object", "required": ["status", "text", "duration_us"],
  "properties": {
    "status": {"enum": ["ok", "failed", "denied", "cancelled", "invalid"]},
    "text": {"type": "string"},
    "duration_us": {"type": "integer", "minimum": 0},
    "images": {"type": "array", "items": {
      "type": "object", "required": ["media_type", "data"],
      "properties": {
        "media_type": {"type": "string"},
        "data": {"type": "string", "description": "In base64."}}}},
    "changes": {
      "type": "object", "required": ["files", "diff"],
      "description": "What it changed in files; absent: nothing.",
      "properties": {
        "files": {"type": "array", "items": {
          "type": "object", "required": ["path", "kind", "lines_added", "lines_removed"],
          "properties": {
            "path": {"type": "string"},
            "kind": {"enum": ["added", "changed", "removed"]},
            "lines_added": {"type": "integer", "minimum": 0},
            "lines_removed": {"type": "integer", "minimum": 0},
            "opaque": {"type": "boolean", "description": "Binary, or too large to be shown."}}}},
        "diff": {"type": "string", "description": "Its beginning where it is long."}}}}},

"FolderPath": {
  "type": "string", "maxLength": 2048, "pattern": "^([^/\\x00]{1,255}(/[^/\\x00]{1,255})*)?$",
  "description": "From the workspace: names, one / between them, no . or ..; empty: itself."},
"FilePath": {
  "type": "string", "maxLength": 2048, "pattern": "^[^/\\x00]{1,255}(/[^/\\x00]{1,255})*$",
  "description": "From the workspace: names, one / between them, no . or .."},
"File": {
  "type": "object", "required": ["name", "kind", "size", "modified"],
  "properties": {
    "name": {"type": "string"},
    "kind": {"enum": ["file", "folder", "link", "other"],
      "description": "Of what a link leads to; link: it leads nowhere in here."},
    "size": {"type": "integer", "minimum": 0, "description": "In bytes; of files."},
    "modified": {"type": "string"},
    "version": {"type": "string", "description": "Of a file: another one after every write."},
    "link": {"type": "boolean"},
    "usable": {"type": "boolean",
      "description": "false: its name is not UTF-8, so that no path names it here."}}},
"Folder": {
  "type": "object", "required": ["path", "entries"],
  "properties": {
    "path": {"type": "string"},
    "entries": {"type": "array", "items": {"$ref": "#/components/schemas/File"}}}},
"FolderWanted": {
  "type": "object", "required": ["path"], "additionalProperties": false,
  "properties": {"path": {"$ref": "#/components/schemas/FilePath"}}},
"Move": {
  "type": "object", "required": ["from", "to"], "additionalProperties": false,
  "properties": {
    "from": {"$ref": "#/components/schemas/FilePath"},
    "to": {"$ref": "#/components/schemas/FilePath"},
    "replaces": {"type": "string", "minLength": 1, "maxLength": 200,
      "description": "The version of the file at `to` that it may replace."}}},
"Copy": {
  "type": "object", "required": ["from", "to"], "additionalProperties": false,
  "properties": {
    "from": {"$ref": "#/components/schemas/FilePath"},
    "to": {"$ref": "#/components/schemas/FilePath"}}},
"BinEntry": {
  "type": "object", "required": ["id", "path", "kind", "deleted"],
  "properties": {
    "id": {"$ref": "#/components/schemas/Id"},
    "path": {"type": "string"},
    "kind": {"enum": ["file", "folder", "link", "other"]},
    "deleted": {"type": "string"}}},
"Bin": {
  "type": "object", "required": ["entries"],
  "properties": {"entries": {"type": "array", "items": {"$ref": "#/components/schemas/BinEntry"}}}},

"SignIn": {
  "type": "object", "additionalProperties": false,
  "properties": {
    "user": {"type": "string", "maxLength": 200},
    "password": {"type": "string", "maxLength": 1000}},
  "dependentRequired": {"user": ["password"], "password": ["user"]},
  "description": "{} asks as the user of this machine."},
"Token": {
  "type": "object", "required": ["token"], "properties": {"token": {"type": "string"}}},
"TicketWanted": {
  "type": "object", "required": ["path"], "additionalProperties": false,
  "properties": {"path": {"type": "string", "minLength": 1, "maxLength": 8000, "pattern": )json"
    R"json("^/api/v1/[!-~]*$",
    "description": "With its query, as it will be asked for."}}},
"Ticket": {
  "type": "object", "required": ["url", "expires_in_ms"],
  "properties": {
    "url": {"type": "string", "description": "For one GET."},
    "expires_in_ms": {"type": "integer", "minimum": 1}}}
})json";

}  // namespace

const Json& component_schemas() {
  static const Json schemas = [] {
    Json all = base::parse_json(kSchemas).value();
    const Json more = settings_schemas();
    for (const auto& [name, schema] : more.get_object()) all.get_object()[name] = schema;
    return all;
  }();
  return schemas;
}

std::vector<Route> all_routes() {
  std::vector<Route> routes;
  for (auto* group : {page_routes, system_routes, auth_routes, run_routes, question_routes,
                      session_routes, change_routes, event_routes, file_routes, tool_routes,
                      settings_routes, model_routes, policy_routes, skill_routes})
    for (auto& route : group()) routes.push_back(std::move(route));
  return routes;
}

}  // namespace boxagnts::gateway
