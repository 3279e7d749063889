#include "web/page.h"

#include <doctest/doctest.h>

using namespace twobox;

TEST_CASE("the page is a gzip file, and its policy lets only its own script run") {
  if (page_gzipped().empty()) {
    MESSAGE("skipped: built without the page");
    CHECK(page_csp().empty());
    return;
  }
  CHECK(page_gzipped().starts_with("\x1f\x8b"));
  CHECK(page_csp().starts_with("default-src 'none'; script-src 'sha256-"));
  CHECK(page_csp().find("unsafe") == std::string_view::npos);
}
