// What a C library hands out, owned: std::unique_ptr<X509, Freeing<&X509_free>>.
#pragma once

namespace gameday {

template <auto kFree>
struct Freeing {
  template <class Type>
  void operator()(Type* held) const {
    kFree(held);
  }
};

}  // namespace gameday
