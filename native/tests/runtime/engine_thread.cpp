// The engine thread: order, bounds, stopping, and that every job comes back exactly once. Run under TSan too.
#include "runtime/engine_thread.h"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/harness/suites.h"

namespace gyrus::tests::suites {
namespace {

using runtime::EngineJob;
using runtime::EngineThread;
using runtime::Stop;

class TestJob final : public EngineJob {
 public:
  explicit TestJob(std::function<void(const Stop&)> body, std::shared_ptr<Stop> stop = std::make_shared<Stop>(false))
      : EngineJob(std::move(stop)), body_(std::move(body)) {}
  void prepare() override {
    if (preparation) preparation();
  }
  std::function<void()> preparation;

 private:
  void work(const Stop& stop) override { body_(stop); }
  std::function<void(const Stop&)> body_;
};

// Collects finished jobs as the JS thread would.
class Outbox {
 public:
  EngineThread::Done done() {
    return [this](std::unique_ptr<EngineJob> job) {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
      arrived_.notify_all();
    };
  }
  // Waits for that many in all, in order of arrival.
  std::vector<std::exception_ptr> failures(std::size_t count) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return jobs_.size() >= count; });
    std::vector<std::exception_ptr> failures;
    for (const auto& job : jobs_) failures.push_back(job->failure());
    return failures;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<std::unique_ptr<EngineJob>> jobs_;
};

bool submit(EngineThread& thread, std::function<void(const Stop&)> body) {
  std::unique_ptr<EngineJob> job = std::make_unique<TestJob>(std::move(body));
  const bool is_taken = thread.submit(job);
  return is_taken && job == nullptr;
}

// Works until it is stopped, and says when it has begun.
std::function<void(const Stop&)> until_stopped(std::atomic<bool>& has_begun) {
  return [&has_begun](const Stop& stop) {
    has_begun = true;
    has_begun.notify_all();
    while (!stop) std::this_thread::yield();
    throw Error(Code::aborted, "stopped");
  };
}

Code code_of(const std::exception_ptr& failure) {
  try {
    if (failure) std::rethrow_exception(failure);
  } catch (const Error& error) {
    return error.code();
  } catch (...) {
  }
  return Code::internal;
}

void order_and_failures(Check& check) {
  Outbox outbox;
  std::vector<int> order;
  EngineThread thread(outbox.done());
  check.that(submit(thread, [&](const Stop&) { order.push_back(1); }), "the first is taken");
  outbox.failures(1);
  check.that(submit(thread, [&](const Stop&) { throw std::runtime_error("on purpose"); }), "the second is taken");
  outbox.failures(2);
  check.that(submit(thread, [&](const Stop&) { order.push_back(3); }), "a failure does not end the thread");
  const auto failures = outbox.failures(3);
  check.that(!failures[0] && failures[1] && !failures[2], "only the second failed");
  check.that(order == std::vector<int>{1, 3}, "in order");
}

void bounds(Check& check) {
  Outbox outbox;
  std::atomic<bool> has_begun = false;
  EngineThread thread(outbox.done());
  check.that(submit(thread, until_stopped(has_begun)), "one at work");
  has_begun.wait(false);
  for (std::size_t waiting = 0; waiting < EngineThread::kMaxQueued; ++waiting) {
    check.that(submit(thread, [](const Stop&) {}), "one waiting");
  }
  std::unique_ptr<EngineJob> refused = std::make_unique<TestJob>([](const Stop&) {});
  check.that(!thread.submit(refused) && refused != nullptr, "one too many is refused and stays with the caller");
  thread.request_stop();
  thread.join();
  const auto failures = outbox.failures(1 + EngineThread::kMaxQueued);
  for (const auto& failure : failures) check.that(code_of(failure) == Code::aborted, "all of them were aborted");
  check.that(!thread.submit(refused), "a stopped thread takes nothing");
}

