package main

import (
	"fmt"
	"slices"

	"github.com/webchasor/webchasor/scripts/measure"
)

func values[T any](rounds []T, pick func(T) float64) []float64 {
	list := make([]float64, 0, len(rounds))
	for _, r := range rounds {
		list = append(list, pick(r))
	}
	return list
}

func median[T any](rounds []T, pick func(T) float64) float64 {
	return measure.Median(values(rounds, pick))
}

func total[T any](rounds []T, pick func(T) float64) (sum float64) {
	for _, v := range values(rounds, pick) {
		sum += v
	}
	return sum
}

// spread is the median and, of several rounds, the range.
func spread[T any](rounds []T, format string, pick func(T) float64) string {
	list := values(rounds, pick)
	text := fmt.Sprintf(format, measure.Median(list))
	if len(list) > 1 {
		text += fmt.Sprintf(" ("+format+"..."+format+")", slices.Min(list), slices.Max(list))
	}
	return text
}
