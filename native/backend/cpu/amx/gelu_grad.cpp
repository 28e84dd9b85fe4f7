#include "backend/cpu/amx/gelu_grad.h"

#include "backend/cpu/amx/gelu_terms.h"
#include "backend/cpu/simd/team.h"
#include "core/dtype.h"

namespace gyrus::backend::cpu::amx {
namespace {

GYRUS_AMX_TARGET inline __m512 read_16(const bf16_t* from, __mmask16 mask) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, from)), 16));
}

GYRUS_AMX_TARGET void gelu_grad(const bf16_t* dy, const bf16_t* x, bf16_t* dx, const Range& range) {
  for (std::int64_t i = range.begin; i < range.end; i += 16) {
    const std::int64_t rest = range.end - i;
    const auto mask = static_cast<__mmask16>(rest >= 16 ? 0xffffU : (1U << rest) - 1U);
    const __m512 slope = gelu_slope_of(read_16(x + i, mask));
    const auto result = _mm512_cvtneps_pbh(_mm512_mul_ps(read_16(dy + i, mask), slope));
    _mm256_mask_storeu_epi16(dx + i, mask, reinterpret_cast<__m256i>(result));
  }
}

class GeluGrad final : public Kernel {
 public:
  GeluGrad(std::int64_t count, int threads) : count_(count), threads_(useful_threads(threads, count * 2)) {}
  void bind(const KernelArgs& args) override {
    dy_ = static_cast<const bf16_t*>(args.in[0]);
    x_ = static_cast<const bf16_t*>(args.in[1]);
    dx_ = static_cast<bf16_t*>(args.out[0]);
  }
  void run() override {
    run_team(threads_, [this](const Team& team) { gelu_grad(dy_, x_, dx_, team.share(count_, kFlatGrain)); });
  }

 private:
  std::int64_t count_;
  int threads_;
  const bf16_t *dy_ = nullptr, *x_ = nullptr;
  bf16_t* dx_ = nullptr;
};

}  // namespace

std::unique_ptr<Kernel> make_gelu_grad(std::int64_t count, int threads) {
  return std::make_unique<GeluGrad>(count, threads);
}

}  // namespace gyrus::backend::cpu::amx
