// The bare minimum that any program must do to build or read a table of IPVS, by libmnl: what
// twobox is measured against.
//
//   raw_ipvs write ADDRESS SERVICES SERVERS   TCP services of ports 1 to SERVICES, each with real
//   servers 198.51.100.1
//                                             to .SERVERS, 64 messages to a send
//   raw_ipvs read                             all services, then each one's real servers
//   raw_ipvs edit ADDRESS PORT WEIGHT         the weight of real server 198.51.100.1 of one service
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

template <typename Visit>
void for_each_attribute(const nlmsghdr* message, Visit visit) {
  const auto* attribute =
      static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(message, GENL_HDRLEN));
  const auto* const end = static_cast<const char*>(mnl_nlmsg_get_payload_tail(message));
  while (mnl_attr_ok(attribute, static_cast<int>(end - reinterpret_cast<const char*>(attribute)))) {
    visit(attribute);
    attribute = mnl_attr_next(attribute);
  }
}

struct Endpoint {
  std::uint32_t address;  // both in network order
  std::uint16_t port;
};

class Kernel {
 public:
  Kernel() : socket_(mnl_socket_open(NETLINK_GENERIC)) {
    if (socket_ == nullptr || mnl_socket_bind(socket_, 0, MNL_SOCKET_AUTOPID) < 0) fail("netlink");
    nlmsghdr* const message = put_header(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, NLM_F_REQUEST);
    mnl_attr_put_strz(message, CTRL_ATTR_FAMILY_NAME, IPVS_GENL_NAME);
    send(message->nlmsg_len);
    receive([this](const nlmsghdr* answer) {
      for_each_attribute(answer, [this](const nlattr* attribute) {
        if (mnl_attr_get_type(attribute) == CTRL_ATTR_FAMILY_ID)
          family_ = mnl_attr_get_u16(attribute);
      });
    });
    if (family_ == 0) fail("no family IPVS");
  }

  void write(std::uint32_t address, unsigned services, unsigned servers) {
    for (unsigned port = 1; port <= services; ++port) {
      const Endpoint service{address, htons(static_cast<std::uint16_t>(port))};
      begin(IPVS_CMD_NEW_SERVICE);
      put_service(service, true);
      end();
      for (unsigned i = 1; i <= servers; ++i) {
        begin(IPVS_CMD_NEW_DEST);
        put_service(service, false);
        put_server({htonl(0xc6336400 + i), service.port}, 1);
        end();
      }
    }
    flush();
  }

  void edit(Endpoint service, unsigned weight) {
    begin(IPVS_CMD_SET_DEST);
    put_service(service, false);
    put_server({htonl(0xc6336401), service.port}, weight);
    end();
    flush();
  }

  /// Returns how many objects there are.
  std::size_t read() {
    std::vector<std::vector<char>> services;
    dump(IPVS_CMD_GET_SERVICE, nullptr, [&](const nlmsghdr* message) {
      for_each_attribute(message, [&](const nlattr* attribute) {
        const auto* const bytes = static_cast<const char*>(mnl_attr_get_payload(attribute));
        services.emplace_back(bytes, bytes + mnl_attr_get_payload_len(attribute));
      });
    });
    std::size_t count = services.size();
    for (const auto& service : services)
      dump(IPVS_CMD_GET_DEST, &service, [&](const nlmsghdr*) { ++count; });
    return count;
  }

 private:
  static constexpr unsigned kAtOnce = 64;

  nlmsghdr* put_header(std::uint16_t type, std::uint8_t command, std::uint8_t version,
                       unsigned flags) {
    nlmsghdr* const message = mnl_nlmsg_put_header(buffer_.data() + used_);
    message->nlmsg_type = type;
    message->nlmsg_flags = static_cast<std::uint16_t>(flags);
    message->nlmsg_seq = ++sequence_;
    auto* const generic =
        static_cast<genlmsghdr*>(mnl_nlmsg_put_extra_header(message, sizeof(genlmsghdr)));
    generic->cmd = command;
    generic->version = version;
    return message;
  }

  void begin(std::uint8_t command) {
    message_ = put_header(family_, command, IPVS_GENL_VERSION, NLM_F_REQUEST | NLM_F_ACK);
  }
  void end() {
    used_ += MNL_ALIGN(message_->nlmsg_len);
    if (++waiting_ == kAtOnce) flush();
  }
  void flush() {
    if (waiting_ == 0) return;
    send(used_);
    used_ = 0;
    while (waiting_ > 0) receive([](const nlmsghdr*) {});
  }

