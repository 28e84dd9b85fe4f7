#include "tests/cuda/fibers.h"

#include <ucontext.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "core/error.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

namespace gyrus::tests::emulation {
namespace {

constexpr std::size_t kStackBytes = 64 * 1024;

thread_local Order order_of_threads = Order::ascending;

// Numbers below `count` in that order; another shuffle for every `round`.
std::vector<int> numbers_in(Order order, int count, std::uint64_t round) {
  std::vector<int> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  if (order == Order::descending) std::reverse(numbers.begin(), numbers.end());
  if (order == Order::shuffled) {
    std::uint64_t state = round;
    for (std::size_t i = numbers.size(); i > 1; --i) {
      state = state * 6364136223846793005U + 1442695040888963407U;  // Knuth's linear congruences: quick
      std::swap(numbers[i - 1], numbers[(state >> 33U) % i]);
    }
  }
  return numbers;
}

}  // namespace

// One execution stack; of the scheduler, the test's own.
struct Fiber {
  ucontext_t context{};
  void* fake_stack = nullptr;  // AddressSanitizer's
  const void* bottom = nullptr;
  std::size_t size = 0;
};

namespace {

// Stack number `index`, kept for the next block: what was never used of it costs nothing.
std::byte* stack_of(std::size_t index) {
  thread_local std::vector<std::unique_ptr<std::byte[]>> stacks;
  while (stacks.size() <= index) stacks.push_back(std::make_unique_for_overwrite<std::byte[]>(kStackBytes));
  return stacks[index].get();
}

// AddressSanitizer wants to know of every change of stacks.
void switch_fiber(Fiber& from, Fiber& to, bool is_last) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber(is_last ? nullptr : &from.fake_stack, to.bottom, to.size);
#endif
  if (is_last) {
    setcontext(&to.context);
  } else {
    swapcontext(&from.context, &to.context);
  }
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(from.fake_stack, nullptr, nullptr);
#endif
}

void arrive(Fiber* from) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(nullptr, &from->bottom, &from->size);
#else
  static_cast<void>(from);
#endif
}

}  // namespace

void set_order(Order order) { order_of_threads = order; }

void check_aligned(const void* pointer, std::size_t alignment) {
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  GYRUS_CHECK(address % alignment == 0, Code::internal, "a vector access of ", alignment,
              " bytes at an address that is ", address % alignment, " beyond a multiple");
}

void run_grid(const GridJob& job) {
  if (job.x == 0 || job.y == 0) return;
  GYRUS_CHECK(job.threads % 32 == 0 && job.threads <= 1024, Code::internal, job.name, ": ", job.threads,
              " threads are no block");
  Block block(job);
  const std::vector<int> blocks = numbers_in(order_of_threads, static_cast<int>(job.x * job.y), 0);
  for (const int at : blocks) block.run(at % job.x, at / job.x, order_of_threads);
}

Block::Block(const GridJob& job) : job_(job), threads_(static_cast<std::size_t>(job.threads)) {
  slots_.resize(threads_.size() * 2);
  scheduler_ = std::make_unique<Fiber>();
  if (!job.is_cooperative) return;
  for (int i = 0; i < job.threads; ++i) {
    fibers_.push_back(std::make_unique<Fiber>());
    fibers_.back()->bottom = stack_of(static_cast<std::size_t>(i));
    fibers_.back()->size = kStackBytes;
  }
}

Block::~Block() = default;

void Block::run(std::int64_t x, std::int64_t y, Order order) {
  x_ = x;
  y_ = y;
  interval_ = 0;
  areas_.clear();
  if (job_.is_cooperative) return run_fibers(order);
  for (const int i : numbers_in(order, job_.threads, 0)) {
    current_ = i;
    job_.run(job_.kernel, *this, i);
  }
}

void Block::enter(unsigned high, unsigned low) {
  auto* block = reinterpret_cast<Block*>((static_cast<std::uintptr_t>(high) << 32U) | low);
  arrive(block->scheduler_.get());
  const auto at = static_cast<std::size_t>(block->current_);
  try {
    block->job_.run(block->job_.kernel, *block, block->current_);
  } catch (...) {
    if (!block->error_) block->error_ = std::current_exception();
  }
  block->threads_[at].state = State::done;
  switch_fiber(*block->fibers_[at], *block->scheduler_, true);
}

void Block::resume(int thread) {
  current_ = thread;
  switch_fiber(*scheduler_, *fibers_[static_cast<std::size_t>(thread)], false);
}

void Block::leave() {
  Fiber& fiber = *fibers_[static_cast<std::size_t>(current_)];
  switch_fiber(fiber, *scheduler_, false);
}

// In a function of its own: getcontext() is one of those that may return twice.
void Block::prepare(std::size_t thread) {
  threads_[thread] = {};
  const auto address = reinterpret_cast<std::uintptr_t>(this);
  ucontext_t& context = fibers_[thread]->context;
  getcontext(&context);
  context.uc_stack.ss_sp = stack_of(thread);
  context.uc_stack.ss_size = kStackBytes;
  context.uc_link = nullptr;
  makecontext(&context, reinterpret_cast<void (*)()>(&Block::enter), 2, static_cast<unsigned>(address >> 32U),
              static_cast<unsigned>(address));
}

