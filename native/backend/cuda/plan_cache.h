// Which of a library's candidates was the fastest, by shape, for one GPU and one version of the libraries: kept in a
// file, so that a machine is tuned once and equal steps are computed alike in every process.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace gyrus::backend::cuda {

class PlanCache {
 public:
  // `identity`: GPU and versions. The file is in GYRUS_CUDA_CACHE, else XDG_CACHE_HOME/gyrus, else ~/.cache/gyrus.
  // A folder that cannot be written only means that choices are forgotten.
  explicit PlanCache(const std::string& identity);

  // The candidate's number among those that the library's heuristics list.
  std::optional<int> find(const std::string& key) const;
  void keep(const std::string& key, int choice);
  // False when GYRUS_CUDA_TUNE is 0: the heuristics' first candidates are taken.
  bool is_tuning() const { return is_tuning_; }
  const std::string& path() const { return path_; }
  // What was wrong with the file; "" where nothing was.
  std::string notice() const;

 private:
  bool is_tuning_ = true;
  std::string path_;
  int damaged_ = 0;  // lines of the file
  bool ends_torn_ = false;
  mutable std::mutex mutex_;
  std::map<std::string, int> choices_;  // guarded by mutex_
};

}  // namespace gyrus::backend::cuda
