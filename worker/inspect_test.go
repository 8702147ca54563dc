package worker

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/sys"
)

// inspected orders an inspection and returns what came: the data, and the tag
// of the last packet with its text.
func inspected(t *testing.T, i *inspector, what handoff.Inspection, each func(tag handoff.Tag)) (data string, last handoff.Tag, text string) {
	t.Helper()
	ours, theirs, err := sys.ControlPair()
	if err != nil {
		t.Fatal(err)
	}
	ch, err := sys.NewChannel(ours)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ch.Close() }()
	if err := ch.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	i.obey(order{Order: handoff.Order{Kind: handoff.OrderInspect, Inspect: &what}, fds: []int{theirs}})
	var all strings.Builder
	buf := make([]byte, sys.MaxPacket)
	for {
		packet, err := ch.Recv(buf)
		if errors.Is(err, io.EOF) {
			return all.String(), last, text
		}
		if err != nil {
			t.Fatal(err)
		}
		last, text = handoff.Tag(packet[0]), string(packet[1:])
		if last == handoff.TagData {
			all.WriteString(text)
		}
		if each != nil {
			each(last)
		}
	}
}

func TestInspectorAnswersInPackets(t *testing.T) {
	i := &inspector{log: zap.NewNop()}
	hold := make(chan struct{})
	defer close(hold)
	for range 500 { // more than one packet of stacks
		go func() { <-hold }()
	}
	first := handoff.Tag(0)
	data, last, _ := inspected(t, i, handoff.Inspection{What: handoff.InspectStacks}, func(tag handoff.Tag) {
		if first == 0 {
			first = tag
		}
	})
	if first != handoff.TagBegun || last != handoff.TagDone {
		t.Errorf("it began with %q and ended with %q", first, last)
	}
	if n := strings.Count(data, "TestInspectorAnswersInPackets.func"); len(data) <= handoff.MaxPiece || n < 500 {
		t.Errorf("%d bytes, %d of the 500 goroutines", len(data), n)
	}
	if _, last, text := inspected(t, i, handoff.Inspection{What: "mood"}, nil); last != handoff.TagFailed || !strings.Contains(text, "mood") {
		t.Errorf("an unknown kind: %q %q", last, text)
	}
}

func TestInspectorDoesOneThingAtATime(t *testing.T) {
	i := &inspector{log: zap.NewNop()}
	if err := i.begin(handoff.InspectTrace); err != nil {
		t.Fatal(err)
	}
	if _, last, text := inspected(t, i, handoff.Inspection{What: handoff.InspectStacks}, nil); last != handoff.TagFailed || !strings.Contains(text, "(trace)") {
		t.Errorf("the second: %q %q", last, text)
	}
	i.end()
	if _, last, _ := inspected(t, i, handoff.Inspection{What: handoff.InspectGoroutine}, nil); last != handoff.TagDone {
		t.Errorf("afterwards: %q", last)
	}
}
