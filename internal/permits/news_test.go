package permits

import "testing"

func TestNewsReachEverybody(t *testing.T) {
	t.Parallel()
	d, b := newBoard(t, Limits{API: 10, LLM: 3})
	_, here := sit(t, b, Host)
	heir, err := Open(d)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = heir.Close() }()
	_, there := sit(t, heir, Alone)
	for _, want := range []News{{}, {Ready: 3, Wanted: 4}, {Ready: 4, Wanted: 4, Leaving: true}, {Ready: 4, Wanted: 4}} {
		b.Tell(want)
		for name, p := range map[string]*Place{"the same mapping": here, "another mapping": there} {
			if got, ok := p.News(); !ok || got != want {
				t.Errorf("%s: %+v, %v, want %+v", name, got, ok, want)
			}
		}
	}
	var nobody *Place
	for _, p := range []*Place{nobody, Private(Limits{})} {
		if got, ok := p.News(); ok {
			t.Errorf("news without a master: %+v", got)
		}
	}
}
