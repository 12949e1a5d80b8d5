package catalog

import (
	"fmt"
	"strings"
)

// Kinds of lexeme.
const (
	end       = iota
	literal   // 'text' or "text"
	digits    // 12 or 1.5
	reference // ${name}
	name      // a function, or one of and or div mod
	symbol    // an operator, parenthesis, comma or .
)

type lexeme struct {
	kind int
	text string
	at   int
}

type lexer struct {
	src string
	pos int
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

// span returns how many bytes from pos on satisfy ok.
func (l *lexer) span(pos int, ok func(byte) bool) int {
	n := 0
	for pos+n < len(l.src) && ok(l.src[pos+n]) {
		n++
	}
	return n
}

func (l *lexer) take(kind, n int) lexeme {
	t := lexeme{kind, l.src[l.pos : l.pos+n], l.pos}
	l.pos += n
	return t
}

func (l *lexer) lex() (lexeme, error) {
	l.pos += l.span(l.pos, func(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' })
	if l.pos == len(l.src) {
		return lexeme{kind: end, at: l.pos}, nil
	}
	rest := l.src[l.pos:]
	switch c := rest[0]; {
	case c == '\'' || c == '"':
		n := strings.IndexByte(rest[1:], c)
		if n < 0 {
			return lexeme{}, fmt.Errorf("at byte %d: text without its closing quote", l.pos)
		}
		t := lexeme{literal, rest[1 : 1+n], l.pos}
		l.pos += n + 2
		return t, nil
	case strings.HasPrefix(rest, "${"):
		n := strings.IndexByte(rest, '}')
		if n < 0 || !isName(rest[2:n]) {
			return lexeme{}, fmt.Errorf("at byte %d: want ${name}", l.pos)
		}
		t := lexeme{reference, rest[2:n], l.pos}
		l.pos += n + 1
		return t, nil
	case isDigit(c):
		n := l.span(l.pos, isDigit)
		if l.pos+n+1 < len(l.src) && l.src[l.pos+n] == '.' && isDigit(l.src[l.pos+n+1]) {
			n += 1 + l.span(l.pos+n+1, isDigit)
		}
		return l.take(digits, n), nil
	case isLetter(c):
		return l.take(name, l.span(l.pos, func(c byte) bool { return isLetter(c) || isDigit(c) || c == '-' || c == '_' })), nil
	case strings.HasPrefix(rest, "!=") || strings.HasPrefix(rest, "<=") || strings.HasPrefix(rest, ">="):
		return l.take(symbol, 2), nil
	case strings.IndexByte("=<>+-*().,", c) >= 0:
		return l.take(symbol, 1), nil
	}
	return lexeme{}, fmt.Errorf("at byte %d: %q means nothing here", l.pos, []rune(rest)[0])
}

// isName reports whether s can name a row, a fact or a choice list.
func isName(s string) bool {
	if s == "" || len(s) > 64 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && !isDigit(c) && c != '_' {
			return false
		}
	}
	return true
}

// isID reports whether s can name a service, an agency, a rule or a choice.
func isID(s string) bool {
	if s == "" || len(s) > 64 || !isDigit(s[0]) && (s[0] < 'a' || s[0] > 'z') {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && !isDigit(c) && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
