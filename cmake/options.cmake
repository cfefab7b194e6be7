# Compiler and linker flags, the same for every room.
option(BOXAGNTS_STATIC "one static-pie binary (what ships)" OFF)
option(BOXAGNTS_TESTS "build the unit tests" ON)
option(BOXAGNTS_FUZZ "build the fuzzers" OFF)
option(BOXAGNTS_MUTATE "guards can be switched off one by one (base/guard.h)" OFF)
set(BOXAGNTS_SANITIZE "" CACHE STRING "sanitizers, as -fsanitize= takes them; linked dynamically")
set(BOXAGNTS_CACHE_DIR "$ENV{BOXAGNTS_CACHE_DIR}" CACHE PATH "outside the clone: cargo target and the like")
if(NOT BOXAGNTS_CACHE_DIR)
  set(BOXAGNTS_CACHE_DIR "$ENV{HOME}/.cache/boxagnts")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
  -Wno-gnu-statement-expression -Wno-gnu-statement-expression-from-macro-expansion
  -Wno-missing-designated-field-initializers -Wno-missing-field-initializers
  -fstack-protector-strong -fno-plt -ffunction-sections -fdata-sections
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
add_link_options(-fuse-ld=lld -Wl,--gc-sections -Wl,-z,relro,-z,now)
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g1")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG -D_FORTIFY_SOURCE=2")
set(CMAKE_C_FLAGS_RELEASE "-O2 -DNDEBUG -D_FORTIFY_SOURCE=2")
if(BOXAGNTS_MUTATE)
  add_compile_definitions(BOXAGNTS_MUTATE=1)
endif()
if(BOXAGNTS_FUZZ)  # what fuzzers steer by, and what tells how far they came
  add_compile_options(-fsanitize=fuzzer-no-link -fprofile-instr-generate -fcoverage-mapping)
  add_link_options(-fprofile-instr-generate)
endif()
if(BOXAGNTS_SANITIZE)
  add_compile_options(-fsanitize=${BOXAGNTS_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${BOXAGNTS_SANITIZE})
  add_compile_definitions(BOXAGNTS_SANITIZED=1)
endif()
if(BOXAGNTS_SANITIZE MATCHES thread)
  # Carried by the room tests themselves: they start themselves anew, with no environment.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS tests/tsan.supp)
  file(READ ${CMAKE_SOURCE_DIR}/tests/tsan.supp text)
  set(TSAN_SUPPRESSIONS ${CMAKE_BINARY_DIR}/tsan_suppressions.cc)
  file(CONFIGURE OUTPUT ${TSAN_SUPPRESSIONS} @ONLY CONTENT
    "extern \"C\" const char* __tsan_default_suppressions() { return R\"supp(@text@)supp\"; }\n")
endif()
