// One augmented view of one slice: a random crop, resized, and what MoCo v3 and scanners do to its values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace gyrus::imaging {

struct Range {
  float low = 0, high = 0;
};

// Steps come in this order; each draws numbers of its own, so that switching one off changes no other.
struct ViewOptions {
  Range crop{1, 1};                               // share of the slice's area; proportions between 3/4 and 4/3
  float bias_probability = 0, bias_strength = 0;  // a factor exp(polynomial of second order), as of a receiving coil
  float gamma_probability = 0;                    // values to a power
  Range gamma{1, 1};
  float noise_probability = 0, noise_std = 0;  // Rician, as of magnitude images: both parts are normal
  // Brightness and contrast in random order: values times a factor, and towards the mean. On grey images saturation,
  // hue and the conversion to grey do nothing, so there are none.
  float jitter_probability = 0, brightness = 0, contrast = 0;
  float blur_probability = 0;      // Gaussian, cut off at 3 sigma, edges repeated
  Range blur_sigma{0.1F, 2};       // pixels
  float solarize_probability = 0;  // v >= 1/2 becomes 1 - v
  float flip_probability = 0;      // left and right
};

// Whose view: all randomness is a function of it (science.md B9; DESIGN.md, determinism).
struct ViewKey {
  std::uint64_t seed = 0;
  std::uint32_t epoch = 0, sample = 0;
  std::uint32_t view = 0;  // 0 or 1
};

// Values between 0 and 1 are moved and scaled by these at the end.
struct Normalization {
  float mean = 0, std = 1;
};

// Makes views of size by size pixels of slices of source_size by source_size, 16 bits; holds the buffers for one
// thread.
class ViewMaker {
 public:
  ViewMaker(std::size_t source_size, std::size_t size);

  // `out` [size, size] f32. Bilinear with antialiasing, as torchvision and PIL resize. About 6 multiply-adds a pixel
  // and axis to resize and up to 13 to blur, all in buffers that stay in the second cache (200 KB at 224 pixels).
  void make(std::span<const std::uint16_t> slice, const ViewOptions& options, const ViewKey& key,
            const Normalization& normalization, std::span<float> out);
  // The slice, resized and normalised, and nothing else. `side`: what share of its side the square in its middle has
  // that is seen, in (0, 1].
  void plain(std::span<const std::uint16_t> slice, const Normalization& normalization, std::span<float> out,
             float side = 1);

 private:
  struct Crop {
    std::size_t top = 0, left = 0, height = 0, width = 0;
  };
  Crop draw_crop(const Range& share, const ViewKey& key) const;
  void resize(std::span<const std::uint16_t> slice, const Crop& crop);
  void change_values(const ViewOptions& options, const ViewKey& key);
  void finish(const ViewOptions& options, const ViewKey& key, const Normalization& normalization, std::span<float> out);
  void blur(float sigma);
  void turn();

  std::size_t source_size_, size_;
  // `image_` holds the view, its columns as rows until turn().
  std::vector<float> image_, other_, mixed_, turned_;
  std::vector<const float*> rows_;
};

}  // namespace gyrus::imaging
