#include <utility>

#include "schema/fault_text.h"
#include "schema/rules.h"

namespace twobox {
namespace {

/// Marks are the machine's, not the VIP's: all of a node's services share them.
class MarkCheck {
 public:
  explicit MarkCheck(const RuleCheck& check) : check_(check) {}

  void see(std::uint32_t mark, const std::string& pointer) {
    for (const auto& [node, unused] : check_.document.nodes)
      if (see_on_node(node, mark, pointer)) return;  // one line, not one for each node
  }

  void see(const std::map<NodeName, std::uint32_t>& by_node, const std::string& pointer) {
    for (const auto& [node, mark] : by_node) {
      const std::string place = child_pointer(pointer, node);
      if (check_node_exists(check_, node, place) && check_.known.is_known(place))
        see_on_node(node, mark, place);
    }
    for (const auto& [node, unused] : check_.document.nodes)
      if (!by_node.contains(node))
        check_.refuse(child_pointer(pointer, node), "nothing", "a mark for each node");
  }

 private:
  /// True after noting that another service has the mark.
  bool see_on_node(const NodeName& node, std::uint32_t mark, const std::string& pointer) {
    const auto* const first = places_.see({node, mark}, pointer);
    if (first == nullptr) return false;
    check_.refuse(pointer, found_also(std::to_string(mark), *first),
                  "a mark that no other service of the node has");
    return true;
  }

  const RuleCheck& check_;
  FirstPlaces<std::pair<NodeName, std::uint32_t>> places_;
};

}  // namespace

void check_marks(const RuleCheck& check) {
  MarkCheck marks(check);
  for (const auto& [name, vip] : check.document.vips) {
    if (!check.known.is_known(vip_pointer(name) + "/bypass")) continue;
    for (std::size_t i = 0; i < vip.services.size(); ++i) {
      const auto& mark = vip.services[i].mark;
      const std::string pointer = service_pointer(name, i) + "/mark";
      const bool is_wanted = vip.bypass == Bypass::kMacMark;
      if (!mark && is_wanted && check.known.is_known(pointer))
        check.refuse(pointer, "nothing", "a mark, since the VIP's bypass is \"mac-mark\"");
      if (mark && !is_wanted)
        check.refuse(pointer, "a mark with bypass " + in_quotes(to_string(vip.bypass)),
                     "a mark with bypass \"mac-mark\" only");
      if (mark && is_wanted)
        std::visit([&](const auto& value) { marks.see(value, pointer); }, *mark);
    }
  }
}

}  // namespace twobox
