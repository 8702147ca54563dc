package autopsy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestGroupPanic(t *testing.T) {
	d := Group(crashText(t, "gopanic"))
	if !slices.Equal(d.Headline, []string{"panic: in goroutine"}) || d.Goroutines != 6 || d.Truncated {
		t.Errorf("headline %q, %d goroutines, truncated %t", d.Headline, d.Goroutines, d.Truncated)
	}
	if len(d.Stacks) != 4 {
		t.Fatalf("%d stacks: %+v", len(d.Stacks), d.Stacks)
	}
	if s := d.Stacks[0]; !s.First || s.Count != 1 || s.ID != "7" || s.State != "running" {
		t.Errorf("the one that panicked is not in front: %+v", s)
	}
	want := Stack{Count: 3, ID: "3", State: "chan receive", Frames: []string{
		"main.main.func1", "\t/app/main.go:9", "created by main.main", "\t/app/main.go:9",
	}}
	if s := d.Stacks[1]; s.Count != want.Count || s.ID != want.ID || s.State != want.State || s.First || !slices.Equal(s.Frames, want.Frames) {
		t.Errorf("got %+v, want %+v", s, want)
	}
}

// A signal's dump has addresses in headers and frames, system goroutines, the
// runtime's stack and the registers.
func TestGroupSignalDump(t *testing.T) {
	for name, want := range map[string]struct {
		headline string
		first    string
		frame    string
	}{
		"segvuser": {"SIGSEGV: segmentation violation", "1", "internal/runtime/syscall/linux.Syscall6"},
		"over":     {"", "1", "main.over"},
		"map":      {"", "4", "internal/runtime/maps.fatal"},
	} {
		d := Group(crashText(t, name))
		if s := d.Stacks[0]; !s.First || s.ID != want.first || s.Frames[0] != want.frame {
			t.Errorf("%s: first is %+v", name, s)
		}
		if got := strings.Join(d.Headline, "|"); !strings.HasPrefix(got, want.headline) {
			t.Errorf("%s: headline %q", name, got)
		}
		for _, s := range d.Stacks {
			for _, f := range s.Frames {
				if strings.Contains(f, "0x") || strings.Contains(f, "rflags") || strings.Contains(f, "in goroutine") {
					t.Errorf("%s: frame %q", name, f)
				}
			}
		}
	}
	// An idle thread took the signal: the goroutines that wait are more interesting.
	d := Group(crashText(t, "abort"))
	if d.Stacks[0].First || d.Stacks[0].Count != 3 {
		t.Errorf("first is %+v", d.Stacks[0])
	}
	if !slices.ContainsFunc(d.Stacks, func(s Stack) bool { return s.Count == 3 && s.State == "chan receive" }) {
		t.Errorf("three identical goroutines are not folded: %+v", d.Stacks)
	}
	if d := Group(crashText(t, "over")); d.Stacks[1].State != "runtime stack" && !slices.ContainsFunc(d.Stacks, func(s Stack) bool { return s.State == "runtime stack" && s.ID == "" }) {
		t.Errorf("the runtime's stack is missing")
	}
}

func TestHeader(t *testing.T) {
	for _, tt := range []struct {
		in, id, state string
		wait          int
		ok            bool
	}{
		{"goroutine 1 [running]:", "1", "running", 0, true},
		{"goroutine 12 [select, 5 minutes, locked to thread]:", "12", "select, locked to thread", 5, true},
		{"goroutine 1 gp=0x5a2580 m=0 mp=0x5a3340 [idle]:", "1", "idle", 0, true},
		{"goroutine 2 gp=0x34 m=nil [force gc (idle), 61 minutes]:", "2", "force gc (idle)", 61, true},
		{`goroutine 3 [chan receive labels:{"a": "b]"}]:`, "3", `chan receive labels:{"a": "b]"}`, 0, true},
		{"runtime stack:", "", "runtime stack", 0, true},
		{"goroutine x [running]:", "", "", 0, false},
		{"goroutine 1 [running", "", "", 0, false},
		{"goroutine running on other thread; stack unavailable", "", "", 0, false},
		{"goroutine ", "", "", 0, false},
		{"", "", "", 0, false},
	} {
		id, state, wait, ok := header(tt.in)
		if ok != tt.ok || ok && (id != tt.id || state != tt.state || wait != tt.wait) {
			t.Errorf("header(%q) = %q, %q, %d, %t", tt.in, id, state, wait, ok)
		}
	}
}

func TestFrame(t *testing.T) {
	for in, want := range map[string]string{
		"main.f(0x1, {0xc0, 0x3}, ...)": "main.f", "main.(*T).f(0x4531e0?)": "main.(*T).f", "main.g[...](0x1)": "main.g[...]",
		"main.(*T).f(...)": "main.(*T).f", "\t/a b/main.go:9 +0x19": "\t/a b/main.go:9", "\t/a/main.go:9": "\t/a/main.go:9",
		"\t/a/main.go:9 +0x1 fp=0x1 sp=0x2 pc=0x3": "\t/a/main.go:9", "created by main.main in goroutine 17": "created by main.main",
		"created by main.(*T).f in goroutine 17": "created by main.(*T).f", "...23 frames elided...": "...23 frames elided...", "": "", ")": ")", "()": "()",
	} {
		if got := frame(in); got != want {
			t.Errorf("frame(%q) = %q, want %q", in, got, want)
		}
	}
}

