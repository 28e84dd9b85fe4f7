// The threads of one emulated block, as fibers, and the record of what they do to shared memory. emulator.h says what
// for; kernels see it through that header alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <vector>

namespace gyrus::tests::emulation {

// In which order a block's threads run between two barriers, and in which order blocks run.
enum class Order : std::uint8_t { ascending, descending, shuffled };
void set_order(Order order);

class Block;

struct GridJob {
  const char* name;
  std::int64_t x, y;  // blocks
  int threads;        // of a block
  bool is_cooperative;
  void (*run)(const void* kernel, Block& block, int thread);
  const void* kernel;
};
void run_grid(const GridJob& job);

void check_aligned(const void* pointer, std::size_t alignment);

struct Fiber;

class Block {
 public:
  explicit Block(const GridJob& job);
  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  void run(std::int64_t x, std::int64_t y, Order order);

  // What the kernel's threads call.
  std::int64_t x() const { return x_; }
  std::int64_t y() const { return y_; }
  void wait_for_block(std::uint32_t line);
  // Every lane of the warp gets all lanes' values, each at the start of 8 bytes.
  void exchange(const void* value, std::size_t size, double (&lanes)[32], std::uint32_t line);
  int shared_array(const char* name, std::int64_t count, std::size_t element_size);
  const void* read_shared(int array, std::int64_t at);
  void* write_shared(int array, std::int64_t at);

 private:
  enum class State : std::uint8_t { running, at_barrier, at_exchange, done };
  struct ThreadState {
    State state = State::running;
    std::uint32_t line = 0;
    int exchanges = 0;  // done so far: their parity chooses the slots
  };
  // Who touched an element last, and in which interval between barriers.
  struct Access {
    int writer = -1, reader = -1;  // reader -2: several
    int written_in = -1, read_in = -1;
  };
  struct SharedArea {
    std::string name;
    std::int64_t count = 0;
    std::size_t element_size = 0;
    std::vector<std::byte> bytes;
    std::vector<Access> accesses;
  };

  static void enter(unsigned high, unsigned low);
  void prepare(std::size_t thread);
  void run_fibers(Order order);
  void resume(int thread);
  void leave();
  void release();
  [[noreturn]] void fail(const std::string& what) const;
  void fail_stuck() const;
  Access& access(int array, std::int64_t at);

  const GridJob& job_;
  std::int64_t x_ = 0, y_ = 0;
  int current_ = 0, interval_ = 0;
  std::vector<ThreadState> threads_;
  std::vector<SharedArea> areas_;
  std::vector<double> slots_;  // [2][threads]
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::unique_ptr<Fiber> scheduler_;
  std::exception_ptr error_;
};

}  // namespace gyrus::tests::emulation
