#include "schema/json_text.h"

#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "schema/fault_text.h"
#include "schema/parse.h"

namespace twobox {
namespace {

using Library = nlohmann::json;

/// An array or object whose end is still to come.
struct Open {
  JsonValue container;
  std::set<std::string> keys;      // a tree: no input makes it slow, as chosen hashes could
  std::optional<std::string> key;  // of the member being read
  bool is_repeated = false;        // that key was there before
};

/// What nlohmann calls at each token. Returning false ends the reading.
class TreeBuilder : public Library::json_sax_t {
 public:
  TreeBuilder(std::string_view text, FaultLog& log) : text_(text), log_(log) {}

  std::optional<JsonValue> take() { return std::move(root_); }

  bool null() override { return add(JsonNull{}); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(std::int64_t value) override {
    // "-0" arrives here too.
    if (value >= 0) return add(static_cast<std::uint64_t>(value));
    return add(value);
  }
  bool number_unsigned(std::uint64_t value) override { return add(value); }
  bool number_float(double, const std::string& text) override { return add(JsonOtherNumber{text}); }
  bool string(std::string& text) override { return add(std::move(text)); }
  bool binary(Library::binary_t&) override { return false; }  // JSON text has none

  bool start_object(std::size_t) override { return open(JsonObject{}); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(JsonArray{}); }
  bool end_array() override { return close(); }
  bool key(std::string& text) override;
  bool parse_error(std::size_t position, const std::string& last_token,
                   const Library::exception& failure) override;

 private:
  template <typename T>
  JsonValue made(T&& value) {
    return JsonValue{{std::forward<T>(value)}, next_position_++};
  }
  template <typename T>
  bool add(T&& value) {
    return put(made(std::forward<T>(value)));
  }
  template <typename T>
  bool open(T&& container);
  bool close();
  bool put(JsonValue value);
  std::string pointer() const;
  std::string line_and_column(std::size_t bytes_read) const;

  std::string_view text_;
  FaultLog& log_;
  std::vector<Open> open_;
  std::optional<JsonValue> root_;
  std::uint32_t next_position_ = 0;
};

bool TreeBuilder::put(JsonValue value) {
  if (open_.empty()) {
    root_ = std::move(value);
    return true;
  }
  Open& parent = open_.back();
  if (auto* const array = std::get_if<JsonArray>(&parent.container.value)) {
    array->push_back(std::move(value));
  } else {
    auto& object = *std::get_if<JsonObject>(&parent.container.value);
    if (!parent.is_repeated) object.push_back({*std::move(parent.key), std::move(value)});
    parent.key.reset();
  }
  return true;
}

template <typename T>
bool TreeBuilder::open(T&& container) {
  if (open_.size() == static_cast<std::size_t>(kMaxDocumentDepth)) {
    log_.add(next_position_, pointer(),
             found_allowed("a value nested " + std::to_string(kMaxDocumentDepth + 1) + " deep",
                           "a depth of at most " + std::to_string(kMaxDocumentDepth)));
    return false;
  }
  open_.push_back(Open{made(std::forward<T>(container)), {}, {}, false});
  return true;
}

bool TreeBuilder::close() {
  JsonValue done = std::move(open_.back().container);
  open_.pop_back();
  return put(std::move(done));
}

bool TreeBuilder::key(std::string& text) {
  // Faults beneath repeat the key in their pointers; this keeps them from filling the memory.
  constexpr std::size_t kMaxKeyBytes = 255;
  if (text.size() > kMaxKeyBytes) {
    log_.add(next_position_, pointer(),
             found_allowed("a key of " + std::to_string(text.size()) + " bytes",
                           "at most " + std::to_string(kMaxKeyBytes)));
    return false;
  }
  Open& object = open_.back();
  object.key = text;
  object.is_repeated = !object.keys.insert(text).second;
  if (!object.is_repeated) return true;
  log_.add(next_position_, pointer(),
           found_allowed("the key " + in_quotes(text) + " again", "each key once in an object"));
  return log_.is_complete();  // pointers are long: no use in making those that nobody sees
}

/// Where the reader stands: the member or element that comes next or was begun.
std::string TreeBuilder::pointer() const {
  std::string pointer;
  for (const Open& each : open_) {
    if (const auto* const array = std::get_if<JsonArray>(&each.container.value))
      pointer = child_pointer(pointer, array->size());
    else if (each.key)
      pointer = child_pointer(pointer, *each.key);
  }
  return pointer;
}

std::string TreeBuilder::line_and_column(std::size_t bytes_read) const {
  const std::string_view before = text_.substr(0, bytes_read == 0 ? 0 : bytes_read - 1);
  const auto line = 1 + std::ranges::count(before, '\n');
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return "line " + std::to_string(line) + ", column " +
         std::to_string(before.size() - line_start + 1);
}

/// The library's words without its name, its own line and column, and the text it read last, which
/// may be long and is not always UTF-8.
std::string reason(const std::string& library_words) {
  constexpr std::size_t kMaxCharacters = 120;
  constexpr std::string_view kBefore = " - ";
  std::string words = library_words;
  const std::size_t before = words.find(kBefore);
  if (before != std::string::npos) words.erase(0, before + kBefore.size());
  words.erase(std::min(words.find("; last read: '"), words.size()));
  return on_one_line(words, kMaxCharacters);
}

bool TreeBuilder::parse_error(std::size_t position, const std::string&,
                              const Library::exception& failure) {
  constexpr int kNumberOverflow = 406;
  const std::string words = failure.what();
  const std::string where = " at " + line_and_column(position);
  std::string found = "text that is not JSON" + where + " (" + reason(words) + ")";
  if (failure.id == kNumberOverflow)
    found = "a number too large to be read" + where;
  else if (words.find("ill-formed UTF-8") != std::string::npos)
    found = "invalid UTF-8" + where;
  log_.add(next_position_, pointer(), found_allowed(found, "one JSON object, in UTF-8"));
  return false;
}

}  // namespace

std::optional<JsonValue> read_json(std::string_view text, std::size_t max_bytes, FaultLog& log) {
  if (text.size() > max_bytes) {
    log.add(0, "",
            found_allowed(std::to_string(text.size()) + " bytes",
                          "at most " + std::to_string(max_bytes) + " bytes"));
    return std::nullopt;
  }
  // The library would skip it; RFC 8259 forbids to send one, and other readers of the file choke.
  if (text.starts_with("\xEF\xBB\xBF")) {
    log.add(0, "", found_allowed("a byte order mark", "one JSON object, in UTF-8 without it"));
    return std::nullopt;
  }
  TreeBuilder builder(text, log);
  if (!Library::sax_parse(text.begin(), text.end(), &builder)) return std::nullopt;
  return builder.take();
}

}  // namespace twobox
