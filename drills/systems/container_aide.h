// A container beside another one: made of the same image, with its volumes and on its networks, so
// that programs run on its files while it does not run itself. It has none of its ports, names and
// commands, ends by itself soon after the deed's deadline, and is removed by its engine then.
#pragma once

#include <string>
#include <vector>

#include "drills/systems/container.h"
#include "engine/sys/processes.h"

namespace gameday {

class ContainerAide {
 public:
  // Takes the place of one that an earlier try of the same deed has left.
  [[nodiscard]] static Result<ContainerAide> make(const Container& beside,
                                                  const DockerEngine& engine,
                                                  const DeedContext& context);
  ~ContainerAide();
  ContainerAide(ContainerAide&& other) noexcept;
  ContainerAide& operator=(ContainerAide&&) = delete;

  // A program to its end, as that user. What it says is its two streams as they came.
  [[nodiscard]] Result<Ended> run(const std::vector<std::string>& argv, const std::string& user,
                                  const DeedContext& context) const;
  [[nodiscard]] const std::string& id() const { return id_; }

 private:
  ContainerAide(std::string id, const DockerEngine& engine, const DeedContext& context)
      : id_(std::move(id)), engine_(&engine), context_(&context) {}

  std::string id_;  // empty: moved from
  const DockerEngine* engine_;
  const DeedContext* context_;
};

// A program in any container that runs, to its end; `user` empty: as the container's own.
[[nodiscard]] Result<Ended> run_in_container(const DockerEngine& engine, const std::string& id,
                                             const std::vector<std::string>& argv,
                                             const std::string& user, const DeedContext& context);

// What two streams that an engine has woven into one came to; corrupt: it is none such.
[[nodiscard]] Result<std::string> unwoven(std::string_view stream);

}  // namespace gameday
