package metrics

import (
	"math"
	"strconv"

	dto "github.com/prometheus/client_model/go"

	"github.com/webchasor/webchasor/internal/ledger"
)

// classes are the labels of status classes, by the first digit.
var classes = [ledger.Classes]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}

// usual classes are shown before their first request, so that the first one counts as an increase.
var usual = [ledger.Classes]bool{2: true, 4: true, 5: true}

// latencies are the histograms by route and class over all slots, and the
// number of requests of every slot.
func (c collector) latencies(b *batch) {
	routes := c.src.Ledger.Routes()
	var byRoute [ledger.MaxRoutes][ledger.Classes]*ledger.Latency
	for i, s := range c.src.Ledger.Used() {
		var count [ledger.Classes]uint64
		s.Series(func(route, class int, one *ledger.Series) {
			sum := byRoute[route][class]
			if sum == nil {
				sum = new(ledger.Latency)
				byRoute[route][class] = sum
			}
			before := sum.Count
			sum.Add(one)
			count[class] += sum.Count - before
		})
		for class, n := range count {
			if n > 0 || usual[class] {
				b.counter(requests, float64(n), strconv.Itoa(i), classes[class])
			}
		}
	}
	for route := range byRoute {
		for class, sum := range byRoute[route] {
			if sum != nil && route < len(routes) {
				b.histogram(latency, histogramOf(sum), routes[route], classes[class])
			}
		}
	}
}

// histogramOf is classic and native at once.
func histogramOf(l *ledger.Latency) *dto.Histogram {
	h := &dto.Histogram{
		SampleCount:   new(l.Count),
		SampleSum:     new(l.Sum.Seconds()),
		Bucket:        classic(l),
		Schema:        new(int32(ledger.Schema)),
		ZeroThreshold: new(ledger.ZeroThreshold),
		ZeroCount:     new(l.Zero),
	}
	native(l, h)
	return h
}

// classic makes the cumulative buckets. A request that was counted while we read
// may be in them and not yet in the count, which must not be smaller.
func classic(l *ledger.Latency) []*dto.Bucket {
	var seen uint64
	buckets := make([]*dto.Bucket, 0, ledger.Classic+1)
	for i, bound := range ledger.Bounds() {
		seen += l.Classic[i]
		buckets = append(buckets, &dto.Bucket{CumulativeCount: new(min(seen, l.Count)), UpperBound: new(bound)})
	}
	return append(buckets, &dto.Bucket{CumulativeCount: new(l.Count), UpperBound: new(math.Inf(1))})
}

// native makes spans of buckets that have something, with the differences
// between neighbours.
func native(l *ledger.Latency, out *dto.Histogram) {
	last, before := -1, int64(0)
	for i, n := range l.Native {
		if n == 0 {
			continue
		}
		if last < 0 || i != last+1 {
			offset := i + ledger.FirstIndex
			if last >= 0 {
				offset = i - last - 1
			}
			out.PositiveSpan = append(out.PositiveSpan, &dto.BucketSpan{Offset: new(int32(offset)), Length: new(uint32(0))})
		}
		span := out.PositiveSpan[len(out.PositiveSpan)-1]
		*span.Length++
		out.PositiveDelta = append(out.PositiveDelta, int64(n)-before)
		last, before = i, int64(n)
	}
}
