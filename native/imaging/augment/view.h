// One augmented view of one slice: a random crop, resized, and what MoCo v3 and scanners do to its values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "imaging/augment/view_options.h"
#include "math/view_plan.h"

namespace gyrus::imaging {

// Makes views of size by size pixels of slices of source_size by source_size, 16 bits; holds the buffers for one
// thread.
class ViewMaker {
 public:
  ViewMaker(std::size_t source_size, std::size_t size);

  // `out` [size, size] f32. Bilinear with antialiasing, as torchvision and PIL resize. About 6 multiply-adds a pixel
  // and axis to resize and up to 13 to blur, all in buffers that stay in the second cache (200 KB at 224 pixels).
  void make(std::span<const std::uint16_t> slice, const ViewOptions& options, const ViewKey& key,
            const Normalization& normalization, std::span<float> out);
  // The same of what was drawn before.
  void make(std::span<const std::uint16_t> slice, const math::ViewPlan& plan, const Normalization& normalization,
            std::span<float> out);
  // The slice, resized and normalised, and nothing else. `side`: what share of its side the square in its middle has
  // that is seen, in (0, 1].
  void plain(std::span<const std::uint16_t> slice, const Normalization& normalization, std::span<float> out,
             float side = 1);

 private:
  void resize(std::span<const std::uint16_t> slice, const math::ViewPlan& plan);
  void change_values(const math::ViewPlan& plan);
  void finish(const math::ViewPlan& plan, const Normalization& normalization, std::span<float> out);
  void blur(float sigma);
  void turn();

  std::size_t source_size_, size_;
  // `image_` holds the view, its columns as rows until turn().
  std::vector<float> image_, other_, mixed_, turned_;
  std::vector<const float*> rows_;
};

}  // namespace gyrus::imaging
