// The page at "/", made by build.mjs from the files beside this one and compiled in.
#pragma once

#include <string_view>

namespace twobox {

/// HTML, to be sent with "Content-Encoding: gzip". Empty when built with -DTWOBOX_PAGE=OFF.
std::string_view page_gzipped();

/// The Content-Security-Policy to be sent with it: it names the hashes of the page's own script and
/// style, and nothing else may run. Empty when there is no page.
std::string_view page_csp();

}  // namespace twobox
