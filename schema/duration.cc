#include "schema/duration.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace twobox {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLongest = std::chrono::hours(24 * 365);

struct Unit {
  std::string_view text;
  milliseconds length;
};
constexpr std::array<Unit, 4> kUnits = {{{"ms", std::chrono::milliseconds(1)},
                                         {"s", std::chrono::seconds(1)},
                                         {"m", std::chrono::minutes(1)},
                                         {"h", std::chrono::hours(1)}}};

}  // namespace

std::optional<milliseconds> parse_duration(std::string_view text) {
  milliseconds::rep count = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, count);
  const auto* const unit =
      std::ranges::find(kUnits, std::string_view(parsed.ptr, end), &Unit::text);
  if (parsed.ec != std::errc{} || unit == kUnits.end()) return std::nullopt;
  if (count < 0 || count > kLongest / unit->length) return std::nullopt;
  return count * unit->length;
}

std::string duration_text(milliseconds duration) {
  const auto fits = [duration](const Unit& unit) {
    return duration % unit.length == milliseconds(0);
  };
  const Unit* best = &kUnits[1];
  if (duration != milliseconds(0))
    for (const Unit& unit : kUnits)
      if (fits(unit)) best = &unit;
  if (!fits(*best)) best = kUnits.data();
  return std::to_string(duration / best->length) + std::string(best->text);
}

}  // namespace twobox
