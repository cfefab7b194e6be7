# Wasmtime with our shim, and the URL parser: one Rust static library, built by cargo outside the clone and shared by every
# build folder. Target: dep_engine.
set(ENGINE_TARGET_DIR ${BOXAGNTS_CACHE_DIR}/engine/target)
set(ENGINE_INCLUDE_DIR ${BOXAGNTS_CACHE_DIR}/engine/include)
set(ENGINE_ARCHIVE ${ENGINE_TARGET_DIR}/release/libboxagnts_engine.a)
find_program(CARGO cargo REQUIRED HINTS $ENV{HOME}/.cargo/bin)

add_custom_command(
  OUTPUT ${ENGINE_ARCHIVE}
  COMMAND ${CMAKE_COMMAND} -E env CARGO_TARGET_DIR=${ENGINE_TARGET_DIR}
          BOXAGNTS_ENGINE_INCLUDE=${ENGINE_INCLUDE_DIR}
          ${CARGO} build --release --locked --manifest-path ${CMAKE_SOURCE_DIR}/engine/Cargo.toml
  COMMAND ${CMAKE_COMMAND} -E touch ${ENGINE_ARCHIVE}
  DEPENDS engine/Cargo.toml engine/Cargo.lock engine/build.rs engine/src/lib.rs engine/src/url.rs
  WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
  COMMENT "Wasmtime (about 4 minutes the first time, then cached outside the clone)"
  USES_TERMINAL VERBATIM)
add_custom_target(engine_archive DEPENDS ${ENGINE_ARCHIVE})

file(MAKE_DIRECTORY ${ENGINE_INCLUDE_DIR})
add_library(dep_engine INTERFACE)
add_dependencies(dep_engine engine_archive)
target_include_directories(dep_engine SYSTEM INTERFACE ${ENGINE_INCLUDE_DIR} ${CMAKE_SOURCE_DIR}/engine)
target_link_libraries(dep_engine INTERFACE ${ENGINE_ARCHIVE} Threads::Threads ${CMAKE_DL_LIBS} m)
