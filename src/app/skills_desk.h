// Skills and AGENTS.md as a server's door shows and changes them (gateway/desks.h).
#pragma once

#include <memory>

#include "app/program.h"
#include "gateway/desks.h"
#include "workspace/files.h"

namespace boxagnts::app {

// The program and the files outlive it.
std::unique_ptr<gateway::SkillsDesk> make_skills_desk(Program& program, workspace::Files& files);

}  // namespace boxagnts::app
