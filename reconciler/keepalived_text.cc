#include "reconciler/keepalived_text.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <list>
#include <string_view>
#include <utility>

namespace twobox {
namespace {

using Lines = std::vector<KeepalivedLine>;

constexpr std::size_t kMaxDepth = 16;
constexpr int kMostFiles = 1000;

Error fault(const std::string& place, const std::string& what) {
  return Error{ErrorKind::kInvalidDocument, 0, place + ": " + what};
}

enum class TokenKind { kWord, kOpen, kClose, kLineEnd, kEnd };

struct Token {
  TokenKind kind;
  std::string text;
};

/// The variants differ in what keepalived calls an error.
bool is_include(const KeepalivedLine& line) {
  constexpr std::array<std::string_view, 6> kWords = {"include",  "includer", "includem",
                                                      "includew", "includeb", "includea"};
  return line.words.size() > 1 && std::ranges::find(kWords, line.keyword()) != kWords.end();
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

class Tokens {
 public:
  explicit Tokens(const KeepalivedFile& file) : path_(file.path), text_(file.text) {}

  const std::string& path() const { return path_; }

  std::string place() const { return path_ + ":" + std::to_string(line_); }

  Result<Token> next() {
    skip_blanks_and_comment();
    if (at_ == text_.size()) return Token{TokenKind::kEnd, ""};
    switch (text_[at_]) {
      case '\n':
        ++at_;
        ++line_;
        return Token{TokenKind::kLineEnd, ""};
      case '{':
        ++at_;
        return Token{TokenKind::kOpen, ""};
      case '}':
        ++at_;
        return Token{TokenKind::kClose, ""};
      default:
        return word();
    }
  }

 private:
  void skip_blanks_and_comment() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    if (at_ < text_.size() && (text_[at_] == '#' || text_[at_] == '!'))
      at_ = std::min(text_.find('\n', at_), text_.size());
  }

  /// Quoted parts and bare ones stand together: a" b "c is one word.
  Result<Token> word() {
    Token token{TokenKind::kWord, ""};
    while (at_ < text_.size() && !is_blank(text_[at_]) && text_[at_] != '\n') {
      const char c = text_[at_];
      if (c == '{' || c == '}' || c == '#' || c == '!') break;
      if (c != '"' && c != '\'') {
        token.text += c;
        ++at_;
        continue;
      }
      const std::size_t end = text_.find_first_of(c == '"' ? "\"\n" : "'\n", at_ + 1);
      if (end == std::string::npos || text_[end] == '\n')
        return fault(place(), std::string("a quote (") + c + ") without its partner on the line");
      token.text += text_.substr(at_ + 1, end - at_ - 1);
      at_ = end + 1;
    }
    return token;
  }

  std::string path_;
  std::string text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

/// Without recursion: files and blocks that are not read to their end wait on stacks.
class Reader {
 public:
  explicit Reader(const KeepalivedInclude& include) : include_(include) {}

  Result<Lines> read(const KeepalivedFile& file) {
    Lines lines;
    if (const Status opened = open(file, lines, 0); !opened) return opened.error();
    while (!files_.empty())
      if (const Status read = read_token(std::prev(files_.end())); !read) return read.error();
    return lines;
  }

 private:
  struct Block {
    Lines* lines;        // of a line that stays where it is while the block is open
    std::string opened;  // its place
  };
  struct OpenFile {
    Tokens tokens;
    std::vector<Block> blocks;  // the first is the place of the file's own lines
    std::size_t depth;
  };
  using Current = std::list<OpenFile>::iterator;

  Status open(const KeepalivedFile& file, Lines& lines, std::size_t depth) {
    OpenFile& opened = files_.emplace_back(OpenFile{Tokens(file), {Block{&lines, ""}}, depth});
    if (depth > kMaxDepth) return fault(opened.tokens.place(), "more than 16 files in one another");
    if (++opened_ > kMostFiles) return fault(opened.tokens.place(), "more than 1000 files");
    return success();
  }

  Status read_token(Current file) {
    const std::string place = file->tokens.place();
    auto token = file->tokens.next();
    if (!token) return token.error();
    if (token->kind == TokenKind::kWord) {
      if (line_.words.empty()) line_.place = place;
      line_.words.push_back(std::move(token->text));
      return success();
    }
    if (token->kind == TokenKind::kOpen) return open_block(*file, place);
    if (const Status ended = end_line(*file); !ended) return ended;
    if (token->kind == TokenKind::kClose) return close_block(*file, place);
    if (token->kind == TokenKind::kEnd) return close_file(file);
    return success();
  }

  /// The block of the line, or, when nothing stands before its '{', of the line above.
  Status open_block(OpenFile& file, const std::string& place) {
    if (file.blocks.size() > kMaxDepth) return fault(place, "more than 16 blocks in one another");
    Lines& lines = *file.blocks.back().lines;
    if (!line_.words.empty())
      lines.push_back(std::exchange(line_, {}));
    else if (lines.empty() || !lines.back().block.empty())
      return fault(place, "a '{' without a word before it");
    file.blocks.push_back({&lines.back().block, place});
    return success();
  }

  static Status close_block(OpenFile& file, const std::string& place) {
    if (file.blocks.size() == 1) return fault(place, "a '}' without its '{'");
    file.blocks.pop_back();
    return success();
  }

  Status close_file(Current file) {
    if (file->blocks.size() > 1) return fault(file->blocks.back().opened, "a '{' without its '}'");
    files_.erase(file);
    return success();
  }

  Status end_line(OpenFile& file) {
    if (line_.words.empty()) return success();
    KeepalivedLine line = std::exchange(line_, {});
    Lines& lines = *file.blocks.back().lines;
    if (!is_include(line)) {
      lines.push_back(std::move(line));
      return success();
    }
    auto included = include_(line.words[1], file.tokens.path());
    if (!included) return with_context(included.error(), line.place);
    // The first of them is read first.
    std::ranges::reverse(*included);
    for (const KeepalivedFile& each : *included)
      if (const Status opened = open(each, lines, file.depth + 1); !opened) return opened;
    return success();
  }

  const KeepalivedInclude& include_;
  std::list<OpenFile> files_;  // the innermost is the last
  KeepalivedLine line_;        // as far as it is read
  int opened_ = 0;
};

}  // namespace

Result<Lines> read_keepalived(const KeepalivedFile& file, const KeepalivedInclude& include) {
  return Reader(include).read(file);
}

}  // namespace twobox