// bigDump is what 10,000 goroutines in a few places look like.
func bigDump(goroutines int) string {
	var b strings.Builder
	b.WriteString("SIGABRT: abort\nPC=0x483283 m=0 sigcode=0\n\n")
	for i := range goroutines {
		fmt.Fprintf(&b, "goroutine %d gp=0x%x m=nil [select, %d minutes]:\n", i+1, 0xc000000+i, i%7)
		for f := range 8 {
			fmt.Fprintf(&b, "example.com/app/handler.(*Server).step%d(0x%x, {0x%x, 0x3})\n\t/src/example.com/app/handler/server.go:%d +0x%x fp=0x%x sp=0x%x pc=0x4000\n",
				f*(i%5), i*31, i*17, 10+f, i, i, i)
		}
		fmt.Fprintf(&b, "created by example.com/app/handler.Start in goroutine %d\n\t/src/x.go:1 +0x5\n\n", i/2)
	}
	return b.String()
}

func TestGroupTenThousand(t *testing.T) {
	text := bigDump(10_000)
	if len(text) < 6<<20 {
		t.Fatalf("only %d bytes", len(text))
	}
	d := Group(text)
	// The first goroutine is one of the five groups.
	if d.Goroutines != 10_000 || len(d.Stacks) != 5 {
		t.Fatalf("%d goroutines in %d stacks", d.Goroutines, len(d.Stacks))
	}
	for _, s := range d.Stacks {
		if s.Count != 2000 || s.Waited != 6 || len(s.Frames) != 18 {
			t.Errorf("count %d, waited %d, %d frames", s.Count, s.Waited, len(s.Frames))
		}
	}
}

func TestGroupSortsByCount(t *testing.T) {
	text := "goroutine 1 [running]:\nmain.a()\n\n" + "goroutine 2 [idle]:\nmain.b()\n\n" +
		strings.Repeat("goroutine 3 [idle]:\nmain.c()\n\n", 3) + strings.Repeat("goroutine 9 [idle]:\nmain.d()\n\n", 2)
	var got []string
	for _, s := range Group(text).Stacks {
		got = append(got, fmt.Sprint(s.Frames[0], s.Count))
	}
	if want := []string{"main.a1", "main.c3", "main.d2", "main.b1"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestGroupBounds(t *testing.T) {
	var b strings.Builder
	for i := range maxStacks + 10 {
		fmt.Fprintf(&b, "goroutine %d [idle]:\nmain.f%d()\n", i, i)
	}
	d := Group(b.String() + strings.Repeat("main.g()\n", 2*maxFrames) + strings.Repeat("x", 5000))
	if len(d.Stacks) != maxStacks || d.Goroutines != maxStacks+10 || !d.Truncated {
		t.Errorf("%d stacks, %d goroutines, truncated %t", len(d.Stacks), d.Goroutines, d.Truncated)
	}
	if d := Group("goroutine 1 [idle]:\n" + strings.Repeat("main.g()\n", 2*maxFrames)); len(d.Stacks[0].Frames) != maxFrames {
		t.Errorf("%d frames", len(d.Stacks[0].Frames))
	}
	if d := Group(strings.Repeat("garbage\n", 1000)); len(d.Headline) != maxHeadline || len(d.Stacks) != 0 {
		t.Errorf("%d lines of headline", len(d.Headline))
	}
}

// Whatever the text: no panic, every goroutine counted, bounds kept, and a
// second text of the same goroutines only doubles the counts.
func FuzzGroup(f *testing.F) {
	for _, name := range []string{"panic", "nil", "map", "abort", "segvuser", "over", "fault"} {
		text := crashText(f, name)
		f.Add(text)
		f.Add(text[:len(text)*2/3])
	}
	f.Add("")
	f.Add("goroutine 1 [running]:")
	f.Add("runtime stack:\n\ngoroutine 18446744073709551616 [x, -5 minutes]:\n\x00)(\n")
	f.Fuzz(func(t *testing.T, text string) {
		d := Group(text)
		sum := 0
		for _, s := range d.Stacks {
			if s.ID != "" {
				sum += s.Count
			}
			if s.Count < 1 || len(s.Frames) > maxFrames || s.Waited < 0 {
				t.Errorf("%+v", s)
			}
		}
		if sum != d.Goroutines && len(d.Stacks) < maxStacks {
			t.Errorf("%d goroutines in the stacks, %d in all", sum, d.Goroutines)
		}
		twice := Group(text + "\n\n" + text)
		if len(d.Stacks) > 0 && len(d.Stacks) < maxStacks/2 && twice.Goroutines != 2*d.Goroutines {
			t.Errorf("twice %d goroutines are %d", d.Goroutines, twice.Goroutines)
		}
	})
}

func BenchmarkGroup(b *testing.B) {
	text := bigDump(10_000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Group(text)
	}
}
