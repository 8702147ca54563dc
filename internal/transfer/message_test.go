package transfer

import (
	"net/netip"
	"reflect"
	"testing"
	"time"
)

func examples() []message {
	full := message{kind: kindBatch}
	for i := range MaxBatch {
		full.records = append(full.records, Record{Since: time.Duration(i) * time.Hour, Spoke: i%3 == 0})
	}
	return []message{
		{kind: kindGrant, credits: 0},
		{kind: kindGrant, credits: maxCredits},
		{kind: kindTaken, taken: 0, credits: 7},
		{kind: kindTaken, taken: MaxBatch},
		{kind: kindBatch, records: []Record{{Since: 1, Spoke: true}}},
		{kind: kindBatch, records: []Record{
			{Proxied: true},
			{Proxied: true, Told: true},
			{Spoke: true, Proxied: true, Told: true, Client: netip.MustParseAddrPort("203.0.113.9:1024")},
			{Proxied: true, Told: true, Client: netip.MustParseAddrPort("[2001:db8::9]:65535")},
		}},
		full,
	}
}

func TestMessagesSurviveTheWay(t *testing.T) {
	for _, m := range examples() {
		got, err := decode(m.encode())
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%+v became %+v, %v", m, got, err)
		}
	}
}

func TestStrangeMessagesAreRefused(t *testing.T) {
	for name, b := range map[string][]byte{
		"empty": {}, "one byte": {Version}, "another version": {Version + 1, 'g', 0, 0, 0, 1},
		"unknown kind": {Version, 'x', 0, 0, 0, 1}, "short grant": {Version, 'g', 0, 0, 1}, "long grant": {Version, 'g', 0, 0, 0, 0, 1},
		"too many credits": {Version, 'g', 0xff, 0, 0, 0}, "too many taken": {Version, 't', 0, MaxBatch + 1, 0, 0, 0, 0},
		"empty batch": {Version, 'b', 0, 0}, "cut batch": {Version, 'b', 0, 1, 0, 0},
		"large batch": append([]byte{Version, 'b', 0, MaxBatch + 1}, make([]byte, (MaxBatch+1)*recordSize)...),
	} {
		if m, err := decode(b); err == nil {
			t.Errorf("%s: read as %+v", name, m)
		}
	}
}

// What is accepted says what it said.
func FuzzDecode(f *testing.F) {
	for _, m := range examples() {
		f.Add(m.encode())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decode(b)
		if err != nil {
			return
		}
		again, err := decode(m.encode())
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("%+v became %+v, %v", m, again, err)
		}
	})
}
