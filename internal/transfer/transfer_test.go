package transfer

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/sys"
)

func closeAll(fds []int) {
	for _, fd := range fds {
		_ = sys.CloseFD(fd)
	}
}

func TestHandOver(t *testing.T) {
	s, r, changed := pair(t)
	if s.Credits() != 0 {
		t.Fatal("credits from nowhere")
	}
	if err := r.Grant(MaxBatch); err != nil {
		t.Fatal(err)
	}
	<-changed
	fds, clients, records := conns(t, 3)
	if err := s.Offer(fds, records); err != nil {
		t.Fatal(err)
	}
	if got := s.Credits(); got != MaxBatch-3 {
		t.Errorf("%d credits left", got)
	}
	b, err := r.Receive(time.Now().Add(patience))
	if err != nil || len(b.FDs) != 3 || b.Records[0] != records[0] || b.Records[2] != records[2] {
		t.Fatalf("%+v, %v", b, err)
	}
	if err := r.Take(len(b.FDs), 5); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Taken(); n != 3 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if got := s.Credits(); got != MaxBatch+2 {
		t.Errorf("%d credits after taken", got)
	}
	closeAll(fds)
	for i, fd := range b.FDs {
		reaches(t, fd, clients[i])
	}
	s.Close()
	if _, err := r.Receive(time.Now().Add(patience)); err == nil {
		t.Error("a batch from a closed sender")
	}
}

func TestNoMoreThanGranted(t *testing.T) {
	s, r, changed := pair(t)
	if err := r.Grant(1); err != nil {
		t.Fatal(err)
	}
	<-changed
	fds, _, records := conns(t, 2)
	defer closeAll(fds)
	if err := s.Offer(fds, records); err == nil {
		t.Fatal("two connections for one credit")
	}
	if !s.Alive() {
		t.Error("a wrong offer ended the transfer")
	}
}

// However the receiver ends, each connection has one owner.
func TestReceiverEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		receiver func(t *testing.T, r *Receiver)
		taken    int
		alive    bool
	}{
		"before it received": {func(_ *testing.T, r *Receiver) { r.Close() }, 0, false},
		"before it said taken": {func(t *testing.T, r *Receiver) {
			b, err := r.Receive(time.Now().Add(patience))
			if err != nil {
				t.Error(err)
			}
			b.Close()
			r.Close()
		}, 0, false},
		"after it said taken": {func(t *testing.T, r *Receiver) {
			b, err := r.Receive(time.Now().Add(patience))
			if err = errors.Join(err, r.Take(len(b.FDs), 0)); err != nil {
				t.Error(err)
			}
			b.Close()
			r.Close()
		}, 2, true},
		"it hangs": {func(*testing.T, *Receiver) {}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, r, changed := pair(t)
			if err := r.Grant(2); err != nil {
				t.Fatal(err)
			}
			<-changed
			fds, clients, records := conns(t, 2)
			if err := s.Offer(fds, records); err != nil {
				t.Fatal(err)
			}
			tt.receiver(t, r)
			n, err := s.Taken()
			if n != tt.taken || (err == nil) != tt.alive || err != nil && !errors.Is(err, ErrGone) {
				t.Fatalf("taken %d, %v", n, err)
			}
			if !tt.alive && s.Alive() {
				t.Error("it counts as alive")
			}
			if tt.taken == 0 {
				for i, fd := range fds {
					reaches(t, fd, clients[i])
				}
			} else {
				closeAll(fds)
			}
		})
	}
}

// A receiver that comes back too late learns that the connections are not its own.
func TestLateTaken(t *testing.T) {
	s, r, changed := pair(t)
	if err := r.Grant(1); err != nil {
		t.Fatal(err)
	}
	<-changed
	fds, clients, records := conns(t, 1)
	if err := s.Offer(fds, records); err != nil {
		t.Fatal(err)
	}
	b, err := r.Receive(time.Now().Add(patience))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.Taken(); n != 0 || !errors.Is(err, ErrGone) {
		t.Fatalf("%d, %v", n, err)
	}
	if err := r.Take(len(b.FDs), 0); err == nil {
		t.Fatal("both own it")
	}
	b.Close()
	reaches(t, fds[0], clients[0])
}

