#include "binding/feed_handle.h"

#include "binding/convert.h"
#include "binding/js_error.h"

namespace gyrus::binding {
namespace {

// Marks the objects whose memory is a FeedHandle, so that no other object is taken for one.
constexpr napi_type_tag kFeedTag = {0x6779727573666565U, 0x642d76312e302e30U};

}  // namespace

void FeedState::set(const std::shared_ptr<train::ViewFeed>& feed) {
  const std::lock_guard lock(mutex_);
  feed_ = feed;
}

bool FeedState::is_open() const {
  const std::lock_guard lock(mutex_);
  return !feed_.expired();
}

std::shared_ptr<train::ViewFeed> FeedState::feed() const {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<train::ViewFeed> feed = feed_.lock();
  GYRUS_CHECK(feed != nullptr, Code::disposed,
              "the feed is closed: its trainer was disposed, or has opened another; open one of a living trainer");
  return feed;
}

Napi::Function FeedHandle::define(Napi::Env env) {
  return DefineClass(env, "ViewFeed", {InstanceMethod<&FeedHandle::is_open>("isOpen")});
}

FeedHandle::FeedHandle(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  info.This().As<Napi::Object>().TypeTag(&kFeedTag);
}

std::shared_ptr<FeedState> FeedHandle::state_of(Napi::Value value) {
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kFeedTag)) {
    throw BadArgument(BadArgument::Kind::type, Code::invalid_argument,
                      text("the feed is ", describe(value), "; it must be what a trainer's openFeed() gave"));
  }
  return Unwrap(value.As<Napi::Object>())->state_;
}

Napi::Value FeedHandle::is_open(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), state_->is_open());
}

}  // namespace gyrus::binding
