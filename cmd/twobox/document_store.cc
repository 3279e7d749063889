#include "twobox/document_store.h"

#include <cerrno>

#include "reconciler/document_record_json.h"
#include "twobox/files.h"
#include "twobox/machine_ids.h"

namespace twobox {
namespace {

/// Three of the largest documents, each character escaped at worst, and more than any record.
constexpr std::size_t kMaxBytes = std::size_t{1} << 30;

}  // namespace

OpenedDocuments DocumentStore::open(const std::string& state_directory) {
  const auto id = network_namespace_id();
  OpenedDocuments opened{
      DocumentStore(state_directory + "/documents." + (id ? *id : "unknown") + ".json"),
      std::nullopt};
  DocumentStore& store = opened.store;
  const auto text = read_file(store.path_, kMaxBytes);
  if (!text && text.error().errno_value == ENOENT) return opened;
  auto record = text ? parse_document_record(*text) : std::nullopt;
  if (record)
    store.record_ = *std::move(record);
  else
    opened.complaint =
        (text ? store.path_ + ": the record of documents is damaged" : text.error().message) +
        "; there is nothing to roll back to, and no confirmation is waited for";
  return opened;
}

Status DocumentStore::save(DocumentRecord record) {
  if (record == record_) return success();
  if (const Status written = replace_file(path_, document_record_json(record)); !written)
    return written;
  record_ = std::move(record);
  return success();
}

}  // namespace twobox