  void put_service(Endpoint service, bool whole) {
    nlattr* const nest = mnl_attr_nest_start(message_, IPVS_CMD_ATTR_SERVICE);
    mnl_attr_put_u16(message_, IPVS_SVC_ATTR_AF, AF_INET);
    mnl_attr_put_u16(message_, IPVS_SVC_ATTR_PROTOCOL, IPPROTO_TCP);
    std::array<std::uint8_t, 16> address{};
    std::memcpy(address.data(), &service.address, sizeof(service.address));
    mnl_attr_put(message_, IPVS_SVC_ATTR_ADDR, address.size(), address.data());
    mnl_attr_put_u16(message_, IPVS_SVC_ATTR_PORT, service.port);
    if (whole) {
      const ip_vs_flags flags{0, ~0U};
      mnl_attr_put_strz(message_, IPVS_SVC_ATTR_SCHED_NAME, "rr");
      mnl_attr_put(message_, IPVS_SVC_ATTR_FLAGS, sizeof(flags), &flags);
      mnl_attr_put_u32(message_, IPVS_SVC_ATTR_TIMEOUT, 0);
      mnl_attr_put_u32(message_, IPVS_SVC_ATTR_NETMASK, ~0U);
    }
    mnl_attr_nest_end(message_, nest);
  }
  void put_server(Endpoint server, unsigned weight) {
    nlattr* const nest = mnl_attr_nest_start(message_, IPVS_CMD_ATTR_DEST);
    mnl_attr_put_u16(message_, IPVS_DEST_ATTR_ADDR_FAMILY, AF_INET);
    std::array<std::uint8_t, 16> address{};
    std::memcpy(address.data(), &server.address, sizeof(server.address));
    mnl_attr_put(message_, IPVS_DEST_ATTR_ADDR, address.size(), address.data());
    mnl_attr_put_u16(message_, IPVS_DEST_ATTR_PORT, server.port);
    mnl_attr_put_u32(message_, IPVS_DEST_ATTR_FWD_METHOD, IP_VS_CONN_F_DROUTE);
    mnl_attr_put_u32(message_, IPVS_DEST_ATTR_WEIGHT, weight);
    mnl_attr_put_u32(message_, IPVS_DEST_ATTR_U_THRESH, 0);
    mnl_attr_put_u32(message_, IPVS_DEST_ATTR_L_THRESH, 0);
    mnl_attr_nest_end(message_, nest);
  }

  template <typename OnMessage>
  void dump(std::uint8_t command, const std::vector<char>* service, OnMessage on_message) {
    nlmsghdr* const message =
        put_header(family_, command, IPVS_GENL_VERSION, NLM_F_REQUEST | NLM_F_DUMP);
    if (service != nullptr)
      mnl_attr_put(message, IPVS_CMD_ATTR_SERVICE | NLA_F_NESTED, service->size(), service->data());
    send(message->nlmsg_len);
    while (receive(on_message)) {
    }
  }

  void send(std::size_t bytes) {
    if (mnl_socket_sendto(socket_, buffer_.data(), bytes) < 0) fail("send");
  }

  /// One datagram. False at the end of a dump.
  template <typename OnMessage>
  bool receive(OnMessage on_message) {
    const ssize_t count = mnl_socket_recvfrom(socket_, answer_.data(), answer_.size());
    if (count < 0) fail("receive");
    int rest = static_cast<int>(count);
    for (const auto* message = reinterpret_cast<const nlmsghdr*>(answer_.data());
         mnl_nlmsg_ok(message, rest); message = mnl_nlmsg_next(message, &rest)) {
      if (message->nlmsg_type == NLMSG_DONE) return false;
      if (message->nlmsg_type == NLMSG_ERROR) {
        const auto* const error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message));
        if (error->error != 0) {
          errno = -error->error;
          fail("the kernel refuses");
        }
        --waiting_;
      } else {
        on_message(message);
      }
    }
    return true;
  }

  mnl_socket* socket_;
  std::vector<char> buffer_ = std::vector<char>(std::size_t{64} * 1024);
  std::vector<char> answer_ = std::vector<char>(std::size_t{64} * 1024);
  std::size_t used_ = 0;
  unsigned waiting_ = 0;
  unsigned sequence_ = 0;
  nlmsghdr* message_ = nullptr;
  std::uint16_t family_ = 0;
};

unsigned number(const char* text) {
  return static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

}  // namespace

int main(int count, char** arguments) {
  const std::string what = count > 1 ? arguments[1] : "";
  Kernel kernel;
  if (what == "write" && count == 5) {
    kernel.write(inet_addr(arguments[2]), number(arguments[3]), number(arguments[4]));
  } else if (what == "edit" && count == 5) {
    kernel.edit({inet_addr(arguments[2]), htons(static_cast<std::uint16_t>(number(arguments[3])))},
                number(arguments[4]));
  } else if (what == "read") {
    std::printf("%zu objects\n", kernel.read());
  } else {
    return 64;
  }
}
