#include "reconciler/moment.h"

#include <array>
#include <charconv>
#include <ctime>

namespace twobox {

std::string time_text(WallTime time) {
  const auto since_epoch = time.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
  const auto millis =
      std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch - seconds).count();
  const auto whole = static_cast<std::time_t>(seconds.count());
  std::tm parts{};
  gmtime_r(&whole, &parts);
  std::array<char, 32> date{};
  const std::size_t length = std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  const std::string fraction = std::to_string(1000 + millis).substr(1);
  return std::string(date.data(), length) + "." + fraction + "Z";
}

std::optional<WallTime> parse_time(const std::string& text) {
  std::tm parts{};
  const char* const fraction = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S.", &parts);
  if (fraction == nullptr) return std::nullopt;
  int millis = 0;
  const auto digits = std::from_chars(fraction, text.data() + text.size(), millis);
  if (digits.ec != std::errc{} || millis < 0 || millis > 999) return std::nullopt;
  // A clock of nanoseconds ends in the year 2262.
  constexpr auto kLast = std::chrono::floor<std::chrono::seconds>(WallTime::duration::max());
  const std::chrono::seconds whole(timegm(&parts));
  if (whole >= kLast || whole <= -kLast) return std::nullopt;
  const WallTime time(whole + std::chrono::milliseconds(millis));
  // timegm() takes the 31st of February for a day in March, and nothing looked at what follows.
  if (time_text(time) != text) return std::nullopt;
  return time;
}

}  // namespace twobox
