# boxagnts_fuzzer(NAME DEPS room … [SOURCES more.cc …])
#
# tests/fuzz/NAME_fuzz.cc defines LLVMFuzzerTestOneInput; tests/fuzz/corpus/NAME holds inputs worth keeping.
# Always built: NAME_fuzz_test, a GoogleTest program that replays the corpus, one test a file. With
# BOXAGNTS_FUZZ: NAME_fuzz, the libFuzzer program (./dev fuzz NAME).
function(boxagnts_fuzzer name)
  cmake_parse_arguments(FUZZER "" "" "DEPS;SOURCES" ${ARGN})
  list(TRANSFORM FUZZER_DEPS PREPEND boxagnts_)
  set(sources ${name}_fuzz.cc ${FUZZER_SOURCES})
  if(BOXAGNTS_TESTS)
    add_executable(${name}_fuzz_test ${sources} replay_main.cc)
    target_include_directories(${name}_fuzz_test PRIVATE ${CMAKE_SOURCE_DIR})
    target_compile_definitions(${name}_fuzz_test PRIVATE
      FUZZ_CORPUS="${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name}")
    target_link_libraries(${name}_fuzz_test PRIVATE ${FUZZER_DEPS} GTest::gtest)
    add_test(NAME ${name}_fuzz COMMAND ${name}_fuzz_test)
  endif()
  if(BOXAGNTS_FUZZ)
    add_executable(${name}_fuzz ${sources})
    target_include_directories(${name}_fuzz PRIVATE ${CMAKE_SOURCE_DIR})
    target_link_libraries(${name}_fuzz PRIVATE ${FUZZER_DEPS})
    target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
  endif()
endfunction()
