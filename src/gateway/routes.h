// The groups of routes. all_routes() is their sum, the one table of the API.
#pragma once

#include <vector>

#include "gateway/route.h"

namespace boxagnts::gateway {

std::vector<Route> page_routes();      // the dashboard
std::vector<Route> system_routes();    // /healthz, /metrics, the OpenAPI document
std::vector<Route> auth_routes();      // tokens and tickets
std::vector<Route> run_routes();       // start, cancel, answer, list
std::vector<Route> question_routes();  // what a person is asked
std::vector<Route> session_routes();   // list, show, rename, delete, events, export, blobs
std::vector<Route> change_routes();    // what a session changed: list, diff, undo, redo
std::vector<Route> file_routes();      // the files of the workspace
std::vector<Route> event_routes();     // the event stream
std::vector<Route> tool_routes();      // list, show, run
std::vector<Route> settings_routes();  // list, change
std::vector<Route> model_routes();     // list, choose, test; providers' addresses and keys
std::vector<Route> policy_routes();    // rules, explaining, trust
std::vector<Route> skill_routes();     // skills and AGENTS.md

std::vector<Route> all_routes();

// The component schemas of the OpenAPI document: {"Session": {…}, …}.
const Json& component_schemas();
Json settings_schemas();  // those of them that are about what a person arranges

// Schemas that several routes use in their parameters.
inline constexpr std::string_view kIdSchema = R"({"$ref":"#/components/schemas/Id"})";

}  // namespace boxagnts::gateway
