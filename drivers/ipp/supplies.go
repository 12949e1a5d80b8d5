package ipp

import (
	"strconv"
	"strings"

	"github.com/OpenPrinting/goipp"

	"github.com/penjire/penjire/drivers/device"
)

// readSupplies reads what is left, from the one or the other of two descriptions.
func readSupplies(a goipp.Attributes) []device.Supply {
	if out := readMarkers(a); out != nil {
		return out
	}
	return readPrinterSupply(a)
}

// supply says what state level percent is, low being little. A box for waste says
// how full it is, and what is left is the room in it.
func supply(name string, level, low int, waste bool) device.Supply {
	s := device.Supply{Name: name, Percent: -1, State: device.TonerUnknown}
	if level < 0 || level > 100 {
		return s
	}
	s.Percent = level
	if waste {
		s.Percent, low = 100-level, 100-low
	}
	switch {
	case s.Percent == 0:
		s.State = device.TonerOut
	case s.Percent <= low:
		s.State = device.TonerLow
	default:
		s.State = device.TonerFull
	}
	return s
}

// readMarkers reads the marker attributes (CUPS; PWG 5100.9): parallel lists.
func readMarkers(a goipp.Attributes) []device.Supply {
	names, types := words(a, "marker-names"), words(a, "marker-types")
	levels, low, high := numbers(a, "marker-levels"), numbers(a, "marker-low-levels"), numbers(a, "marker-high-levels")
	at := func(l []int, i, or int) int {
		if i < len(l) {
			return l[i]
		}
		return or
	}
	var out []device.Supply
	for i, n := range names {
		waste := i < len(types) && strings.HasPrefix(types[i], "waste")
		limit := at(low, i, 0)
		if waste {
			limit = at(high, i, 100)
		}
		out = append(out, supply(n, at(levels, i, -1), limit, waste))
	}
	return out
}

// octets returns the values of an attribute that are texts of keys and values, as
// PWG 5100.13 has them: "type=toner;level=75;".
func octets(a goipp.Attributes, name string) []map[string]string {
	var out []map[string]string
	for _, v := range find(a, name) {
		b, ok := v.V.(goipp.Binary)
		if !ok {
			continue
		}
		keys := map[string]string{}
		for pair := range strings.SplitSeq(string(b), ";") {
			k, value, _ := strings.Cut(pair, "=")
			keys[k] = value
		}
		out = append(out, keys)
	}
	return out
}

// fewPercent is low where the printer does not say what is.
const fewPercent = 10

// readPrinterSupply reads printer-supply (PWG 5100.13, 5.6.47): texts such as
// "type=toner;maxcapacity=100;level=75;class=supplyThatIsConsumed;".
func readPrinterSupply(a goipp.Attributes) []device.Supply {
	names := words(a, "printer-supply-description")
	var out []device.Supply
	for i, keys := range octets(a, "printer-supply") {
		level, lerr := strconv.Atoi(keys["level"])
		most, merr := strconv.Atoi(keys["maxcapacity"])
		if lerr != nil || merr != nil || most < 1 || level < 0 || level > most {
			level, most = -1, 1
		}
		name := keys["type"]
		if i < len(names) {
			name = names[i]
		}
		waste, low := keys["class"] == "receptacleThatIsFilled", fewPercent
		if waste {
			low = 100 - fewPercent
		}
		if level >= 0 {
			level = int(int64(level) * 100 / int64(most))
		}
		out = append(out, supply(name, level, low, waste))
	}
	return out
}
