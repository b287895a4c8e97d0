package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// times is a ratio.
func times(v float64) string { return digits(v) + " ×" }

// duration is a number of seconds.
func duration(v float64) string {
	return scaled(v, []unit{{1, "s"}, {1e-3, "ms"}, {1e-6, "µs"}, {1e-9, "ns"}})
}

// bytesText is a number of bytes.
func bytesText(v float64) string {
	return scaled(v, []unit{{1e9, "GB"}, {1e6, "MB"}, {1e3, "KB"}, {1, "B"}})
}

// rate is a number of bytes a second.
func rate(v float64) string { return bytesText(v) + "/s" }

// count is a number of things.
func count(v float64) string { return strconv.FormatFloat(math.Round(v), 'f', -1, 64) }

type unit struct {
	size float64
	name string
}

// scaled is v in the largest of the units that leaves a digit before the point.
func scaled(v float64, units []unit) string {
	for _, u := range units {
		if v >= u.size {
			return digits(v/u.size) + " " + u.name
		}
	}
	last := units[len(units)-1]
	return digits(v/last.size) + " " + last.name
}

// digits is v with three digits that count.
func digits(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// short is a text that the others made, without the zeros after the point.
func short(text string) string {
	return strings.Replace(strings.Replace(strings.Replace(text, ".00", "", 1), ".0 ", " ", 1), ".0", "", 1)
}
