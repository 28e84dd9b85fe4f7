// The emulator itself: planted bugs must be found, and right kernels must not be blamed.
#include "tests/cuda/emulated_mma.h"
// The emulator must come first.
#include <vector>

#include "backend/cuda/kernels/device.h"
#include "backend/cuda/kernels/mma.h"
#include "core/philox.h"
#include "tests/harness/suites.h"

namespace gyrus::tests::suites {
namespace {

using backend::cuda::launch;
using backend::cuda::Thread;
using emulation::Order;
using emulation::set_order;

// What one thread does is given by the test.
template <class Body, bool kIsCooperativeOne = true>
struct Kernel {
  static constexpr const char* kName = "planted";
  static constexpr int kThreads = 64;
  static constexpr bool kIsCooperative = kIsCooperativeOne;
  Body body;
  void operator()(const Thread& thread) const { body(thread); }
};

template <class Body>
void run(const Body& body, std::int64_t blocks = 1) {
  launch(nullptr, {blocks}, Kernel<Body>{body});
}

void must_fail(Suite& suite, const std::string& name, const std::string& expected,
               const std::function<void(const Thread&)>& body) {
  suite.test(name, [=](Check& check) {
    for (const Order order : {Order::ascending, Order::descending, Order::shuffled}) {
      set_order(order);
      const std::string message = check.throws(Code::internal, name, [&] { run(body); });
      check.that(message.find(expected) != std::string::npos, "the message '", message, "' does not say '", expected,
                 "'");
      check.that(message.find("planted, block (0, 0)") != std::string::npos, message);
    }
  });
}

void planted_races(Suite& suite) {
  must_fail(suite, "a missing barrier", "with no barrier in between", [](const Thread& thread) {
    GYRUS_SHARED(int, shared, 64);
    shared[thread.index()] = 0;
    thread.sync();
    shared[thread.index()] = thread.index();
    const int neighbour = shared[(thread.index() + 1) % 64];
    static_cast<void>(neighbour);
  });
  must_fail(suite, "a missing barrier before an array is used again", "with no barrier in between",
            [](const Thread& thread) {
              GYRUS_SHARED(int, shared, 64);
              shared[thread.index()] = thread.index();
              thread.sync();
              const int neighbour = shared[(thread.index() + 1) % 64];
              shared[thread.index()] = neighbour;
            });
  must_fail(suite, "two writers of one element", "wrote with no barrier", [](const Thread& thread) {
    GYRUS_SHARED(int, shared, 1);
    shared[0] = thread.index();
  });
  must_fail(suite, "an index beyond a shared array", "index 64 of shared[64]", [](const Thread& thread) {
    GYRUS_SHARED(int, shared, 64);
    shared[thread.index() + 1] = 0;
  });
  must_fail(suite, "reading what was never written", "never written", [](const Thread& thread) {
    GYRUS_SHARED(int, shared, 64);
    static_cast<void>(static_cast<int>(shared[thread.index()]));
  });
}

void planted_waits(Suite& suite) {
  must_fail(suite, "a barrier that some threads do not reach", "not all come", [](const Thread& thread) {
    if (thread.index() != 63) thread.sync();
  });
  must_fail(suite, "a warp operation that some lanes do not reach", "not all come", [](const Thread& thread) {
    if (thread.lane() != 31) thread.warp_sum(1.0F);
  });
  must_fail(suite, "barriers at different places", "not all come", [](const Thread& thread) {
    if (thread.warp() == 0) {  // NOLINT(bugprone-branch-clone): two places are the point
      thread.sync();
    } else {
      thread.sync();
    }
  });
  must_fail(suite, "more shared memory than a block has", "more than the 49152", [](const Thread& thread) {
    GYRUS_SHARED(double, shared, 6145);
    shared[thread.index()] = 0;
  });
}

void order_and_values(Suite& suite) {
  suite.test("a vector access off its alignment", [](Check& check) {
    alignas(16) float values[8] = {};
    check.throws(Code::internal, "a vector at 4 bytes", [&] { backend::cuda::load<4>(values + 1); });
    check.that(backend::cuda::load<4>(values + 4).at[3] == 0);
  });
  suite.test("threads and blocks run in the order asked for", [](Check& check) {
    for (const auto& [order, expected] : {std::pair{Order::ascending, 0}, std::pair{Order::descending, 127}}) {
      int first = -1;
      set_order(order);
      run(
          [&](const Thread& thread) {
            if (first < 0) first = static_cast<int>(thread.block()) * 64 + thread.index();
          },
          2);
      check.equal(first, expected, "the first thread");
    }
  });
  suite.test("sums over warps and barriers of a right kernel", [](Check& check) {
    for (const Order order : {Order::ascending, Order::descending, Order::shuffled}) {
      set_order(order);
      std::vector<float> sums(128), tops(128);
      run(
          [&](const Thread& thread) {
            GYRUS_SHARED(float, shared, 64);
            const auto at = static_cast<std::size_t>(thread.block() * 64 + thread.index());
            shared[63 - thread.index()] = static_cast<float>(at);
            thread.sync();
            const float turned = shared[thread.index()];
            sums[at] = thread.warp_sum(turned);
            tops[at] = thread.warp_max(thread.index() == 3 ? NAN : turned);
          },
          2);
      check.equal(sums[0], 47.5F * 32, "the first warp's sum, of 32 to 63");
      check.equal(sums[127], (64 + 15.5F) * 32, "the last warp's sum, of 64 to 95");
      check.equal(tops[1], 63.0F, "the largest of the first warp");
    }
  });
}

// Of whole numbers, so that sums are exact: [16, 16] times [16, 8], the right factor by rows and by columns.
void multiply(Check& check) {
  using backend::cuda::LeftTile;
  using backend::cuda::SumTile;
  constexpr int kStride = 12;  // words of a row
  const auto left = [](int row, int k) {
    return static_cast<float>(
        static_cast<int>(Philox{1, 1}.bits(16U * static_cast<unsigned>(row) + static_cast<unsigned>(k)) % 17) - 8);
  };
  const auto right = [](int k, int n) {
    return static_cast<float>(
        static_cast<int>(Philox{1, 2}.bits(8U * static_cast<unsigned>(k) + static_cast<unsigned>(n)) % 17) - 8);
  };
  std::vector<float> down(16 * 8), across(16 * 8);
  launch(nullptr, {1}, Kernel<std::function<void(const Thread&)>>{[&](const Thread& thread) {
           GYRUS_SHARED(std::uint32_t, by_rows, 16 * kStride);
           GYRUS_SHARED(std::uint32_t, by_columns, 8 * kStride);
           for (int at = thread.index(); at < 16 * 4; at += 64) {
             const int k = at / 4, n = at % 4 * 2;
             by_rows[k * kStride + n / 2] = backend::cuda::rounded_pair(right(k, n), right(k, n + 1));
           }
           for (int at = thread.index(); at < 8 * 8; at += 64) {
             const int n = at / 8, k = at % 8 * 2;
             by_columns[n * kStride + k / 2] = backend::cuda::rounded_pair(right(k, n), right(k + 1, n));
           }
           thread.sync();
           const int g = thread.lane() / 4, t = thread.lane() % 4;
           const auto pair = [&](int row, int k) {
             return backend::cuda::rounded_pair(left(row, k), left(row, k + 1));
           };
           const LeftTile tile{{pair(g, 2 * t), pair(g + 8, 2 * t), pair(g, 2 * t + 8), pair(g + 8, 2 * t + 8)}};
           SumTile one{}, other{};
           multiply_add(thread, one, tile, load_down(thread, by_rows, 0, kStride));
           multiply_add(thread, other, tile, load_across(thread, by_columns, 0, kStride));
           if (thread.warp() > 0) return;
           for (int i = 0; i < 4; ++i) {
             const int at = (g + i / 2 * 8) * 8 + 2 * t + i % 2;
             down[static_cast<std::size_t>(at)] = one.at[i];
             across[static_cast<std::size_t>(at)] = other.at[i];
           }
         }});
  for (int row = 0; row < 16; ++row) {
    for (int n = 0; n < 8; ++n) {
      float sum = 0;
      for (int k = 0; k < 16; ++k) sum += left(row, k) * right(k, n);
      const int element = row * 8 + n;
      const auto at = static_cast<std::size_t>(element);
      check.equal(down[at], sum, text("(", row, ", ", n, "), the right factor by rows"));
      check.equal(across[at], sum, text("(", row, ", ", n, "), the right factor by columns"));
    }
  }
}

}  // namespace

void cuda_emulator(Suite& suite) {
  planted_races(suite);
  planted_waits(suite);
  order_and_values(suite);
  suite.test("a product on tensor cores", multiply);
}

}  // namespace gyrus::tests::suites
