// What is ours to read of a call: its head, its route, the times in its query, its conditions.
#include <cstdint>
#include <string>
#include <string_view>

#include "api/etag.h"
#include "api/route.h"
#include "http/head.h"
#include "reconciler/document_record.h"
#include "schema/duration.h"
#include "tests/fuzz/require.h"

using namespace twobox;
using twobox::fuzz::require;

namespace {

bool is_same(const Head& one, const Head& other) {
  return one.method == other.method && one.path == other.path &&
         one.content_length == other.content_length && one.chunked == other.chunked &&
         one.expects_continue == other.expects_continue;
}

void check_routes(const Head& head) {
  static const Routes kRoutes = {{.method = "GET", .pattern = "/"},
                                 {.method = "GET", .pattern = "/v1/document"},
                                 {.method = "PUT", .pattern = "/v1/document"},
                                 {.method = "PUT", .pattern = "/v1/vips/{name}/role"}};
  const Destination to = find_route(kRoutes, head.method, head.path);
  require(to.route != nullptr || to.none.status == 404 || to.none.status == 405,
          "a call has a route or a refusal");
  if (to.route != nullptr)
    require(match(to.route->pattern, head.path).has_value(), "a route's pattern fits its path");
}

void check_head(std::string_view bytes) {
  const HeadScan scan = scan_head(bytes);
  if (scan.state == HeadState::kRefused)
    require((scan.status == 400 || scan.status == 431) && !scan.why.empty(), "a refusal has words");
  if (scan.state != HeadState::kWhole) return;
  const std::string_view head = bytes.substr(0, scan.head.bytes);
  require(scan.head.bytes <= bytes.size() && head.ends_with("\r\n\r\n"), "a head ends in its line");
  require(is_same(scan_head(head).head, scan.head), "what follows a head changes nothing in it");
  require(scan_head(head.substr(0, head.size() - 1)).state != HeadState::kWhole,
          "a head is whole no sooner");
  const std::string kept = without_ranges(head);
  const HeadScan again = scan_head(kept);
  require(again.state == HeadState::kWhole && is_same(again.head, scan.head),
          "a head without its ranges is the same");
  require(without_ranges(kept) == kept, "ranges are taken out once and for all");
  check_routes(scan.head);
}

void check_values(const std::string& text) {
  const auto duration = parse_duration(text);
  if (duration) require(parse_duration(duration_text(*duration)) == duration, "times come back");
  parse_trial_time(text);
  holds({text, text}, "\"0123456789abcdef\"");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_head(bytes);
  check_values(std::string(bytes));
  return 0;
}
