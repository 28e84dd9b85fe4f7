// Orientation: all 48 ways to store a volume, oblique and sheared affines, quaternions, affines that are none.
#include "imaging/orientation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "imaging/plane.h"
#include "imaging/quaternion.h"
#include "tests/harness/suites.h"
#include "tests/io/scratch.h"

namespace gyrus::tests::suites {
namespace {

using imaging::Affine;
using imaging::Extents3;
using imaging::Orientation;

constexpr Extents3 kStored = {2, 3, 4};

// The affine of a volume whose stored axis j runs along direction to[j], backwards where is_back[j].
Affine signed_permutation(const std::array<std::size_t, 3>& to, unsigned is_back) {
  Affine affine{};
  for (std::size_t j = 0; j < 3; ++j) {
    affine[to[j]][j] = (is_back >> j & 1U) != 0 ? -1.5 - static_cast<double>(j) : 1.5 + static_cast<double>(j);
  }
  affine[0][3] = 10, affine[1][3] = -20, affine[2][3] = 30;
  return affine;
}

std::array<double, 3> place_of(const Affine& affine, const std::array<double, 3>& index) {
  std::array<double, 3> place{};
  for (std::size_t row = 0; row < 3; ++row) {
    place[row] = affine[row][3];
    for (std::size_t column = 0; column < 3; ++column) place[row] += affine[row][column] * index[column];
  }
  return place;
}

// Every voxel must keep its place in space, and the canonical axes must run right, forwards and up.
void check_volume(Check& check, const Affine& affine, std::string_view name) {
  const Orientation orientation = imaging::closest_canonical(affine, "x");
  imaging::Volume volume;
  volume.voxels.extents = kStored;
  volume.orientation = orientation;
  volume.affine = imaging::canonical_affine(affine, orientation, kStored);
  for (std::size_t axis = 0; axis < 3; ++axis) check.that(volume.affine[axis][axis] > 0, name, ": axis ", axis);
  const imaging::Walk walk = imaging::walk_of(volume);
  const Extents3 extents = volume.extents();
  bool keeps_places = true;
  for (std::int64_t z = 0; z < extents[2]; ++z) {
    for (std::int64_t y = 0; y < extents[1]; ++y) {
      for (std::int64_t x = 0; x < extents[0]; ++x) {
        const std::int64_t element = walk.start + x * walk.step[0] + y * walk.step[1] + z * walk.step[2];
        const std::int64_t i = element % 2, j = element / 2 % 3, k = element / 6;
        const std::array<double, 3> stored = {static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)};
        const auto place = place_of(affine, stored);
        const auto canonical =
            place_of(volume.affine, {static_cast<double>(x), static_cast<double>(y), static_cast<double>(z)});
        for (std::size_t row = 0; row < 3; ++row) {
          keeps_places = keeps_places && std::abs(place[row] - canonical[row]) < 1e-9;
        }
      }
    }
  }
  check.that(keeps_places, name, ": a voxel moved");
}

void test_refusals(Suite& suite) {
  suite.test("affines that are none", [](Check& check) {
    const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
    const Affine good = {{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}};
    for (const double wrong : {0.0, nan, inf, -inf}) {
      Affine affine = good;
      affine[1][1] = wrong;
      const std::string message =
          check.throws(Code::file_format, "a column", [&] { imaging::closest_canonical(affine, "v.nii"); });
      check.that(contains(message, "v.nii"), message);
    }
    Affine offset = good;
    offset[2][3] = nan;
    check.throws(Code::file_format, "an offset", [&] { imaging::closest_canonical(offset, "x"); });
    const Affine flat = {{{1, 1, 0, 0}, {1, 1, 0, 0}, {0, 0, 1, 0}}};
    check.throws(Code::file_format, "two equal columns", [&] { imaging::closest_canonical(flat, "x"); });
  });
}

void test_quaternions(Suite& suite) {
  suite.test("quaternions turn as rotation matrices do", [](Check& check) {
    // By Rodrigues' formula about the axis (1, 2, 2) / 3.
    const std::array<double, 3> axis = {1.0 / 3, 2.0 / 3, 2.0 / 3};
    for (const double angle : {0.0, 0.7, 2.0, 3.1}) {
      const double sine = std::sin(angle / 2);
      const imaging::Quaternion unit =
          imaging::complete_quaternion({sine * axis[0], sine * axis[1], sine * axis[2]}, 1e-12, "x");
      const Affine found = imaging::rotation_of(unit);
      const double cross[3][3] = {{0, -axis[2], axis[1]}, {axis[2], 0, -axis[0]}, {-axis[1], axis[0], 0}};
      for (std::size_t i = 0; i < 3; ++i) {
        for (std::size_t j = 0; j < 3; ++j) {
          const double expected = (i == j ? std::cos(angle) : 0) + std::sin(angle) * cross[i][j] +
                                  (1 - std::cos(angle)) * axis[i] * axis[j];
          check.that(std::abs(found[i][j] - expected) < 1e-12, angle, ": ", i, ", ", j);
        }
      }
    }
    check.throws(Code::file_format, "longer than one", [] { imaging::complete_quaternion({0.8, 0.8, 0}, 1e-6, "x"); });
    check.throws(Code::file_format, "no number", [] {
      imaging::complete_quaternion({std::numeric_limits<double>::quiet_NaN(), 0, 0}, 1e-6, "x");
    });
  });
}

}  // namespace

void imaging_orientation(Suite& suite) {
  suite.test("all 48 orders and directions keep every voxel in its place", [](Check& check) {
    std::array<std::size_t, 3> to = {0, 1, 2};
    int count = 0;
    do {
      for (unsigned is_back = 0; is_back < 8; ++is_back) {
        check_volume(check, signed_permutation(to, is_back), text("order ", to[0], to[1], to[2], " back ", is_back));
        ++count;
      }
    } while (std::next_permutation(to.begin(), to.end()));
    check.equal(count, 48, "ways");
  });
  suite.test("oblique volumes go to the nearest axes", [](Check& check) {
    // Turned by 0.3 rad about x, then 0.2 about z: still nearest to where it started.
    const double c = std::cos(0.3), s = std::sin(0.3), k = std::cos(0.2), t = std::sin(0.2);
    const Affine affine = {{{k, -t * c, t * s, 1}, {t, k * c, -k * s, 2}, {0, s, c, 3}}};
    const Orientation orientation = imaging::closest_canonical(affine, "x");
    for (int axis = 0; axis < 3; ++axis) {
      check.equal(orientation[static_cast<std::size_t>(axis)].stored, axis, "axis");
      check.that(!orientation[static_cast<std::size_t>(axis)].is_flipped, "direction");
    }
    // A shear under which two columns both lean towards x: the clearer one gets it.
    const Affine sheared = {{{1, 0.9, 0, 0}, {0.1, 1, 0, 0}, {0, 0, -1, 0}}};
    const Orientation other = imaging::closest_canonical(sheared, "x");
    check.equal(other[0].stored, 0, "x");
    check.equal(other[1].stored, 1, "y");
    check.that(other[2].stored == 2 && other[2].is_flipped, "z runs down");
  });
  test_refusals(suite);
  test_quaternions(suite);
}

}  // namespace gyrus::tests::suites
