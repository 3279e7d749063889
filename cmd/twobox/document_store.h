// The record of documents in the state directory.
#pragma once

#include <optional>
#include <string>

#include "reconciler/document_record.h"
#include "schema/error.h"

namespace twobox {

struct OpenedDocuments;

/// One file for each network namespace, mode 0600; what it tells of an earlier boot still counts.
/// The daemon and `twobox apply` write it, each only while it holds the ChangeLock.
class DocumentStore {
 public:
  /// A missing file is an empty record; nothing is created. So is one that can't be read, and
  /// `complaint` says why: a daemon that refused to start for it would hold nothing at all.
  static OpenedDocuments open(const std::string& state_directory);

  const DocumentRecord& record() const { return record_; }

  /// Once it is on disk. Error: kTransport with errno; the old record still counts.
  Status save(DocumentRecord record);
  /// For what has happened and could not be written: it is true all the same.
  void assume(DocumentRecord record) { record_ = std::move(record); }

 private:
  explicit DocumentStore(std::string path) : path_(std::move(path)) {}

  std::string path_;
  DocumentRecord record_;
};

struct OpenedDocuments {
  DocumentStore store;
  std::optional<std::string> complaint;
};

}  // namespace twobox
