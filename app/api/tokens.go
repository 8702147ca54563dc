package api

import (
	"unicode"
	"unicode/utf8"
)

// tokenRunes bounds a token, so that text without spaces streams too.
const tokenRunes = 16

// cutToken splits s after its first token: white space and the word behind it,
// up to tokenRunes runes. The tokens of a text, joined, are the text, and no
// rune is ever split. It is not any model's tokenizer; it only has to be the same
// every time.
func cutToken(s string) (token, rest string) {
	word := false
	runes := 0
	for i, r := range s {
		space := unicode.IsSpace(r)
		if runes == tokenRunes || word && space {
			return s[:i], s[i:]
		}
		word = word || !space
		runes++
	}
	return s, ""
}

// countTokens returns the number of tokens in s.
func countTokens(s string) int {
	n := 0
	for s != "" {
		_, s = cutToken(s)
		n++
	}
	return n
}

// tokens yields a text token by token.
type tokens struct {
	text string
	rest string
	left int // still to come; less than 0 is up to the end of the text
}

// newTokens yields the text once if count is 0, else count tokens of the text
// repeated for as long as it takes.
func newTokens(text string, count int) tokens {
	if count <= 0 {
		return tokens{text: text, rest: text, left: -1}
	}
	if text == "" {
		text = "echo" // there must be something to repeat
	}
	return tokens{text: text, rest: text, left: count}
}

// next returns the next token; ok is false at the end.
func (t *tokens) next() (token string, ok bool) {
	if t.left == 0 || t.rest == "" && t.left < 0 {
		return "", false
	}
	gap := ""
	if t.rest == "" {
		t.rest = t.text
		if first, _ := utf8.DecodeRuneInString(t.text); !unicode.IsSpace(first) {
			gap = " "
		}
	}
	token, t.rest = cutToken(t.rest)
	if t.left > 0 {
		t.left--
	}
	return gap + token, true
}