void last_job(Check& check) {
  Outbox outbox;
  std::atomic<int> runs = 0;
  EngineThread thread(outbox.done());
  for (std::size_t waiting = 0; waiting < EngineThread::kMaxQueued; ++waiting) {
    submit(thread, [&](const Stop&) { ++runs; });
  }
  std::unique_ptr<EngineJob> last = std::make_unique<TestJob>([&](const Stop&) { runs = -runs; });
  check.that(thread.submit_last(last), "the last is taken even when the queue is full");
  std::unique_ptr<EngineJob> late = std::make_unique<TestJob>([](const Stop&) {});
  check.that(!thread.submit(late) && !thread.submit_last(late), "after the last one nothing is taken");
  thread.join();
  check.equal(runs.load(), -static_cast<int>(EngineThread::kMaxQueued), "the last ran last");
  check.equal(outbox.failures(1 + EngineThread::kMaxQueued).size(), 1 + EngineThread::kMaxQueued,
              "jobs that came back");
}

void cancelled_before_its_turn(Check& check) {
  Outbox outbox;
  bool has_run = false;
  EngineThread thread(outbox.done());
  std::unique_ptr<EngineJob> job =
      std::make_unique<TestJob>([&](const Stop&) { has_run = true; }, std::make_shared<Stop>(true));
  check.that(thread.submit(job), "it is taken");
  check.that(code_of(outbox.failures(1)[0]) == Code::aborted, "it fails as aborted");
  check.that(!has_run, "it never ran");
}

void prepared_by_the_one_before(Check& check) {
  Outbox outbox;
  std::vector<std::string> order;
  std::atomic<bool> has_tried = false, has_next = false;
  std::thread::id preparer, worker;
  EngineThread thread(outbox.done());
  submit(thread, [&](const Stop&) {
    thread.prepare_next();  // of nothing
    has_tried = true;
    has_tried.notify_all();
    has_next.wait(false);
    thread.prepare_next();
    order.emplace_back("first");
  });
  auto next = std::make_unique<TestJob>([&](const Stop&) {
    worker = std::this_thread::get_id();
    order.emplace_back("second");
  });
  next->preparation = [&] {
    preparer = std::this_thread::get_id();
    order.emplace_back("preparation");
    throw Error(Code::out_of_memory, "no room to prepare");
  };
  std::unique_ptr<EngineJob> job = std::move(next);
  has_tried.wait(false);
  check.that(thread.submit(job), "it is taken");
  has_next = true;
  has_next.notify_all();
  const auto failures = outbox.failures(2);
  check.that(!failures[0] && !failures[1], "a preparation that fails harms neither job");
  check.that(order == std::vector<std::string>{"preparation", "first", "second"}, "in this order");
  check.that(preparer == worker, "on the engine thread");
}

void stopped_at_any_moment(Check& check) {
  for (int round = 0; round < 200; ++round) {
    Outbox outbox;
    std::size_t taken = 0;
    {
      EngineThread thread(outbox.done());
      for (int job = 0; job < 5; ++job) {
        taken += submit(thread, [](const Stop& stop) {
          if (stop) throw Error(Code::aborted, "stopped");
        });
      }
      std::thread stopper([&] { thread.request_stop(); });
      for (int job = 0; job < 5; ++job) taken += submit(thread, [](const Stop&) {});
      stopper.join();
    }
    check.equal(outbox.failures(taken).size(), taken, "every job that was taken came back once");
  }
}

}  // namespace

void engine_thread(Suite& suite) {
  suite.test("jobs run in order, and a failure stays with its job", order_and_failures);
  suite.test("at most two wait, and stopping aborts them all", bounds);
  suite.test("the last job is always taken and ends the thread", last_job);
  suite.test("a job cancelled before its turn does not run", cancelled_before_its_turn);
  suite.test("a job that waits is prepared from within the one before", prepared_by_the_one_before);
  suite.test("stopping at any moment loses no job", stopped_at_any_moment);
}

}  // namespace gyrus::tests::suites
