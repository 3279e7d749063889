// A root directory with files of a test's own.
#pragma once

#include <fstream>

#include "tests/support/temporary_directory.h"

namespace twobox::testing {

class Root {
 public:
  void write(const std::string& path, const std::string& text) const {
    make_directory(std::filesystem::path(path).parent_path());
    std::ofstream(str() + path) << text;
  }
  /// Where a file should be: root itself can't read it.
  void make_directory(const std::string& path) const {
    std::filesystem::create_directories(str() + path);
  }
  std::string str() const { return directory_.path(); }

 private:
  TemporaryDirectory directory_;
};

}  // namespace twobox::testing
