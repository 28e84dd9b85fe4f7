// What GYRUS_PRECOMPILE compiles once: the standard headers that most files include. Every file still includes what it
// uses, which node-gyp's build and ccache's prove. Not <filesystem>: std::quoted comes with it, and our quoted() means
// another thing.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>
