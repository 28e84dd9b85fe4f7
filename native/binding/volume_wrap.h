// JS face of imaging::VolumeReader: new VolumeReader(memory); announce(path, format, frame, ticket);
// open(path, format, frame, ticket); openBoth(path, path, frame, ticket), two NIfTI files at once;
// openImage(pixels, rows, columns, sha256); examine(options, ticket); extract(request, indices, out, ticket);
// values(ticket); close(), which gives the volumes' memory back; dispose(). Options and requests say by `volume`, 0 or
// 1, which of the two volumes they mean; all else is about the first.
#pragma once

#include <napi.h>

#include <array>
#include <memory>
#include <vector>

#include "binding/session_core.h"
#include "imaging/slice_extractor.h"
#include "imaging/slice_statistics.h"
#include "imaging/volume_reader.h"

namespace gyrus::binding {

class VolumeWrap : public Napi::ObjectWrap<VolumeWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit VolumeWrap(const Napi::CallbackInfo& info);

 private:
  // Everything that jobs use, freed with dispose().
  struct Engine {
    explicit Engine(const std::shared_ptr<imaging::BufferPool>& pool)
        : readers{imaging::VolumeReader(pool), imaging::VolumeReader(pool)} {}
    imaging::VolumeReader& reader() { return readers[0]; }
    std::array<imaging::VolumeReader, 2> readers;
    imaging::SliceStatistician statistician;
    imaging::SliceExtractor extractor;
  };

  Napi::Value announce(const Napi::CallbackInfo& info);
  Napi::Value open(const Napi::CallbackInfo& info);
  Napi::Value open_both(const Napi::CallbackInfo& info);
  Napi::Value open_image(const Napi::CallbackInfo& info);
  Napi::Value examine(const Napi::CallbackInfo& info);
  Napi::Value extract(const Napi::CallbackInfo& info);
  Napi::Value values(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);

  std::unique_ptr<Engine> engine_;  // used on the engine thread
  SessionCore core_;                // after engine_: its destructor ends the thread first
};

// imageEntropies(Uint8Array, count) -> promise of a Float64Array: the entropy of each of `count` images of equal size.
Napi::Value image_entropies(const Napi::CallbackInfo& info);

}  // namespace gyrus::binding
