# The dashboard: built by Vite from dashboard/, compressed, put into the program as it is. Target:
# embedded_dashboard, which implements gateway::embedded_page(). What npm fetches comes by the lock
# file, and is kept outside the clone (npm's cache).
set(DASHBOARD ${CMAKE_SOURCE_DIR}/dashboard)
set(DASHBOARD_OUT ${CMAKE_BINARY_DIR}/dashboard)
file(GLOB_RECURSE DASHBOARD_SOURCES CONFIGURE_DEPENDS
  ${DASHBOARD}/src/*.ts ${DASHBOARD}/src/*.vue ${DASHBOARD}/src/*.css ${DASHBOARD}/public/*)
list(FILTER DASHBOARD_SOURCES EXCLUDE REGEX "\\.test\\.ts$")
add_custom_command(
  OUTPUT ${DASHBOARD_OUT}/embedded_dashboard.S ${DASHBOARD_OUT}/embedded_dashboard.cc
  COMMAND ${CMAKE_SOURCE_DIR}/scripts/dashboard build ${DASHBOARD_OUT}
  DEPENDS ${DASHBOARD_SOURCES} ${DASHBOARD}/index.html ${DASHBOARD}/vite.config.ts ${DASHBOARD}/embed.mjs
    ${DASHBOARD}/package-lock.json ${CMAKE_SOURCE_DIR}/scripts/dashboard
  COMMENT "Building the dashboard"
  VERBATIM)
add_library(embedded_dashboard STATIC
  ${DASHBOARD_OUT}/embedded_dashboard.S ${DASHBOARD_OUT}/embedded_dashboard.cc)
target_include_directories(embedded_dashboard PRIVATE ${CMAKE_SOURCE_DIR}/src)
