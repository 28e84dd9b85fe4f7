// The kernels that work on arenas and weights and are no operation of the graph, and what the optimizers do beside
// their update: stop where a loss was not finite, and keep a copy in bf16.
#include "tests/cuda/emulator.h"
// The emulator must come first.
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "backend/cuda/kernels/adamw_update.h"
#include "backend/cuda/kernels/ema_update.h"
#include "backend/cuda/kernels/finite_guard.h"
#include "backend/cuda/kernels/gradient_accumulate.h"
#include "backend/cuda/kernels/lars_update.h"
#include "backend/cuda/kernels/pack_weights.h"
#include "backend/cuda/kernels/sgd_update.h"
#include "core/philox.h"
#include "tests/harness/suites.h"

namespace gyrus::tests::suites {
namespace {

using namespace backend::cuda;  // NOLINT(google-build-using-namespace): the launchers under test
using backend::Hyper;
using backend::StepPart;
using emulation::Order;
using emulation::set_order;

std::vector<float> numbers(const char* name, std::size_t count) {
  const Philox philox{1, stream_of(name)};
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = philox.normal(i);
  return values;
}

void in_every_order(const std::function<void()>& body) {
  for (const Order order : {Order::shuffled, Order::descending, Order::ascending}) {
    set_order(order);
    body();
  }
}

void packing(Suite& suite) {
  for (const auto& [co, ci, window] : {std::array<std::int64_t, 3>{3, 5, 9}, {8, 16, 9}, {64, 3, 49}, {7, 64, 1}}) {
    suite.test(text("weights [", co, ", ", ci, ", ", window, "] there and back"), [=, co = co, ci = ci,
                                                                                   window = window](Check& check) {
      in_every_order([&] {
        const auto count = static_cast<std::size_t>(co * ci * window);
        const std::vector<float> masters = numbers("masters", count);
        std::vector<float> packed(count), back(count);
        std::vector<bf16_t> rounded(count);
        pack_weights(nullptr, {masters.data(), packed.data(), DType::f32, co, ci, window});
        pack_weights(nullptr, {masters.data(), rounded.data(), DType::bf16, co, ci, window});
        std::size_t wrong = 0;
        for (std::int64_t o = 0; o < co; ++o) {
          for (std::int64_t c = 0; c < ci; ++c) {
            for (std::int64_t w = 0; w < window; ++w) {
              const auto from = static_cast<std::size_t>((o * ci + c) * window + w);
              const auto to = static_cast<std::size_t>((o * window + w) * ci + c);
              wrong += packed[to] != masters[from] || rounded[to].bits != to_bf16(masters[from]).bits ? 1 : 0;
            }
          }
        }
        check.equal(wrong, std::size_t{0}, "numbers that are wrong");
        unpack_weights(nullptr, {packed.data(), back.data(), DType::f32, co, ci, window});
        check.that(back == masters, "unpacked weights differ from the masters");
        unpack_weights(nullptr, {rounded.data(), back.data(), DType::bf16, co, ci, window});
        check.that(back[count - 1] == to_float(to_bf16(masters[count - 1])), "unpacked from bf16");
      });
    });
  }
}

void accumulation(Suite& suite) {
  suite.test("gradients of micro-batches are summed", [](Check& check) {
    for (const std::size_t count : {1U, 3U, 1024U, 4099U}) {
      in_every_order([&] {
        const std::vector<float> a = numbers("a", count), b = numbers("b", count);
        const std::vector<float> c = numbers("c", count);
        std::vector<float> total(count, NAN);
        const auto gather = [&](std::vector<float> gradients, StepPart part, int may_update) {
          const Hyper hyper{.part = part, .may_update = may_update};
          gradient_accumulate(nullptr, {gradients.data(), total.data(), static_cast<std::int64_t>(count), &hyper});
          return gradients;
        };
        check.that(gather(a, StepPart::first, 1) == a && total == a, "the first micro-batch overwrites");
        check.that(gather(b, StepPart::middle, 1) == b, "a gradient changed before the last micro-batch");
        std::vector<float> two(count), three(count);
        for (std::size_t i = 0; i < count; ++i) two[i] = a[i] + b[i];
        for (std::size_t i = 0; i < count; ++i) three[i] = two[i] + c[i];
        check.that(total == two, "the second is added, ", count);
        for (const StepPart part : {StepPart::first, StepPart::middle, StepPart::last}) {
          check.that(gather(c, part, 0) == c && total == two, "something changed when nothing may");
        }
        check.that(gather(c, StepPart::whole, 1) == c && total == two, "a whole step has nothing to gather");
        check.that(gather(c, StepPart::last, 1) == three, "the last gets the sum, ", count);
      });
    }
  });
}

void guard(Suite& suite) {
  suite.test("finite_guard: NaN and infinities stop the update, large numbers do not", [](Check& check) {
    const float inf = std::numeric_limits<float>::infinity(), largest = std::numeric_limits<float>::max();
    for (const auto& [loss, expected] :
         {std::pair{1.5F, 1}, {largest, 1}, {-largest, 1}, {inf, 0}, {-inf, 0}, {NAN, 0}}) {
      const float other = 2;
      Hyper hyper;
      hyper.may_update = 1 - expected;
      FiniteGuardArgs args;
      args.losses[0] = &other;
      args.losses[1] = &loss;
      args.count = 2;
      args.hyper = &hyper;
      finite_guard(nullptr, args);
      check.equal(hyper.may_update, expected, text("may_update at a loss of ", loss));
    }
  });
}

// Three tensors: with a tail, longer than a chunk, of one number; the gaps hold 7, which nobody may touch.
struct Arenas {
  std::vector<SweepSegment> segments{{0, 37, true, true}, {48, 20011, false, true}, {20064, 1, true, false}};
  std::size_t count = 20080;
  std::vector<float> p = numbers("p", count), g = numbers("g", count), m = numbers("m", count), v = numbers("v", count);
  std::vector<bf16_t> copy = std::vector<bf16_t>(count, to_bf16(7));
  std::vector<SweepChunk> chunks = make_sweep_chunks(segments);
  std::vector<double> scratch = std::vector<double>(64);
  Hyper hyper;