// The decision between taken and given up is never both and never none, whichever comes first.
func TestTakenRacesGivingUp(t *testing.T) {
	outcomes := map[int]int{}
	for i := range 600 {
		s, r, changed := pair(t)
		s.wait = time.Duration(i) * time.Microsecond
		if err := r.Grant(1); err != nil {
			t.Fatal(err)
		}
		<-changed
		fds, _, records := conns(t, 1)
		if err := s.Offer(fds, records); err != nil {
			t.Fatal(err)
		}
		b, err := r.Receive(time.Now().Add(patience))
		if err != nil {
			t.Fatal(err)
		}
		result := make(chan error, 1)
		go func() {
			<-time.After(time.Duration(i%40) * 10 * time.Microsecond)
			result <- r.Take(len(b.FDs), 0)
		}()
		n, _ := s.Taken()
		if took := <-result; (took == nil) != (n == 1) {
			t.Fatalf("receiver: %v, sender: %d taken", took, n)
		}
		outcomes[n]++
		closeAll(fds)
		b.Close()
		s.Close()
		r.Close()
	}
	if outcomes[0] == 0 || outcomes[1] == 0 {
		t.Errorf("there was no race: %v", outcomes)
	}
}

func TestFullQueue(t *testing.T) {
	s, r, changed := pair(t)
	if err := r.Grant(4); err != nil {
		t.Fatal(err)
	}
	<-changed
	stuffed := 0
	for ; s.ch.TrySend(make([]byte, 32<<10)) == nil; stuffed++ {
	}
	fds, clients, records := conns(t, 1)
	if err := s.Offer(fds, records); !errors.Is(err, ErrGone) {
		t.Fatalf("with a full queue: %v", err)
	}
	if s.Alive() || s.Credits() != 0 {
		t.Error("the receiver still counts")
	}
	reaches(t, fds[0], clients[0])
}

// 10,000 connections one batch after the other; the descriptors are the same few.
func TestTenThousand(t *testing.T) {
	s, r, changed := pair(t)
	fds, _, records := conns(t, MaxBatch)
	defer closeAll(fds)
	const total = 10_000
	got := make(chan int, 1)
	go func() {
		sum := 0
		if r.Grant(2*MaxBatch) != nil {
			return
		}
		for sum < total {
			b, err := r.Receive(time.Now().Add(patience))
			if err != nil {
				break
			}
			sum += len(b.FDs)
			if r.Take(len(b.FDs), len(b.FDs)) != nil {
				break
			}
			b.Close()
		}
		got <- sum
	}()
	sent := 0
	for sent < total {
		for s.Credits() == 0 {
			<-changed
		}
		n := min(s.Credits(), MaxBatch, total-sent)
		if err := s.Offer(fds[:n], records[:n]); err != nil {
			t.Fatal(err)
		}
		taken, err := s.Taken()
		if err != nil || taken != n {
			t.Fatal(taken, err)
		}
		sent += taken
	}
	if sum := <-got; sum != total {
		t.Errorf("%d arrived", sum)
	}
}

// A sender that does not read, because it is stopped, is asked again later.
func TestGrantMeetsAFullQueue(t *testing.T) {
	a, b, err := sys.ControlPair()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sys.CloseFD(a) }()
	r, err := NewReceiver(b)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for err == nil {
		err = r.Grant(1)
	}
	if !errors.Is(err, ErrBusy) {
		t.Fatal(err)
	}
	buf := make([]byte, 64)
	for {
		if _, _, err := syscall.Recvfrom(a, buf, syscall.MSG_DONTWAIT); err != nil {
			break
		}
	}
	if err := r.Grant(1); err != nil {
		t.Errorf("after the sender has read: %v", err)
	}
}
