#include "engine/playbook/schema.h"

#include <algorithm>
#include <initializer_list>

#include "engine/playbook/document.h"
#include "engine/playbook/field_schema.h"

namespace gameday {
namespace {

Json reference(const std::string& name) { return Json::object({{"$ref", "#/$defs/" + name}}); }

Json target_schema(const Rows& rows) {
  Json schema = schema_of(target_fields());
  Json properties = schema.get("properties");
  for (const FacetRow* row : rows.facets) {
    Json facet = short_schema_of(row->fields, row->scalar);
    facet.set("description", row->summary);
    properties.set(row->name, std::move(facet));
  }
  schema.set("properties", std::move(properties));
  schema.set("minProperties", 1);
  return schema;
}

Json system_schema(const Rows& rows) {
  Json schema = names_schema(target_schema(rows));
  Json links = names_schema(schema_of(link_fields()));
  links.set("description", links_field().help);
  schema.set("properties", Json::object({{"links", std::move(links)}}));
  return schema;
}

// The row's fields may stand in the kind's mapping or beside the kind; what is required of both
// together is left to `gameday check`.
template <class Row>
Json inside_schema(const Row& row) {
  Json inside = short_schema_of(row.fields, row.scalar);
  const auto relax = [](Json& mapping) { mapping.erase("required"); };
  if (const Json* either = inside.find("anyOf")) {
    Json forms = Json::array();
    for (Json form : either->items()) {
      relax(form);
      forms.push(std::move(form));
    }
    inside.set("anyOf", std::move(forms));
  } else {
    relax(inside);
  }
  inside.set("description", row.summary);
  return inside;
}

Json probe_schema(const ProbeRow& row) {
  Json schema = schema_of(probe_fields());
  Json inside = inside_schema(row);
  add_fields(schema, row.fields);
  Json properties = schema.get("properties");
  properties.set(row.name, std::move(inside));
  schema.set("properties", std::move(properties));
  schema.set("required", Json(Json::Array{row.name}));
  return schema;
}

Json one_of(std::initializer_list<std::string_view> names) {
  Json forms = Json::array();
  for (const auto name : names) {
    forms.push(Json::object({{"required", Json(Json::Array{name})}}));
  }
  return forms;
}

// What goes with which kind of stage is left to `gameday check`.
Json stages_schema(Json stages) {
  Json stage = stages.get("items");
  stage.set("oneOf", one_of({"rate", "to", "sine"}));
  stages.set("items", std::move(stage)).set("minItems", 1);
  return stages;
}

// One that speaks HTTP, where there is no row.
Json load_schema(const LoadRow* row) {
  const bool carried = row != nullptr && row->carry != nullptr;
  Json schema = schema_of(carried ? carried_load_fields() : load_fields());
  if (row != nullptr && !row->scalar.empty()) add_fields(schema, row->fields);
  Json properties = schema.get("properties");
  Json required = Json::array();
  if (!carried) properties.set("stages", stages_schema(properties.get("stages")));
  if (row == nullptr) {
    schema.set("allOf",
               Json(Json::Array{Json::object({{"oneOf", one_of({"request", "requests"})}}),
                                Json::object({{"oneOf", one_of({"rate", "stages", "users"})}})}));
  } else {
    if (!carried) {
      schema.set("oneOf", one_of({"rate", "stages"}));
      for (const auto* http :
           {"request", "requests", "data", "ledger", "cleanup", "users", "think", "spawn_rate"}) {
        properties.erase(http);
      }
    }
    Json spoken = row->scalar.empty() ? schema_of(row->fields) : inside_schema(*row);
    spoken.set("description", row->summary);
    properties.set(row->name, std::move(spoken));
    required.push(row->name);
  }
  schema.set("properties", std::move(properties));
  schema.set("required", std::move(required));
  return schema;
}

Json fault_schema(const StepForm& form, const FaultRow& row) {
  Json schema = schema_of(form.fields);
  add_fields(schema, row.fields);
  Json properties = schema.get("properties");
  Json said = Json::object({{"const", row.name}, {"description", row.summary}});
  if (!row.as.empty()) {
    said =
        Json::object({{"enum", Json(Json::Array{row.name, row.as})}, {"description", row.summary}});
  }
  properties.set("fault", std::move(said));
  const auto takes = aims_of(row);
  Json one_of = Json::array();
  for (const auto aim : kAims) {
    if (std::ranges::find(takes, aim) == takes.end()) {
      properties.erase(aim);
    } else {
      one_of.push(Json::object({{"required", Json(Json::Array{aim})}}));
    }
  }
  if (!takes.empty()) schema.set("oneOf", std::move(one_of));
  schema.set("properties", std::move(properties));
  return schema;
}

Json action_schema(const StepForm& form, const ActionRow& row) {
  Json schema = schema_of(form.fields);
  add_fields(schema, row.fields);
  Json properties = schema.get("properties");
  properties.set("action", Json::object({{"const", row.name}, {"description", row.summary}}));
  if (row.facet.empty()) properties.erase("target");
  schema.set("properties", std::move(properties));
  return schema;
}

Json step_schema(const StepForm& form) {
  Json schema = schema_of(form.fields);
  schema.set("description", form.summary);
  if (form.kind == StepKind::verify) {
    Json properties = schema.get("properties");
    Json loads = properties.get("verify");
    loads.set("type", Json(Json::Array{"array", "null"}));
    properties.set("verify", std::move(loads));
    schema.set("properties", std::move(properties));
    schema.set("required", Json(Json::Array{"verify"}));
  }
  return schema;
}

// A choice between the definitions whose names start with `prefix`, each added to `definitions`.
struct Choice {
  Json& definitions;
  Json forms = Json::array();