void Block::run_fibers(Order order) {
  for (std::size_t i = 0; i < threads_.size(); ++i) prepare(i);
  error_ = nullptr;
  for (std::uint64_t round = 0;; ++round) {
    bool has_run = false;
    for (const int i : numbers_in(order, job_.threads, round)) {
      if (threads_[static_cast<std::size_t>(i)].state != State::running) continue;
      has_run = true;
      resume(i);
      if (error_) std::rethrow_exception(error_);
    }
    if (!has_run) break;
    release();
  }
  for (const ThreadState& thread : threads_) {
    if (thread.state != State::done) fail_stuck();
  }
}

// Lets go whom all others of the warp or of the block have joined, at one place of the code.
void Block::release() {
  const auto wait_alike = [this](std::size_t first, std::size_t count, State state) {
    return std::all_of(threads_.begin() + static_cast<std::ptrdiff_t>(first),
                       threads_.begin() + static_cast<std::ptrdiff_t>(first + count), [&](const ThreadState& thread) {
                         return thread.state == state && thread.line == threads_[first].line;
                       });
  };
  const auto let_go = [this](std::size_t first, std::size_t count) {
    for (std::size_t i = first; i < first + count; ++i) threads_[i].state = State::running;
  };
  for (std::size_t first = 0; first < threads_.size(); first += 32) {
    if (wait_alike(first, 32, State::at_exchange)) let_go(first, 32);
  }
  if (wait_alike(0, threads_.size(), State::at_barrier)) {
    ++interval_;
    let_go(0, threads_.size());
  }
}

void Block::fail(const std::string& what) const {
  throw Error(Code::internal, text(job_.name, ", block (", x_, ", ", y_, "), thread ", current_, ": ", what));
}

void Block::fail_stuck() const {
  std::string where;
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    if (threads_[i].state == threads_[0].state && threads_[i].line == threads_[0].line) continue;
    where = text("; thread ", i, threads_[i].state == State::done ? " has ended" : " waits at line ", threads_[i].line);
    break;
  }
  fail(text("its threads wait for one another and not all come: thread 0 ",
            threads_[0].state == State::done ? "has ended, last at line " : "waits at line ", threads_[0].line, where));
}

void Block::wait_for_block(std::uint32_t line) {
  if (!job_.is_cooperative) fail("a barrier in a kernel that says it has none");
  ThreadState& thread = threads_[static_cast<std::size_t>(current_)];
  thread.state = State::at_barrier;
  thread.line = line;
  leave();
}

void Block::exchange(const void* value, std::size_t size, double (&lanes)[32], std::uint32_t line) {
  if (!job_.is_cooperative) fail("a warp operation in a kernel that says it has none");
  const auto at = static_cast<std::size_t>(current_);
  ThreadState& thread = threads_[at];
  // A lane may be one exchange ahead of another that has not read yet, and never two: so two sets of slots.
  const std::size_t set = static_cast<std::size_t>(thread.exchanges++ % 2) * threads_.size();
  std::memcpy(&slots_[set + at], value, size);
  thread.state = State::at_exchange;
  thread.line = line;
  leave();
  std::copy_n(&slots_[set + at / 32 * 32], 32, lanes);
}

int Block::shared_array(const char* name, std::int64_t count, std::size_t element_size) {
  for (std::size_t i = 0; i < areas_.size(); ++i) {
    if (areas_[i].name == name) return static_cast<int>(i);
  }
  SharedArea area{name, count, element_size, {}, {}};
  area.bytes.resize(static_cast<std::size_t>(count) * element_size);
  area.accesses.resize(static_cast<std::size_t>(count));
  areas_.push_back(std::move(area));
  std::size_t total = 0;
  for (const SharedArea& each : areas_) total += each.bytes.size();
  if (total > 48 * 1024) fail(text("shared arrays of ", total, " bytes, more than the 49152 that every GPU has"));
  return static_cast<int>(areas_.size()) - 1;
}

Block::Access& Block::access(int array, std::int64_t at) {
  SharedArea& area = areas_[static_cast<std::size_t>(array)];
  if (at < 0 || at >= area.count) fail(text("index ", at, " of ", area.name, "[", area.count, "]"));
  return area.accesses[static_cast<std::size_t>(at)];
}

const void* Block::read_shared(int array, std::int64_t at) {
  Access& was = access(array, at);
  const SharedArea& area = areas_[static_cast<std::size_t>(array)];
  if (was.written_in < 0) fail(text("reads ", area.name, "[", at, "], which was never written"));
  if (was.written_in == interval_ && was.writer != current_) {
    fail(text("reads ", area.name, "[", at, "], which thread ", was.writer, " wrote with no barrier in between"));
  }
  was.reader = was.read_in == interval_ && was.reader != current_ ? -2 : current_;
  was.read_in = interval_;
  return &area.bytes[static_cast<std::size_t>(at) * area.element_size];
}

void* Block::write_shared(int array, std::int64_t at) {
  Access& was = access(array, at);
  SharedArea& area = areas_[static_cast<std::size_t>(array)];
  if (was.written_in == interval_ && was.writer != current_) {
    fail(text("writes ", area.name, "[", at, "], which thread ", was.writer, " wrote with no barrier in between"));
  }
  if (was.read_in == interval_ && was.reader != current_) {
    fail(text("writes ", area.name, "[", at, "], which another thread read with no barrier in between"));
  }
  was.writer = current_;
  was.written_in = interval_;
  return &area.bytes[static_cast<std::size_t>(at) * area.element_size];
}

}  // namespace gyrus::tests::emulation
