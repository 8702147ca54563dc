package worker

import (
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/config"
)

func TestJudge(t *testing.T) {
	const s = time.Second
	l := limits{fresh: 10 * s, idle: 5 * s, request: 10 * s, write: 3 * s, stuck: 2 * s, head: 4 * s, body: 6 * s}
	tests := map[string]struct {
		g    glance
		p    phase
		want verdict
	}{
		"fresh":                             {glance{state: connFresh, age: 9 * s}, phaseServing, vNone},
		"never spoke":                       {glance{state: connFresh, age: 11 * s}, phaseServing, vLeave},
		"fresh in a drain":                  {glance{state: connFresh, age: s}, phaseDraining, vNone},
		"fresh has lingered":                {glance{state: connFresh, age: s}, phaseLingered, vLeave},
		"idle":                              {glance{state: connIdle, age: 4 * s}, phaseServing, vNone},
		"idle too long":                     {glance{state: connIdle, age: 6 * s}, phaseServing, vLeave},
		"idle in a stop":                    {glance{state: connIdle, age: s}, phaseSilent, vLeave},
		"idle lingers in a drain":           {glance{state: connIdle, age: 4 * s}, phaseLingered, vNone},
		"idle after the budget":             {glance{state: connIdle, age: 0}, phaseGraceful, vLeave},
		"working":                           {glance{state: connActive, age: 100 * s, quiet: 9 * s}, phaseServing, vNone},
		"stalled":                           {glance{state: connActive, quiet: 11 * s}, phaseServing, vTimeout},
		"stalled stream":                    {glance{state: connActive, quiet: 11 * s, begun: true, stream: true}, phaseServing, vTimeout},
		"long stream that moves":            {glance{state: connActive, age: 100 * s, quiet: s, begun: true, stream: true}, phaseServing, vNone},
		"slow reader":                       {glance{state: connActive, quiet: 4 * s, writing: true, begun: true}, phaseServing, vSlow},
		"quiet but not writing":             {glance{state: connActive, quiet: 4 * s, begun: true}, phaseServing, vNone},
		"has its last word":                 {glance{state: connActive, quiet: 11 * s, begun: true, warned: true}, phaseServing, vNone},
		"last word is over":                 {glance{state: connActive, quiet: 11 * s, begun: true, warned: true, late: true}, phaseServing, vCut},
		"slow reader of a last word":        {glance{state: connActive, quiet: 11 * s, begun: true, warned: true, writing: true}, phaseServing, vSlow},
		"drain: request within budget":      {glance{state: connActive, quiet: s}, phaseLingered, vNone},
		"drain: request over budget":        {glance{state: connActive, quiet: s}, phaseGraceful, vDraining},
		"drain: stream before its 1st byte": {glance{state: connActive, quiet: s, stream: true}, phaseGraceful, vNone},
		"drain: response under way":         {glance{state: connActive, quiet: s, begun: true}, phaseGraceful, vStream},
		"drain: stream under way":           {glance{state: connActive, quiet: s, begun: true, stream: true}, phaseGraceful, vNone},
		"drain: response within budget":     {glance{state: connActive, quiet: s, begun: true}, phaseLingered, vNone},
		"drain: stalled response":           {glance{state: connActive, quiet: 11 * s, begun: true}, phaseGraceful, vTimeout},
		"drain: stalled stream":             {glance{state: connActive, quiet: 11 * s, begun: true, stream: true}, phaseGraceful, vTimeout},
		"drain: stream over budget":         {glance{state: connActive, quiet: s, begun: true, stream: true}, phaseStream, vDraining},
		"head in time":                      {glance{state: connActive, head: 3 * s}, phaseServing, vNone},
		"head too late, though it moves":    {glance{state: connActive, head: 5 * s}, phaseServing, vTimeout},
		"body in time":                      {glance{state: connActive, body: 5 * s}, phaseServing, vNone},
		"body too late":                     {glance{state: connActive, body: 7 * s, bodyIn: 500}, phaseServing, vTimeout},
		"body slow but steady":              {glance{state: connActive, body: 7 * s, bodyIn: 1024}, phaseServing, vNone},
		"body of which a lot has come":      {glance{state: connActive, body: 7 * s, bodyIn: 1 << 62}, phaseServing, vNone},
		"answered":                          {glance{state: connAnswered, age: s}, phaseServing, vNone},
		"does not return":                   {glance{state: connAnswered, age: 3 * s}, phaseServing, vStuck},
		"leaving":                           {glance{state: connLeaving, age: 100 * s}, phaseStream, vNone},
		"HTTP/2 with streams":               {glance{state: connShared, age: 100 * s, quiet: 100 * s, busy: true}, phaseGraceful, vNone},
		"HTTP/2 idle":                       {glance{state: connShared, age: 4 * s, idle: true}, phaseServing, vNone},
		"HTTP/2 idle too long":              {glance{state: connShared, age: 6 * s, idle: true}, phaseServing, vLeave},
		"HTTP/2 idle after the budget":      {glance{state: connShared, idle: true}, phaseGraceful, vLeave},
		"HTTP/2 asked to go already":        {glance{state: connShared, age: 100 * s}, phaseGraceful, vNone},
		"HTTP/2 while streams end":          {glance{state: connShared, busy: true, quiet: s}, phaseStream, vNone},
		"HTTP/2 when they have ended":       {glance{state: connShared, quiet: s}, phaseStream, vDrop},
		"HTTP/2 when they do not end":       {glance{state: connShared, busy: true, ending: 2 * s}, phaseStream, vDrop},
		"hijacked":                          {glance{state: connHijacked, age: 100 * s}, phaseGraceful, vNone},
		"hijacked at the end":               {glance{state: connHijacked}, phaseStream, vDrop},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := judge(tt.g, l, tt.p); got != tt.want {
				t.Errorf("verdict %d, want %d", got, tt.want)
			}
		})
	}
}

