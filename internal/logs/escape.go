package logs

import "unicode/utf8"

const hex = "0123456789abcdef"

// appendEscaped appends text for a place between quotes, escaped as Apache does
// (mod_log_config): a backslash before quotes and backslashes, C's short forms,
// and \xhh for every other byte that is not printable ASCII. So a request can
// neither end its field nor start a new line.
func appendEscaped(line []byte, text string) []byte {
	done := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c >= ' ' && c < 0x7f && c != '"' && c != '\\' {
			continue
		}
		line = append(line, text[done:i]...)
		done = i + 1
		if short := shortEscape(c); short != 0 {
			line = append(line, '\\', short)
		} else {
			line = append(line, '\\', 'x', hex[c>>4], hex[c&15])
		}
	}
	return append(line, text[done:]...)
}

// appendJSONString appends text as a JSON string (RFC 8259). Bytes that are not
// UTF-8 become the replacement character.
func appendJSONString(line []byte, text string) []byte {
	line = append(line, '"')
	done := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(text[i:])
			if r == utf8.RuneError && size == 1 {
				line = append(line, text[done:i]...)
				line = append(line, `\ufffd`...)
				done = i + 1
			}
			i += size
			continue
		}
		i++
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		line = append(line, text[done:i-1]...)
		done = i
		if short := shortEscape(c); short != 0 && short != 'v' {
			line = append(line, '\\', short)
		} else {
			line = append(line, `\u00`...)
			line = append(line, hex[c>>4], hex[c&15])
		}
	}
	line = append(line, text[done:]...)
	return append(line, '"')
}

// shortEscape is the letter that stands for c after a backslash, 0 if none does.
func shortEscape(c byte) byte {
	switch c {
	case '"', '\\':
		return c
	case '\b':
		return 'b'
	case '\n':
		return 'n'
	case '\r':
		return 'r'
	case '\t':
		return 't'
	case '\v':
		return 'v'
	}
	return 0
}
