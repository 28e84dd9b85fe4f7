// embed_tokens: reads the patches and writes the tokens once (A + 4 bytes, one operation an element); the position
// table is read from cache. Gradient: reads dy once and writes dpatches; dpos and dcls are sums over the images, held
// in registers while all images' rows of one token pass.
#include "backend/cpu/simd/embed_tokens.h"

#include <cstdint>

#include "backend/cpu/simd/targets.h"
#include "backend/cpu/simd/team.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/embed_tokens.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/columns-inl.h"

#ifndef GYRUS_SIMD_EMBED_TOKENS_JOB
#define GYRUS_SIMD_EMBED_TOKENS_JOB
namespace gyrus::backend::cpu {

struct EmbedTokensJob {
  std::int64_t images = 0, tokens = 0, width = 0;  // tokens count the class token
  DType dtype = DType::f32;                        // A
  const void* in = nullptr;                        // patches [N, T-1, D] A, or dy [N, T, D] A
  const float *cls = nullptr, *pos = nullptr;      // [D], [T, D]
  void* out = nullptr;                             // y [N, T, D] f32, or dpatches [N, T-1, D] A
  float *dcls = nullptr, *dpos = nullptr;          // [D], [T, D]
};

}  // namespace gyrus::backend::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

template <class T>
void embed_rows(const EmbedTokensJob& job, Range rows) {
  const std::int64_t width = job.width;
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const std::int64_t image = row / job.tokens, token = row % job.tokens;
    const float* pos = job.pos + token * width;
    float* y = static_cast<float*>(job.out) + row * width;
    const auto add = [=](const auto* x) HWY_ATTR {
      for_vectors({0, width}, [=](auto access, std::int64_t c)
                                  HWY_ATTR { access.write(y + c, hn::Add(access.read(x + c), access.read(pos + c))); });
    };
    if (token == 0) {
      add(job.cls);
    } else {
      add(static_cast<const T*>(job.in) + (image * (job.tokens - 1) + token - 1) * width);
    }
  }
}

void embed_tokens(const EmbedTokensJob& job, const Team& team) {
  const Range rows = team.share(job.images * job.tokens);
  job.dtype == DType::bf16 ? embed_rows<bf16_t>(job, rows) : embed_rows<float>(job, rows);
}

template <class T>
void embed_grad_tokens(const EmbedTokensJob& job, Range tokens) {
  const std::int64_t width = job.width;
  for (std::int64_t token = tokens.begin; token < tokens.end; ++token) {
    const T* dy = static_cast<const T*>(job.in) + token * width;
    T* dpatches = token > 0 ? static_cast<T*>(job.out) + (token - 1) * width : nullptr;
    float* dpos = job.dpos + token * width;
    for_vectors({0, width}, [=, &job](auto access, std::int64_t c) HWY_ATTR {
      Vec sum = zero();
      for (std::int64_t image = 0; image < job.images; ++image) {
        const Vec g = access.read(dy + image * job.tokens * width + c);
        if (dpatches != nullptr) access.write(dpatches + image * (job.tokens - 1) * width + c, g);
        sum = hn::Add(sum, g);
      }
      access.write(dpos + c, sum);
      if (token == 0) access.write(job.dcls + c, sum);
    });
  }
}

void embed_tokens_grad(const EmbedTokensJob& job, const Team& team) {
  const Range tokens = team.share(job.tokens);
  job.dtype == DType::bf16 ? embed_grad_tokens<bf16_t>(job, tokens) : embed_grad_tokens<float>(job, tokens);
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {
namespace {

HWY_EXPORT(embed_tokens);
HWY_EXPORT(embed_tokens_grad);

// `sequence`: the shape of y or dy [N, T, D].
EmbedTokensJob job_of(const Shape& sequence, DType dtype) {
  EmbedTokensJob job;
  job.images = sequence[0];
  job.tokens = sequence[1];
  job.width = sequence[2];
  job.dtype = dtype;
  return job;
}

class EmbedTokens final : public Kernel {
 public:
  explicit EmbedTokens(const NodeContext& node) : job_(job_of(node.out_shape(0), node.in_type(0).dtype)) {
    const graph::ValueType& y = node.out_type(0);
    threads_ = useful_threads(node.threads, y.shape.elements() * size_of(y.dtype));
  }

  void bind(const KernelArgs& args) override {
    job_.in = args.in[0];
    job_.cls = static_cast<const float*>(args.in[1]);
    job_.pos = static_cast<const float*>(args.in[2]);
    job_.out = args.out[0];
  }

  void run() override {
    run_team(threads_, [this](const Team& team) { HWY_DYNAMIC_DISPATCH(embed_tokens)(job_, team); });
  }

 private:
  EmbedTokensJob job_;
  int threads_ = 1;
};

class EmbedTokensGrad final : public Kernel {
 public:
  explicit EmbedTokensGrad(const NodeContext& node) : job_(job_of(node.in_type(0).shape, node.in_type(0).dtype)) {
    const graph::ValueType& dy = node.in_type(0);
    threads_ = useful_threads(node.threads, dy.shape.elements() * size_of(dy.dtype));
  }

  void bind(const KernelArgs& args) override {
    job_.in = args.in[0];
    job_.out = args.out[0];
    job_.dcls = static_cast<float*>(args.out[1]);
    job_.dpos = static_cast<float*>(args.out[2]);
  }

  void run() override {
    run_team(threads_, [this](const Team& team) { HWY_DYNAMIC_DISPATCH(embed_tokens_grad)(job_, team); });
  }

 private:
  EmbedTokensJob job_;
  int threads_ = 1;
};

}  // namespace

std::unique_ptr<Kernel> make_embed_tokens(const NodeContext& node) { return std::make_unique<EmbedTokens>(node); }

std::unique_ptr<Kernel> make_embed_tokens_grad(const NodeContext& node) {
  return std::make_unique<EmbedTokensGrad>(node);
}

}  // namespace gyrus::backend::cpu
#endif
