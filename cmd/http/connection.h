// A client, as it is handed from the door to a worker and back.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "http/channel.h"
#include "http/head.h"
#include "http/message.h"

namespace twobox {

struct Connection {
  Entrance entrance = Entrance::kUnix;
  std::unique_ptr<Channel> channel;
  std::string bytes;  // what came and nobody has parsed yet
  Head head;          // when it is whole
};

}  // namespace twobox
