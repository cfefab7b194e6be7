# Debian's libraries (docs/dependencies.md says why each). The shipped binary takes the .a files; so do
# all other builds, except for the sanitizers' own runtime.
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(GTest REQUIRED)

function(boxagnts_static_library name)
  find_library(${name}_ARCHIVE NAMES lib${name}.a REQUIRED)
  add_library(dep_${name} INTERFACE)
  target_link_libraries(dep_${name} INTERFACE ${${name}_ARCHIVE})
endfunction()

foreach(name boost_json boost_container sodium utf8proc sqlite3 yaml-cpp re2 ssl crypto cares nghttp2 z zstd brotlidec
    brotlicommon)
  boxagnts_static_library(${name})
endforeach()
target_link_libraries(dep_boost_json INTERFACE dep_boost_container)
target_link_libraries(dep_ssl INTERFACE dep_crypto)
target_link_libraries(dep_crypto INTERFACE ${CMAKE_DL_LIBS} Threads::Threads)
target_link_libraries(dep_brotlidec INTERFACE dep_brotlicommon)
target_link_libraries(dep_sqlite3 INTERFACE m ${CMAKE_DL_LIBS} Threads::Threads)
target_link_libraries(dep_re2 INTERFACE Threads::Threads)

add_library(dep_headers INTERFACE)  # header-only: Boost.Asio, CLI11, toml++, fmt
target_compile_definitions(dep_headers INTERFACE FMT_HEADER_ONLY=1)
