// Registers of the nf_tables virtual machine: four of 16 bytes, or the same memory as sixteen
// words.
#pragma once

#include <linux/netfilter/nf_tables.h>

#include <cstdint>
#include <optional>

namespace twobox::nftables {

/// A register by the index of its first four-byte word, 0 to 15.
struct Register {
  std::uint32_t word = 0;
  friend bool operator==(const Register&, const Register&) = default;
};

/// The register's number as the kernel reports it: a 16-byte one wherever its boundary allows
/// (net/netfilter/nf_tables_api.c, nft_dump_register()).
constexpr std::uint32_t number_of(Register at) {
  constexpr std::uint32_t kWords = NFT_REG_SIZE / NFT_REG32_SIZE;
  return at.word % kWords == 0 ? NFT_REG_1 + at.word / kWords : NFT_REG32_00 + at.word;
}

/// Either numbering; no value for the verdict register and for numbers that are no register.
constexpr std::optional<Register> register_from(std::uint32_t number) {
  constexpr std::uint32_t kWords = NFT_REG_SIZE / NFT_REG32_SIZE;
  if (number >= NFT_REG_1 && number <= NFT_REG_4) return Register{(number - NFT_REG_1) * kWords};
  if (number >= NFT_REG32_00 && number <= NFT_REG32_15) return Register{number - NFT_REG32_00};
  return std::nullopt;
}
static_assert(register_from(NFT_REG_2) == register_from(NFT_REG32_04));
static_assert(number_of(Register{4}) == NFT_REG_2 && number_of(Register{5}) == NFT_REG32_05);

}  // namespace twobox::nftables
