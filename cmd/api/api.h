// The HTTP API: views of what the loop last knew, and requests to it. It never touches netlink.
#pragma once

#include <string>

#include "api/access.h"
#include "api/board.h"
#include "api/loop_requests.h"
#include "api/route.h"

namespace twobox {

/// Who may change the document by a call.
enum class DocumentSource : std::uint8_t {
  kApi,         // calls are where it comes from
  kFile,        // a file is: calls are refused (409)
  kFileAndApi,  // a file is, and calls write it (--allow-put)
};

/// "api", "file", "file and api".
std::string_view to_string(DocumentSource source);

/// What calls are answered from. All of it outlives the API.
struct Backstage {
  StatusBoard& board;
  LoopRequests& requests;
  DocumentSource source = DocumentSource::kFile;
  std::size_t max_document = kMaxDocumentBytes;
};

class Api : public HttpService {
 public:
  Api(Backstage backstage, AccessPolicy policy);
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;
  ~Api() override = default;

  std::optional<HttpAnswer> refuse(const HttpRequest& request) const override;
  HttpAnswer answer(const HttpRequest& request) const override;
  HttpAnswer fault(int status, const std::string& detail) const override;
  bool is_endless(const std::string& path) const override;
  std::size_t max_body() const override { return backstage_.max_document; }

 private:
  std::optional<HttpAnswer> refuse_call(const HttpRequest& request) const;
  std::optional<HttpAnswer> refuse_body(const HttpRequest& request) const;

  Backstage backstage_;
  AccessPolicy policy_;
  Routes routes_;
};

}  // namespace twobox
