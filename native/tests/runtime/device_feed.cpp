// Batches on their way to a pretended device, which finds copies that touch the same memory in no fixed order.
#include "runtime/device_feed.h"

#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include "tests/harness/suites.h"
#include "tests/runtime/pretended_device.h"

namespace gyrus::tests::suites {
namespace {

using runtime::DeviceFeed;
using runtime::FeedTag;

constexpr std::int64_t kBytes = 64;

FeedTag whole(std::uint64_t step) { return {step, 0, 1}; }

// A feed of blocks that hold one number everywhere.
struct Numbers {
  std::shared_ptr<PretendedQueue> queue = std::make_shared<PretendedQueue>(Fence::each_kernel);
  DeviceFeed feed;

  explicit Numbers(std::size_t slots = 2) : feed(queue, kBytes, slots) {}

  void fill(const FeedTag& tag, int number) {
    feed.fill(tag, [&](std::byte* memory) {
      queue->order().access(AccessOrder::kHost, memory, kBytes, true);
      std::memset(memory, number, kBytes);
    });
  }
  // What kernels find in the slot that is taken, twice; -1 where not all bytes are the same.
  int take(const FeedTag& tag) {
    feed.expect(tag);
    int found = 0;
    for (int kernel = 0; kernel < 2; ++kernel) {
      const std::byte* const slot = feed.device(feed.take());
      queue->order().access(AccessOrder::kQueue, slot, kBytes, false);
      const PretendedMemory::Access access(queue->memory());
      found = std::to_integer<int>(slot[0]);
      for (std::int64_t i = 1; i < kBytes; ++i) {
        if (slot[i] != slot[0]) found = -1;
      }
    }
    feed.release();
    return found;
  }
};

// As a run goes: while a step computes, the next is filled; now and then the host waits for the device.
void take_in_turn(Check& check, std::size_t slots) {
  Numbers numbers(slots);
  numbers.fill(whole(0), 100);
  for (int step = 0; step < 9; ++step) {
    check.equal(numbers.take(whole(static_cast<std::uint64_t>(step))), 100 + step, "what a step reads");
    numbers.fill(whole(static_cast<std::uint64_t>(step) + 1), 101 + step);
    if (step % 3 == 2) numbers.queue->synchronize();
  }
}

// Two are filled before any is taken, so that a slot is filled anew while the device may still copy it away.
void run_ahead(Check& check) {
  Numbers numbers;
  for (std::uint64_t step = 0; step < 12; step += 2) {
    numbers.fill({step, 0, 2}, static_cast<int>(step));
    numbers.fill({step, 1, 2}, static_cast<int>(step) + 1);
    check.equal(numbers.take({step, 0, 2}), static_cast<int>(step), "the first part");
    check.equal(numbers.take({step, 1, 2}), static_cast<int>(step) + 1, "the second part");
  }
}

void refuse(Check& check) {
  Numbers numbers;
  check.throws(Code::invalid_argument, "nothing was fed", [&] { numbers.take(whole(0)); });
  numbers.fill(whole(0), 1);
  numbers.fill(whole(1), 2);
  const std::string message = check.throws(Code::busy, "a third", [&] { numbers.fill(whole(2), 3); });
  check.that(message.find("part 0 of 1 of step 0") != std::string::npos, message);
  const std::string other = check.throws(Code::invalid_argument, "another step", [&] { numbers.take(whole(7)); });
  check.that(other.find("fed next is part 0 of 1 of step 0") != std::string::npos, other);
  check.throws(Code::invalid_argument, "what waited was dropped", [&] { numbers.take(whole(0)); });
  numbers.fill(whole(7), 8);
  check.equal(numbers.take(whole(7)), 8, "what is fed afterwards");
}

// A loader that is ahead by two waits for the step that reads the slot, and no longer.
void wait_for_release(Check& check) {
  Numbers numbers;
  numbers.fill(whole(0), 1);
  numbers.fill(whole(1), 2);
  numbers.feed.expect(whole(0));
  const std::size_t held = numbers.feed.take();
  std::atomic<bool> is_released = false, was_released = false;
  std::jthread loader([&] {
    numbers.fill(whole(2), 3);
    was_released = is_released.load();
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  {
    const PretendedMemory::Access access(numbers.queue->memory());
    check.equal(std::to_integer<int>(*numbers.feed.device(held)), 1, "what the step reads meanwhile");
  }
  is_released = true;
  numbers.feed.release();
  loader.join();
  check.that(was_released, "the slot was filled after it was let go");
  check.equal(numbers.take(whole(1)), 2, "the next");
  check.equal(numbers.take(whole(2)), 3, "the one after");
}

void fail_to_fill(Check& check) {
  Numbers numbers;
  const auto fail = [](std::byte*) { throw Error(Code::file_io, "the shard was cut off"); };
  for (int i = 0; i < 3; ++i) check.throws(Code::file_io, "cut off", [&] { numbers.feed.fill(whole(0), fail); });
  numbers.fill(whole(0), 5);
  check.equal(numbers.take(whole(0)), 5, "the slot is free again");
}

// What the other tests rest on: without one of the waits, the order of copies is found open.
void find_races(Check& check) {
  PretendedQueue queue(Fence::each_kernel);
  const auto pinned = queue.allocate(kBytes, MemoryKind::pinned), device = queue.allocate(kBytes, MemoryKind::device),
             other = queue.allocate(kBytes, MemoryKind::device);
  const auto lane = queue.make_lane();
  const auto arrived = queue.make_event(), taken = queue.make_event();
  std::memset(pinned.get(), 1, kBytes);
  const auto upload = [&] { lane->copy_to_device(device.get(), pinned.get(), kBytes); };
  const auto copy_away = [&] { queue.copy_on_device(other.get(), device.get(), kBytes); };
  const auto write = [&] { queue.order().access(AccessOrder::kHost, pinned.get(), kBytes, true); };
  upload();
  check.throws(Code::internal, "the queue reads before the upload's end", copy_away);
  check.throws(Code::internal, "the host writes before the upload's end", write);
  lane->mark(*arrived);
  queue.wait_for(*arrived);
  copy_away();
  check.throws(Code::internal, "the host writes although only the queue has waited", write);
  arrived->synchronize();
  write();
  queue.mark(*taken);
  check.throws(Code::internal, "the next upload before the queue has read", upload);
  lane->wait_for(*taken);
  upload();
}

}  // namespace

void device_feed(Suite& suite) {
  for (const std::size_t slots : {1, 2, 3}) {
    suite.test(text(slots, " slots: each step reads its own batch, and none is written before it was read"),
               [slots](Check& check) { take_in_turn(check, slots); });
  }
  suite.test("the same when the loader runs ahead by both slots", run_ahead);
  suite.test("a loader waits while a step reads the slot that is next", wait_for_release);
  suite.test("too much at once, nothing, and another step's", refuse);
  suite.test("a loader that fails leaves the slot free", fail_to_fill);
  suite.test("copies in no fixed order are found", find_races);
}

}  // namespace gyrus::tests::suites
