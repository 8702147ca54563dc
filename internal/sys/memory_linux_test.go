package sys

import (
	"os"
	"testing"
)

func TestMemoryOfOurselves(t *testing.T) {
	_, before, err := Memory(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	const size = 64 << 20
	fd, err := Memfd("ballast", size)
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, fd)
	mem, err := Map(fd, size)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = Unmap(mem) }()
	for i := 0; i < size; i += 4096 {
		mem[i] = 1
	}
	pss, rss, err := Memory(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if pss <= 0 || pss > rss || rss-before < size/2 {
		t.Errorf("pss %d, rss %d; before %d bytes were touched rss was %d", pss, rss, size, before)
	}
}

func TestMemoryOfNobody(t *testing.T) {
	if _, _, err := Memory(1 << 30); err == nil {
		t.Error("a process that does not exist has memory")
	}
}

func TestParseRollup(t *testing.T) {
	cases := []struct {
		text     string
		pss, rss int64
		ok       bool
	}{
		{"00400000-7fff [rollup]\nRss:  2048 kB\nPss:  1024 kB\nPss_Dirty: 9 kB\n", 1 << 20, 2 << 20, true},
		{"Rss: 0 kB\nPss: 0 kB\n", 0, 0, true},
		{"Rss: 2048 kB\n", -1, 2 << 20, false},
		{"Pss: x kB\nRss: 1 kB\n", -1, 1024, false},
		{"", -1, -1, false},
	}
	for _, c := range cases {
		if pss, rss, ok := parseRollup([]byte(c.text)); pss != c.pss || rss != c.rss || ok != c.ok {
			t.Errorf("%q: got %d, %d, %v", c.text, pss, rss, ok)
		}
	}
}

func TestParseStatm(t *testing.T) {
	page := int64(os.Getpagesize())
	if rss, err := parseStatm([]byte("1000 25 3 4 0 5 0\n")); rss != 25*page || err != nil {
		t.Errorf("got %d, %v", rss, err)
	}
	for _, bad := range []string{"", "1000", "1000 x", "1000 -"} {
		if _, err := parseStatm([]byte(bad)); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
