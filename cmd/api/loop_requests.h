// What API threads ask of the loop, which alone acts.
#pragma once

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "api/etag.h"
#include "backends/file_descriptor.h"
#include "reconciler/report.h"
#include "schema/error.h"
#include "schema/validate.h"

namespace twobox {

/// The role to set by hand, or nullopt to take it back.
struct RoleRequest {
  VipName vip;
  std::optional<Role> role;
  std::promise<Status> answer;
};

/// The drain to begin, or nullopt to end it.
struct DrainRequest {
  std::string name;
  std::optional<std::chrono::seconds> deadline;
  std::promise<Status> answer;
};

/// What became of a posted document, or of what was asked about the documents.
struct DocumentVerdict {
  enum class Kind : std::uint8_t {
    kInForce,             // stored, and acted on once
    kPreconditionFailed,  // another document is in force than the caller thought
    kNotOurs,             // none of its nodes is this machine
    kNotStored,           // the disk refused it
    kNothingBefore,       // there is no document that it could go back to
    kNotAwaited,          // no document waits to be confirmed
    kNotKept,             // so many documents back there is none
  } kind = Kind::kInForce;
  std::uint64_t generation = 0;                // when in force
  std::string etag;                            // of the document in force now
  std::string message;                         // otherwise
  std::optional<WallTime> confirm_until = {};  // it goes back then
};

struct DocumentRequest {
  std::string text;
  ValidDocument document;
  EtagCondition condition;
  std::optional<std::chrono::milliseconds> confirm;  // how long it waits; absent: it stays
  std::promise<Result<DocumentVerdict>> answer;
};

/// The document in force stays.
struct ConfirmRequest {
  EtagCondition condition;
  std::promise<Result<DocumentVerdict>> answer;
};

/// Put the document in force that is so many back.
struct RollbackRequest {
  std::size_t number = 1;
  EtagCondition condition;
  std::promise<Result<DocumentVerdict>> answer;
};

/// What would change now; of the document in force without one.
struct DiffRequest {
  std::optional<ValidDocument> document;
  std::promise<Result<DiffReport>> answer;
};

using LoopRequest = std::variant<RoleRequest, DrainRequest, DocumentRequest, ConfirmRequest,
                                 RollbackRequest, DiffRequest>;

class LoopRequests {
 public:
  /// Error: kUnavailable if there is no descriptor to be had.
  static Result<LoopRequests> open();

  /// For API threads: these block until the loop has acted, or for ten seconds; kUnavailable if it
  /// has not. Further errors: set_role: kInvalidDocument for an unknown VIP, kUnavailable if it
  /// can't be stored; set_drain: so too, for an unknown node or server, and for the end of a drain
  /// that never began; diff: kInvalidDocument without a document or node, and whatever reading the
  /// kernel gives.
  Status set_role(VipName vip, std::optional<Role> role);
  Status set_drain(std::string name, std::optional<std::chrono::seconds> deadline);
  Result<DocumentVerdict> put_document(std::string text, ValidDocument document,
                                       EtagCondition condition,
                                       std::optional<std::chrono::milliseconds> confirm);
  Result<DocumentVerdict> confirm(EtagCondition condition);
  Result<DocumentVerdict> roll_back(std::size_t number, EtagCondition condition);
  Result<DiffReport> diff(std::optional<ValidDocument> document);
  /// Somebody looks at the traffic: the loop reads it for some seconds more. Never blocks.
  void want_traffic();

  /// For the loop: readable when there are requests.
  int fd() const { return wake_.get(); }
  std::vector<LoopRequest> take();
  bool traffic_is_wanted() const;

 private:
  explicit LoopRequests(FileDescriptor wake);
  /// False: nobody will hear of it.
  bool add(LoopRequest request);
  bool wake();
  template <typename Request, typename Answer>
  Answer ask(Request request, std::future<Answer> answer);

  FileDescriptor wake_;
  std::unique_ptr<std::mutex> mutex_;
  std::vector<LoopRequest> waiting_;
  std::optional<SteadyTime> traffic_wanted_;  // when it was last said
};

}  // namespace twobox
