#include "runtime/engine_thread.h"

#include <utility>

#include "core/error.h"

namespace gyrus::runtime {

void EngineJob::run() noexcept {
  try {
    GYRUS_CHECK(!stop_->load(std::memory_order_relaxed), Code::aborted, "the call was cancelled before it began");
    work(*stop_);
  } catch (...) {
    failure_ = std::current_exception();
  }
}

EngineThread::EngineThread(Done done) : done_(std::move(done)), thread_([this] { loop(); }) {}

EngineThread::~EngineThread() {
  request_stop();
  join();
}

bool EngineThread::submit(std::unique_ptr<EngineJob>& job) { return push(job, false); }

bool EngineThread::submit_last(std::unique_ptr<EngineJob>& job) { return push(job, true); }

bool EngineThread::push(std::unique_ptr<EngineJob>& job, bool is_last) {
  {
    const std::lock_guard lock(mutex_);
    if (is_closing_ || (!is_last && queue_.size() >= kMaxQueued)) return false;
    queue_.push_back(std::move(job));
    is_closing_ = is_last;
  }
  wake_.notify_one();
  return true;
}

// Only this thread takes jobs out of the queue, so the job stays.
void EngineThread::prepare_next() noexcept {
  EngineJob* next = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (!queue_.empty()) next = queue_.front().get();
  }
  if (next == nullptr) return;
  try {
    next->prepare();
  } catch (...) {
    return;  // it saves time and is nothing else
  }
}

void EngineThread::request_stop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    is_closing_ = true;
    if (running_ != nullptr) running_->request_stop();
    for (const auto& job : queue_) job->request_stop();
  }
  wake_.notify_one();
}

void EngineThread::join() noexcept {
  if (thread_.joinable()) thread_.join();
}

void EngineThread::loop() noexcept {
  for (;;) {
    std::unique_ptr<EngineJob> job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return is_closing_ || !queue_.empty(); });
      if (queue_.empty()) return;
      job = std::move(queue_.front());
      queue_.pop_front();
      running_ = job.get();
    }
    job->run();
    {
      const std::lock_guard lock(mutex_);
      running_ = nullptr;
    }
    done_(std::move(job));
  }
}

}  // namespace gyrus::runtime
