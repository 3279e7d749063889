#include "reconciler/moment.h"

#include <array>
#include <cstdio>
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
  int millis = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &parts.tm_year, &parts.tm_mon,
                  &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &millis) != 7)
    return std::nullopt;
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  // A clock of nanoseconds ends in the year 2262.
  constexpr auto kLast = std::chrono::floor<std::chrono::seconds>(WallTime::duration::max());
  const std::chrono::seconds whole(timegm(&parts));
  if (whole >= kLast || whole <= -kLast) return std::nullopt;
  const WallTime time(whole + std::chrono::milliseconds(millis));
  // timegm() takes the 31st of February for a day in March, and %3d takes one digit.
  if (time_text(time) != text) return std::nullopt;
  return time;
}

}  // namespace twobox
