// JS face of data::ViewLoader: new ViewLoader(); open(options, ticket); fill(step, x1, x2, part, parts, ticket);
// feed(step, feed, part, parts, ticket); rowsOf(step); fillFirst(step, x, ticket); plain(rows, side, x, ticket);
// dispose().
#pragma once

#include <napi.h>

#include <memory>

#include "binding/session_core.h"
#include "data/view_loader.h"

namespace gyrus::binding {

class ViewLoaderWrap : public Napi::ObjectWrap<ViewLoaderWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit ViewLoaderWrap(const Napi::CallbackInfo& info);

 private:
  Napi::Value open(const Napi::CallbackInfo& info);
  Napi::Value fill(const Napi::CallbackInfo& info);
  Napi::Value feed(const Napi::CallbackInfo& info);
  Napi::Value rows_of(const Napi::CallbackInfo& info);
  Napi::Value fill_first(const Napi::CallbackInfo& info);
  Napi::Value plain(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);

  std::size_t batch_elements_ = 0, image_elements_ = 0;
  std::unique_ptr<data::ViewLoader> loader_;  // made, used and freed on the engine thread
  SessionCore core_;                          // after loader_: its destructor ends the thread first
};

}  // namespace gyrus::binding
