// `gameday load` against a server of the load engine's tests.
#pragma once

#include <csignal>

#include "tests/cli/cli_fixture.h"
#include "tests/engine/load/order_server.h"

namespace gameday {

class LoadCliTest : public CliTest {
 protected:
  [[nodiscard]] std::string url() const { return server_.url() + "/orders/{seq}"; }
  [[nodiscard]] Ran load(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "load");
    return run(std::move(arguments));
  }
  // As PUT, which the server answers with 201.
  [[nodiscard]] Ran put(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {url(), "-m", "PUT"});
    return load(std::move(arguments));
  }
  // Whether the document fits its schema, by a validator that is not ours.
  void expect_valid(const Json& document) const {
    write("document.json", document.dump());
    // In one: this validator does not find its way from one schema to the other by a URN.
    write("validate.py",
          "import json,sys,jsonschema\n"
          "of=lambda n: open(sys.argv[1]+'/reports/'+n).read()\n"
          "schema=json.loads(of('load.schema.json').replace('urn:gameday:result:1#','#'))\n"
          "schema['$defs'].update(json.loads(of('result.schema.json'))['$defs'])\n"
          "jsonschema.Draft202012Validator(schema).validate(json.load(open(sys.argv[2])))\n");
    const Ran ran = run_program(
        {"/usr/bin/python3", file("validate.py"), GAMEDAY_SOURCE_DIR, file("document.json")});
    EXPECT_EQ(ran.code, 0) << ran.err << document.pretty();
  }
  // As planned; or, where the machine was full, late by us alone, which it said.
  static void expect_measured(const Ran& ran) {
    const bool late = ran.code == 6 && (ran.out + ran.err).contains("we were late ourselves");
    EXPECT_TRUE(ran.code == 0 || late) << ran.code << ran.out << ran.err;
  }
  // Starts a load and tells it to stop after `after`; what it ended with.
  [[nodiscard]] Ran stopped(std::vector<std::string> arguments, int signal, Duration after) const {
    arguments.insert(arguments.begin(), {GAMEDAY_BINARY, "load"});
    const pid_t child = start(arguments, file(".err"));
    const SystemClock clock;
    (void)clock.sleep({Stop(), clock.in(after)});
    EXPECT_EQ(kill(child, signal), 0);
    Ran ran;
    ran.code = ended(child);
    ran.out = read(file(".out"));
    ran.err = read(file(".err"));
    return ran;
  }

  OrderServer server_;
};

}  // namespace gameday
