#include "binding/volume_wrap.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <variant>

#include "binding/async_job.h"
#include "binding/convert.h"
#include "binding/fields.h"
#include "binding/js_error.h"
#include "binding/volume_memory.h"
#include "imaging/entropy.h"

namespace gyrus::binding {
namespace {

constexpr std::int64_t kMaxIndex = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kMaxSize = 4096;  // pixels of a slice's side

imaging::Plane to_plane(const std::string& name) {
  if (name == "axial") return imaging::Plane::axial;
  if (name == "coronal") return imaging::Plane::coronal;
  if (name == "sagittal") return imaging::Plane::sagittal;
  throw BadArgument(BadArgument::Kind::type, Code::invalid_argument,
                    text("plane must be 'axial', 'coronal' or 'sagittal', not '", name, "'"));
}

imaging::EntropyDomain to_domain(const std::string& name) {
  if (name == "slice") return imaging::EntropyDomain::slice;
  if (name == "box") return imaging::EntropyDomain::box;
  throw BadArgument(BadArgument::Kind::type, Code::invalid_argument,
                    text("entropyOver must be 'slice' or 'box', not '", name, "'"));
}

enum class Format { nifti, fastmri, npy };

Format to_format(const std::string& name) {
  if (name == "nifti") return Format::nifti;
  if (name == "fastmri") return Format::fastmri;
  if (name == "npy") return Format::npy;
  throw BadArgument(BadArgument::Kind::type, Code::invalid_argument,
                    text("format must be 'nifti', 'fastmri' or 'npy', not '", name, "'"));
}

// (path, format, frame): what open() and announce() begin with.
struct Source {
  std::string path;
  Format format;
  std::int64_t frame;
};
Source to_source(const Napi::CallbackInfo& info) {
  return {to_string_argument(info[0], "path"), to_format(to_string_argument(info[1], "format")),
          to_integer(info[2], "frame", 0, kMaxIndex)};
}

// Which of two volumes that were opened together.
std::size_t to_which(Napi::Value value, const char* name) {
  return static_cast<std::size_t>(Fields(value, name).integer("volume", 0, 1));
}

imaging::StatisticsOptions to_statistics_options(Napi::Value value) {
  const Fields fields(value, "options");
  return {.plane = to_plane(fields.string("plane")),
          .percentiles = {fields.real("percentileLow"), fields.real("percentileHigh"), fields.boolean("countsZeros")},
          .domain = to_domain(fields.string("entropyOver")),
          .foreground = fields.real("foregroundThreshold")};
}

imaging::SliceExtractor::Request to_request(Napi::Value value) {
  const Fields fields(value, "request");
  return {.plane = to_plane(fields.string("plane")),
          .window = {fields.real("low"), fields.real("high")},
          .size = fields.integer("size", 1, kMaxSize)};
}

// What JS is told of a volume.
struct VolumeFacts {
  imaging::Extents3 extents;
  imaging::Affine affine;
  std::string sha256;
  imaging::VolumeLabels labels;
};

VolumeFacts facts_of(const imaging::VolumeReader& reader) {
  const imaging::Volume& volume = reader.volume();
  return {volume.extents(), volume.affine, volume.sha256, reader.labels()};
}

Napi::Array to_js(Napi::Env env, const imaging::Extents3& extents) {
  auto shape = Napi::Array::New(env);
  for (const std::int64_t extent : extents) shape.Set(shape.Length(), static_cast<double>(extent));
  return shape;
}

Napi::Value to_js(Napi::Env env, const VolumeFacts& facts) {
  auto affine = Napi::Array::New(env), spacing = Napi::Array::New(env);
  for (const auto& row : facts.affine) {
    for (const double number : row) affine.Set(affine.Length(), number);
  }
  for (const double number : {0.0, 0.0, 0.0, 1.0}) affine.Set(affine.Length(), number);
  for (const double mm : imaging::spacing_of(facts.affine)) spacing.Set(spacing.Length(), mm);
  auto object = Napi::Object::New(env);
  object.Set("shape", to_js(env, facts.extents));
  object.Set("affine", affine);
  object.Set("spacing", spacing);
  object.Set("sha256", facts.sha256);
  object.Set("acquisition", facts.labels.acquisition);
  object.Set("patientId", facts.labels.patient_id);
  return object;
}

// A file of two: the error that it met is a value, for the other one may be good.
using Opened = std::variant<VolumeFacts, Error>;

Napi::Value to_js(Napi::Env env, const std::array<Opened, 2>& both) {
  auto array = Napi::Array::New(env);
  for (const Opened& opened : both) {
    if (const auto* const facts = std::get_if<VolumeFacts>(&opened)) {
      array.Set(array.Length(), to_js(env, *facts));
    } else {
      array.Set(array.Length(), to_js_error(env, *Instance::of(env), std::make_exception_ptr(std::get<Error>(opened))));
    }
  }
  return array;
}

Napi::Value to_js(Napi::Env env, const std::vector<double>& numbers) {
  auto array = Napi::Float64Array::New(env, numbers.size());
  std::ranges::copy(numbers, array.Data());
  return {env, array};
}

Napi::Value to_js(Napi::Env env, const imaging::VolumeStatistics& statistics) {
  auto object = Napi::Object::New(env);
  object.Set("low", statistics.window.low);
  object.Set("high", statistics.window.high);
  object.Set("entropy", to_js(env, statistics.entropy));
  object.Set("foreground", to_js(env, statistics.foreground));
  object.Set("nonFinite", static_cast<double>(statistics.non_finite));
  return object;
}

std::vector<std::int64_t> to_indices(AsyncJob& job, Napi::Value value) {
  const auto indices = job.lease_i32(value, "indices");
  return {indices.begin(), indices.end()};
}

// The caller's array, so that one array can serve volume after volume: fresh memory costs more than the slices do.
std::span<std::uint16_t> to_output(AsyncJob& job, Napi::Value value, std::size_t elements) {
  const bool is_u16 = value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_uint16_array;
  if (!is_u16 || value.As<Napi::Uint16Array>().ElementLength() != elements) {
    throw BadArgument(BadArgument::Kind::type, Code::invalid_argument,
                      text("out must be a Uint16Array of ", elements, " elements"));
  }
  return job.pin_output(value.As<Napi::Uint16Array>());
}

}  // namespace

Napi::Function VolumeWrap::define(Napi::Env env) {
  return DefineClass(
      env, "VolumeReader",
      {InstanceMethod("announce", &VolumeWrap::announce), InstanceMethod("open", &VolumeWrap::open),
       InstanceMethod("openBoth", &VolumeWrap::open_both), InstanceMethod("openImage", &VolumeWrap::open_image),
       InstanceMethod("examine", &VolumeWrap::examine), InstanceMethod("extract", &VolumeWrap::extract),
       InstanceMethod("values", &VolumeWrap::values), InstanceMethod("close", &VolumeWrap::close),
       InstanceMethod("dispose", &VolumeWrap::dispose)});
}

VolumeWrap::VolumeWrap(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<VolumeWrap>(info), core_(Instance::of(info.Env()), true) {
  throwing_js(info.Env(), core_.instance(),
              [&] { engine_ = std::make_unique<Engine>(VolumeMemory::pool_of(info[0])); });
}

Napi::Value VolumeWrap::announce(const Napi::CallbackInfo& info) {
  return start_job(info, core_, Call::use, 3, [&](AsyncJob& job) {
    job.set(
        [this, source = to_source(info)](const runtime::Stop&) {
          const auto& [path, format, frame] = source;
          imaging::VolumeReader& reader = engine_->reader();
          switch (format) {
            case Format::fastmri:
              return reader.announced_fastmri(path);
            case Format::npy:
              return reader.announced_npy(path);
            case Format::nifti:
              break;
          }
          return reader.announced_nifti(path, frame);
        },
        [](Napi::Env env, const imaging::Announced& announced) {
          auto object = Napi::Object::New(env);
          object.Set("bytes", static_cast<double>(announced.bytes));
          object.Set("shape", to_js(env, announced.extents));
          return Napi::Value(object);
        });
  });
}

Napi::Value VolumeWrap::open(const Napi::CallbackInfo& info) {
  return start_job(info, core_, Call::use, 3, [&](AsyncJob& job) {
    job.set(
        [this, source = to_source(info)](const runtime::Stop&) {
          const auto& [path, format, frame] = source;
          imaging::VolumeReader& reader = engine_->reader();
          switch (format) {
            case Format::nifti:
              reader.open_nifti(path, frame);
              break;
            case Format::fastmri:
              reader.open_fastmri(path);
              break;
            case Format::npy:
              reader.open_npy(path);
              break;
          }
          return facts_of(reader);
        },
        [](Napi::Env env, const VolumeFacts& facts) { return to_js(env, facts); });
  });
}

Napi::Value VolumeWrap::open_both(const Napi::CallbackInfo& info) {
  return start_job(info, core_, Call::use, 3, [&](AsyncJob& job) {
    job.set(
        [this, first = to_string_argument(info[0], "first"), second = to_string_argument(info[1], "second"),
         frame = to_integer(info[2], "frame", 0, kMaxIndex)](const runtime::Stop&) {
          auto& readers = engine_->readers;
          const auto errors = imaging::VolumeReader::open_nifti_both(readers[0], first, readers[1], second, frame);
          std::array<Opened, 2> both;
          for (std::size_t i = 0; i < 2; ++i) both[i] = errors[i] ? Opened(*errors[i]) : Opened(facts_of(readers[i]));
          return both;
        },
        [](Napi::Env env, const std::array<Opened, 2>& both) { return to_js(env, both); });
  });
}

Napi::Value VolumeWrap::open_image(const Napi::CallbackInfo& info) {
  return start_job(info, core_, Call::use, kNoTicket, [&](AsyncJob& job) {
    job.set(
        [this, pixels = job.lease_f32(info[0], "pixels"), rows = to_integer(info[1], "rows", 1, kMaxIndex),
         columns = to_integer(info[2], "columns", 1, kMaxIndex),
         sha256 = to_string_argument(info[3], "sha256")](const runtime::Stop&) {
          engine_->reader().open_image(pixels, rows, columns, sha256);
          return facts_of(engine_->reader());
        },
        [](Napi::Env env, const VolumeFacts& facts) { return to_js(env, facts); });
  });
}

Napi::Value VolumeWrap::examine(const Napi::CallbackInfo& info) {
  return start_job(info, core_, Call::use, 1, [&](AsyncJob& job) {
    job.set(
        [this, which = to_which(info[0], "options"), options = to_statistics_options(info[0])](const runtime::Stop&) {
          return engine_->statistician.examine(engine_->readers[which].volume(), options);
        },
        [](Napi::Env env, const imaging::VolumeStatistics& statistics) { return to_js(env, statistics); });
  });
}

Napi::Value VolumeWrap::extract(const Napi::CallbackInfo& info) {
  return start_job(info, core_, Call::use, 3, [&](AsyncJob& job) {
    const imaging::SliceExtractor::Request request = to_request(info[0]);
    const std::size_t which = to_which(info[0], "request");
    const std::vector<std::int64_t> indices = to_indices(job, info[1]);
    const std::size_t pixels = static_cast<std::size_t>(request.size * request.size);
    job.set(
        [this, which, request, indices, out = to_output(job, info[2], indices.size() * pixels)](const runtime::Stop&) {
          const imaging::Volume& volume = engine_->readers[which].volume();
          const std::int64_t count = imaging::slice_count(volume, request.plane);
          for (const std::int64_t index : indices) {
            GYRUS_CHECK(index >= 0 && index < count, Code::invalid_argument, "there is no slice ", index,
                        "; the volume has ", count);
          }
          engine_->extractor.extract(volume, request, indices, out);
        });
  });
}

Napi::Value VolumeWrap::values(const Napi::CallbackInfo& info) {
  return start_job(info, core_, Call::use, 0, [&](AsyncJob& job) {
    job.set(
        [this](const runtime::Stop&) {
          const imaging::Volume& volume = engine_->reader().volume();
          std::vector<float> values(static_cast<std::size_t>(volume.voxels.count()));
          imaging::read_canonical(volume, values);
          return values;
        },
        [](Napi::Env env, const std::vector<float>& values) {
          auto array = Napi::Float32Array::New(env, values.size());
          std::ranges::copy(values, array.Data());
          return Napi::Value(env, array);
        });
  });
}

Napi::Value VolumeWrap::close(const Napi::CallbackInfo& info) {
  return start_job(info, core_, Call::use, kNoTicket, [this](AsyncJob& job) {
    job.set([this](const runtime::Stop&) {
      for (imaging::VolumeReader& reader : engine_->readers) reader.close();
    });
  });
}

Napi::Value VolumeWrap::dispose(const Napi::CallbackInfo& info) {
  return start_job(info, core_, Call::dispose, kNoTicket,
                   [this](AsyncJob& job) { job.set([this](const runtime::Stop&) { engine_.reset(); }); });
}

Napi::Value image_entropies(const Napi::CallbackInfo& info) {
  return start_job(info, Instance::of(info.Env())->service(), Call::use, kNoTicket, [&](AsyncJob& job) {
    const auto images = job.lease_u8(info[0], "images");
    const std::int64_t count = to_integer(info[1], "count", 1, kMaxIndex);
    if (images.empty() || images.size() % static_cast<std::size_t>(count) != 0) {
      throw BadArgument(BadArgument::Kind::range, Code::shape,
                        text("images has ", images.size(), " bytes, which are not ", count, " images of equal size"));
    }
    job.set(
        [images, count](const runtime::Stop&) {
          std::vector<double> entropies(static_cast<std::size_t>(count));
          imaging::image_entropies(images, entropies);
          return entropies;
        },
        [](Napi::Env env, const std::vector<double>& entropies) { return to_js(env, entropies); });
  });
}

}  // namespace gyrus::binding
