// A load's requests over HTTP, read from a playbook.
#pragma once

#include "engine/playbook/parts.h"

namespace gameday {

// `decoded` by the rows of request_fields.h from `node`, which messages call `where`
// ("load.checkout.request").
[[nodiscard]] LoadRequest request_of(const Json& decoded, const Node& node,
                                     const std::string& where, const Reading& reading);

// `request`, `requests` and `data` of a load that was decoded from `node`, and what is wrong with
// what they fill in.
void read_requests(const Json& decoded, const Node& node, LoadSpec& load, const Reading& reading);

// Where the request that the ledger of this load keeps stands in it.
[[nodiscard]] const Node& written_by(const LoadSpec& load, const Node& node);

}  // namespace gameday
