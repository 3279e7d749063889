// Rules that span fields. A ValidDocument can be made in no other way.
#pragma once

#include <string_view>
#include <variant>

#include "schema/document.h"
#include "schema/parse.h"

namespace twobox {

/// A document that passed every rule.
class ValidDocument {
 public:
  const Document& operator*() const { return document_; }
  const Document* operator->() const { return &document_; }
  friend bool operator==(const ValidDocument&, const ValidDocument&) = default;

 private:
  friend std::variant<ValidDocument, Faults> validate(Document document);
  explicit ValidDocument(Document document) : document_(std::move(document)) {}
  Document document_;
};

/// Checks what no single field can show; all faults at once, each with its JSON pointer.
std::variant<ValidDocument, Faults> validate(Document document);

/// parse_document(), then validate().
std::variant<ValidDocument, Faults> read_document(std::string_view text,
                                                  std::size_t max_bytes = kMaxDocumentBytes);

}  // namespace twobox
