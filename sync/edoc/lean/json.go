package lean

import (
	"errors"
)

// A document in JSON is written as its structure and then its values. The
// structure is every name followed by what it names: " a string, # a number, {
// and [ what is up to the } and ] that belong to them. Spaces, line ends, commas
// and quotes follow (edoc.md, ED-DOC-1).
const (
	aString = '"'
	aNumber = '#'
)

// maxDepth is how deep a document may be nested.
const maxDepth = 8

// json writes document.json. False: it is not in the one form.
func (s *shrinker) json(doc []byte) bool {
	values := &shrinker{}
	r := jsonReader{in: doc, s: s, values: values}
	if !r.value(0) || s.text[0] != '{' {
		return false
	}
	s.text, s.raw, s.at = append(s.text, values.text...), values.raw, values.at
	return true // what is left of doc is looked at when it is grown
}

// jsonReader goes through a document and passes over what follows.
type jsonReader struct {
	in     []byte
	s      *shrinker // takes the structure
	values *shrinker
}

func (r *jsonReader) value(depth int) bool {
	c, ok := r.next()
	if !ok || depth > maxDepth {
		return false
	}
	switch {
	case c == '"':
		v, ok := r.quoted()
		if ok {
			r.s.text = append(r.s.text, aString)
			r.values.value(v)
		}
		return ok
	case c == '{' || c == '[':
		return r.nest(c, depth)
	case isNumber(c):
		r.s.text = append(r.s.text, aNumber)
		for len(r.in) > 0 && isNumber(c) {
			r.values.text = append(r.values.text, c)
			if r.in = r.in[1:]; len(r.in) > 0 {
				c = r.in[0]
			}
		}
		r.values.text = append(r.values.text, 0)
		return true
	}
	return false
}

func (r *jsonReader) nest(open byte, depth int) bool {
	end := open + 2 // of { and of [
	r.s.text, r.in = append(r.s.text, open), r.in[1:]
	for {
		c, ok := r.next()
		switch {
		case !ok:
			return false
		case c == end:
			r.s.text, r.in = append(r.s.text, end), r.in[1:]
			return true
		case c == ',':
			r.in = r.in[1:]
			continue
		}
		if open == '{' && !r.name() {
			return false
		}
		if !r.value(depth + 1) {
			return false
		}
	}
}

func (r *jsonReader) name() bool {
	name, ok := r.quoted()
	if c, more := r.next(); !ok || !more || c != ':' || name == "" {
		return false
	}
	r.in = r.in[1:]
	for _, c := range []byte(name) {
		if !inName(c) {
			return false
		}
	}
	r.s.text = append(r.s.text, name...)
	return true
}

// next passes over spaces and line ends.
func (r *jsonReader) next() (byte, bool) {
	for len(r.in) > 0 && (r.in[0] == ' ' || r.in[0] == '\n') {
		r.in = r.in[1:]
	}
	if len(r.in) == 0 {
		return 0, false
	}
	return r.in[0], true
}

// quoted returns what is between quotes, with its escapes.
func (r *jsonReader) quoted() (string, bool) {
	if len(r.in) == 0 || r.in[0] != '"' {
		return "", false
	}
	for i := 1; i < len(r.in); i++ {
		switch c := r.in[i]; {
		case c < ' ':
			return "", false
		case c == '\\':
			i++
		case c == '"':
			v := string(r.in[1:i])
			r.in = r.in[i+1:]
			return v, true
		}
	}
	return "", false
}

func isNumber(c byte) bool { return c >= '0' && c <= '9' || c == '-' }

func inName(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.'
}

// json reads a document.
func (g *grower) json() ([]byte, error) {
	structure, err := g.structure()
	if err != nil {
		return nil, err
	}
	w := jsonWriter{g: g, structure: structure, out: make([]byte, 0, 2<<10)}
	if err := w.value(0); err != nil {
		return nil, err
	}
	w.out = append(w.out, '\n')
	return w.out, g.spend(len(w.out))
}

// structure takes the structure of a document off Text: as far as what it opens
// is open.
func (g *grower) structure() ([]byte, error) {
	depth := 0
	for i, c := range g.text {
		switch c {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if depth == 0 {
			return g.takeText(i + 1)
		}
	}
	return nil, errShort
}

// jsonWriter writes the one form of a document.
type jsonWriter struct {
	g         *grower
	structure []byte
	out       []byte
}

var errStructure = errors.New("the structure of the document is broken")

func (w *jsonWriter) value(depth int) error {
	if len(w.structure) == 0 || depth > maxDepth || len(w.out) > MaxContainer {
		return errStructure
	}
	c := w.structure[0]
	w.structure = w.structure[1:]
	switch c {
	case aString:
		v, err := w.g.value()
		w.out = append(append(append(w.out, '"'), v...), '"')
		return err
	case aNumber:
		v, err := w.g.zeroed()
		w.out = append(w.out, v...)
		return err
	case '{', '[':
		return w.nest(c, depth)
	}
	return errStructure
}

func (w *jsonWriter) nest(open byte, depth int) error {
	end := open + 2
	w.out = append(w.out, open)
	for n := 0; ; n++ {
		if len(w.structure) == 0 {
			return errStructure
		}
		if w.structure[0] == end {
			w.structure = w.structure[1:]
			if n > 0 {
				w.line(depth)
			}
			w.out = append(w.out, end)
			return nil
		}
		if n > 0 {
			w.out = append(w.out, ',')
		}
		w.line(depth + 1)
		if open == '{' {
			w.name()
		}
		if err := w.value(depth + 1); err != nil {
			return err
		}
	}
}

// line begins a line.
func (w *jsonWriter) line(depth int) {
	w.out = append(w.out, '\n')
	for range depth {
		w.out = append(w.out, ' ')
	}
}

func (w *jsonWriter) name() {
	n := 0
	for n < len(w.structure) && inName(w.structure[n]) {
		n++
	}
	w.out = append(append(append(w.out, '"'), w.structure[:n]...), '"', ':', ' ')
	w.structure = w.structure[n:]
}
