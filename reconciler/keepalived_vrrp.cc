#include "reconciler/keepalived_vrrp.h"

#include <algorithm>
#include <utility>

namespace twobox {
namespace {

class VrrpReader {
 public:
  explicit VrrpReader(KeepalivedNotes& notes) : notes_(notes) {}

  void read_globals(const KeepalivedLine& block) {
    std::set<std::string> taken;
    for (const KeepalivedLine& line : block.block) {
      const std::string& keyword = line.keyword();
      if (keyword == "lvs_sync_daemon")
        read_sync(line);
      else if (keyword == "lvs_timeouts")
        read_timeouts(line);
      else if (keyword == "vrrp_notify_fifo")
        fifo_ = &line;
      else if (keyword.starts_with("lvs_"))
        notes_.no_counterpart(line);
      else
        continue;
      taken.insert(keyword);
    }
    for (const KeepalivedLine& line : block.block)
      if (line.keyword() == "vrrp_notify_fifo_script") fifo_script_ = &line;
    say_what_stays(block, taken);
  }

  void read_instance(const KeepalivedLine& block) {
    Instance instance{.name = std::string(block.word(1)), .interface = {}, .vips = {}};
    std::set<std::string> taken;
    bool bypass = false;
    for (const KeepalivedLine& line : block.block) {
      const std::string& keyword = line.keyword();
      if (keyword.starts_with("virtual_ipaddress")) {
        instance.vips.push_back(&line);
      } else if (keyword == "lvs_sync_daemon_interface") {
        set_sync_interface(line);
      } else if (is_notify_script(keyword)) {
        bypass = read_notify(line) || bypass;
      } else {
        if (keyword == "interface") instance.interface = interface_in(line, 1);
        read_director(line);
        continue;
      }
      taken.insert(keyword);
    }
    for (const KeepalivedLine* list : instance.vips) read_vips(*list, instance, bypass);
    say_what_stays(block, taken);
  }

  KeepalivedVrrp take() {
    if (fifo_ != nullptr && fifo_script_ != nullptr)
      notes_.add(*fifo_script_, "vrrp_notify_fifo_script: it reads " + keepalived_rest(*fifo_) +
                                    ", and a line has one reader; roles follow the address");
    else if (fifo_ != nullptr && fifo_->word(1).starts_with('/'))
      read_.fifo = fifo_->word(1);
    else if (fifo_ != nullptr)
      notes_.not_understood(*fifo_, fifo_->word(1));
    return std::move(read_);
  }

 private:
  struct Instance {
    std::string name;
    std::optional<InterfaceName> interface;
    std::vector<const KeepalivedLine*> vips;
  };

  static bool is_notify_script(const std::string& keyword) {
    return keyword == "notify" || (keyword.starts_with("notify_") && keyword != "notify_deleted" &&
                                   keyword != "notify_priority_changes");
  }

  /// All but what was `taken`.
  void say_what_stays(const KeepalivedLine& block, const std::set<std::string>& taken) {
    const std::string keywords = keywords_of(block.block, taken);
    if (!keywords.empty())
      notes_.add(block, keepalived_block_name(block) + ": stays keepalived's: " + keywords);
  }

  static std::string keepalived_block_name(const KeepalivedLine& block) {
    return block.keyword() + (block.words.size() > 1 ? " " + keepalived_rest(block) : "");
  }

  std::optional<InterfaceName> interface_in(const KeepalivedLine& line, std::size_t word) {
    const auto interface = InterfaceName::parse(line.word(word));
    if (interface) return *interface;
    notes_.not_understood(line, line.word(word));
    return std::nullopt;
  }

  /// True for one that seems to flip the bypass.
  bool read_notify(const KeepalivedLine& line) {
    const bool bypass = keepalived_rest(line).find("bypass") != std::string::npos;
    notes_.add(line,
               line.keyword() +
                   (bypass ? ": taken for what flips the bypass, which is twobox's "
                             "\"redirect\" from now on: take it out of keepalived's file"
                           : ": twobox runs no notify scripts; keepalived goes on to run it"));
    return bypass;
  }

  void read_director(const KeepalivedLine& line) {
    std::vector<std::string_view> texts;
    if (line.keyword() == "unicast_src_ip") texts.push_back(line.word(1));
    if (line.keyword() == "unicast_peer")
      for (const KeepalivedLine& peer : line.block) texts.push_back(peer.keyword());
    for (const std::string_view text : texts) {
      if (const auto address = keepalived_address(text))
        read_.directors.insert(*address);
      else
        notes_.not_understood(line, text);
    }
  }

