// The document's calls.
#pragma once

#include "api/api.h"

namespace twobox {

/// "true" or "false", with every difference.
constexpr char kInSyncHeader[] = "Twobox-In-Sync";

HttpAnswer get_document(const Call& call, const DaemonView& view, DocumentSource source);
/// Blocks until the loop has acted, and until ?wait= has passed or the kernel is as asked.
HttpAnswer put_document(const Call& call, const Backstage& backstage);
/// The document in force stays; 409 when none waits for that.
HttpAnswer post_confirm(const Call& call, const Backstage& backstage);
/// As put_document(), with one of get_documents() by its number.
HttpAnswer post_rollback(const Call& call, const Backstage& backstage);
HttpAnswer get_documents(const DaemonView& view);
HttpAnswer get_diff(const Call& call, const Backstage& backstage);

/// "500ms", "10s", "1m"; nullopt for other texts and for more than a minute.
std::optional<std::chrono::milliseconds> parse_wait(const std::string& text);

}  // namespace twobox
