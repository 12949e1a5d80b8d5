package board

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
)

// Fault is one thing wrong with a board, at a path such as
// "board.devices[1].port"; File is "" where the board came from no file.
type Fault struct{ File, Path, Text string }

// Faults are all that is wrong with a board.
type Faults []Fault

// Error implements error: one fault a line.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Path + ": " + f.Text
		if f.File != "" {
			lines[i] = f.File + ": " + lines[i]
		}
	}
	return strings.Join(lines, "\n")
}

// maxDepth bounds how deep a board nests; real ones need four levels.
const maxDepth = 16

// object is a JSON object with its keys in order and the repeated ones noted.
type object struct {
	m        map[string]any
	repeated []string
}

// MarshalJSON gives the object back.
func (o object) MarshalJSON() ([]byte, error) { return json.Marshal(o.m) }

// decode reads exactly one JSON value and keeps track of repeated keys, which
// encoding/json would drop silently.
func decode(b []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	v, err := value(d, 0)
	if err != nil {
		return nil, fmt.Errorf("board: near byte %d: %w", d.InputOffset(), err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("board: near byte %d: something follows the board", d.InputOffset())
	}
	return v, nil
}

func value(d *json.Decoder, depth int) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("nested over %d levels", maxDepth)
	}
	switch t {
	case json.Delim('{'):
		o := object{m: map[string]any{}}
		for d.More() {
			k, err := d.Token()
			if err != nil {
				return nil, err
			}
			key := k.(string) // the decoder lets nothing else be a key
			if _, ok := o.m[key]; ok {
				o.repeated = append(o.repeated, key)
			}
			if o.m[key], err = value(d, depth+1); err != nil {
				return nil, err
			}
		}
		_, err := d.Token()
		return o, err
	case json.Delim('['):
		l := []any{}
		for d.More() {
			v, err := value(d, depth+1)
			if err != nil {
				return nil, err
			}
			l = append(l, v)
		}
		_, err := d.Token()
		return l, err
	}
	return t, nil
}

// node is a place in the tree; its methods note faults at its path and return
// zero values after one. v is nil where nothing is (JSON null is the same).
type node struct {
	path string
	v    any
	fs   *Faults
}

func (n node) fault(format string, args ...any) {
	f := Fault{Path: n.path, Text: fmt.Sprintf(format, args...)}
	if !slices.Contains(*n.fs, f) {
		*n.fs = append(*n.fs, f)
	}
}

// want notes that n is not what was wanted.
func (n node) want(what string) {
	if n.v == nil {
		n.fault("is missing, want %s", what)
		return
	}
	var got string
	switch v := n.v.(type) {
	case object:
		got = "an object"
	case []any:
		got = "a list"
	case string:
		got = fmt.Sprintf("%q", v)
	default:
		got = fmt.Sprint(v)
	}
	n.fault("got %s, want %s", got, what)
}

func (n node) object() (object, bool) {
	o, ok := n.v.(object)
	if !ok {
		n.want("an object")
	}
	return o, ok
}

// once notes every key that is given twice, here and below.
func (n node) once() {
	switch v := n.v.(type) {
	case object:
		for _, k := range v.repeated {
			node{n.path + "." + k, nil, n.fs}.fault("is given twice")
		}
		for _, k := range slices.Sorted(maps.Keys(v.m)) {
			n.key(k).once()
		}
	case []any:
		for _, e := range n.items() {
			e.once()
		}
	}
}

// only notes every key that is not among keys.
func (n node) only(keys ...string) {
	o, _ := n.object()
	var unknown []string
	for k := range o.m {
		if !slices.Contains(keys, k) {
			unknown = append(unknown, k)
		}
	}
	slices.Sort(unknown)
	for _, k := range unknown {
		node{n.path + "." + k, nil, n.fs}.fault("is unknown, want one of %s", strings.Join(keys, ", "))
	}
}

func (n node) key(k string) node {
	o, _ := n.v.(object)
	return node{n.path + "." + k, o.m[k], n.fs}
}

func (n node) items() []node {
	l, ok := n.v.([]any)
	if !ok {
		n.want("a list")
	}
	out := make([]node, len(l))
	for i, v := range l {
		out[i] = node{fmt.Sprintf("%s[%d]", n.path, i), v, n.fs}
	}
	return out
}

func (n node) text() string {
	s, ok := n.v.(string)
	if !ok || s == "" || len(s) > 256 || strings.ContainsAny(s, "\x00\n") {
		n.want("a text of 1 to 256 bytes in one line")
		return ""
	}
	return s
}

// texts reads a list of texts.
func texts(n node) []string {
	var out []string
	for _, e := range n.items() {
		out = append(out, e.text())
	}
	return out
}

func (n node) truth() bool {
	b, ok := n.v.(bool)
	if !ok {
		n.want("true or false")
	}
	return b
}

// file reads the path of a device file.
func (n node) file() string {
	s, ok := n.v.(string)
	if !ok || !strings.HasPrefix(s, "/") || len(s) > 256 || strings.ContainsAny(s, "\x00\n") {
		n.want("a path from /")
		return ""
	}
	return s
}

// deviceOf reads the name of a device of d that is of class c.
func (n node) deviceOf(d *Board, c Class) string {
	name := n.name()
	if x, ok := d.named(name); name != "" && (!ok || x.Class != c) {
		n.fault("got %q, want the name of a device of class %s of this board", name, c)
		return ""
	}
	return name
}

func (n node) name() string {
	s, ok := n.v.(string)
	if !ok || !nameForm.MatchString(s) {
		n.want("a name of lower-case letters, digits and hyphens")
		return ""
	}
	return s
}

func (n node) oneOf(words ...string) string {
	s, ok := n.v.(string)
	if !ok || !slices.Contains(words, s) {
		n.want("one of " + strings.Join(words, ", "))
		return ""
	}
	return s
}

func (n node) number(lo, hi float64) float64 {
	j, ok := n.v.(json.Number)
	f, err := j.Float64()
	if !ok || err != nil || math.IsNaN(f) || f < lo || f > hi {
		n.want(fmt.Sprintf("a number from %g to %g", lo, hi))
		return 0
	}
	return f
}

func (n node) integer(lo, hi int) int {
	j, ok := n.v.(json.Number)
	i, err := j.Int64()
	if !ok || err != nil || i < int64(lo) || i > int64(hi) {
		n.want(fmt.Sprintf("a whole number from %d to %d", lo, hi))
		return 0
	}
	return int(i)
}
