#include "web/page.h"

#ifdef TWOBOX_PAGE_FOLDER
// The assembler reads the files, since an array of 30,000 numbers would only be slower to compile.
asm(R"(
  .section .rodata
  .global twobox_page_start, twobox_page_end, twobox_policy_start, twobox_policy_end
  twobox_page_start:   .incbin ")" TWOBOX_PAGE_FOLDER R"(/page.html.gz"
  twobox_page_end:
  twobox_policy_start: .incbin ")" TWOBOX_PAGE_FOLDER R"(/page.csp"
  twobox_policy_end:
  .previous
)");
extern "C" const char twobox_page_start[], twobox_page_end[];
extern "C" const char twobox_policy_start[], twobox_policy_end[];
#else
static constexpr const char* twobox_page_start = "";
static constexpr const char* twobox_page_end = twobox_page_start;
static constexpr const char* twobox_policy_start = "";
static constexpr const char* twobox_policy_end = twobox_policy_start;
#endif

namespace twobox {

std::string_view page_gzipped() {
  return {twobox_page_start, twobox_page_end};
}

std::string_view page_csp() {
  return {twobox_policy_start, twobox_policy_end};
}

}  // namespace twobox
