package main

import "slices"

// median of at least one value.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func worst(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	return slices.Max(values)
}

func medianOf(rounds []round, pick func(round) float64) float64 {
	values := make([]float64, 0, len(rounds))
	for _, r := range rounds {
		values = append(values, pick(r))
	}
	return median(values)
}

func sumErrors(rounds []round) (sum float64) {
	for _, r := range rounds {
		sum += r.errors
	}
	return sum
}
