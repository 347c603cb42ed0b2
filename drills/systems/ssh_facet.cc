// The facet of a target that is another machine, reached through ssh: what is done to it is done
// there, by programs that are there.
#include "drills/systems/remote.h"

namespace gameday {
namespace {

constexpr double kSecond = 1, kHour = 3600;

constexpr Field kFields[] = {
    {.name = "to",
     .type = FieldType::text,
     .help = "Who logs in where, as ssh takes it: `root@edge-1`, or a name of its configuration. "
             "By a key: no password is asked for, and a host key that is not known is refused.",
     .required = true},
    {.name = "config",
     .type = FieldType::path,
     .help = "A configuration of ssh in place of the user's own."},
    {.name = "machine_id",
     .type = FieldType::text,
     .help = "What must stand in its /etc/machine-id, where a name may come to lead to another."},
    {.name = "host_key",
     .type = FieldType::text,
     .help = "The fingerprint that its host key must have, beside being known: `SHA256:...`."},
    {.name = "pidfile",
     .type = FieldType::text,
     .help = "The file there in which the process keeps its pid that faults on one are done to."},
    {.name = "start",
     .type = FieldType::texts,
     .help = "The command there that starts this process again: [systemctl, start, shop]."},
    {.name = "dead_man",
     .type = FieldType::duration,
     .help = "How long after a fault's planned end that machine undoes it by itself, if nobody "
             "has until then.",
     .otherwise = "60s",
     .least = kSecond,
     .most = kHour},
};

Result<Instance> resolve(const Target& target, const DeedContext& context) {
  TRY(remote, remote_of(target, context));
  return Instance{
      target.name,
      remote.ssh.to + " (machine " + remote.id.substr(0, 8) + ", host key " + remote.host_key + ")",
      "ssh:" + remote.id, to_json(remote)};
}

}  // namespace

extern const FacetRow ssh_facet;
const FacetRow ssh_facet{
    .name = "ssh",
    .summary = "Another machine, reached through ssh.",
    .scalar = "to",
    .fields = kFields,
    .resolve = &resolve,
};

}  // namespace gameday
