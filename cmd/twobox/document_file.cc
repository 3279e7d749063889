#include "twobox/document_file.h"

#include <cerrno>

#include "twobox/files.h"
#include "twobox/log.h"

namespace twobox {

std::variant<LoadedDocument, Error, Faults> load_document(const std::string& path, bool large) {
  const std::size_t limit = large ? kMaxLargeDocumentBytes : kMaxDocumentBytes;
  auto text = read_file(path, limit);
  if (!text && text.error().errno_value == EFBIG) {
    const std::string advice = large ? "" : "; --large allows 64 MiB";
    return Faults{{"", "more than " + std::to_string(limit) + " bytes" + advice}};
  }
  if (!text) return text.error();
  auto document = read_document(*text, limit);
  if (auto* faults = std::get_if<Faults>(&document)) return std::move(*faults);
  return LoadedDocument{*std::move(text), std::get<ValidDocument>(std::move(document))};
}

std::optional<LoadedDocument> load_or_complain(const std::string& path, bool large) {
  auto loaded = load_document(path, large);
  if (const auto* error = std::get_if<Error>(&loaded)) complain(error->message);
  if (const auto* faults = std::get_if<Faults>(&loaded))
    for (const Fault& fault : *faults) complain(path + ": " + to_string(fault));
  if (auto* document = std::get_if<LoadedDocument>(&loaded)) return std::move(*document);
  return std::nullopt;
}

}  // namespace twobox
