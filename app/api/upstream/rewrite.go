package upstream

import (
	"bytes"
	"encoding/json"
	"errors"
)

var errNoObject = errors.New("the request body is no JSON object")

// withModel returns body, a JSON object, with model as the value of its
// top-level field "model" and every other byte as it was. A body that says so
// already is returned itself. All fields of that name are set and a missing one
// is added: which of two the upstream would believe must not matter, since it
// was this model that the client was allowed to ask for.
//
// body is taken to be valid JSON; on anything else the result is an error or as
// broken as body was, but never a crash.
func withModel(body []byte, model string) ([]byte, error) {
	value, err := json.Marshal(model)
	if err != nil {
		return nil, err
	}
	s := scanner{text: body}
	s.blanks()
	if !s.take('{') {
		return nil, errNoObject
	}
	open := s.at
	var out []byte // body up to copied, changed
	copied, found := 0, false
	for s.blanks(); !s.take('}'); s.blanks() {
		name, ok := s.name()
		if !ok {
			return nil, errNoObject
		}
		from := s.at
		if !s.value() {
			return nil, errNoObject
		}
		if name == "model" {
			found = true
			if !bytes.Equal(body[from:s.at], value) {
				out = append(append(out, body[copied:from]...), value...)
				copied = s.at
			}
		}
		s.blanks()
		s.take(',')
	}
	switch {
	case !found:
		out = make([]byte, 0, len(body)+len(value)+len(`"model":,`))
		out = append(append(append(out, body[:open]...), `"model":`...), value...)
		if rest := bytes.TrimLeft(body[open:], " \t\r\n"); rest[0] != '}' {
			out = append(out, ',')
		}
		return append(out, body[open:]...), nil
	case out == nil:
		return body, nil
	default:
		return append(out, body[copied:]...), nil
	}
}

// scanner steps over JSON without building anything of it.
type scanner struct {
	text []byte
	at   int
}

func (s *scanner) blanks() {
	for s.at < len(s.text) && (s.text[s.at] == ' ' || s.text[s.at] == '\t' || s.text[s.at] == '\r' || s.text[s.at] == '\n') {
		s.at++
	}
}

func (s *scanner) take(c byte) bool {
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

// name reads the name of a field and steps over the colon, to its value.
func (s *scanner) name() (string, bool) {
	from := s.at
	if !s.str() {
		return "", false
	}
	var name string
	if json.Unmarshal(s.text[from:s.at], &name) != nil { // it may be written with escapes
		return "", false
	}
	s.blanks()
	if !s.take(':') {
		return "", false
	}
	s.blanks()
	return name, true
}

// str steps over a string.
func (s *scanner) str() bool {
	if !s.take('"') {
		return false
	}
	for {
		next := bytes.IndexAny(s.text[s.at:], `"\`)
		if next < 0 {
			return false
		}
		s.at += next + 1
		if s.text[s.at-1] == '"' {
			return true
		}
		s.at++ // what the backslash escapes
		if s.at > len(s.text) {
			return false
		}
	}
}

// value steps over any value.
func (s *scanner) value() bool {
	depth, from := 0, s.at
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case '"':
			if !s.str() {
				return false
			}
		case '{', '[':
			depth++
			s.at++
		case '}', ']':
			if depth == 0 {
				return s.at > from
			}
			depth--
			s.at++
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return s.at > from
			}
			s.at++
		default:
			s.at++
			continue // inside a number or a word
		}
		if depth == 0 {
			return true
		}
	}
	return false
}
