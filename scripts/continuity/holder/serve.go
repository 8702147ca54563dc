package holder

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// hands is how many connections one holder uses at the same time.
const hands = 32

// Serve carries out orders until in ends.
func Serve(in io.Reader, out io.Writer) error {
	h := &holder{}
	defer h.close()
	orders, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var o Order
		if err := orders.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("cannot read an order: %w", err)
		}
		if err := answers.Encode(h.obey(o)); err != nil {
			return fmt.Errorf("cannot answer: %w", err)
		}
	}
}

// holder has its connections divided among its hands, so that no two use one.
type holder struct {
	shares [hands][]*testproc.Client
}

func (h *holder) obey(o Order) Answer {
	var mu sync.Mutex
	var all Answer
	var wait sync.WaitGroup
	begin := time.Now()
	for i := range h.shares {
		wait.Go(func() {
			var a Answer
			if o.Open > 0 {
				a = h.open(i, o)
			} else {
				a = h.run(i, o, begin)
			}
			mu.Lock()
			defer mu.Unlock()
			all.Add(a)
		})
	}
	wait.Wait()
	return all
}

func (h *holder) open(hand int, o Order) Answer {
	a := Answer{Outcomes: map[testproc.Outcome]int{}}
	for n := hand; n < o.Open; n += hands {
		c := &testproc.Client{Addr: o.Addr, Timeout: time.Minute}
		h.shares[hand] = append(h.shares[hand], c)
		a.note(c.Get("/pid"))
	}
	return a
}

// run sends on a schedule of its own, so that a slow answer does not hide
// the requests that would have come meanwhile: they are sent late, and Late says so.
func (h *holder) run(hand int, o Order, begin time.Time) Answer {
	a := Answer{Outcomes: map[testproc.Outcome]int{}}
	share := h.shares[hand]
	if len(share) == 0 || o.Rate == 0 {
		return a
	}
	before := connects(share)
	gap := time.Second * hands / time.Duration(o.Rate)
	due := begin.Add(gap * time.Duration(hand) / hands)
	for i := 0; due.Before(begin.Add(o.Run)); i, due = i+1, due.Add(gap) {
		testproc.Pause(time.Until(due), nil)
		a.Late = max(a.Late, time.Since(due))
		res := share[i%len(share)].Get("/pid")
		a.note(res)
		if res.Outcome == testproc.OK {
			a.Latencies = append(a.Latencies, res.Elapsed)
		}
	}
	a.Reconnects = connects(share) - before
	return a
}

func (a *Answer) note(res testproc.Result) {
	a.Requests++
	a.Outcomes[res.Outcome]++
	if res.Outcome != testproc.OK && len(a.Failures) < 3 {
		a.Failures = append(a.Failures, res.String())
	}
}

func connects(share []*testproc.Client) (sum int) {
	for _, c := range share {
		sum += c.Connects
	}
	return sum
}

func (h *holder) close() {
	for _, share := range h.shares {
		for _, c := range share {
			c.Close()
		}
	}
}
