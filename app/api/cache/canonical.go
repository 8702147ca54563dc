package cache

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// maxDepth is deeper than any schema of a tool.
const maxDepth = 200

var errAmbiguous = errors.New("a field is there twice, or too deep")

// object decodes a JSON object so that equal values mean equal requests: numbers
// stay as they are written, since 9007199254740993 is another seed than
// ...992. An object with the same field twice is refused: who reads it decides
// which one counts.
func object(body []byte) (map[string]any, bool) {
	if len(bytes.TrimLeft(body, " \t\r\n")) == 0 || !json.Valid(body) {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	v, err := value(d, 0)
	if err != nil {
		return nil, false
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, false
	}
	fields, ok := v.(map[string]any)
	return fields, ok
}

func value(d *json.Decoder, depth int) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, errAmbiguous
	}
	switch t {
	case json.Delim('{'):
		fields := map[string]any{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			text, _ := name.(string) // the decoder lets nothing else be a name
			if _, twice := fields[text]; twice {
				return nil, errAmbiguous
			}
			if fields[text], err = value(d, depth+1); err != nil {
				return nil, err
			}
		}
		_, err = d.Token() // the closing brace
		return fields, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := value(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	default:
		return t, nil
	}
}