  void read_vips(const KeepalivedLine& list, const Instance& instance, bool bypass) {
    for (const KeepalivedLine& line : list.block) {
      const auto prefix = IpPrefix::parse(line.keyword());
      std::optional<InterfaceName> interface = instance.interface;
      for (std::size_t i = 1; i + 1 < line.words.size(); ++i)
        if (line.words[i] == "dev") interface = interface_in(line, i + 1);
      if (!prefix || !interface) {
        notes_.add(line, line.keyword() + ": no address with an interface; left out");
        continue;
      }
      read_.vips.try_emplace(prefix->address(),
                             KeepalivedVip{*prefix, *interface, instance.name, bypass, line.place});
    }
  }

  void set_sync_interface(const KeepalivedLine& line) {
    if (const auto interface = interface_in(line, 1))
      read_.sync = Sync{*interface, 0, {}, {}, {}, {}};
  }

  void read_sync(const KeepalivedLine& line) {
    const auto interface = interface_in(line, 1);
    if (!interface) return;
    Sync sync{*interface, 0, {}, {}, {}, {}};
    bool has_instance = false;
    for (std::size_t i = 2; i < line.words.size(); ++i) {
      if (!is_sync_word(line.words[i])) {
        has_instance = true;
        continue;
      }
      if (!set_sync(sync, line.words[i], line.word(i + 1)))
        notes_.not_understood(line, line.words[i] + " " + std::string(line.word(i + 1)));
      has_instance = has_instance || line.words[i] == "inst";
      ++i;
    }
    if (!has_instance)
      notes_.add(line,
                 "lvs_sync_daemon: without an instance keepalived runs both daemons always; "
                 "twobox runs the one of the role");
    read_.sync = sync;
  }

  static bool is_sync_word(std::string_view word) {
    return word == "inst" || word == "id" || word == "maxlen" || word == "port" || word == "ttl" ||
           word == "group";
  }

  static bool set_sync(Sync& sync, std::string_view word, std::string_view value) {
    if (word == "inst") return true;
    if (word == "group") return (sync.group = keepalived_address(value)).has_value();
    if (word == "port") return (sync.port = keepalived_port(value)).has_value();
    const auto number =
        keepalived_number(value, word == "id" ? 0 : 1, word == "maxlen" ? 65535 : 255);
    if (!number) return false;
    if (word == "id") sync.id = static_cast<std::uint8_t>(*number);
    if (word == "maxlen") sync.max_length = static_cast<std::uint16_t>(*number);
    if (word == "ttl") sync.ttl = static_cast<std::uint8_t>(*number);
    return true;
  }

  void read_timeouts(const KeepalivedLine& line) {
    Timeouts timeouts;
    for (std::size_t i = 1; i < line.words.size(); i += 2) {
      const std::string& word = line.words[i];
      auto* const timeout = word == "tcp"      ? &timeouts.tcp
                            : word == "tcpfin" ? &timeouts.tcp_fin
                            : word == "udp"    ? &timeouts.udp
                                               : nullptr;
      const auto seconds = keepalived_number(line.word(i + 1), 1, 2147483);
      if (timeout == nullptr || !seconds)
        notes_.not_understood(line, word + " " + std::string(line.word(i + 1)));
      else
        *timeout = static_cast<std::uint32_t>(*seconds);
    }
    if (timeouts != Timeouts{}) read_.timeouts = timeouts;
  }

  KeepalivedNotes& notes_;
  KeepalivedVrrp read_;
  const KeepalivedLine* fifo_ = nullptr;
  const KeepalivedLine* fifo_script_ = nullptr;
};

}  // namespace

std::string keywords_of(const std::vector<KeepalivedLine>& lines, std::set<std::string> but) {
  std::string text;
  for (const KeepalivedLine& line : lines)
    if (but.insert(line.keyword()).second) text += (text.empty() ? "" : ", ") + line.keyword();
  return text;
}

KeepalivedVrrp read_keepalived_vrrp(const std::vector<KeepalivedLine>& lines,
                                    KeepalivedNotes& notes) {
  VrrpReader reader(notes);
  for (const KeepalivedLine& line : lines) {
    if (line.keyword() == "global_defs") reader.read_globals(line);
    if (line.keyword() == "vrrp_instance") reader.read_instance(line);
  }
  return reader.take();
}

}  // namespace twobox
