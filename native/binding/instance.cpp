#include "binding/instance.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "binding/async_job.h"
#include "binding/session_core.h"

namespace gyrus::binding {
namespace {

void check(Napi::Env env, napi_status status) {
  if (status != napi_ok) throw Napi::Error::New(env);
}

}  // namespace

bool LeaseTable::lend(const void* data, std::size_t bytes, const AsyncJob* job) {
  if (bytes == 0) return true;
  const auto* begin = static_cast<const std::byte*>(data);
  const auto* end = begin + bytes;
  const std::less<const std::byte*> before;
  const bool is_taken = std::ranges::any_of(leases_, [&](const Lease& lease) {
    return lease.job != job && before(begin, lease.end) && before(lease.begin, end);
  });
  if (!is_taken) leases_.push_back({begin, end, job});
  return !is_taken;
}

void LeaseTable::give_back(const AsyncJob* job) {
  std::erase_if(leases_, [job](const Lease& lease) { return lease.job == job; });
}

void Instance::attach(Napi::Env env) {
  auto instance = std::make_unique<std::shared_ptr<Instance>>(std::make_shared<Instance>(env));
  check(env, napi_add_env_cleanup_hook(
                 env, [](void* self) { static_cast<Instance*>(self)->close(); }, instance->get()));
  (*instance)->stop_at_exit();
  env.SetInstanceData(instance.release());
}

std::shared_ptr<Instance> Instance::of(Napi::Env env) { return *env.GetInstanceData<std::shared_ptr<Instance>>(); }

Instance::Instance(Napi::Env env) : env_(env) {
  check(env, napi_create_threadsafe_function(env, nullptr, nullptr, Napi::String::New(env, "gyrus"), 0, 1, nullptr,
                                             nullptr, this, &Instance::on_settle, &signal_));
  check(env, napi_unref_threadsafe_function(env, signal_));
}

Instance::~Instance() = default;

void Instance::add(SessionCore* core) { cores_.push_back(core); }
void Instance::remove(SessionCore* core) { std::erase(cores_, core); }

SessionCore& Instance::service() {
  // It is a member, so it must not own its owner: the pointer that it is given shares nothing.
  if (!service_)
    service_ = std::make_unique<SessionCore>(std::shared_ptr<Instance>(std::shared_ptr<void>(), this), true);
  return *service_;
}

void Instance::job_started() {
  if (jobs_under_way_++ == 0) check(env_, napi_ref_threadsafe_function(env_, signal_));
}

void Instance::job_ended() {
  if (--jobs_under_way_ == 0 && !is_closed_) napi_unref_threadsafe_function(env_, signal_);
}

void Instance::deliver(std::unique_ptr<AsyncJob> job) {
  {
    const std::lock_guard lock(mutex_);
    delivered_.push_back(std::move(job));
  }
  // Cannot meet a closing function (see the head of instance.h), and its queue has no bound.
  napi_call_threadsafe_function(signal_, nullptr, napi_tsfn_nonblocking);
}

void Instance::on_settle(napi_env env, napi_value, void* context, void*) {
  // Without an environment the call is only being drained, and the instance may be gone.
  if (env != nullptr) static_cast<Instance*>(context)->settle_delivered();
}

void Instance::settle_delivered() {
  std::vector<std::unique_ptr<AsyncJob>> jobs;
  {
    const std::lock_guard lock(mutex_);
    jobs.swap(delivered_);
  }
  const Napi::HandleScope scope(env_);
  for (const auto& job : jobs) job->settle();
}

// 'exit' comes before the clean-up hooks of its environment, so the listener never outlives the instance.
void Instance::stop_at_exit() {
  const auto process = env_.Global().Get("process").As<Napi::Object>();
  const auto listener = Napi::Function::New(
      env_, [this](const Napi::CallbackInfo&) { stop(); }, "gyrusStop");
  process.Get("once").As<Napi::Function>().Call(process, {Napi::String::New(env_, "exit"), listener});
}

// May be called twice: joining a thread that has ended does nothing.
void Instance::stop() noexcept {
  is_closed_ = true;
  for (SessionCore* core : cores_) core->request_stop();
  for (SessionCore* core : cores_) core->join();
}

void Instance::close() noexcept {
  stop();
  // Nobody is left to see these promises settle, and JS may not run any more: the jobs only let go of their buffers.
  delivered_.clear();
  try {
    error_class_.Reset();
  } catch (const Napi::Error&) {
    // The reference then goes with the environment.
  }
  napi_release_threadsafe_function(signal_, napi_tsfn_abort);
}

}  // namespace gyrus::binding