  Arenas() {
    for (float& x : v) x = std::fabs(x);
    for (std::size_t i = 0; i < count; ++i) {
      if (!is_gap(i)) continue;
      p[i] = g[i] = m[i] = v[i] = 7;
    }
    hyper.lr = 0.1F;
    hyper.weight_decay = 0.01F;
    hyper.step = 3;
  }
  static bool is_gap(std::size_t i) { return (i >= 37 && i < 48) || (i >= 48 + 20011 && i != 20064); }
  SweepArgs args() {
    return {p.data(),
            g.data(),
            m.data(),
            v.data(),
            copy.data(),
            chunks.data(),
            static_cast<std::int64_t>(chunks.size()),
            3,
            &hyper,
            scratch.data()};
  }
};

using Update = std::function<void(const SweepArgs&)>;

void sweeps(Suite& suite, const std::string& name, const Update& update) {
  suite.test(name + ": the copy in bf16 is the parameters', and gaps stay", [=](Check& check) {
    in_every_order([&] {
      Arenas arenas;
      const std::vector<float> before = arenas.p;
      update(arenas.args());
      std::size_t unmoved = 0, wrong = 0, touched = 0;
      for (std::size_t i = 0; i < arenas.count; ++i) {
        if (Arenas::is_gap(i)) {
          touched += arenas.p[i] != 7 || arenas.m[i] != 7 || arenas.copy[i].bits != to_bf16(7).bits ? 1 : 0;
        } else {
          unmoved += arenas.p[i] == before[i] ? 1 : 0;
          wrong += arenas.copy[i].bits != to_bf16(arenas.p[i]).bits ? 1 : 0;
        }
      }
      check.equal(unmoved, std::size_t{0}, "parameters that stayed");
      check.equal(wrong, std::size_t{0}, "copies that are not the parameter's rounding");
      check.equal(touched, std::size_t{0}, "gaps that were written");
    });
  });
  suite.test(name + ": nothing changes when it may not", [=](Check& check) {
    in_every_order([&] {
      Arenas arenas;
      const Arenas before = arenas;
      arenas.hyper.may_update = 0;
      update(arenas.args());
      check.that(arenas.p == before.p && arenas.m == before.m && arenas.v == before.v, "an arena changed");
      check.that(arenas.copy[0].bits == before.copy[0].bits, "the copy changed");
    });
  });
}

}  // namespace

void cuda_arenas(Suite& suite) {
  packing(suite);
  accumulation(suite);
  guard(suite);
  sweeps(suite, "sgd_update", [](const SweepArgs& args) { sgd_update(nullptr, {args, 0.9F, 0, false}); });
  sweeps(suite, "sgd_update without momentum", [](const SweepArgs& args) { sgd_update(nullptr, {args, 0, 0, false}); });
  sweeps(suite, "adamw_update", [](const SweepArgs& args) { adamw_update(nullptr, {args, 0.9F, 0.999F, 1e-8F}); });
  for (const bool is_solo : {false, true}) {
    sweeps(suite, is_solo ? "lars_update of solo-learn" : "lars_update of MoCo v3", [=](const SweepArgs& args) {
      lars_update(nullptr, {args, is_solo, 0.9F, 0.02F, 1e-8F, true});
    });
  }
  suite.test("ema_update: the copy in bf16 is the average's", [](Check& check) {
    for (const std::size_t count : {5U, 4104U}) {
      std::vector<float> ema = numbers("ema", count);
      const std::vector<float> p = numbers("p", count), before = ema;
      std::vector<bf16_t> copy(count);
      Hyper hyper;
      hyper.ema_momentum = 0.75F;
      ema_update(nullptr, {ema.data(), p.data(), copy.data(), static_cast<std::int64_t>(count), &hyper});
      bool is_right = true;
      for (std::size_t i = 0; i < count; ++i) {
        is_right = is_right && copy[i].bits == to_bf16(ema[i]).bits;
        is_right = is_right && std::fabs(ema[i] - (0.75F * before[i] + 0.25F * p[i])) <= 1e-6F;
      }
      check.that(is_right, count, " numbers");
    }
  });
}

}  // namespace gyrus::tests::suites
