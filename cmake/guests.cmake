# The built-in guests: C++ or Rust compiled to WASI preview1 modules, compiled ahead for x86-64-v2 (.cwasm),
# and embedded with their manifests. Target: embedded_guests, which implements toolbox::embedded_guests().
#
# A guest is guests/NAME: its sources, and tool.json, which becomes the custom section boxagnts.tool.
find_program(GUEST_CXX clang++-22 REQUIRED)
find_program(GUEST_OBJCOPY llvm-objcopy-22 REQUIRED)
set(GUEST_OUT ${CMAKE_BINARY_DIR}/guests)
file(MAKE_DIRECTORY ${GUEST_OUT})

# -nostdlibinc: a header that WASI lacks is an error, never the host's. SIMD: lines are found 16 bytes at a
# time. No stack protector: memory is fenced already, and its start-up code is not linked.
set(GUEST_FLAGS --target=wasm32-wasi -Wno-deprecated -nostdlibinc
  -isystem /usr/include/wasm32-wasi/c++/v1 -isystem /usr/include/wasm32-wasi
  -std=c++23 -O2 -msimd128 -mbulk-memory -fno-exceptions -fno-rtti -fno-stack-protector
  -ffunction-sections -fdata-sections -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=
  -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion
  -I${CMAKE_SOURCE_DIR} -I${CMAKE_SOURCE_DIR}/src)
# A small stack first (running out of it traps instead of overwriting data), data beside it, and no start-up
# code of wasi-libc: all that a small call touches lies in the first 128 KiB, which the engine keeps.
set(GUEST_LINK_FLAGS --target=wasm32-wasi -Wno-deprecated -nostartfiles -nostdlib
  -Wl,-z,stack-size=32768,--stack-first,--strip-all,--gc-sections,--initial-memory=131072)

# One object; `out` receives its path.
function(boxagnts_guest_object source out)
  string(REPLACE / _ name ${source})
  set(object ${GUEST_OUT}/${name}.o)
  add_custom_command(
    OUTPUT ${object}
    COMMAND ${GUEST_CXX} ${GUEST_FLAGS} -MD -MT ${object} -MF ${object}.d
            -c ${CMAKE_SOURCE_DIR}/guests/${source} -o ${object}
    DEPENDS ${CMAKE_SOURCE_DIR}/guests/${source}
    DEPFILE ${object}.d
    COMMENT "Guest object ${source}" VERBATIM)
  set(${out} ${object} PARENT_SCOPE)
endfunction()

# A guest without a manifest is no tool, but a program that a tool's call may go on in.
set(GUEST_NO_MANIFEST ${GUEST_OUT}/no_manifest)
file(WRITE ${GUEST_NO_MANIFEST} "")
function(boxagnts_manifest_of name out)
  set(manifest ${CMAKE_SOURCE_DIR}/guests/${name}/tool.json)
  if(NOT EXISTS ${manifest})
    set(manifest ${GUEST_NO_MANIFEST})
  endif()
  set(${out} ${manifest} PARENT_SCOPE)
endfunction()

# Makes NAME.wasm, with its manifest, and NAME.cwasm of a linked module.
function(boxagnts_finish_guest name linked)
  boxagnts_manifest_of(${name} manifest)
  set(section --add-section=boxagnts.tool=${manifest})
  if(manifest STREQUAL GUEST_NO_MANIFEST)
    set(section)
  endif()
  add_custom_command(
    OUTPUT ${GUEST_OUT}/${name}.wasm
    COMMAND ${GUEST_OBJCOPY} ${section} ${linked} ${GUEST_OUT}/${name}.wasm
    DEPENDS ${linked} ${manifest}
    COMMENT "Guest ${name}.wasm" VERBATIM)
  # A sanitizer must not fail the build: the engine lives as long as this small program (leaks), and its
  # compiler's threads are not instrumented (races).
  add_custom_command(
    OUTPUT ${GUEST_OUT}/${name}.cwasm ${GUEST_OUT}/${name}.cwasm.embed ${GUEST_OUT}/${name}.wasm.embed
    COMMAND ${CMAKE_COMMAND} -E env ASAN_OPTIONS=detect_leaks=0
            TSAN_OPTIONS=report_bugs=0
            $<TARGET_FILE:precompile> ${GUEST_OUT}/${name}.wasm ${GUEST_OUT}/${name}.cwasm
    DEPENDS ${GUEST_OUT}/${name}.wasm precompile
    COMMENT "Guest ${name}.cwasm" VERBATIM)
