// The CPU backend: oneDNN for matrix products, Highway for everything that is bound by memory.
#pragma once

#include <memory>

#include "backend/backend.h"

namespace gyrus::backend::cpu {

class DnnlEngine;

class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(int threads);
  Capabilities describe() const override;
  LoweredGraph lower(const graph::Graph& graph) const override;

 private:
  int threads_;
  std::shared_ptr<const DnnlEngine> dnnl_;
};

}  // namespace gyrus::backend::cpu
