#include "http/message.h"

namespace twobox {

std::optional<std::string> HttpRequest::header_value(const std::string& name) const {
  const auto found = header.find(name);
  if (found == header.end()) return std::nullopt;
  return found->second;
}

std::string raw_answer(const HttpAnswer& answer) {
  std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " \r\n";
  for (const auto& [name, value] : answer.header)
    text.append(name).append(": ").append(value).append("\r\n");
  return text + "Content-Type: " + answer.type +
         "\r\nContent-Length: " + std::to_string(answer.body.size()) +
         "\r\nConnection: close\r\n\r\n" + answer.body;
}

}  // namespace twobox
