# Writes OUTPUT, with the commit that SOURCE is at; leaves it alone where it says so already, so that
# nothing is built anew.
cmake_policy(VERSION 3.25)
set(commit "")
if(EXISTS ${SOURCE}/.git)
  execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --exclude=* --abbrev=12
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT
"// Made by cli/commit.cmake.
#include \"cli/commit.h\"

namespace gameday {

const char* const kCommit = \"@commit@\";

}  // namespace gameday
" @ONLY)
