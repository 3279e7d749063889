#include "web/page.h"

#ifdef TWOBOX_PAGE_FOLDER
// The assembler reads the files, since an array of 30,000 numbers would only be slower to compile.
asm(R"(
  .section .rodata
  .global kTwoboxPageStart, kTwoboxPageEnd, kTwoboxPolicyStart, kTwoboxPolicyEnd
  kTwoboxPageStart:   .incbin ")" TWOBOX_PAGE_FOLDER R"(/page.html.gz"
  kTwoboxPageEnd:
  kTwoboxPolicyStart: .incbin ")" TWOBOX_PAGE_FOLDER R"(/page.csp"
  kTwoboxPolicyEnd:
  .previous
)");
extern "C" const char kTwoboxPageStart[], kTwoboxPageEnd[];
extern "C" const char kTwoboxPolicyStart[], kTwoboxPolicyEnd[];
#else
static constexpr const char* kTwoboxPageStart = "";
static constexpr const char* kTwoboxPageEnd = kTwoboxPageStart;
static constexpr const char* kTwoboxPolicyStart = "";
static constexpr const char* kTwoboxPolicyEnd = kTwoboxPolicyStart;
#endif

namespace twobox {

std::string_view page_gzipped() {
  return {kTwoboxPageStart, kTwoboxPageEnd};
}

std::string_view page_csp() {
  return {kTwoboxPolicyStart, kTwoboxPolicyEnd};
}

}  // namespace twobox
