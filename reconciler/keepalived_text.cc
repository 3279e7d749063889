#include "reconciler/keepalived_text.h"

#include <algorithm>
#include <array>
#include <utility>

namespace twobox {
namespace {

using Lines = std::vector<KeepalivedLine>;

constexpr int kMaxDepth = 16;
constexpr int kMostFiles = 1000;

std::string place_of(const KeepalivedFile& file, std::size_t line) {
  return file.path + ":" + std::to_string(line);
}

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
  explicit Tokens(const KeepalivedFile& file) : file_(file), text_(file.text) {}

  std::string place() const { return place_of(file_, line_); }

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
      if (end == std::string_view::npos || text_[end] == '\n')
        return fault(place(), std::string("a quote (") + c + ") without its partner on the line");
      token.text += text_.substr(at_ + 1, end - at_ - 1);
      at_ = end + 1;
    }
    return token;
  }

  const KeepalivedFile& file_;
  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

class Reader {
 public:
  /// `files`: how many have been begun in all.
  Reader(const KeepalivedFile& file, const KeepalivedInclude& include, int depth, int& files)
      : file_(file), include_(include), tokens_(file), depth_(depth), files_(files) {}

  Result<Lines> read_file() {
    if (depth_ > kMaxDepth) return fault(tokens_.place(), "more than 16 files in one another");
    if (++files_ > kMostFiles) return fault(tokens_.place(), "more than 1000 files");
    Lines lines;
    if (const Status read = read_block(lines, 0, ""); !read) return read.error();
    return lines;
  }

 private:
  /// `opened`: where the block began, "" for the whole file.
  Status read_block(Lines& lines, int depth, const std::string& opened) {
    KeepalivedLine line;
    for (;;) {
      const std::string place = tokens_.place();
      auto token = tokens_.next();
      if (!token) return token.error();
      if (token->kind == TokenKind::kWord) {
        if (line.words.empty()) line.place = place;
        line.words.push_back(std::move(token->text));
        continue;
      }
      if (token->kind == TokenKind::kOpen) {
        if (const Status read = read_inner(lines, line, depth, place); !read) return read;
        continue;
      }
      if (const Status ended = end_line(lines, line); !ended) return ended;
      if (token->kind == TokenKind::kLineEnd) continue;
      const bool closes = token->kind == TokenKind::kClose;
      if (closes && opened.empty()) return fault(place, "a '}' without its '{'");
      if (!closes && !opened.empty()) return fault(opened, "a '{' without its '}'");
      return success();
    }
  }

  /// The block of `line`, or, when nothing stands before its '{', of the line above.
  Status read_inner(Lines& lines, KeepalivedLine& line, int depth, const std::string& place) {
    if (depth >= kMaxDepth) return fault(place, "more than 16 blocks in one another");
    if (line.words.empty()) {
      if (lines.empty() || !lines.back().block.empty())
        return fault(place, "a '{' without a word before it");
      return read_block(lines.back().block, depth + 1, place);
    }
    lines.push_back(std::move(line));
    line = {};
    return read_block(lines.back().block, depth + 1, place);
  }

  Status end_line(Lines& lines, KeepalivedLine& line) {
    if (line.words.empty()) return success();
    KeepalivedLine ended = std::move(line);
    line = {};
    if (!is_include(ended)) {
      lines.push_back(std::move(ended));
      return success();
    }
    const auto files = include_(ended.words[1], file_.path);
    if (!files) return with_context(files.error(), ended.place);
    for (const KeepalivedFile& file : *files) {
      auto included = Reader(file, include_, depth_ + 1, files_).read_file();
      if (!included) return included.error();
      for (KeepalivedLine& each : *included) lines.push_back(std::move(each));
    }
    return success();
  }

  const KeepalivedFile& file_;
  const KeepalivedInclude& include_;
  Tokens tokens_;
  int depth_;  // of files in one another
  int& files_;
};

}  // namespace

Result<Lines> read_keepalived(const KeepalivedFile& file, const KeepalivedInclude& include) {
  int files = 0;
  return Reader(file, include, 0, files).read_file();
}

}  // namespace twobox
