package metrics

import (
	"cmp"
	"slices"

	dto "github.com/prometheus/client_model/go"
)

// batch is what one scrape has gathered so far. Its values lie side by side in
// slabs, and series share the labels that they have in common.
type batch struct {
	of     map[*family]*dto.MetricFamily
	labels map[label]*dto.LabelPair

	metrics  slab[dto.Metric]
	counters slab[dto.Counter]
	gauges   slab[dto.Gauge]
	values   slab[float64]
	pairs    slab[*dto.LabelPair]
}

type label struct{ name, value string }

func newBatch() *batch {
	return &batch{of: make(map[*family]*dto.MetricFamily), labels: make(map[label]*dto.LabelPair)}
}

func (b *batch) counter(f *family, v float64, labels ...string) {
	m, c := b.series(f, dto.MetricType_COUNTER, labels), b.counters.one()
	c.Value = b.value(v)
	m.Counter = c
}

func (b *batch) gauge(f *family, v float64, labels ...string) {
	m, g := b.series(f, dto.MetricType_GAUGE, labels), b.gauges.one()
	g.Value = b.value(v)
	m.Gauge = g
}

func (b *batch) histogram(f *family, h *dto.Histogram, labels ...string) {
	b.series(f, dto.MetricType_HISTOGRAM, labels).Histogram = h
}

// series adds one to its family, with its labels and no value yet.
func (b *batch) series(f *family, kind dto.MetricType, labels []string) *dto.Metric {
	m := b.metrics.one()
	m.Label = b.pairs.some(len(labels))
	for i, at := range f.sorted {
		m.Label[i] = b.pair(label{f.labels[at], labels[at]})
	}
	all := b.of[f]
	if all == nil {
		all = &dto.MetricFamily{Name: &f.name, Help: &f.help, Type: &kind}
		b.of[f] = all
	}
	all.Metric = append(all.Metric, m)
	return m
}

func (b *batch) pair(l label) *dto.LabelPair {
	p := b.labels[l]
	if p == nil {
		p = &dto.LabelPair{Name: &l.name, Value: &l.value}
		b.labels[l] = p
	}
	return p
}

func (b *batch) value(v float64) *float64 {
	p := b.values.one()
	*p = v
	return p
}

// families are all that have a series, by name.
func (b *batch) families() []*dto.MetricFamily {
	all := make([]*dto.MetricFamily, 0, len(b.of))
	for _, f := range b.of {
		all = append(all, f)
	}
	slices.SortFunc(all, func(x, y *dto.MetricFamily) int { return cmp.Compare(x.GetName(), y.GetName()) })
	return all
}

// slab makes many values with few allocations.
type slab[T any] struct{ free []T }

const slabSize = 256

func (s *slab[T]) one() *T { return &s.some(1)[0] }

func (s *slab[T]) some(n int) []T {
	if len(s.free) < n {
		s.free = make([]T, max(n, slabSize))
	}
	part := s.free[:n:n]
	s.free = s.free[n:]
	return part
}