endfunction()

# boxagnts_guest(NAME source …): of C++; sources are seen from guests/NAME; those of the sdk are added.
function(boxagnts_guest name)
  set(objects)
  foreach(source ${ARGN})
    boxagnts_guest_object(${name}/${source} object)
    list(APPEND objects ${object})
  endforeach()
  set(linked ${GUEST_OUT}/${name}.linked.wasm)
  add_custom_command(
    OUTPUT ${linked}
    COMMAND ${GUEST_CXX} ${GUEST_LINK_FLAGS} ${objects} ${GUEST_SDK_OBJECTS} -lc -o ${linked}
    DEPENDS ${objects} ${GUEST_SDK_OBJECTS}
    COMMENT "Guest ${name}, linked" VERBATIM)
  boxagnts_finish_guest(${name} ${linked})
endfunction()

# boxagnts_rust_guest(NAME source …): the cargo project guests/NAME, whose program has that name. Always
# Debian's rustc, which alone fits the sources of std that Debian brings for this target (Debian has no
# compiled ones); cargo's target folder lies outside the clone, like the engine's. The linker goes by its name,
# since its path would be part of what cargo compares, and two clones would each build all anew.
# What is fresh is told by the sources' checksums: by their times, a clone would be given what another one
# with other sources has built since.
find_program(GUEST_CARGO cargo PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
set(GUEST_RUST ${CMAKE_SOURCE_DIR}/guests/rust)
set(GUEST_RUST_FLAGS -Clink-self-contained=no -Clinker-flavor=wasm-lld-cc -Zunstable-options
  -Zlocation-detail=none -Ctarget-feature=+simd128,+bulk-memory)
add_custom_command(
  OUTPUT ${GUEST_OUT}/libc_gaps.o
  COMMAND clang-22 --target=wasm32-wasi -Wno-deprecated -O2 -Wall -Wextra
          -c ${GUEST_RUST}/libc_gaps.c -o ${GUEST_OUT}/libc_gaps.o
  DEPENDS ${GUEST_RUST}/libc_gaps.c
  COMMENT "Guest object libc_gaps.c" VERBATIM)
function(boxagnts_rust_guest name)
  set(project ${CMAKE_SOURCE_DIR}/guests/${name})
  list(TRANSFORM ARGN PREPEND ${project}/src/)
  string(REPLACE ";" " " flags "${GUEST_RUST_FLAGS}")
  add_custom_command(
    OUTPUT ${GUEST_OUT}/rust/${name}.wasm
    COMMAND ${CMAKE_COMMAND} -E env RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc
            BOXAGNTS_GUEST_OBJECT=${GUEST_OUT}/libc_gaps.o
            --modify PATH=path_list_prepend:${GUEST_RUST} CARGO_TARGET_WASM32_WASIP1_LINKER=wasi-ld
            CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS=${flags}
            CARGO_TARGET_DIR=${BOXAGNTS_CACHE_DIR}/guests/target
            ${GUEST_CARGO} build --release --locked -Zchecksum-freshness -Zbuild-std=std,panic_abort --target wasm32-wasip1
            --manifest-path ${project}/Cargo.toml --artifact-dir ${GUEST_OUT}/rust -Zunstable-options
    COMMAND ${CMAKE_COMMAND} -E touch ${GUEST_OUT}/rust/${name}.wasm
    DEPENDS ${ARGN} ${project}/Cargo.toml ${project}/Cargo.lock ${GUEST_RUST}/wasi-ld
            ${GUEST_OUT}/libc_gaps.o
    COMMENT "Guest ${name} and Rust's std (about a minute the first time, then cached outside the clone)"
    USES_TERMINAL VERBATIM)
  boxagnts_finish_guest(${name} ${GUEST_OUT}/rust/${name}.wasm)
endfunction()

add_executable(precompile ${CMAKE_SOURCE_DIR}/src/toolbox/precompile_main.cc)
target_link_libraries(precompile PRIVATE boxagnts_sandbox)

set(GUEST_SDK_OBJECTS)
foreach(source sdk/sdk.cc sdk/arguments.cc sdk/files.cc sdk/json.cc)
  boxagnts_guest_object(${source} object)
  list(APPEND GUEST_SDK_OBJECTS ${object})
endforeach()

boxagnts_guest(read main.cc file.cc file_type.cc line_printer.cc notebook.cc)
boxagnts_guest(write main.cc)
boxagnts_guest(edit main.cc near_match.cc)
boxagnts_guest(glob main.cc newest.cc pattern.cc)
boxagnts_rust_guest(grep main.rs arguments.rs outcome.rs places.rs report.rs)
boxagnts_rust_guest(read_pdf main.rs document.rs request.rs)
boxagnts_rust_guest(web_fetch main.rs answer.rs charset.rs content.rs document.rs escape.rs fetch.rs
  http.rs names.rs outcome.rs render.rs request.rs tags.rs writer.rs)

# Tools in the order that a model sees them, then programs.
set(GUESTS read write edit glob grep web_fetch read_pdf)
set(assembly "// Generated by cmake/guests.cmake.\n  .section .rodata,\"a\",@progbits\n")
set(declarations "")
set(rows "")
set(parts "")
foreach(name ${GUESTS})
  set(row "")
  foreach(kind manifest cwasm wasm)
    set(symbol boxagnts_guest_${name}_${kind})
    set(file ${GUEST_OUT}/${name}.${kind}.embed)
    set(value "{{${symbol}, ${symbol}_end}}")
    if(kind STREQUAL manifest)
      boxagnts_manifest_of(${name} file)
      set(value "{${symbol}, ${symbol}_end}")
    endif()
    string(APPEND assembly
      "  .balign 64\n  .globl ${symbol}\n  .hidden ${symbol}\n${symbol}:\n  .incbin \"${file}\"\n"
      "  .globl ${symbol}_end\n  .hidden ${symbol}_end\n${symbol}_end:\n  .byte 0\n")
    string(APPEND declarations "extern const char ${symbol}[], ${symbol}_end[];\n")
    string(APPEND row ", ${value}")
    list(APPEND parts ${file})
  endforeach()
  string(APPEND rows "      {\"${name}\"${row}},\n")
endforeach()
string(APPEND assembly "  .section .note.GNU-stack,\"\",@progbits\n")
file(GENERATE OUTPUT ${GUEST_OUT}/embedded_guests.S CONTENT "${assembly}")
file(GENERATE OUTPUT ${GUEST_OUT}/embedded_guests.cc CONTENT
"// Generated by cmake/guests.cmake.
#include \"toolbox/guest_tools.h\"

extern \"C\" {
${declarations}}

namespace boxagnts::toolbox {

std::vector<EmbeddedGuest> embedded_guests() {
  return {
${rows}  };
}

}  // namespace boxagnts::toolbox
")
add_library(embedded_guests STATIC ${GUEST_OUT}/embedded_guests.S ${GUEST_OUT}/embedded_guests.cc)
set_source_files_properties(${GUEST_OUT}/embedded_guests.S PROPERTIES OBJECT_DEPENDS "${parts}")
target_include_directories(embedded_guests PRIVATE ${CMAKE_SOURCE_DIR}/src)
