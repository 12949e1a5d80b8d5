package sane

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// The types of options (4.2.9.4).
const (
	typeBool   = 0
	typeInt    = 1
	typeFixed  = 2
	typeString = 3
)

// The capabilities of options (4.2.9.6).
const (
	capSoftSelect = 1 << 0
	capInactive   = 1 << 5
)

// The kinds of constraints (4.2.9.7).
const (
	constrainRange = 1
	constrainWords = 2
	constrainTexts = 3
)

// option is a setting that a scanner has.
type option struct {
	index           int // its number
	name            string
	kind, size, cap int

	min, max, step int      // constraint: a range
	words          []int    // constraint: one of these
	texts          []string // constraint: one of these
}

func (o *option) settable() bool { return o.cap&capSoftSelect != 0 && o.cap&capInactive == 0 }

// devices reads the answer to callDevices: names of scanners.
func (a *answer) devices() []string {
	a.status()
	var out []string
	for range a.count(maxList) {
		if a.null() {
			continue
		}
		out = append(out, a.text())
		for range 3 { // vendor, model, type
			a.text()
		}
	}
	return out
}

// options reads the answer to callOptions.
func (a *answer) options() []option {
	var out []option
	for i := range a.count(maxList) {
		if a.err != nil {
			return nil
		}
		if a.null() {
			continue
		}
		o := option{index: i, name: a.text()}
		a.text() // title
		a.text() // description
		o.kind = a.word()
		a.word() // unit
		o.size, o.cap = a.word(), a.word()
		switch a.word() {
		case constrainRange:
			if !a.null() {
				o.min, o.max, o.step = a.word(), a.word(), a.word()
			}
		case constrainWords:
			for j := range a.count(maxList) {
				if w := a.word(); j > 0 { // the first one is the length once more
					o.words = append(o.words, w)
				}
			}
		case constrainTexts:
			for range a.count(maxList) {
				if s := a.text(); s != "" {
					o.texts = append(o.texts, s)
				}
			}
		}
		if o.size < 0 || o.size > maxText {
			a.wrong("option %q has a size of %d", o.name, o.size)
		}
		out = append(out, o)
	}
	return out
}

// encode returns value as the option takes it.
func (o *option) encode(value string) ([]byte, error) {
	if !o.settable() {
		return nil, fmt.Errorf("option %s cannot be set", o.name)
	}
	switch o.kind {
	case typeBool:
		v, err := strconv.ParseBool(value)
		if err != nil {
			return nil, fmt.Errorf("option %s: %w", o.name, err)
		}
		if v {
			return []byte{0, 0, 0, 1}, nil
		}
		return make([]byte, 4), nil
	case typeInt, typeFixed:
		f, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return nil, fmt.Errorf("option %s: %w", o.name, err)
		}
		return o.number(f), nil
	case typeString:
		if len(o.texts) > 0 && !slices.Contains(o.texts, value) || len(value) >= o.size {
			return nil, fmt.Errorf("option %s: got %.40q, want one of %q", o.name, value, o.texts)
		}
		return append([]byte(value), make([]byte, o.size-len(value))...), nil
	}
	return nil, fmt.Errorf("option %s is of type %d", o.name, o.kind)
}

// number returns f, or what is allowed next to it, in the option's own form:
// fixed numbers have 16 bits behind the point.
func (o *option) number(f float64) []byte {
	scale := 1.0
	if o.kind == typeFixed {
		scale = 65536
	}
	v := int(math.Round(math.Min(math.Max(f*scale, math.MinInt32), math.MaxInt32)))
	switch {
	case len(o.words) > 0:
		v = slices.MinFunc(o.words, func(a, b int) int { return max(a-v, v-a) - max(b-v, v-b) })
	case o.max > o.min:
		v = min(max(v, o.min), o.max)
		if o.step > 0 {
			v = o.min + (v-o.min+o.step/2)/o.step*o.step
			if v > o.max {
				v -= o.step
			}
		}
	}
	return binary.BigEndian.AppendUint32(nil, uint32(int32(v)))
}