  void add(const std::string& name, Json schema) {
    definitions.set(name, std::move(schema));
    forms.push(reference(name));
  }
  [[nodiscard]] Json either() const {
    // Of nothing, nothing is valid: a build without a family refuses what needs it.
    if (!forms.is_array() || forms.items().empty()) return Json(false);
    return Json::object({{"anyOf", forms}});
  }
};

// Any step of the timeline; those that may stand inside a parallel are a choice of their own.
Json steps_schema(const Rows& rows, Json& definitions) {
  Choice steps{definitions}, inside{definitions};
  const auto add = [&](const StepForm& form, const std::string& name, Json schema) {
    steps.add(name, std::move(schema));
    if (may_stand_inside(form.kind)) inside.forms.push(reference(name));
  };
  for (const auto& form : step_forms()) {
    if (form.kind == StepKind::parallel) continue;
    if (form.kind == StepKind::fault) {
      for (const FaultRow* row : rows.faults) {
        add(form, "fault-" + std::string(row->name), fault_schema(form, *row));
      }
    } else if (form.kind == StepKind::action) {
      for (const ActionRow* row : rows.actions) {
        add(form, "action-" + std::string(row->name), action_schema(form, *row));
      }
    } else {
      add(form, "step-" + std::string(name_of(form.kind)), step_schema(form));
    }
  }
  Json parallel = step_schema(form_of(StepKind::parallel));
  Json properties = parallel.get("properties");
  properties.set("parallel", Json::object({{"type", "array"},
                                           {"minItems", 1},
                                           {"items", inside.either()},
                                           {"description", "The steps that start together."}}));
  parallel.set("properties", std::move(properties));
  steps.add("step-parallel", std::move(parallel));
  return steps.either();
}

}  // namespace

std::string playbook_schema(const Rows& rows) {
  Json definitions = Json::object();
  Choice probes{definitions};
  for (const ProbeRow* row : rows.probes) {
    probes.add("probe-" + std::string(row->name), probe_schema(*row));
  }
  Choice loads{definitions};
  loads.add("load-http", load_schema(nullptr));
  for (const LoadRow* row : rows.loads) {
    loads.add("load-" + std::string(row->name), load_schema(row));
  }
  const Json steps = steps_schema(rows, definitions);
  Json schema = Json::object(
      {{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "gameday playbook"}});
  const Json top = schema_of(playbook_fields());
  for (const auto& [name, value] : top.members()) schema.set(name, value);
  Json properties = schema.get("properties");
  const auto put = [&](std::string_view name, Json part) {
    part.set("description", properties.get(name).text("description"));
    properties.set(name, std::move(part));
  };
  put("system", system_schema(rows));
  put("load", names_schema(loads.either()));
  put("probes", names_schema(probes.either()));
  put("timeline", Json::object({{"type", "array"}, {"minItems", 1}, {"items", steps}}));
  schema.set("properties", std::move(properties));
  schema.set("$defs", std::move(definitions));
  return schema.pretty() + "\n";
}

}  // namespace gameday
