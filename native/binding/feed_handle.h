// What JS holds of a trainer's feed: the trainer opens it, a loader fills it. It keeps nothing alive: when the trainer
// is disposed, or opens another feed, the memory goes.
#pragma once

#include <napi.h>

#include <memory>
#include <mutex>

#include "train/view_feed.h"

namespace gyrus::binding {

// Written by the trainer's thread, read by the loader's.
class FeedState {
 public:
  void set(const std::shared_ptr<train::ViewFeed>& feed);
  bool is_open() const;
  // Throws Code::disposed when there is none, or none any more.
  std::shared_ptr<train::ViewFeed> feed() const;

 private:
  mutable std::mutex mutex_;
  std::weak_ptr<train::ViewFeed> feed_;
};

// JS: new ViewFeed(); isOpen().
class FeedHandle : public Napi::ObjectWrap<FeedHandle> {
 public:
  static Napi::Function define(Napi::Env env);
  // BadArgument for anything but a ViewFeed.
  static std::shared_ptr<FeedState> state_of(Napi::Value value);

  explicit FeedHandle(const Napi::CallbackInfo& info);

 private:
  Napi::Value is_open(const Napi::CallbackInfo& info);

  std::shared_ptr<FeedState> state_ = std::make_shared<FeedState>();
};

}  // namespace gyrus::binding
