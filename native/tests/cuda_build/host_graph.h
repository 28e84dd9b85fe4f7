// What is behind a descriptor of the host's cuDNN, and the loops over a graph of them.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <stdexcept>
#include <vector>

#include "tests/cuda_build/host_dnn_names.h"
// The names first.
#include <cudnn.h>

namespace gyrus::tests {

// Attributes as they were set: bytes of plain types, or other descriptors.
struct HostDescriptor {
  struct Attribute {
    cudnnBackendAttributeType_t type{};
    std::int64_t count = 0;
    std::vector<std::byte> bytes;
    std::vector<std::shared_ptr<const HostDescriptor>> descriptors;
  };
  cudnnBackendDescriptorType_t type{};
  bool is_finalized = false;
  std::map<cudnnBackendAttributeName_t, Attribute> attributes;

  bool has(cudnnBackendAttributeName_t name) const { return attributes.contains(name); }
  // Throws std::out_of_range where it was not set.
  const HostDescriptor& descriptor(cudnnBackendAttributeName_t name) const {
    return *attributes.at(name).descriptors.at(0);
  }
  template <class T>
  std::vector<T> all(cudnnBackendAttributeName_t name) const {
    const Attribute& attribute = attributes.at(name);
    std::vector<T> values(attribute.bytes.size() / sizeof(T));
    std::memcpy(values.data(), attribute.bytes.data(), values.size() * sizeof(T));
    return values;
  }
  template <class T>
  T one(cudnnBackendAttributeName_t name) const {
    T value;
    if (attributes.at(name).bytes.size() < sizeof value) throw std::out_of_range("an attribute of another size");
    std::memcpy(&value, attributes.at(name).bytes.data(), sizeof value);
    return value;
  }
};

// Whether the loops know all operations of an operation graph.
bool is_known_host_graph(const HostDescriptor& graph);
// Pointers by the tensors' unique ids. What does not fit together (extents, a pointer that is missing or off the
// alignment that was promised) is CUDNN_STATUS_BAD_PARAM.
cudnnStatus_t run_host_graph(const HostDescriptor& graph, const std::map<std::int64_t, void*>& pointers);

}  // namespace gyrus::tests
