// The record of documents as JSON: for its file, and for the API.
#pragma once

#include <optional>
#include <string>

#include "reconciler/document_record.h"

namespace twobox {

/// For its file, with a newline at its end.
std::string document_record_json(const DocumentRecord& record);

/// Reads document_record_json()'s form; nullopt for anything else.
std::optional<DocumentRecord> parse_document_record(const std::string& text);

/// {"format": 1, "documents": [{"number", "etag", "at", "converged", "in_force"}]}, without the
/// texts: number 0 is the document in force, the others those that document_back() numbers. One
/// line without a newline at its end. `in_force`: without a text; nullopt while there is none.
std::string documents_json(const DocumentRecord& record,
                           const std::optional<KeptDocument>& in_force, bool converged);

}  // namespace twobox
