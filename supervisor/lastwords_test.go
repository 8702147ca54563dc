package supervisor

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func pumped(input string) (words *lastWords, emitted []string) {
	words = &lastWords{}
	words.pump(strings.NewReader(input), func(line string) { emitted = append(emitted, line) })
	return words, emitted
}

func TestLastWordsKeepTheNewestLines(t *testing.T) {
	var in strings.Builder
	for i := range keepWords + 5 {
		fmt.Fprintf(&in, "line %d\n", i)
	}
	words, emitted := pumped(in.String() + "no newline at the end")
	if len(emitted) != keepWords+6 {
		t.Errorf("%d lines emitted, want all %d", len(emitted), keepWords+6)
	}
	got := words.Lines()
	if len(got) != keepWords || got[0] != "line 6" || got[keepWords-1] != "no newline at the end" {
		t.Errorf("kept %q", got)
	}
}

func TestCrashDumpDoesNotFloodTheLog(t *testing.T) {
	dump := "before\nfatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [select]:\nmain.main()\n" +
		strings.Repeat("goroutine 7 [select]:\nmain.wait()\n", 1000)
	words, emitted := pumped(dump)
	want := []string{"before", "fatal error: all goroutines are asleep - deadlock!"}
	if !slices.Equal(emitted, want) {
		t.Errorf("emitted %d lines, %q; want %q", len(emitted), emitted[:min(len(emitted), 5)], want)
	}
	if !slices.Equal(words.Lines(), want) {
		t.Errorf("kept %q, want %q", words.Lines(), want)
	}
}

func TestGoroutineInOrdinaryOutputIsNoCrash(t *testing.T) {
	_, emitted := pumped("goroutine pool started\nserving\n")
	if len(emitted) != 2 {
		t.Errorf("emitted %q, want both lines", emitted)
	}
}
