package ledger

import (
	"math"
	"time"
)

// Latencies are counted twice. The native buckets are Prometheus's exponential
// ones of schema 3: eight per power of two, each 9 % wide, bounds at 2^(i/8)
// seconds, exactly as the format defines them, so nothing is converted. The
// classic bounds are round numbers that no power of two hits, for those who
// scrape text.
const (
	// Schema of the native buckets.
	Schema = 3

	perOctave = 1 << Schema
	lowest    = -20 // 2^-20 s, about a microsecond; what is not longer counts as zero
	highest   = 12  // 2^12 s, 68 minutes; what is longer counts as just that
	// Native is the number of exponential buckets. Bucket 0 ends at 2^(-20+1/8) s.
	Native = (highest - lowest) * perOctave
	// FirstIndex is the index of bucket 0 as the native format counts them.
	FirstIndex = lowest*perOctave + 1
)

// ZeroThreshold is what counts as zero, in seconds.
const ZeroThreshold = 1.0 / (1 << -lowest)

// Bounds are the upper bounds of the classic buckets in seconds. The caller owns the slice.
func Bounds() []float64 {
	all := make([]float64, len(bounds))
	for i, d := range bounds {
		all[i] = d.Seconds()
	}
	return all
}

// Classic is their number.
const Classic = 18

var bounds = [Classic]time.Duration{
	1 * time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second,
	10 * time.Second, 30 * time.Second, time.Minute,
	2 * time.Minute, 5 * time.Minute, 10 * time.Minute,
}

// classicOf returns the first bucket whose bound is not below d; Classic if there is none.
func classicOf(d time.Duration) int {
	low, high := 0, Classic
	for low < high {
		mid := (low + high) / 2
		if d <= bounds[mid] {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}

// eighths are 2^(i/8) / 2: where the mantissa of a bucket's upper bound lies.
var eighths = [perOctave]float64{
	0.5, 0.5452538663326288, 0.5946035575013605, 0.6484197773255048,
	0.7071067811865475, 0.7711054127039704, 0.8408964152537144, 0.9170040432046711,
}

// nativeOf returns the bucket of d, -1 for what counts as zero.
func nativeOf(d time.Duration) int {
	seconds := d.Seconds()
	if seconds <= ZeroThreshold {
		return -1
	}
	mantissa, exponent := math.Frexp(seconds)
	step := 0
	for step < perOctave && eighths[step] < mantissa {
		step++
	}
	return min((exponent-1-lowest)*perOctave+step-1, Native-1)
}

// UpperBound is where native bucket i ends, in seconds; what is equal to it belongs to it.
func UpperBound(i int) float64 {
	return math.Exp2(lowest + float64(i+1)/perOctave)
}
