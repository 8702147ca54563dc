package upstream

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

func TestWithModel(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"model":"a","x":1.0}`:                                   `{"model":"b","x":1.0}`,
		`{"model":"b","x":1.0}`:                                   `{"model":"b","x":1.0}`,
		" {\n \"x\" : {\"model\":\"c\"} , \"model\" :\t\"a\" }\n": " {\n \"x\" : {\"model\":\"c\"} , \"model\" :\t\"b\" }\n",
		`{}`:                                `{"model":"b"}`,
		` { } `:                             ` {"model":"b" } `,
		`{"x":[1,{"model":2}]}`:             `{"model":"b","x":[1,{"model":2}]}`,
		`{"model":"b","model":"a"}`:         `{"model":"b","model":"b"}`,
		`{"mod\u0065l":"a"}`:                `{"mod\u0065l":"b"}`,
		`{"model":{"a":["]}"]},"y":null}`:   `{"model":"b","y":null}`,
		`{"model":12,"y":true}`:             `{"model":"b","y":true}`,
		`{"Model":"a"}`:                     `{"model":"b","Model":"a"}`,
		`{"x":"\"model\":\\","model":null}`: `{"x":"\"model\":\\","model":"b"}`,
		`{"x":-1.5e+3,"model":[],"z":"ü\ud83d\ude00"}`: `{"x":-1.5e+3,"model":"b","z":"ü\ud83d\ude00"}`,
	} {
		if !json.Valid([]byte(body)) {
			t.Fatalf("the test is wrong: %s", body)
		}
		got, err := withModel([]byte(body), "b")
		if err != nil || string(got) != want {
			t.Errorf("%s became %s, %v, want %s", body, got, err, want)
		}
	}
	for _, body := range []string{``, ` `, `[]`, `"model"`, `{`, `{"model"`, `{"model":`, `{"model":"a`, `{"model":"a\`, `{"x":[}`, `{1:2}`, `{"a" 1}`, `{"a":}`} {
		if got, err := withModel([]byte(body), "b"); err == nil {
			t.Errorf("%q became %q", body, got)
		}
	}
	body := []byte(`{"model":"b"}`)
	if got, _ := withModel(body, "b"); &got[0] != &body[0] {
		t.Error("a body that is right was copied")
	}
	if got, _ := withModel([]byte(`{"model":"a"}`), "\"\x00\n\u2028"); !json.Valid(got) {
		t.Errorf("a strange name makes %s", got)
	}
}

// fields decodes an object; ok is false for anything else.
func fields(b []byte) (map[string]any, bool) {
	var m map[string]any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return m, d.Decode(&m) == nil && m != nil
}

func FuzzWithModel(f *testing.F) {
	for _, s := range []string{`{"model":"a","x":[1,{"y":"}"}]}`, `{}`, `{"a\"":"\\","mod\u0065l" : 1}`, `{"model":{"model":1}, "model":2}`, `{"x":{`, `[`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := withModel(bytes.Clone(body), "target")
		if !json.Valid(body) {
			return // no crash is all that is promised
		}
		before, ok := fields(body)
		if !ok {
			if err == nil {
				t.Fatalf("%q is no object and became %q", body, got)
			}
			return
		}
		after, ok := fields(got)
		if err != nil || !json.Valid(got) || !ok {
			t.Fatalf("%q became %q, %v", body, got, err)
		}
		before["model"] = "target"
		if !reflect.DeepEqual(before, after) {
			t.Fatalf("%q became %q", body, got)
		}
		// Nobody, whichever of two fields he believes, sees another model.
		d := json.NewDecoder(bytes.NewReader(got))
		for _, err = d.Token(); err == nil && d.More(); {
			name, _ := d.Token()
			var value json.RawMessage
			if err = d.Decode(&value); err == nil && name == "model" && string(value) != `"target"` {
				t.Fatalf("%q became %q", body, got)
			}
		}
	})
}