// No limit means no verdict by time, whatever the time.
func TestJudgeWithoutLimits(t *testing.T) {
	for state := connFresh; state <= connClosed; state++ {
		g := glance{state: state, age: 1000 * time.Hour, quiet: 1000 * time.Hour, writing: true, begun: true}
		if got := judge(g, limits{}, phaseServing); got != vNone {
			t.Errorf("%v: verdict %d", state, got)
		}
	}
}

func TestTickIsFineEnough(t *testing.T) {
	tests := []struct {
		s    config.Settings
		want time.Duration
	}{
		{config.Settings{}, maxTick},
		{config.Settings{Timeout: 2 * time.Minute, Keepalive: 5 * time.Second}, maxTick},
		{config.Settings{Timeout: time.Second}, 50 * time.Millisecond},
		{config.Settings{Timeout: time.Minute, Keepalive: 2 * time.Second}, 100 * time.Millisecond},
		{config.Settings{WriteTimeout: time.Millisecond}, minTick},
	}
	for _, tt := range tests {
		if got := tickOf(tt.s); got != tt.want {
			t.Errorf("%+v: %v, want %v", tt.s, got, tt.want)
		}
	}
}

func TestStuckPatience(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{
		100 * time.Millisecond: minStuck, 4 * time.Second: 2 * time.Second, time.Hour: maxStuck,
	} {
		if got := limitsOf(config.Settings{Timeout: timeout}).stuck; got != want {
			t.Errorf("timeout %v: %v, want %v", timeout, got, want)
		}
	}
	if got := limitsOf(config.Settings{}).fresh; got != silentClient {
		t.Errorf("timeout off: a silent client gets %v", got)
	}
}

func TestPlanPhases(t *testing.T) {
	s := config.Settings{Keepalive: 2 * time.Second, GracefulTimeout: 5 * time.Second, StreamTimeout: 9 * time.Second}
	p := planFrom(time.Minute, s)
	for after, want := range map[time.Duration]phase{
		0: phaseDraining, 2 * time.Second: phaseLingered, 4 * time.Second: phaseLingered,
		5 * time.Second: phaseGraceful, 9 * time.Second: phaseStream,
	} {
		if got := p.at(time.Minute + after); got != want {
			t.Errorf("after %v: phase %d, want %d", after, got, want)
		}
	}
	if got := (*plan)(nil).at(time.Hour); got != phaseServing {
		t.Errorf("without a plan: %d", got)
	}
	// A service that stops does not wait for who says nothing.
	s.Keepalive, s.GracefulTimeout, s.StreamTimeout = time.Minute, time.Minute, time.Hour
	for after, want := range map[time.Duration]phase{
		0: phaseDraining, stopLinger - 1: phaseDraining, stopLinger: phaseSilent, time.Minute: phaseGraceful,
	} {
		if got := planFrom(0, s).stopping(0).at(after); got != want {
			t.Errorf("%v after a stop: phase %d, want %d", after, got, want)
		}
	}
	if got := planFrom(0, s).stopping(time.Minute - 1).at(time.Minute); got != phaseGraceful {
		t.Errorf("stopped late in a drain: phase %d", got)
	}
	s = config.Settings{Keepalive: time.Second, GracefulTimeout: 5 * time.Second}
	if got := planFrom(0, s).stopping(0).at(time.Second); got != phaseLingered {
		t.Errorf("stopped with a short keepalive: phase %d", got)
	}
	// A stream never has less time than a request.
	s.StreamTimeout = 0
	if got := planFrom(0, s).at(4 * time.Second); got != phaseLingered {
		t.Errorf("stream_timeout 0: %d", got)
	}
}

func TestLimiter(t *testing.T) {
	l := limiter{every: time.Second}
	var lines, times uint64
	for now := time.Duration(0); now < 10*time.Second; now += 10 * time.Millisecond {
		if n, ok := l.allow(now); ok {
			lines++
			times += n
		}
	}
	if lines != 10 || times != 901 {
		t.Errorf("%d lines for %d times, want 10 for 901", lines, times)
	}
}
