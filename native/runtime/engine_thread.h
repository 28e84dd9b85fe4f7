// One thread that works off a short queue of jobs in order. It knows nothing of Node; binding/ puts promises around it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace gyrus::runtime {

using Stop = std::atomic<bool>;

// Work for an engine thread. Whatever work() throws is kept for whoever asks failure() after the job came back.
class EngineJob {
 public:
  explicit EngineJob(std::shared_ptr<Stop> stop) : stop_(std::move(stop)) {}
  virtual ~EngineJob() = default;
  EngineJob(const EngineJob&) = delete;
  EngineJob& operator=(const EngineJob&) = delete;

  // Engine thread. Does not work when the flag was set before its turn came: failure() is then Code::aborted.
  void run() noexcept;
  // Engine thread, while the job before this one waits for a device: may begin what the device can do meanwhile.
  virtual void prepare() {}
  // Any thread: work() is asked to throw Code::aborted at its next opportunity.
  void request_stop() noexcept { stop_->store(true, std::memory_order_relaxed); }
  // Null when work() returned. Valid once run() has returned.
  const std::exception_ptr& failure() const noexcept { return failure_; }

 protected:
  virtual void work(const Stop& stop) = 0;

 private:
  std::shared_ptr<Stop> stop_;
  std::exception_ptr failure_;
};

class EngineThread {
 public:
  // Receives every submitted job exactly once, on the engine thread, after its run(). Must not throw.
  using Done = std::function<void(std::unique_ptr<EngineJob>)>;

  static constexpr std::size_t kMaxQueued = 2;

  // Throws std::system_error when the system refuses another thread.
  explicit EngineThread(Done done);
  ~EngineThread();
  EngineThread(const EngineThread&) = delete;
  EngineThread& operator=(const EngineThread&) = delete;

  // Queues a job. False, and `job` stays with the caller, when kMaxQueued are waiting or the thread is closing.
  bool submit(std::unique_ptr<EngineJob>& job);
  // Queues the last job, beyond the bound if need be; the thread ends after it. False when the thread is closing
  // already.
  bool submit_last(std::unique_ptr<EngineJob>& job);
  // Engine thread, from within a job: the job that waits next prepares itself. What fails then fails in its own turn.
  void prepare_next() noexcept;
  // Refuses further jobs and sets the stop flag of all those that have not finished. Does not wait.
  void request_stop() noexcept;
  // Waits until the thread has ended; only after submit_last() or request_stop().
  void join() noexcept;

 private:
  bool push(std::unique_ptr<EngineJob>& job, bool is_last);
  void loop() noexcept;

  const Done done_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<EngineJob>> queue_;  // guarded by mutex_, as are the next two
  EngineJob* running_ = nullptr;
  bool is_closing_ = false;
  std::thread thread_;  // last: everything above exists before it starts
};

}  // namespace gyrus::runtime
