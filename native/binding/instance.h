// All state of one Node environment (the main thread, or one worker): which sessions live, which buffers are lent, and
// the thread-safe function through which finished jobs come back. Process-wide state: none.
//
// Shutdown is one clean-up hook, on the JS thread: refuse new jobs -> set every stop flag -> join every engine thread
// -> drop what was not delivered -> release the thread-safe function. The hook is registered after the thread-safe
// function was made, so it runs before Node's own hook for it (hooks run last in, first out): no engine thread can ever
// signal a closing function. Finalizers of wrapped objects run later still, in any order; they rely on the shared_ptr
// only.
//
// On the main thread Node runs no clean-up hook when process.exit() or an uncaught exception ends the process: it emits
// 'exit' and calls exit(3), whose destructors would take oneDNN and OpenMP away from under a running step. So the
// engine threads are stopped and joined on 'exit' already, in every environment.
#pragma once

#include <napi.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace gyrus::binding {

class AsyncJob;
class SessionCore;

// Memory of JS buffers that jobs read or write at the moment. JS thread only.
class LeaseTable {
 public:
  // False when another job holds any of these bytes. A job may lend the same bytes twice.
  bool lend(const void* data, std::size_t bytes, const AsyncJob* job);
  void give_back(const AsyncJob* job);

 private:
  struct Lease {
    const std::byte *begin, *end;
    const AsyncJob* job;
  };
  std::vector<Lease> leases_;
};

class Instance {
 public:
  // Makes the state of this environment and registers its clean-up hook.
  static void attach(Napi::Env env);
  static std::shared_ptr<Instance> of(Napi::Env env);

  explicit Instance(Napi::Env env);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  // JS thread, all but deliver().
  bool is_closed() const { return is_closed_; }
  LeaseTable& leases() { return leases_; }
  const Napi::FunctionReference& error_class() const { return error_class_; }
  void set_error_class(Napi::Function constructor) { error_class_ = Napi::Persistent(constructor); }
  void add(SessionCore* core);
  void remove(SessionCore* core);
  // For short jobs that belong to no session (reading a header, probing the machine); its thread starts on first use.
  SessionCore& service();
  // While any job is under way, the event loop stays alive.
  void job_started();
  void job_ended();

  // Engine threads: hands a finished job to the JS thread.
  void deliver(std::unique_ptr<AsyncJob> job);

 private:
  static void on_settle(napi_env env, napi_value function, void* context, void* data);
  void settle_delivered();
  void stop_at_exit();
  void stop() noexcept;
  void close() noexcept;

  Napi::Env env_;
  napi_threadsafe_function signal_ = nullptr;
  bool is_closed_ = false;
  std::size_t jobs_under_way_ = 0;
  LeaseTable leases_;
  Napi::FunctionReference error_class_;
  std::vector<SessionCore*> cores_;
  std::unique_ptr<SessionCore> service_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<AsyncJob>> delivered_;  // guarded by mutex_
};

}  // namespace gyrus::binding
