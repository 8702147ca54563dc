package permits

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"testing"
)

// model is one semaphore and the processes that use it. Each process runs the
// real code and stops before every operation on shared memory, so that a test
// decides who goes on, and who dies where.
type model struct {
	total  word
	rows   [4]word
	limit  uint64
	before uint64 // the largest limit there was

	holds [4]int // what each live process believes to hold
}

// process is a script of actions that can be stopped anywhere.
type process struct {
	row  int
	next func() (struct{}, bool)
	stop func()
	over bool
}

// action is what a process does; it may be killed in it.
type action func(m *model, s *semaphore, row int)

func takes(m *model, s *semaphore, row int) {
	if s.take(row) {
		m.holds[row]++
	}
}

func puts(m *model, s *semaphore, row int) {
	if m.holds[row] > 0 {
		m.holds[row]--
		s.put(row)
	}
}

// reaps returns what the dead process of a row held.
func reaps(dead int) action {
	return func(m *model, s *semaphore, _ int) {
		s.reap(dead, func() bool { return true })
	}
}

// start makes a process that stands before its first operation.
func (m *model) start(row int, script ...action) *process {
	next, stop := iter.Pull(func(yield func(struct{}) bool) {
		type killed struct{}
		defer func() {
			if why := recover(); why != nil && why != (killed{}) {
				panic(why)
			}
		}()
		s := &semaphore{
			total: &m.total,
			rows:  func(i int) *word { return &m.rows[i] },
			limit: func() uint64 { return m.limit },
			step: func() {
				if !yield(struct{}{}) {
					panic(killed{}) // before the operation: it never happens
				}
			},
		}
		for _, a := range script {
			a(m, s, row)
		}
	})
	return &process{row: row, next: next, stop: stop}
}

// advance lets p do one operation.
func (p *process) advance() {
	if _, more := p.next(); !more {
		p.over = true
	}
}

func (p *process) kill() {
	p.stop()
	p.over = true
}

// check is the invariant of every instant: the count is within the limit and
// equals what the rows hold, but for the one change that is not settled yet.
func (m *model) check() error {
	total := m.total.Load()
	var sum int64
	for i := range m.rows {
		sum += int64(m.rows[i].Load() & (1<<32 - 1))
	}
	if m.rows[ownerOf(total)].Load()>>32 != total>>32 {
		if total&takenBit != 0 {
			sum++
		} else {
			sum--
		}
	}
	if sum != int64(countOf(total)) {
		return fmt.Errorf("the count is %d, the rows hold %d", countOf(total), sum)
	}
	if most := max(m.limit, m.before); countOf(total) > most {
		return fmt.Errorf("%d permits are out, the limit is %d", countOf(total), most)
	}
	return nil
}

// plan is a scene to play: the scripts of the rows 0, 1, ..., one of whom may
// be killed at any point, after which the reapers come.
type plan struct {
	limit   uint64
	scripts [][]action
	victim  int // -1 is nobody
	reapers int
}

// play runs one schedule. choose picks one of n moves, of which the first is
// that the same process goes on.
func (p plan) play(choose func(n int) int) error {
	m := &model{limit: p.limit}
	var all []*process
	defer func() {
		for _, x := range all {
			x.kill()
		}
	}()
	for row, script := range p.scripts {
		all = append(all, m.start(row, script...))
	}
	victim := p.victim
	running := all[0]
	for {
		var moves []*process
		for _, x := range all {
			if !x.over && x != running {
				moves = append(moves, x)
			}
		}
		if !running.over {
			moves = append([]*process{running}, moves...)
		}
		n := len(moves)
		canKill := victim >= 0 && !all[victim].over
		if canKill && n > 0 {
			n++
		}
		if n == 0 {
			break
		}
		if c := choose(n); c < len(moves) {
			running = moves[c]
			running.advance()
		} else {
			all[victim].kill()
			for range p.reapers {
				all = append(all, m.start(victim, reaps(victim)))
			}
			m.holds[victim], victim = 0, -1
		}
		if err := m.check(); err != nil {
			return err
		}
	}
	want := 0
	for _, n := range m.holds {
		want += n
	}
	if got := countOf(m.total.Load()); got != uint64(want) {
		return fmt.Errorf("%d permits are out, the living hold %d", got, want)
	}
	return nil
}

// everySchedule plays all schedules with at most so many switches between
// processes that could have gone on; a kill is one.
func (p plan) everySchedule(t *testing.T, switches int) (played int) {
	t.Helper()
	type choice struct{ made, of int }
	var path []choice
	for {
		at, left := 0, switches
		err := p.play(func(n int) int {
			if left == 0 {
				n = 1
			}
			if at == len(path) {
				path = append(path, choice{0, n})
			}
			c := path[at]
			at++
			if c.made > 0 {
				left--
			}
			return c.made
		})
		played++
		if err != nil {
			t.Fatalf("schedule %v: %v", path, err)
		}
		path = path[:at]
		for len(path) > 0 && path[len(path)-1].made+1 >= path[len(path)-1].of {
			path = path[:len(path)-1]
		}
		if len(path) == 0 {
			return played
		}
		path[len(path)-1].made++
	}
}

// setLimit is an operator's reload.
func setLimit(limit uint64) action {
	return func(m *model, s *semaphore, _ int) {
		s.pause()
		m.before = max(m.before, m.limit) // until what is out under it is back
		m.limit = limit
	}
}

func plans() map[string]plan {
	return map[string]plan{
		"two for one permit":    {limit: 1, victim: -1, scripts: [][]action{{takes, puts, takes, puts}, {takes, puts, takes, puts}}},
		"three for two permits": {limit: 2, victim: -1, scripts: [][]action{{takes, puts}, {takes, puts}, {takes, puts}}},
		"a holder is killed":    {limit: 2, victim: 0, reapers: 1, scripts: [][]action{{takes, takes, puts, takes}, {takes, puts, takes}}},
		"two reapers":           {limit: 3, victim: 0, reapers: 2, scripts: [][]action{{takes, takes, puts}, {takes}}},
		"a limit that shrinks":  {limit: 2, victim: 0, reapers: 1, scripts: [][]action{{takes, takes}, {takes, puts}, {setLimit(1)}}},
		"a limit that grows":    {limit: 1, victim: 0, reapers: 1, scripts: [][]action{{takes, puts}, {takes, takes}, {setLimit(2)}}},
	}
}

// TestSemaphoreInEveryOrder plays schedules of the real code, operation by operation.
func TestSemaphoreInEveryOrder(t *testing.T) {
	t.Parallel()
	for name, p := range plans() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Logf("%d schedules", p.everySchedule(t, 5-len(p.scripts)))
		})
	}
}

func TestSemaphoreInRandomOrder(t *testing.T) {
	t.Parallel()
	for name, p := range plans() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(300) {
				r := rand.New(rand.NewPCG(seed, 3))
				if err := p.play(r.IntN); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
		})
	}
}
